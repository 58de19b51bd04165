"""
Tests for L{imapsync.cli.options}.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync import __version__
from imapsync.cli.grammar import HELP
from imapsync.cli.options import CommandLine, parse
from imapsync.config.request import Admin, Depth, Request
from imapsync.errors import UsageError
from imapsync.model import Side
from imapsync.test import children


class ParseTests(SynchronousTestCase):
    """
    Tests for L{parse}.
    """

    def assertWrong(self, arguments: str, message: str) -> None:
        """
        Assert that these words are refused with C{message}.
        """
        error = self.assertRaises(UsageError, parse, arguments.split())
        self.assertEqual(message, str(error))

    def assertTold(self, arguments: str, text: str) -> None:
        """
        Assert that these words are answered with C{text}, and success.
        """
        output = io.StringIO()
        self.patch(sys, "stdout", output)
        stop = self.assertRaises(SystemExit, parse, arguments.split())
        self.assertEqual((0, text), (stop.code, output.getvalue()))

    def test_oneshot(self) -> None:
        """
        Nothing but C{--oneshot} is needed.
        """
        line = CommandLine(Request())
        for arguments in ("--oneshot", "-1", "--one", "-1 --oneshot"):
            self.assertEqual(line, parse(arguments.split()))

    def test_repair(self) -> None:
        """
        C{--repair} is instead of that.
        """
        line = CommandLine(Request(("INBOX",), repair=True))
        self.assertEqual(line, parse(["--repair", "INBOX"]))
        request = Request(dryRun=True, repair=True)
        self.assertEqual(CommandLine(request), parse(["--repair", "-n"]))
        self.assertWrong("--repair -1", "--oneshot and --repair exclude each other")

    def test_init(self) -> None:
        """
        C{--init} has words behind it that are no mailboxes.
        """
        words = ("local=me@example.org", "remote.host=x")
        line = CommandLine(Request(), ("FILE",), init=words)
        self.assertEqual(line, parse(["--init", *words, "--config=FILE"]))
        self.assertEqual((), parse(["--init"]).init)
        self.assertIs(None, parse(["--oneshot"]).init)
        self.assertWrong("--init -1", "--oneshot and --init exclude each other")
        self.assertWrong("--init -n", "--dry-run is of no use with --init")
        self.assertWrong(
            "--init --config=a --config=b",
            "--init makes one configuration: give --config once",
        )

    def test_all(self) -> None:
        """
        Each option has its place in the line.
        """
        line = CommandLine(
            Request(("INBOX", "a/b"), dryRun=True, allowMassDelete=True, watch=2.5),
            configs=("FILE", "other"),
            quiet=True,
            debug=2,
            progress="log",
        )
        for arguments in (
            "--config=FILE --oneshot --dry-run --allow-mass-delete --quiet"
            " --progress=log --debug --debug --config other --watch=2.5 INBOX a/b",
            "INBOX -1nq --debug a/b --config FILE --allow-mass-delete --debug"
            " --watch 9 --watch 2.5 --config=other --progress=bar --progress=log",
        ):
            self.assertEqual(line, parse(arguments.split()))

    def test_progress(self) -> None:
        """
        Progress is shown as it was asked for, or as is usual; who wants it quiet, wants
        none.
        """
        for arguments, expected in (
            ("", "auto"),
            ("--quiet", "none"),
            ("--quiet --progress=bar", "bar"),
            ("-1 --progress=json", "json"),
            ("--repair --progress=none", "none"),
        ):
            self.assertEqual(expected, parse(arguments.split()).progress)
        self.assertWrong(
            "--progress=much",
            "--progress=much: it takes one of auto, bar, log, json, none",
        )
        self.assertWrong(
            "--check --progress=bar", "--progress is of no use with --check"
        )

    def test_accounts(self) -> None:
        """
        Accounts of a list may be chosen, for all but what makes a configuration; and
        live, it may lose most of them.
        """
        line = parse("--account=a --account b --allow-mass-removal".split())
        self.assertEqual(("a", "b"), line.accounts)
        self.assertTrue(line.allowMassRemoval)
        for command in ("-1", "--status", "--verify", "--authorize=local"):
            line = parse([command, "--account=a"])
            self.assertEqual((("a",), False), line[-2:])
        self.assertWrong("--init --account=a", "--account is of no use with --init")
        self.assertWrong(
            "-1 --allow-mass-removal",
            "--allow-mass-removal is of no use with --oneshot",
        )

    def test_dashes(self) -> None:
        """
        Two hyphens end the options.
        """
        self.assertEqual(
            ("-n", "--x"), parse(["-1", "--", "-n", "--x"]).request.mailboxes
        )

    @given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1)))
    def test_mailboxes(self, names: list[str]) -> None:
        """
        MAILBOX names are taken as they are typed.
        """
        self.assertEqual(tuple(names), parse(["-1", "--", *names]).request.mailboxes)

    def test_noMailbox(self) -> None:
        """
        A name that is empty, or not UTF-8, cannot be one of a mailbox.
        """
        error = self.assertRaises(UsageError, parse, ["-1", ""])
        self.assertEqual("a MAILBOX name is empty", str(error))
        error = self.assertRaises(UsageError, parse, ["-1", "a\udcff"])
        self.assertEqual(r'the MAILBOX name "a\xff" is not UTF-8', str(error))

    def test_locale(self) -> None:
        """
        Names are UTF-8 also where the locale has another encoding.
        """
        code = f"""\
import sys
sys.path[:] = {sys.path!r}
from imapsync.cli.options import parse
print(ascii(parse(sys.argv[1:]).request.mailboxes))
"""
        command = [sys.executable, "-X", "utf8=0", "-c", code, "-1", "Gr\xf6\xdfe"]
        environ = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
        output = children.done(command, env=environ, stdout=children.PIPE).stdout
        self.assertEqual(b"('Gr\\xf6\\xdfe',)\n", output)

    def test_live(self) -> None:
        """
        Without a command it is live, which cannot be tried without effect.
        """
        self.assertTrue(parse([]).request.live)
        for arguments in ("-1", "--delete a", "--rename a b"):
            self.assertFalse(parse(arguments.split()).request.live)
        self.assertWrong(
            "-n INBOX", "--dry-run needs --oneshot or --repair or --import-interimap"
        )

    def test_watch(self) -> None:
        """
        How often to look is a positive number of seconds.
        """
        for typed in ("0", "-1", "often", "nan", "inf", ""):
            self.assertWrong(
                f"--watch={typed}",
                f"--watch={typed}: it takes a positive number of seconds",
            )

    def test_delete(self) -> None:
        """
        Mailboxes can be deleted, everywhere or where it is said.
        """
        line = parse(["--delete", "a", "b/c"])
        self.assertEqual(Admin(("a", "b/c")), line.request.admin)
        line = parse("--del a --target=remote --target database".split())
        remote = frozenset([Side.REMOTE])
        self.assertEqual(Admin(("a",), False, remote, True), line.request.admin)
        line = parse("--del a --target=local".split())
        local = frozenset([Side.LOCAL])
        self.assertEqual(Admin(("a",), False, local, False), line.request.admin)

    def test_rename(self) -> None:
        """
        One can be renamed.
        """
        line = parse(["--rename", "old", "--quiet", "new"])
        self.assertEqual(Admin(("old", "new"), rename=True), line.request.admin)

    def test_import(self) -> None:
        """
        A database of interimap can be taken over, whole or in part.
        """
        line = parse(["--import-interimap=/a/b.db", "-n", "--json", "Work"])
        expected = Request(("Work",), dryRun=True, json=True, interimap="/a/b.db")
        self.assertEqual(expected, line.request)
        request = parse(["--import-interimap", "b.db"]).request
        self.assertEqual(f"{Path.cwd()}/b.db", request.interimap)
        for arguments, message in (
            (
                "--import-interimap=a -1",
                "--oneshot and --import-interimap exclude each other",
            ),
            ("--import-interimap=", "--import-interimap needs the name of a file"),
            (
                "--import-interimap=a --config=b --config=c",
                "--import-interimap takes one database into that of one configuration",
            ),
        ):
            self.assertWrong(arguments, message)

    def test_wrongOrders(self) -> None:
        """
        They bear little beside them.
        """
        for arguments, message in (
            ("--delete", "--delete needs the name of a MAILBOX, or several"),
            ("--rename a", "--rename needs two names, OLD and NEW"),
            ("--rename a b c", "--rename needs two names, OLD and NEW"),
            ("--delete --rename a b", "--delete and --rename exclude each other"),
            ("--delete -1 a", "--oneshot and --delete exclude each other"),
            ("--delete -n a", "--dry-run is of no use with --delete"),
            (
                "--rename a b --allow-mass-delete",
                "--allow-mass-delete is of no use with --rename",
            ),
            ("--delete Inbox", "INBOX cannot be deleted"),
            ("--rename a INBOX", "INBOX cannot be renamed"),
            (
                "-1 --target=local",
                "--target is of no use with --oneshot",
            ),
            (
                "--delete a --target=here",
                '--target must be local, remote or database, not "here"',
            ),
        ):
            self.assertWrong(arguments, message)

    def test_patience(self) -> None:
        """
        Servers may be waited for for any time, or not at all.
        """
        for typed, seconds in ("0", 0), ("2.5", 2.5), ("86400", 86400):
            request = parse(["--oneshot", f"--patience={typed}"]).request
            self.assertEqual(seconds, request.patience)
        for typed in "-1", "inf", "nan", "soon":
            self.assertWrong(
                f"--oneshot --patience={typed}",
                f"--patience={typed}: it takes a number of seconds, 0 or more",
            )

    def test_verify(self) -> None:
        """
        A comparison reads headers, or all if that is asked for.
        """
        for typed, depth in (
            ("--verify", Depth.HEADER),
            ("--verify=header", Depth.HEADER),
            ("--verify=content Work", Depth.CONTENT),
        ):
            request = parse(typed.split()).request
            self.assertEqual((depth, False), (request.verify, request.live))
        self.assertWrong(
            "--verify=all", "--verify=all: it takes header or content, or no value"
        )

    def test_check(self) -> None:
        """
        A check is a command of its own.
        """
        request = parse(["--check", "--json", "Work"]).request
        self.assertEqual((True, False), (request.check, request.live))
        self.assertFalse(parse(["-1"]).request.check)
        self.assertWrong("--check -1", "--oneshot and --check exclude each other")
        self.assertWrong("--check -n", "--dry-run is of no use with --check")

    def test_json(self) -> None:
        """
        What is said can be for machines, if it is said at the end.
        """
        for typed in "--oneshot", "--verify":
            self.assertTrue(parse([typed, "--json"]).request.json)
        self.assertWrong(
            "--json",
            "--json needs --oneshot or --repair or --verify or --check or --status or"
            " --import-interimap",
        )

    def test_authorize(self) -> None:
        """
        A token is got for one side of one configuration.
        """
        for side in Side:
            request = parse([f"--authorize={side}"]).request
            self.assertEqual((side, False), (request.authorize, request.live))
        self.assertIsNone(parse(["--oneshot"]).request.authorize)
        needed = "--authorize needs a value: --authorize=SIDE"
        self.assertWrong("--authorize", needed)
        for arguments, message in (
            ("--authorize=both", "--authorize=both: it takes local or remote"),
            ("--authorize=local INBOX", "--authorize is about no MAILBOX"),
            ("--authorize=local -1", "--oneshot and --authorize exclude each other"),
            ("--authorize=local -n", "--dry-run is of no use with --authorize"),
        ):
            self.assertWrong(arguments, message)
        for more in "--authorize=remote", "--config=a --config=b":
            self.assertWrong(
                f"--authorize=local {more}",
                "--authorize takes one side of one configuration",
            )

    def test_config(self) -> None:
        """
        A configuration file has a name.
        """
        self.assertWrong("-1 --config=", "--config needs the name of a file")

    def test_unknown(self) -> None:
        """
        The nearest option is named, or how to see them all.
        """
        self.assertWrong(
            "--onshot", "there is no option --onshot; did you mean --oneshot?"
        )
        self.assertWrong("-x", "there is no option -x; see imapsync --help")

    def test_arguments(self) -> None:
        """
        An option with too much or too little is refused.
        """
        self.assertWrong("-1 --config", "--config needs a value: --config=FILE")
        self.assertWrong("--oneshot=2", "--oneshot takes no value")
        self.assertWrong("--de", "--de may be --delete or --debug")

    def test_help(self) -> None:
        """
        Help needs nothing else, and no twin may prevent it.
        """
        for arguments in ("-h", "--help", "--help --watch=1"):
            self.assertTold(arguments, f"{HELP}\n")

    def test_version(self) -> None:
        """
        The version is told with the program's name.
        """
        self.assertTold("--version", f"imapsync {__version__}\n")
