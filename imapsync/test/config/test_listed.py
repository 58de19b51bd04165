"""
Tests for L{imapsync.config.listed}.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.ini import parse
from imapsync.config.listed import AccountTemplate, Listed, Taken, listed
from imapsync.config.paths import Files
from imapsync.config.rows import Row, Table
from imapsync.config.rows import parse as rowsOf
from imapsync.config.settings import GRAMMAR, Config
from imapsync.errors import ConfigError
from imapsync.model import Side
from imapsync.system.process import argumentsOf

ENVIRON = {"HOME": "/home/me", "XDG_DATA_HOME": "/data"}
ACCOUNTS = "[accounts]\nlist = users.csv\n"
LOCAL = "[local]\ntype = tunnel\ncommand = doveadm exec imap -u {user}\n"
REMOTE = "[remote]\nhost = {host}\nusername = {user}\npassword = {password}\n"
TEMPLATE = ACCOUNTS + LOCAL + REMOTE
HEADER = "user,host,password\n"

#: What is in lists, and what should not be.
VALUES = st.one_of(
    st.text(),
    st.sampled_from(
        ["", ".", "..", "../../etc/x", "-oProxy", "a b", "$(id)", "';id;'", "{host}"]
    ),
    st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.org", fullmatch=True),
)


def pattern(template: str, table: Table) -> AccountTemplate:
    """
    What makes configurations of the rows in C{table}.
    """
    sections = parse("/etc/c", template.encode(), GRAMMAR)
    return AccountTemplate(
        sections, table.columns, ENVIRON, Files(ENVIRON, lambda: "/etc")
    )


def accounts(template: str, text: str, header: bool | None = None) -> Listed:
    """
    The accounts of a list with this C{text}.
    """
    table = rowsOf("/etc/users.csv", text.encode(), header)
    return listed(pattern(template, table), table, Taken(set(), {}))


def one(template: str, *values: str) -> Config:
    """
    The configuration of a row with these C{values}.

    @raise ConfigError: if it is bad.
    """
    places = {"user": 0, "host": 1, "password": 2}
    made = pattern(template, Table(places, None, (), ()))
    return made.config(Row(1, values), "name")


class ListedTests(SynchronousTestCase):
    """
    Tests for L{listed}.
    """

    def assertBad(self, found: Listed, *texts: str) -> None:
        """
        Assert that rows are left out for these reasons.
        """
        begun = [
            f"{bad.line}: {bad.why}"[: len(text)]
            for bad, text in zip(found.bad, texts, strict=True)
        ]
        self.assertEqual([*texts], begun)

    def test_filled(self) -> None:
        """
        Each row has its configuration, called after its user.
        """
        found = accounts(TEMPLATE, f"{HEADER}a@x,h,s\nb@x,i,t\n")
        self.assertEqual(["a@x", "b@x"], [*found.configs])
        self.assertBad(found)
        config = found.configs["b@x"]
        self.assertEqual("/etc/c", config.path)
        self.assertEqual("/data/imapsync/b@x@i.db", config.database)
        self.assertEqual("", config.older)
        local, remote = (config.servers[side] for side in Side)
        self.assertEqual("doveadm exec imap -u b@x", local.command)
        self.assertEqual(("i", "b@x", "t"), (remote.host, *remote[8:10]))
        self.assertIn("IMAPSYNC_COLUMN_HOST=i", local.environment)
        self.assertNotIn("=t", "".join(local.environment))
        self.assertEqual((), remote.environment)
        self.assertNotIn("=t", repr(config))

    def test_plain(self) -> None:
        """
        A list of users is enough; a name may be made of anything.
        """
        template = (
            "database = {user.domain}/{user}.db\n[accounts]\nlist = a\n"
            f"name = {{user.local}}!\n{LOCAL}[remote]\nusername = m\npassword = {{{{\n"
            "authorize-as = {user}\n"
        )
        found = accounts(template, "a@x\nb@y\n")
        self.assertEqual(["a!", "b!"], [*found.configs])
        config = found.configs["a!"]
        self.assertEqual("/data/imapsync/x/a@x.db", config.database)
        self.assertEqual("{", config.servers[Side.REMOTE].password)
        self.assertEqual("a@x", config.servers[Side.REMOTE].authorizeAs)

    def test_bad(self) -> None:
        """
        Rows that are wrong are left out, each with its reason and, if it is known, its
        name; the others go on.
        """
        found = accounts(
            TEMPLATE,
            f"{HEADER}a,h,s\nb,h/,s\nc,h\nd,h,s,t\ne,h,\nf g,h,s\na,i,s\n,h,s\nz,h,s\n",
        )
        self.assertEqual(["a", "z"], [*found.configs])
        self.assertBad(
            found,
            "3: host in [remote] must be a host's name or address and nothing else, ",
            "4: has 2 values, but the first line has 3: add what is missing; values h",
            "5: has 4 values, but the first line has 3: put double quotes around a v",
            "6: password in [remote] must not be empty",
            "7: command in [local] takes from a list only letters, digits and @%+:._-",
            '8: the name "a" is that of another account: remove one, or give each its',
            "9: has no name for the account",
        )
        names = [bad.name for bad in found.bad]
        self.assertEqual(["b", "", "", "e", "f g", "a", ""], names)

    def test_width(self) -> None:
        """
        Without a header, a row has as many values as are used: of one with more, the
        value with a comma would be cut.
        """
        template = TEMPLATE.replace("{host}", "{2}").replace("{password}", "{3}")
        found = accounts(template, 'a,h,s\nb,h,s,t\nc,h,"s,t"\nd\n')
        self.assertEqual(["a", "c"], [*found.configs])
        self.assertBad(
            found,
            "2: has 4 values, but 3 are used: put double quotes around a value with a"
            " comma, or name all columns in a first line",
            "4: has 1 value, but 3 are used: add what is missing; values have commas",
        )
        found = accounts(f"{ACCOUNTS}{LOCAL}[remote]\n", "a,b\nc\n")
        self.assertBad(found, "1: has 2 values, but 1 is used: put ")

    def test_database(self) -> None:
        """
        Two rows cannot have one database.
        """
        found = accounts(f"database = a.db\n{TEMPLATE}", f"{HEADER}a,h,s\nb,h,s\n")
        self.assertEqual(["a"], [*found.configs])
        self.assertBad(found, '3: has the same database as "a": give each its own with')
        self.assertEqual("b", found.bad[0].name)

    def test_capitals(self) -> None:
        """
        Nor can they be about the same two accounts: each message would be doubled.
        """
        found = accounts(TEMPLATE, f"{HEADER}a,h,s\nA,H,t\nb,h,s\na@x,h,s\nA,i,s\n")
        self.assertEqual(["a", "b", "a@x", "A"], [*found.configs])
        self.assertBad(
            found, '3: is about the same two accounts as "a", whether letters are small'
        )
        self.assertEqual("A", found.bad[0].name)
        template = TEMPLATE.replace("-u {user}", '-u "$IMAPSYNC_USER"').replace(
            "username = {user}", "username = m"
        )
        found = accounts(f"database = {{user}}\n{template}", f"{HEADER}a,h,s\nb,h,s\n")
        self.assertEqual(["a", "b"], [*found.configs])

    def test_parts(self) -> None:
        """
        Two rows may be about two parts of one account.
        """
        template = f"database = {{user}}\n{ACCOUNTS}{LOCAL.replace('{user}', 'm')}"
        template += "[remote]\nusername = m\nlist-reference = {2}/\n"
        found = accounts(template, "a,x\nb,y\n")
        self.assertEqual(["a", "b"], [*found.configs])

    def test_together(self) -> None:
        """
        Options that do not go together, though each is right, cost the row, too.
        """
        template = f"{ACCOUNTS}[local]\nusername={{1}}\n[remote]\nusername={{2}}\n"
        found = accounts(template, "a,b\nc,c\n")
        self.assertEqual(["a"], [*found.configs])
        self.assertBad(
            found, "2: /etc/c:5: host in [remote] leads to the same account as that in"
        )

    def test_wrong(self) -> None:
        """
        A template that is wrong for all is refused where it stands.
        """
        for line, message in (
            (
                "username = {usr}",
                "/etc/c:7: username in [remote] has {usr}, but the l",
            ),
            ("password = a{b", "/etc/c:7: password in [remote] has a brace that is no"),
            ("trash = {user}", "/etc/c:7: trash in [remote] can have no placeholder"),
        ):
            template = f"{ACCOUNTS}{LOCAL}[remote]\n{line}\n"
            error = self.assertRaises(ConfigError, accounts, template, "a\n")
            self.assertEqual(message, str(error)[: len(message)])

    def test_patterns(self) -> None:
        """
        Options that say which mailboxes there are serve all rows.
        """
        for line in "list-mailbox = INBOX", "ignore-mailbox = ^Trash":
            found = accounts(f"{line}\n{TEMPLATE}", f"{HEADER}a,h,s\nb,h,s\n")
            self.assertEqual(["a", "b"], [*found.configs])

    def test_braces(self) -> None:
        """
        Where there can be no placeholder, a brace is nothing special.
        """
        template = f"ignore-mailbox = ^x{{2}}$\n{TEMPLATE}"
        ignored = one(template, "a", "h", "s").ignoreMailbox
        self.assertEqual("^x{2}$", ignored and ignored.pattern)

    def test_secrets(self) -> None:
        """
        It is known where passwords are.
        """
        table = Table({"user": 0, "password": 1, "host": 2}, None, (), ())
        for text, lists, holds in (
            (TEMPLATE, True, False),
            (TEMPLATE.replace("{password}", "secret"), False, True),
            (TEMPLATE.replace("{password}", "keyring:a/b"), False, False),
            (f"{TEMPLATE}proxy = socks5://a:b@c\n", True, True),
            (f"{TEMPLATE}proxy = socks5://c\n", True, False),
        ):
            made = pattern(text, table)
            self.assertEqual((lists, holds), (made.listsSecrets, made.holdsSecrets))

    def test_keyring(self) -> None:
        """
        Which entry of the keyring is meant, a list cannot say.
        """
        for text, value in (("{password}", "keyring:a/b"), ("keyring:x/{1}", "a/b")):
            template = TEMPLATE.replace("{password}", text).replace(LOCAL, "[local]\n")
            self.assertRaises(ConfigError, one, template, value, "h", value)
        template = TEMPLATE.replace("{password}", "keyring:x/{1}")
        config = one(template, "a", "h", "")
        self.assertEqual(("x", "a"), config.servers[Side.REMOTE].keyring)

    def test_authorize(self) -> None:
        """
        Who is to ask for a token is told for which account.
        """
        oauth = "oauth2 = google\noauth2-client-id = x\n"
        template = TEMPLATE.replace("password = {password}\n", oauth)
        client = one(template, "a", "h", "").servers[Side.REMOTE].oauth2
        self.assertEqual(
            "imapsync --authorize=remote --config=/etc/c --account=name",
            client and client.mend,
        )

    def test_once(self) -> None:
        """
        What the template says by itself is looked at once, not for each row: there may
        be thousands.
        """
        file = Path(self.mktemp()).absolute()
        file.touch()
        template = f"{TEMPLATE}SSL_ca_file = {file}\n"
        made = pattern(template, rowsOf("l", HEADER.encode()))
        made.config(Row(1, ("a", "h", "s")), "a")
        file.unlink()
        made.config(Row(2, ("b", "h", "s")), "b")
        self.assertRaises(ConfigError, one, template, "a", "h", "s")


class DataTests(SynchronousTestCase):
    """
    What a list says is data, whatever that is.
    """

    def made(self, template: str, *values: str) -> Config | None:
        """
        The configuration of a row, if that is a good one.
        """
        try:
            return one(template, *values)
        except ConfigError:
            return None

    @given(VALUES)
    def test_word(self, value: str) -> None:
        """
        A command, with a shell or without, gets it as exactly one word, and nothing
        else is another one for it.
        """
        for command in ("a -u {user} b", "a -u '{user}' b", "a -u {user} b | cat"):
            template = TEMPLATE.replace("doveadm exec imap -u {user}", command)
            config = self.made(template, value, "h", "s")
            if config is None:
                continue
            words = argumentsOf(config.servers[Side.LOCAL].command or "")
            if words[0] == "/bin/sh":
                words = shlex.split(words[2])
            usual = shlex.split(command.replace("{user}", "me"))
            usual[2] = value
            self.assertEqual(usual, words)
            self.assertNotEqual("-", value[0])

    @given(VALUES, VALUES)
    def test_folder(self, user: str, host: str) -> None:
        """
        The database is in the folder that the template says, and nothing else is.
        """
        for database, folder in (
            ("{user}.db", "/data/imapsync"),
            ("{user}", "/data/imapsync"),
            ("/var/x/{host}{user}", "/var/x"),
            ("~/{user}-{host}.db", "/home/me"),
        ):
            template = f"database = {database}\n{ACCOUNTS}[local]\n[remote]\n"
            config = self.made(template, user, host, "")
            if config is not None:
                self.assertEqual(config.database, os.path.normpath(config.database))
                path = Path(config.database)
                self.assertEqual(Path(folder), path.parent)
                self.assertNotIn("\0", path.name)
                self.assertLessEqual(len(path.name.encode()), 240)

    @given(VALUES, VALUES)
    def test_below(self, user: str, host: str) -> None:
        """
        Where a folder is named after it, too, that is one below.
        """
        template = f"database = /var/x/{{host}}/{{user}}\n{ACCOUNTS}[local]\n[remote]\n"
        config = self.made(template, user, host, "")
        if config is not None:
            self.assertEqual(config.database, os.path.normpath(config.database))
            self.assertEqual(Path("/var/x"), Path(config.database).parent.parent)

    @given(VALUES, VALUES, VALUES)
    def test_options(self, user: str, host: str, password: str) -> None:
        """
        It changes the options that it is for, and no other.
        """
        template = f"{ACCOUNTS}[local]\n{REMOTE}"
        usual = one(template, "me", "h", "s").servers[Side.REMOTE]
        config = self.made(template, user, host, password)
        if config is None:
            return
        remote = config.servers[Side.REMOTE]
        self.assertEqual((user, password), (remote.username, remote.password))
        same = remote._replace(host="h", username="me", password="s")
        self.assertEqual(usual, same)
