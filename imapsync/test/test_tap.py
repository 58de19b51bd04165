"""
Tests for L{imapsync.tap}: how the service runs under twistd.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from pathlib import Path
from typing import Any

from twisted.application.service import IServiceMaker
from twisted.internet import reactor
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import provider

from imapsync.cli.grammar import HELP
from imapsync.service import SyncService
from imapsync.several.services import Several
from imapsync.tap import Options, makeService
from imapsync.test import children

CONFIG = r"""
database = {database}
[local]
type = tunnel
command = printf '* PREAUTH [CAPABILITY IMAP4] hello\r\n'; cat
[remote]
type = tunnel
command = printf '* PREAUTH [CAPABILITY IMAP4] hi\r\n'; cat
"""


class TapTests(SynchronousTestCase):
    """
    What twistd gets.
    """

    def setUp(self) -> None:
        """
        Write a configuration.
        """
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.database = folder / "db"
        config = folder / "config"
        config.write_text(CONFIG.format(database=self.database))
        self.option = f"--config={config}"

    def assertExits(self, code: int, words: str, *arguments: str) -> None:
        """
        twistd would end with this code and one line on standard error.
        """
        errors = io.StringIO()

        def make() -> None:
            options = Options()
            options.parseOptions(arguments)
            makeService(options)

        with contextlib.redirect_stderr(errors):
            error = self.assertRaises(SystemExit, make)
        self.assertEqual(code, error.code)
        [line] = errors.getvalue().splitlines()
        self.assertIn(words, line)

    def test_authorize(self) -> None:
        """
        Nobody can be asked there.
        """
        self.assertExits(64, "not twistd", "--authorize=remote", self.option)

    def test_plugin(self) -> None:
        """
        twistd knows the service by its name, and finds these functions.
        """
        plugin: Any
        [plugin] = [p for p in getPlugins(IServiceMaker) if p.tapname == "imapsync"]
        self.assertEqual("imapsync.tap", plugin.module)
        self.assertIs(Options, plugin.options)
        self.assertEqual(makeService, plugin.makeService)

    def test_service(self) -> None:
        """
        Options make a service that has not begun.
        """
        options = Options()
        options.parseOptions(["--oneshot", self.option])
        service = makeService(options)
        assert isinstance(service, Several)
        self.assertFalse(service.running)
        self.assertEqual([SyncService], [type(one) for one in service])
        self.assertFalse(self.database.exists())

    def list_(self) -> Path:
        """
        Have the configuration be one of two accounts.

        @return: their list.
        """
        path = Path(self.option.partition("=")[2])
        text = path.read_text().replace(str(self.database), f"{self.database}{{user}}")
        path.write_text(f"{text}[accounts]\nlist = users\n")
        users = path.parent / "users"
        users.write_text("a\nb\n")
        return users

    def test_list(self) -> None:
        """
        A list of accounts makes as many services.
        """
        users = self.list_()
        options = Options()
        options.parseOptions([self.option])
        service = makeService(options)
        assert isinstance(service, Several)
        self.assertEqual(["a", "b"], [*service.configs])
        users.unlink()
        self.assertExits(66, f"{users}: the list of accounts cannot be", self.option)

    def test_init(self) -> None:
        """
        Nobody can be asked for a configuration here.
        """
        self.assertExits(64, "--init is for the command imapsync", "--init")

    def test_logfile(self) -> None:
        """
        An option without effect is named.
        """
        said: list[str] = []

        @provider(ILogObserver)
        def hear(event: LogEvent) -> None:
            said.append(formatEvent(event))

        globalLogPublisher.addObserver(hear)
        self.addCleanup(globalLogPublisher.removeObserver, hear)
        path = Path(self.option.partition("=")[2])
        path.write_text("logfile = log\n" + path.read_text())
        options = Options()
        options.parseOptions(["--oneshot", self.option])
        makeService(options)
        [line] = said
        self.assertIn(f"{path}: logfile has no effect under twistd", line)

    def test_clock(self) -> None:
        """
        The reactor no longer takes the time of day, which can be set.
        """
        options = Options()
        options.parseOptions(["--oneshot", self.option])
        makeService(options)
        self.assertGreater(time.time() - reactor.seconds(), 1e8)

    def test_usage(self) -> None:
        """
        A wrong option, a missing or a wrong configuration.
        """
        self.assertExits(64, "--oneshot", "--oneshoot")
        self.assertExits(66, "/nowhere", "--oneshot", "--config=/nowhere")
        path = Path(self.option.partition("=")[2])
        path.write_text("nonsense\n")
        self.assertExits(78, str(path), "--oneshot", self.option)

    def test_status(self) -> None:
        """
        What the database knows is told at once, and that was all.
        """
        self.assertExits(66, "there is no database", "--status", self.option)

    def test_help(self) -> None:
        """
        The help is the same as the command's.
        """
        self.assertEqual(HELP, Options().getUsage())

    def twistd(self) -> tuple[int, str]:
        """
        Run twistd in the foreground.

        @return: its exit code, and all that it wrote.
        """
        program = "from twisted.scripts.twistd import run; run()"
        arguments = ("-n", "--pidfile=", "imapsync")
        done = children.done(
            [sys.executable, "-c", program, *arguments, "--oneshot", self.option],
            capture_output=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def test_whose(self) -> None:
        """
        What is wrong with one of several is told with its name, once.
        """
        self.list_()
        for name in "ab":
            Path(f"{self.database}{name}").mkdir()
        code, said = self.twistd()
        self.assertEqual(73, code)
        for name in "ab":
            self.assertIn(f"] {name}: The database", said)

    def test_endsAtOnce(self) -> None:
        """
        A run that ends before the reactor runs ends twistd, with its code.
        """
        self.database.mkdir()
        code, said = self.twistd()
        self.assertEqual(73, code)
        self.assertIn(f"The database {self.database} cannot be made", said)
        self.assertNotIn("Traceback", said)

    def test_ends(self) -> None:
        """
        So does one that ends later.
        """
        code, said = self.twistd()
        self.assertEqual(69, code)
        self.assertNotIn("Traceback", said)
