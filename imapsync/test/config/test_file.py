"""
Tests for L{imapsync.config.file}.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.file import Config, ServerConfig, TLSConfig, load, loadAll, locate
from imapsync.errors import ConfigError, NotFound
from imapsync.model import Side

LOCAL = "[local]\ntype = tunnel\ncommand = doveadm exec imap\n"
REMOTE = "[remote]\nhost = imap.example.net\nusername = me\npassword = secret\n"


class ConfigTestCase(SynchronousTestCase):
    """
    Makes configuration files.
    """

    def setUp(self) -> None:
        """
        Make a folder for them.
        """
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.file = self.folder / "config"
        self.environ = {"HOME": "/home/me"}

    def load(self, text: str, mode: int = 0o600) -> Config:
        """
        What a file with this C{text} means.
        """
        self.file.write_text(text, "utf-8")
        self.file.chmod(mode)
        return load(str(self.file), self.environ)

    def remote(self, text: str) -> ServerConfig:
        """
        What these lines in C{[remote]} mean.
        """
        return self.load(f"{LOCAL}[remote]\n{text}").servers[Side.REMOTE]

    def assertWrong(self, text: str, message: str) -> None:
        """
        Assert that a file is refused with C{message}.
        """
        error = self.assertRaises(ConfigError, self.load, text)
        self.assertEqual(f"{self.file}:{message}", str(error))

    def assertWrongRemote(self, text: str, message: str) -> None:
        """
        Assert that lines in C{[remote]} are refused with C{message}, given
        the number among these lines of the one at fault (0: the heading).
        """
        number, _, rest = message.partition(":")
        line = int(number) + LOCAL.count("\n") + 1
        self.assertWrong(f"{LOCAL}[remote]\n{text}", f"{line}:{rest}")


class LocateTests(ConfigTestCase):
    """
    Tests for L{locate}.
    """

    def test_default(self) -> None:
        """
        The default is a file in a folder of its own.
        """
        self.assertEqual("/home/me/.config/imapsync/config", locate(None, self.environ))

    def test_defaultFile(self) -> None:
        """
        If the default folder is a file, it is that.
        """
        environ = {"XDG_CONFIG_HOME": str(self.folder)}
        path = self.folder / "imapsync"
        self.assertEqual(f"{path}/config", locate(None, environ))
        path.touch()
        self.assertEqual(str(path), locate(None, environ))

    def test_named(self) -> None:
        """
        A relative name starts from the base directory, not from the present
        one.
        """
        for name, path in (
            ("work", "/home/me/.config/work"),
            ("./work", "/home/me/.config/work"),
            ("/etc/work", "/etc/work"),
            ("~/work", "/home/me/work"),
        ):
            self.assertEqual(path, locate(name, self.environ))


class FileTests(ConfigTestCase):
    """
    Tests for how L{load} treats the file.
    """

    def test_missing(self) -> None:
        """
        A file that does not exist is not found.
        """
        error = self.assertRaises(NotFound, load, str(self.file), self.environ)
        self.assertIn(f"{self.file}: there is no such configuration", str(error))

    def test_unreadable(self) -> None:
        """
        A file that cannot be read is told with the reason.
        """
        error = self.assertRaises(NotFound, load, str(self.folder), self.environ)
        self.assertEqual(f"{self.folder}: cannot be read: Is a directory", str(error))

    def test_large(self) -> None:
        """
        A file far too large is refused instead of read.
        """
        error = self.assertRaises(ConfigError, load, "/dev/zero", self.environ)
        self.assertEqual("/dev/zero: too large for a configuration file", str(error))

    def test_exposed(self) -> None:
        """
        There is a warning about a password that others can read.
        """
        for mode in (0o640, 0o604):
            self.assertEqual(
                (
                    f"{self.file}: others can read the password in it:"
                    " make it mode 0600",
                ),
                self.load(LOCAL + REMOTE, mode).warnings,
            )

    def test_notExposed(self) -> None:
        """
        There is none about a file that only its owner can read, nor about one
        without a password.
        """
        self.assertEqual((), self.load(LOCAL + REMOTE, 0o600).warnings)
        harmless = REMOTE.replace("password =", "password-command =")
        self.assertEqual((), self.load(LOCAL + harmless, 0o644).warnings)

    def test_noSection(self) -> None:
        """
        Both servers must be there.
        """
        for side, text in (("local", REMOTE), ("remote", LOCAL)):
            error = self.assertRaises(ConfigError, self.load, text)
            self.assertEqual(
                f"{self.file}: there is no section [{side}]: add it", str(error)
            )

    def test_syntax(self) -> None:
        """
        Wrong syntax is told by file and line.
        """
        self.assertWrong(
            "datebase = x",
            '1: unknown option "datebase" in the default section;'
            " did you mean database?",
        )


class SeveralTests(ConfigTestCase):
    """
    Tests for L{loadAll}.
    """

    def write(self, name: str, database: str) -> str:
        """
        Write a configuration.
        """
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"database = {database}\n{LOCAL}{REMOTE}")
        path.chmod(0o600)
        return str(path)

    def test_names(self) -> None:
        """
        A single one needs no name; several are called as their files, with the
        folder where that is not enough.
        """
        a, b = self.write("a.conf", "/a"), self.write("b", "/b")
        self.assertEqual([""], list(loadAll([a], self.environ)))
        self.assertEqual(["a", "b"], list(loadAll([a, b], self.environ)))
        other = self.write("sub/a", "/c")
        self.assertEqual([a, b, other], list(loadAll([a, b, other], self.environ)))

    def test_default(self) -> None:
        """
        Without any, it is the default one.
        """
        environ = {"HOME": "/home/me", "XDG_CONFIG_HOME": str(self.folder)}
        path = self.write("imapsync/config", "/a")
        self.assertEqual(path, loadAll([], environ)[""].path)

    def test_sameDatabase(self) -> None:
        """
        Two cannot share a database, whatever they call it.
        """
        link = self.folder / "link"
        link.symlink_to("/a")
        a, b = self.write("a", "/a"), self.write("b", str(link))
        for files in ([a, b], [a, a]):
            error = self.assertRaises(ConfigError, loadAll, files, self.environ)
            self.assertIn(f"{a} has the same database", str(error))


class DefaultSectionTests(ConfigTestCase):
    """
    Tests for the default section.
    """

    def test_defaults(self) -> None:
        """
        Nothing need be given there.
        """
        config = self.load(LOCAL + REMOTE)
        self.assertEqual(
            Config(
                path=str(self.file),
                database="/home/me/.local/share/imapsync/me@imap.example.net.db",
                older="/home/me/.local/share/imapsync/imap.example.net.db",
                listMailbox=("*",),
                listSelectOpts=("SUBSCRIBED",),
                ignoreMailbox=None,
                logfile=None,
                mergeFlags=False,
                mapSpecialUse=False,
                servers=config.servers,
            ),
            config,
        )

    def test_all(self) -> None:
        """
        Each option has its value.
        """
        config = self.load(
            'list-mailbox = INBOX "a b"\nlist-select-opts =\n'
            "ignore-mailbox = ^Trash\nlogfile = log\nflag-conflict = merge\n"
            "connections = 4\nmap-special-use = YES\n" + LOCAL + REMOTE
        )
        self.assertEqual(("INBOX", "a b"), config.listMailbox)
        self.assertEqual((), config.listSelectOpts)
        assert config.ignoreMailbox is not None
        self.assertEqual("^Trash", config.ignoreMailbox.pattern)
        self.assertEqual(f"{self.folder}/log", config.logfile)
        self.assertTrue(config.mergeFlags)
        self.assertEqual(4, config.connections)
        self.assertTrue(config.mapSpecialUse)

    def test_database(self) -> None:
        """
        A relative database name starts from the base directory for data.
        """
        self.environ["XDG_DATA_HOME"] = "/data"
        for value, path in (
            ("a.db", "/data/imapsync/a.db"),
            ("/a.db", "/a.db"),
            ("~/a.db", "/home/me/a.db"),
        ):
            config = self.load(f"database = {value}\n{LOCAL}{REMOTE}")
            self.assertEqual((path, ""), (config.database, config.older))

    def test_databaseHost(self) -> None:
        """
        The default name is the remote server's user and host, else the local
        one's, else localhost; the host of a tunnel is only good for this.  Before,
        it was the host alone.
        """
        server = "[{}]\nhost = {}\nusername = me\npassword = secret\n"
        tunnel = "[{}]\ntype = tunnel\ncommand = {}\n"
        named = "[{0}]\ntype = tunnel\ncommand = {1}\nhost = {1}\nport = 1\n"
        bare = "[{}]\nusername = me\npassword = secret\n"
        for local, remote, name, host in (
            (server, server, "me@b", "b"),
            (server, tunnel, "me@a", "a"),
            (tunnel, tunnel, "localhost", "localhost"),
            (server, named, "b", "b"),
            (named, tunnel, "a", "a"),
            (bare, tunnel, "me@localhost", "localhost"),
            (tunnel, bare, "me@localhost", "localhost"),
        ):
            config = self.load(
                local.format("local", "a") + remote.format("remote", "b")
            )
            self.assertEqual((), config.warnings)
            folder = "/home/me/.local/share/imapsync"
            self.assertEqual(f"{folder}/{name}.db", config.database)
            self.assertEqual(f"{folder}/{host}.db", config.older)

    def test_wrong(self) -> None:
        """
        Wrong values are told by file and line, and what is not there yet too.
        """
        for line, message in (
            ("flag-conflict = both", 'must be union or merge, not "both"'),
            ("connections = 0", 'must be a number, 1 or more, not "0"'),
            ("map-special-use = maybe", 'must be YES or NO, not "maybe"'),
            ("database =", "must not be empty"),
        ):
            self.assertWrong(
                f"\n{line}\n{LOCAL}{REMOTE}",
                f"2: {line.split()[0]} in the default section {message}",
            )


class ServerTests(ConfigTestCase):
    """
    Tests for the servers' sections.
    """

    def test_defaults(self) -> None:
        """
        A server needs no more than credentials.
        """
        self.assertEqual(
            ServerConfig(
                side=Side.REMOTE,
                type="imaps",
                host="localhost",
                port=993,
                command=None,
                nullStderr=False,
                starttls=False,
                auth=("PLAIN", "LOGIN"),
                username="me",
                password="secret",
                passwordCommand=None,
                tls=TLSConfig(),
                readOnly=False,
                listReference="",
                compress=True,
            ),
            self.remote("username = me\npassword = secret"),
        )

    def test_tunnel(self) -> None:
        """
        A tunnel needs a command only.
        """
        server = self.remote("type = tunnel\ncommand = x y\nnull-stderr = YES")
        self.assertEqual("x y", server.command)
        self.assertTrue(server.nullStderr)
        self.assertEqual(("", 0, None), (server.host, server.port, server.username))
        self.assertFalse(server.starttls)

    def test_imap(self) -> None:
        """
        Type imap has its own port, and STARTTLS unless told otherwise.
        """
        login = "type = imap\nusername = me\npassword = secret\n"
        server = self.remote(login)
        self.assertEqual((143, True), (server.port, server.starttls))
        server = self.remote(login + "STARTTLS = NO\nport = 1143")
        self.assertEqual((1143, False), (server.port, server.starttls))

    def test_others(self) -> None:
        """
        The remaining options have their values.
        """
        server = self.remote(
            "username = me\npassword-command = pass show imap\nauth = LOGIN\n"
            "read-only = YES\nlist-reference = perso/\ncompress = NO\nSTARTTLS = NO\n"
            "trash = Gone/Bin"
        )
        self.assertEqual("pass show imap", server.passwordCommand)
        self.assertEqual(("LOGIN",), server.auth)
        self.assertTrue(server.readOnly)
        self.assertEqual("perso/", server.listReference)
        self.assertFalse(server.compress)
        self.assertEqual("Gone/Bin", server.trash)

    def test_compress(self) -> None:
        """
        What goes far is compressed, if nothing else is said.
        """
        login = "[{}]\nusername = {}\npassword = secret\ncompress = YES\n"
        servers = self.load(LOCAL + REMOTE).servers
        self.assertFalse(servers[Side.LOCAL].compress)
        self.assertTrue(servers[Side.REMOTE].compress)
        servers = self.load(login.format("local", "me") + REMOTE).servers
        self.assertTrue(servers[Side.LOCAL].compress)

    def test_trash(self) -> None:
        """
        What would be expunged cannot be moved to INBOX, nor to nowhere.
        """
        for value, why in (
            ("inbox", "must not be INBOX, into which everything would come back"),
            ("", "must not be empty"),
        ):
            text = f"username = me\npassword = x\ntrash = {value}"
            self.assertWrongRemote(text, f"3: trash in [remote] {why}")

    def test_where(self) -> None:
        """
        Messages can name a server.
        """
        server = self.remote("username = me\npassword = secret")
        self.assertEqual("remote (imaps://localhost:993)", server.where)
        server = dataclasses.replace(server, host="::1", port=1)
        self.assertEqual("remote (imaps://[::1]:1)", server.where)
        server = dataclasses.replace(server, type="tunnel", side=Side.LOCAL)
        self.assertEqual("local (tunnel)", server.where)

    def test_repr(self) -> None:
        """
        A configuration shows no password.
        """
        self.assertNotIn("secret", repr(self.load(LOCAL + REMOTE)))

    def test_credentials(self) -> None:
        """
        A password needs a user name, and has one source.
        """
        for option in ("password", "password-command"):
            self.assertWrongRemote(
                f"{option} = x",
                f"0: username in [remote] is missing: {option} needs it",
            )
        self.assertWrongRemote(
            "username = me\npassword = x\npassword-command = y",
            "3: password-command in [remote] and password exclude each other",
        )

    def test_noCredentials(self) -> None:
        """
        Whether credentials are needed at all, is for the server to say; a
        tunnel's command may know the user.
        """
        for text, username in (
            ("", None),
            ("username = me", "me"),
            ("type = tunnel\ncommand = x\npassword = x", None),
        ):
            self.assertEqual(username, self.remote(text).username)

    def test_noCommand(self) -> None:
        """
        A tunnel needs its command.
        """
        self.assertWrongRemote(
            "type = tunnel",
            "0: command in [remote] is missing: type = tunnel needs it",
        )

    def assertIdle(self, text: str, line: int, option: str, why: str) -> None:
        """
        Assert that lines in C{[remote]} give a warning that C{option} in one
        of them has no effect, and nothing else.
        """
        line += LOCAL.count("\n") + 1
        self.assertEqual(
            (
                f"{self.file}:{line}: {option} in [remote] has no effect {why}:"
                " remove it",
            ),
            self.load(f"{LOCAL}[remote]\n{text}").warnings,
        )

    def test_idle(self) -> None:
        """
        There is a warning about each option without an effect.
        """
        tunnel = "type = tunnel\ncommand = x\n"
        for text, line, option, why in (
            (f"{tunnel}proxy = x", 3, "proxy", "with type = tunnel"),
            (f"{tunnel}SSL_key = config", 3, "SSL_key", "with type = tunnel"),
            ("command = x", 1, "command", "with type = imaps"),
            ("STARTTLS = YES", 1, "STARTTLS", "with type = imaps"),
            ("type = imap\nnull-stderr = NO", 2, "null-stderr", "with type = imap"),
            (
                "type = imap\nSTARTTLS = NO\nSSL_verify = NO",
                3,
                "SSL_verify_trusted_peer",
                "with STARTTLS = NO",
            ),
            (
                "SSL_verify = NO\nSSL_ca_path = .",
                2,
                "SSL_ca_path",
                "with SSL_verify_trusted_peer = NO",
            ),
            ("SSL_key = config", 1, "SSL_key", "without SSL_certificate"),
            ("read-only = YES\ntrash = x", 2, "trash", "with read-only = YES"),
        ):
            self.assertIdle(text, line, option, why)

    def test_idleCommand(self) -> None:
        """
        A command without an effect makes no tunnel.
        """
        self.assertIs(None, self.remote("command = x").command)

    def test_idleFingerprint(self) -> None:
        """
        A fingerprint that cannot be checked is a promise that cannot be kept.
        """
        option = f"SSL_fingerprint = {'0a' * 32}"
        for text, why in (
            ("type = imap\nSTARTTLS = NO", "STARTTLS = NO"),
            ("type = tunnel\ncommand = x", "type = tunnel"),
        ):
            self.assertWrongRemote(
                f"{text}\n{option}",
                f"3: SSL_fingerprint in [remote] cannot be checked with {why}",
            )

    def test_tunnelStarttls(self) -> None:
        """
        Nor can TLS be started in a tunnel.
        """
        self.assertWrongRemote(
            "type = tunnel\nSTARTTLS = YES",
            "2: STARTTLS in [remote] is only for type = imap, not tunnel",
        )
        self.remote("type = tunnel\ncommand = x\nSTARTTLS = NO")

    def test_notYet(self) -> None:
        """
        What is promised but not there yet is refused.
        """
        for option, value, message in (
            ("proxy", "socks5://localhost", "is not available yet"),
            ("auth", "PLAIN XOAUTH2", "names XOAUTH2, which is not available yet"),
        ):
            self.assertWrongRemote(
                f"username = me\npassword = secret\n{option} = {value}",
                f"3: {option} in [remote] {message}",
            )

    def test_bothReadOnly(self) -> None:
        """
        At most one side may be read-only.
        """
        self.assertWrong(
            f"{LOCAL}read-only = YES\n{REMOTE}read-only = YES\n",
            "9: read-only in [remote] is YES in [local] too: nothing could flow",
        )

    def test_sameAccount(self) -> None:
        """
        The two sides must not be the same account, unless they are different
        parts of it.
        """
        local = REMOTE.replace("remote", "local")
        self.assertWrong(
            local + REMOTE,
            "6: host in [remote] leads to the same account as that in [local]",
        )
        self.assertWrong(
            LOCAL + LOCAL.replace("local", "remote"),
            "6: command in [remote] leads to the same account as that in [local]",
        )
        self.load(f"{local}list-reference = a/\n{REMOTE}list-reference = b/")
        self.assertWrong(
            f"{local}list-reference = copy\n{REMOTE}list-reference = copy/",
            "10: list-reference in [remote] and that in [local] lie in each other,"
            " or would without the separator at their ends",
        )
