"""
Tests for L{imapsync.__main__}: how the command ends.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync import __version__
from imapsync.__main__ import run

CONFIG = """
database = {database}
[local]
type = tunnel
command = {local}
[remote]
type = tunnel
command = {remote}
"""

#: The command, at a time of day that is set back by two hours soon after a certain
#: file is there.
SET_BACK = """
import os, sys, time
from twisted.internet.base import ReactorBase
flag, *arguments = sys.argv[1:]
def seconds():
    now = time.time()
    there = os.path.exists(flag) and now - os.stat(flag).st_mtime > 0.3
    return now - 7200 if there else now
ReactorBase.seconds = staticmethod(seconds)
from imapsync.__main__ import run
sys.exit(run(arguments))
"""


class MainCase(SynchronousTestCase):
    """
    A folder with a configuration in it.
    """

    def setUp(self) -> None:
        """
        Make it.
        """
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def configure(
        self, local: str = "false", remote: str = "true", database: str = "db"
    ) -> str:
        """
        Write a configuration.

        @return: the option that names it.
        """
        path = self.folder.absolute() / "config"
        text = CONFIG.format(
            local=local, remote=remote, database=self.folder.absolute() / database
        )
        path.write_text(text)
        return f"--config={path}"

    def assertFails(self, code: int, words: str, *arguments: str) -> None:
        """
        Running ends with this code and one line on standard error.
        """
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            self.assertEqual(code, run(arguments))
        [line] = errors.getvalue().splitlines()
        self.assertTrue(line.startswith("imapsync: "))
        self.assertIn(words, line)


class EarlyTests(MainCase):
    """
    What is found before a reactor is needed.
    """

    def test_usage(self) -> None:
        """
        A wrong command line.
        """
        self.assertFails(64, "--oneshot", "--oneshoot")
        self.assertFails(64, "--dry-run needs", "--dry-run")
        self.assertFails(64, "not available yet", "--oneshot", "--repair")

    def test_noConfig(self) -> None:
        """
        A configuration file that is not there.
        """
        missing = str(self.folder.absolute() / "none")
        self.assertFails(66, missing, "--oneshot", f"--config={missing}")

    def test_badConfig(self) -> None:
        """
        One that is wrong: file and line are named.
        """
        option = self.configure()
        path = Path(option.partition("=")[2])
        path.write_text(path.read_text() + "hots = x\n")
        self.assertFails(78, f"{path}", "--oneshot", option)

    def test_badLogfile(self) -> None:
        """
        A log file that cannot be written.
        """
        option = self.configure()
        path = Path(option.partition("=")[2])
        path.write_text("logfile = /nowhere/log\n" + path.read_text())
        self.assertFails(78, "/nowhere/log", "--oneshot", option)

    def test_help(self) -> None:
        """
        Help and version are printed, and that was all.
        """
        for option, words in (
            ("--help", "Usage: imapsync"),
            ("--version", __version__),
        ):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                error = self.assertRaises(SystemExit, run, [option])
            self.assertEqual(0, error.code)
            self.assertIn(words, printed.getvalue())


class ProcessTests(MainCase):
    """
    The command itself.
    """

    def start(
        self,
        *arguments: str,
        to: str = "",
        python: Sequence[str] = (),
        mode: Sequence[str] = ("--oneshot",),
    ) -> subprocess.Popen[str]:
        """
        Start it.

        @param to: how a shell says where its output goes.
        @param python: options for the interpreter.
        @param mode: options that say what it is to do.
        """
        program = [sys.executable, *python, "-m", "imapsync"]
        command = [*program, *mode, *arguments]
        return subprocess.Popen(
            ["sh", "-c", f'exec "$@" {to}', "sh", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            text=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """
        Wait for its end.  It writes nothing to standard output.

        @return: its code, and what it wrote to standard error.
        """
        with process:
            output, errors = process.communicate(timeout=60)
        self.assertEqual("", output)
        return process.returncode, errors

    def test_full(self) -> None:
        """
        Output that cannot be written is told in one line.
        """
        for option in ("--help", "--version"):
            code, errors = self.finish(self.start(option, to=">/dev/full"))
            self.assertEqual(74, code)
            [line] = errors.splitlines()
            self.assertIn("standard output cannot be written", line)

    def test_noErrors(self) -> None:
        """
        A complaint that cannot be written goes nowhere else, and the exit
        code stays.
        """
        (self.folder / "db").mkdir()
        for to in ("2>&-", "2>/dev/full"):
            self.assertEqual((64, ""), self.finish(self.start("--none", to=to)))
            process = self.start(self.configure(), to=to)
            self.assertEqual((73, ""), self.finish(process))

    def test_logfile(self) -> None:
        """
        The log file, too, says why the command ended; one that is full is no
        other reason.
        """
        (self.folder / "db").mkdir()
        option = self.configure()
        path = Path(option.partition("=")[2])
        text = path.read_text()
        for log in ("log", "/dev/full"):
            path.write_text(f"logfile = {log}\n{text}")
            code, errors = self.finish(self.start(option))
            self.assertEqual(73, code)
            [line] = errors.splitlines()
        [logged] = (self.folder / "log").read_text().splitlines()
        self.assertIn(line.replace("imapsync:", " error:", 1), logged)

    def test_atOnce(self) -> None:
        """
        A database that cannot be made ends it at once.
        """
        (self.folder / "db").mkdir()
        code, errors = self.finish(self.start(self.configure()))
        self.assertEqual(73, code)
        self.assertEqual(1, len(errors.splitlines()))

    def test_imports(self) -> None:
        """
        TLS is imported only where it is used.
        """
        (self.folder / "db").mkdir()
        option = self.configure()
        path = Path(option.partition("=")[2])
        tunnel = "tunnel\ncommand = true"
        for remote, used in ((tunnel, False), ("imaps", True)):
            path.write_text(path.read_text().replace(tunnel, remote))
            process = self.start(option, python=["-X", "importtime"])
            code, imported = self.finish(process)
            self.assertEqual(73, code)
            self.assertIn("twisted.internet.tcp", imported)
            self.assertEqual(used, "cryptography" in imported)

    def test_interrupted(self) -> None:
        """
        SIGINT and SIGTERM end it within seconds, in one line, also if they come
        more than once.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start(self.configure("echo ready >&2; cat", "sleep 60"))
            assert process.stderr is not None
            self.assertIn("ready", process.stderr.readline())
            started = time.monotonic()
            process.send_signal(number)
            process.send_signal(signal.SIGTERM)
            code, errors = self.finish(process)
            self.assertLess(time.monotonic() - started, 5)
            self.assertEqual(75, code)
            [line] = errors.splitlines()
            self.assertIn("interrupted", line)

    def test_early(self) -> None:
        """
        They do so before anything has begun, too.  Live, that is no failure, and
        other signals are passed over.
        """
        option = self.configure()
        path = Path(option.partition("=")[2])
        path.unlink()
        os.mkfifo(path)
        early = (signal.SIGUSR1, signal.SIGHUP)
        for mode, numbers, end in (
            (["--oneshot"], (), (75, "imapsync: interrupted\n")),
            ([], early, (0, "")),
        ):
            for number in (signal.SIGINT, signal.SIGTERM):
                process = self.start(option, mode=mode)
                with path.open("wb"):  # it reads its configuration now
                    for one in (*numbers, number):
                        process.send_signal(one)
                    self.assertEqual(end, self.finish(process))

    def test_clock(self) -> None:
        """
        That the clock was set back does not keep it from trying again.
        """
        flag = self.folder.absolute() / "set back"
        option = self.configure("false")
        process = subprocess.Popen(
            [sys.executable, "-c", SET_BACK, str(flag), option],
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            text=True,
        )
        self.addCleanup(process.wait, 60)
        self.addCleanup(process.terminate)
        assert process.stderr is not None
        with process.stderr as errors:
            self.assertIn("trying again in", errors.readline())
            flag.touch()
            readable, _, _ = select.select([errors], [], [], 30)
            self.assertTrue(readable)
            self.assertIn("trying again in", errors.readline())

    def test_deafCommand(self) -> None:
        """
        A command that neither speaks nor listens does not outlive it.
        """
        deaf = "trap '' TERM; echo $$ >&2; while :; do sleep 1; done"
        process = self.start(self.configure(deaf, "sleep 60"))
        assert process.stderr is not None
        child = int(process.stderr.readline().split()[-1])
        process.send_signal(signal.SIGTERM)
        self.finish(process)
        self.assertRaises(ProcessLookupError, os.kill, child, 0)
