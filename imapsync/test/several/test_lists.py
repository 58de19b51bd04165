"""
Tests for L{imapsync.several.lists} and L{imapsync.several.roster}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.options import parse
from imapsync.config.limits import Limits
from imapsync.config.settings import Config
from imapsync.errors import ConfigError, ImapSyncError, NotFound, UsageError
from imapsync.model import Side
from imapsync.several.lists import Lists

TEMPLATE = """\
database = {folder}/{{user}}.db
[accounts]
{accounts}
[local]
type = tunnel
command = doveadm exec imap -u {{user}}
[remote]
host = imap.example.net
username = {{user}}
password = {{2}}
"""

PLAIN = """\
database = {folder}/{name}.db
[local]
type = tunnel
command = true
[remote]
type = tunnel
command = false
"""


class Threads:
    """
    A reactor, and its threads, in which all is done at once, or when a test says so.

    @ivar held: whether a test says so.
    @ivar work: what is to be done.
    """

    def __init__(self) -> None:
        self.held = False
        self.work: list[Callable[[], None]] = []

    def getThreadPool(self) -> Threads:
        """
        The threads.
        """
        return self

    def callFromThread(self, act: Callable[..., None], *given: Any) -> None:
        """
        Back to the reactor.
        """
        act(*given)

    def callInThreadWithCallback(
        self, tell: Callable[[bool, Any], None], work: Callable[..., Any], *given: Any
    ) -> None:
        """
        Have a thread do something.
        """

        def act() -> None:
            try:
                result = work(*given)
            except ImapSyncError:
                tell(False, Failure())
            else:
                tell(True, result)

        self.work.append(act)
        if not self.held:
            self.perform()

    def perform(self) -> None:
        """
        Do what is to be done.
        """
        while self.work:
            self.work.pop(0)()


class ListsCase(SynchronousTestCase):
    """
    Makes configurations and lists.
    """

    def setUp(self) -> None:
        """
        Make a folder for them.
        """
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.config = self.folder / "config"
        self.users = self.folder / "users.csv"
        self.told: list[str] = []
        self.threads = Threads()
        self.configure("list = users.csv")

    def configure(self, accounts: str) -> None:
        """
        Write the template.
        """
        text = TEMPLATE.format(folder=self.folder, accounts=accounts)
        self.config.write_text(text)
        self.config.chmod(0o600)

    def write(self, *names: str) -> None:
        """
        Write the list.
        """
        self.users.write_text("".join(f"{name},secret\n" for name in names))
        self.users.chmod(0o600)

    def plain(self, name: str, database: str = "") -> str:
        """
        Write a configuration of one account.

        @return: the option that names it.
        """
        text = PLAIN.format(folder=self.folder, name=database or name)
        (self.folder / name).write_text(text)
        return f"--config={self.folder}/{name}"

    def begin(self, *arguments: str) -> Mapping[str, Config]:
        """
        Load what a command line is about.
        """
        line = parse([f"--config={self.config}", *arguments])
        self.lists = Lists(line, {"HOME": str(self.folder)})
        found = self.lists.load(self.told.append)
        self.source = self.lists.source(self.threads, self.told.append)
        return found

    def again(self) -> Deferred[Mapping[str, Config]]:
        """
        Read it again.
        """

        async def read() -> Mapping[str, Config]:
            return await self.source.read()

        return Deferred.fromCoroutine(read())

    def assertRead(self, *names: str) -> None:
        """
        Assert that there are these accounts when it is read again.
        """
        self.assertEqual([*names], [*self.successResultOf(self.again())])

    def assertTold(self, *texts: str) -> None:
        """
        Assert that this was told.
        """
        begun = [
            told.replace(f"{self.folder}/", "")[: len(text)]
            for told, text in zip(self.told, texts, strict=True)
        ]
        self.assertEqual([*texts], begun)
        self.told.clear()

    def assertFails(
        self, kind: type[ImapSyncError], text: str, *arguments: str
    ) -> None:
        """
        Assert that it cannot be loaded, because of C{text}.
        """
        error = self.assertRaises(kind, self.begin, *arguments)
        found = str(error).replace(f"{self.folder}/", "")
        self.assertEqual(text, found[: len(text)])


class LoadTests(ListsCase):
    """
    Tests for L{Lists.load}.
    """

    def test_list(self) -> None:
        """
        Each row is an account.
        """
        self.write("b", "a")
        found = self.begin()
        self.assertEqual(["b", "a"], [*found])
        self.assertEqual(f"{self.folder}/a.db", found["a"].database)
        self.assertTold()
        self.assertEqual(0, self.lists.code)
        self.assertEqual((900.0, Limits(), 0, ()), self.source[1:5])

    def test_single(self) -> None:
        """
        A list of one is a list.
        """
        self.write("a")
        self.assertEqual(["a"], [*self.begin()])

    def test_noList(self) -> None:
        """
        Without one, all is as it would be.
        """
        option = self.plain("one")
        self.config.write_text((self.folder / "one").read_text())
        self.assertEqual([""], [*self.begin()])
        self.assertEqual((None, Limits(), 0, ()), self.source[1:5])
        self.assertFails(ConfigError, "one: config has the same database", option)

    def test_mixed(self) -> None:
        """
        Lists and other configurations go together; what they share, the others have.
        """
        self.write("a", "two", "one", "c")
        found = self.begin(self.plain("one", "c"), self.plain("two", "d"))
        self.assertEqual(["one", "two", "a"], [*found])
        self.assertTold(
            'users.csv:2: the name "two" is that of another account: ',
            'users.csv:3: the name "one" is that of another account: ',
            'users.csv:4: has the same database as "one": ',
        )
        self.assertEqual(1, self.lists.code)

    def test_limits(self) -> None:
        """
        Of several lists, the narrowest limits count.
        """
        self.write("a")
        self.configure("list=users.csv\nat-work=4\nlist-interval=60")
        other = self.folder / "other"
        text = self.config.read_text().replace("{user}", "{user}x")
        other.write_text(text.replace("at-work=4", "at-work=9\nname=x{user}"))
        self.configure("list=users.csv\nat-work=4\nconnections-per-host=3")
        self.assertEqual(["a", "xa"], [*self.begin(f"--config={other}")])
        self.assertEqual((60.0, Limits(4, 3)), self.source[1:3])

    def test_bad(self) -> None:
        """
        What is wrong with a row is told, and the exit code tells of it.
        """
        self.write("a", "b;c", "d")
        self.assertEqual(["a", "d"], [*self.begin()])
        self.assertEqual((1, tuple(self.told)), self.source[3:5])
        self.assertTold("users.csv:2: command in [local] takes from a list only letter")
        self.assertEqual(1, self.lists.code)

    def test_manyBad(self) -> None:
        """
        Where hardly any row is right, it is no use to name them all.
        """
        self.write("a", *(f"b;{number}" for number in range(105)))
        self.begin()
        self.assertEqual(101, len(self.told))
        self.assertTrue(self.told[-1].endswith(": 5 more rows are wrong; left out"))

    def test_nothing(self) -> None:
        """
        A list that cannot be used is an error, at the start.
        """
        self.assertFails(NotFound, "users.csv: the list of accounts cannot be read: No")
        self.write()
        self.assertFails(ConfigError, "users.csv: lists no account: write one into ea")
        self.write("b;c", "d;e")
        self.assertFails(ConfigError, "users.csv:1: command in [local] takes from a l")
        self.users.write_bytes(b"#" * (1 << 24 | 1))
        self.assertFails(ConfigError, "users.csv: too large for a list of accounts")

    def test_template(self) -> None:
        """
        So is a template that is wrong for all, which is told by itself.
        """
        self.write("a", "b")
        self.config.write_text(self.config.read_text() + "port = x\n")
        self.assertFails(ConfigError, "config:11: port in [remote] must be a number fr")

    def test_accounts(self) -> None:
        """
        Some may be chosen; then the others do not matter.
        """
        self.write("a", "b;c", "d")
        self.assertEqual(["d"], [*self.begin("--account=d")])
        self.assertEqual(0, self.lists.code)
        self.assertFails(
            NotFound,
            'there is no account "dd"; did you mean d?',
            "--account=a",
            "--account=dd",
        )
        self.assertFails(
            NotFound,
            'there is no account "zzz"; there are a, d',
            "--account=zzz",
        )
        self.write(*"abcdef")
        self.assertFails(
            NotFound,
            'there is no account "zzz"; there are a, b, c, d, e, and more',
            "--account=zzz",
        )
        self.plain("x")
        self.config.write_text((self.folder / "x").read_text())
        self.assertFails(
            NotFound,
            'there is no account "a": the configuration has no list, so leave --acc',
            "--account=a",
        )

    def test_one(self) -> None:
        """
        What is for one account only needs its name.
        """
        self.write("a", "b")
        for command in (["--authorize=remote"], ["--delete", "x"]):
            self.assertFails(
                UsageError,
                "there are 2 accounts, and that is for a single one: name it by --acc",
                *command,
            )
            self.assertEqual(["a"], [*self.begin("--account=a", *command)])

    def test_warnings(self) -> None:
        """
        What is to be said of the template is said once, and by none of the accounts.
        """
        self.write("a", "b")
        self.users.chmod(0o644)
        self.config.write_text(self.config.read_text() + "null-stderr = YES\n")
        found = self.begin()
        self.assertTold(
            "users.csv: others can read the password in it: make it mode 0600",
            "config:11: null-stderr in [remote] has no effect with type = imaps",
        )
        self.assertEqual({()}, {one.warnings for one in found.values()})

    def test_mixedUp(self) -> None:
        """
        There is a warning where one account is a side of several: all would get the
        mail of all.
        """
        self.write("a", "b")
        text = self.config.read_text()
        self.config.write_text(text.replace("username = {user}", "username = master"))
        self.begin()
        self.assertTold(
            "config: [remote] leads to the same account for 2 accounts of the list,"
            ' such as "a" and "b": each of them gets the mail of all; unless'
        )
        self.config.write_text(self.config.read_text() + "read-only = YES\n")
        self.begin()
        self.assertTold()

    def test_exposed(self) -> None:
        """
        A password in the template is told of as in any configuration.
        """
        self.write("a")
        text = self.config.read_text().replace("{2}", "secret")
        self.config.write_text(text.replace("username = {user}", "username = {2}"))
        self.config.chmod(0o644)
        self.users.chmod(0o644)
        self.begin()
        self.assertTold("config: others can read the password in it: make it mode 0600")

    def test_command(self) -> None:
        """
        A command may write the list; where it stands is told.
        """
        self.configure("list-command = printf 'a,s\\nb;,s\\n'")
        self.assertEqual(["a"], [*self.begin()])
        self.assertTold("config:3: list-command:2: command in [local] takes from a lis")
        self.configure("list-command = echo a,s; exit 3")
        self.assertFails(ConfigError, "config:3: list-command exited with status 3")


class AgainTests(ListsCase):
    """
    Tests for L{Lists.source}.
    """

    def test_changes(self) -> None:
        """
        Accounts come and go; what is the same stays so.
        """
        self.write("a", "b")
        before = self.begin()
        self.write("b", "c")
        found = self.successResultOf(self.again())
        self.assertEqual(["b", "c"], [*found])
        self.assertEqual(before["b"], found["b"])
        self.assertTold()

    def test_fails(self) -> None:
        """
        A list that cannot be read changes nothing.
        """
        self.write("a")
        self.begin()
        self.users.unlink()
        self.failureResultOf(self.again(), NotFound)
        self.write()
        self.failureResultOf(self.again(), ConfigError)
        self.write("a")
        self.assertRead("a")

    def test_bad(self) -> None:
        """
        A row that is wrong is told of once, and again if it was right meanwhile.
        """
        self.write("a", "b;")
        self.begin()
        self.assertTold("users.csv:2: ")
        self.assertRead("a")
        self.assertTold()
        self.write("a", "b;", "c;")
        self.assertRead("a")
        self.assertTold("users.csv:3: ")
        self.write("a", "b")
        self.assertRead("a", "b")
        self.assertTold()
        self.write("a", "b;")
        self.assertRead("a")
        self.assertTold("users.csv:2: ")

    def test_misread(self) -> None:
        """
        An account whose row cannot be used any more goes on as it was.
        """
        self.write("a", "b")
        before = self.begin()
        self.users.write_text("a,secret\nb,\n")
        found = self.successResultOf(self.again())
        self.assertEqual(before, found)
        self.assertTold("users.csv:2: password in [remote] must not be empty")
        self.assertRead("a", "b")

    def test_unreadable(self) -> None:
        """
        As long as it cannot be told whose a wrong row is, none ends.
        """
        self.write("a", "b")
        for row in (b"b,secret,x", b'b,"x', b"b,\xff"):
            self.write("a", "b")
            before = self.begin()
            self.users.write_bytes(b"a,secret\n" + row + b"\n")
            self.assertEqual(before, self.successResultOf(self.again()), row)

    def test_moved(self) -> None:
        """
        The brake holds wherever the list stands now.
        """
        names = [f"u{number}" for number in range(10)]
        self.write(*names)
        self.begin()
        self.users = self.folder / "others.csv"
        self.configure("list = others.csv")
        self.write("u0")
        self.assertRead(*names)

    def test_replaced(self) -> None:
        """
        But not if another one has its database now.
        """
        text = self.config.read_text().replace("{user}.db", "{2}.db")
        self.config.write_text(text)
        self.users.write_text("a,x\nb,y\n")
        self.begin()
        self.users.write_text("a,\nb,x\n")
        self.assertRead("b")

    def test_brake(self) -> None:
        """
        A list that lost most of its accounts ends none of them, but new ones begin.
        """
        names = [f"u{number}" for number in range(10)]
        self.write(*names)
        self.begin()
        self.write("u0", "new")
        self.assertRead("u0", "new", *names[1:])
        self.assertTold("users.csv: 9 accounts are not listed any more, and only 2 are")
        self.assertRead("u0", "new", *names[1:])
        self.assertTold()
        self.write(*names[:6])
        self.assertRead(*names[:6])
        self.assertTold()

    def test_renamed(self) -> None:
        """
        What the brake keeps is not synced twice because it is written otherwise now.
        """
        names = [f"u{number}" for number in range(10)]
        self.write(*names)
        self.begin()
        others = [f"U{number}" for number in range(8)]
        self.write(*others)
        self.assertRead(*others, "u8", "u9")
        with_ = [f"u{number}@example.org" for number in range(9)]
        self.write(*with_)
        self.assertRead(*with_, "u9")
        self.write(*others)
        self.assertRead(*others, "u8@example.org", "u9")
        self.write(*(f"{name}@example.com" for name in others))
        self.assertRead(*(f"{one}@example.com" for one in others), with_[8], "u9")

    def test_limitsAgain(self) -> None:
        """
        What else the section says is read again, too.
        """
        self.write("a")
        self.begin()
        assert self.source.renewed is not None
        self.configure("list=users.csv\nat-work=4\nlist-interval=60")
        self.assertRead("a")
        self.assertEqual((60.0, Limits(4)), self.source.renewed()[1:3])

    def test_lifted(self) -> None:
        """
        Unless that is allowed.
        """
        self.write(*(f"u{number}" for number in range(10)))
        self.begin("--allow-mass-removal")
        self.write("u0")
        self.assertRead("u0")
        self.assertTold()

    def test_chosen(self) -> None:
        """
        Those that were chosen may come and go as well.
        """
        self.write("a", "b")
        self.begin("--account=a")
        self.write("b", "c")
        self.assertRead()
        self.write("a")
        self.assertRead("a")

    def test_cancelled(self) -> None:
        """
        What nobody wants any more is given up, with the command that is running.
        """
        self.configure("list-command = test -e listed && sleep 600; echo a,s")
        listed = self.folder / "listed"
        text = self.config.read_text().replace("-e listed", f"-e {listed}")
        self.config.write_text(text)
        self.begin()
        listed.touch()
        self.threads.held = True
        reading = self.again()
        reading.cancel()
        self.failureResultOf(reading, CancelledError)
        self.threads.perform()

    def test_environment(self) -> None:
        """
        What a row says is there for its commands.
        """
        self.write("a")
        local = self.begin()["a"].servers[Side.LOCAL]
        self.assertIn("IMAPSYNC_USER=a", local.environment)
