"""
Tests for L{imapsync.__main__}: how the command ends.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from twisted.trial.unittest import SynchronousTestCase

from imapsync import __main__, __version__
from imapsync.__main__ import run
from imapsync.state.store import Store
from imapsync.test import children

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
        Make it.  What is run in this process takes its signals.
        """
        for number in children.NUMBERS:
            self.addCleanup(signal.signal, number, signal.getsignal(number))
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
        self.assertFails(64, "needs", "--patience=1")

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

    def test_bug(self) -> None:
        """
        What must not happen is told in a line, too; where it did, only if that is
        asked for.
        """

        def fail(_: object) -> int:
            raise ZeroDivisionError("oh\x1b")

        self.patch(__main__, "_run", fail)
        self.assertFails(70, r"internal error: ZeroDivisionError('oh\x1b'); --debug")
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            self.assertEqual(70, run(["--debug"]))
        self.assertIn("test_main.py", errors.getvalue())
        self.assertIn(r"ZeroDivisionError: oh\u001b", errors.getvalue())

    def test_status(self) -> None:
        """
        What the database knows is told.
        """
        option = self.configure(remote="true 2")
        self.assertFails(66, "there is no database", "--status", option)
        Store.open(str(self.folder.absolute() / "db")).close()
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            self.assertEqual(0, run(["--status", "--json", option]))
        self.assertIn('"mailboxes"', printed.getvalue())

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
        first: str = "",
        stderr: int | IO[bytes] = children.PIPE,
        alone: bool = False,
    ) -> children.Child:
        """
        Start it.

        @param to: how a shell says where its output goes.
        @param python: options for the interpreter.
        @param mode: options that say what it is to do.
        @param first: what a shell does before.
        @param alone: whether it has no terminal, until it opens one.
        """
        program = [sys.executable, *python, "-m", "imapsync"]
        command = [*program, *mode, *arguments]
        process = children.begun(
            ["sh", "-c", f'{first}exec "$@" {to}', "sh", *command],
            stdout=children.PIPE,
            stderr=stderr,
            start_new_session=alone,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.addCleanup(children.ended, process, 0)
        return process

    def fifo(self, name: str) -> children.Fifo:
        """
        Make one, until the test ends.
        """
        fifo = children.Fifo(self.folder / name)
        self.addCleanup(fifo.close)
        return fifo

    def ready(self, process: children.Child) -> str:
        """
        Wait until a command has said that it is.

        @return: what it said.
        """
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        self.assertIn("ready", line)
        return line

    def endsSoon(self, process: children.Child, number: int) -> tuple[int, str]:
        """
        Send it a signal, on which it ends.

        @return: see L{finish}.
        """
        started = time.monotonic()
        process.send_signal(number)
        ended = self.finish(process)
        self.assertLess(time.monotonic() - started, 5)
        return ended

    def finish(self, process: children.Child) -> tuple[int, str]:
        """
        Wait for its end.  It writes nothing to standard output.

        @return: its code, and what it wrote to standard error.
        """
        output, errors = children.finished(process)
        self.assertEqual(b"", output)
        return process.returncode, (errors or b"").decode()

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

    def test_rotated(self) -> None:
        """
        SIGHUP has it make a log file anew that was moved away, and follow one
        that is called otherwise.
        """
        up, other = self.fifo("up"), self.fifo("other")
        option = self.configure(f"echo >{up.path}; cat", "sleep 60")
        config, log = Path(option.partition("=")[2]), self.folder / "log"
        text = config.read_text()
        config.write_text(f"logfile = log\n{text}")
        process = self.start(option, mode=[])
        up.heard()
        log.rename(self.folder / "log.1")
        config.write_text(f"logfile = other\n{text}")
        process.send_signal(signal.SIGHUP)
        self.assertIn("Reloaded the configuration.", other.heard())
        self.assertTrue(log.exists())
        self.assertEqual((0, ""), self.endsSoon(process, signal.SIGTERM))

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
            self.ready(process)
            process.send_signal(number)
            code, errors = self.endsSoon(process, signal.SIGTERM)
            self.assertEqual(75, code)
            [line] = errors.splitlines()
            self.assertIn("interrupted", line)

    def test_ignored(self) -> None:
        """
        A signal that was ignored when it was started stays so, as shells and
        C{nohup} want it; SIGTERM ends it all the same.
        """
        option = self.configure("echo ready >&2; cat", "sleep 60")
        for mode, code in (["--oneshot"], 75), ([], 0):
            process = self.start(option, mode=mode, first="trap '' 1 2 10 15; ")
            self.ready(process)
            for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
                process.send_signal(number)
            ended, errors = self.endsSoon(process, signal.SIGTERM)
            self.assertEqual(code, ended, errors)
            self.assertNotIn("Unexpected", errors)
            self.assertNotIn("eloaded", errors)

    def test_stuck(self) -> None:
        """
        Nor does output that nobody takes keep it from ending.
        """
        up = self.fifo("up")
        command = f"echo words >&2; echo >{up.path}; cat"
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        with os.fdopen(writing, "wb", buffering=0) as full:
            os.set_blocking(writing, False)
            while full.write(bytes(4096)):
                pass
            os.set_blocking(writing, True)
            processes = []
            for mode in ["--oneshot"], []:
                option = self.configure(command, "sleep 60", f"db{len(mode)}")
                processes.append(self.start(option, mode=mode, stderr=full))
                up.heard()
            started = time.monotonic()
            for process in processes:
                process.send_signal(signal.SIGTERM)
            codes = [self.finish(process)[0] for process in processes]
            self.assertLess(time.monotonic() - started, 5)
            self.assertEqual([75, 0], codes)

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

    def test_hangup(self) -> None:
        """
        It ends with its terminal, in whichever mode: nobody would see it any more,
        and the next one would find it in its way.
        """
        for mode, code in (["--oneshot"], 75), ([], 0):
            option = self.configure("echo ready >&2; cat", "sleep 60", f"db{code}")
            process, terminal = self.onTerminal(option, mode=mode)
            started = time.monotonic()
            terminal.close()
            self.assertEqual(code, children.ended(process))
            self.assertLess(time.monotonic() - started, 5)

    def test_terminalGone(self) -> None:
        """
        One that was told to outlive its terminal goes on when that is gone, though
        it cannot write any more.
        """
        on, over = self.fifo("on"), self.fifo("over")
        words = f"read x <{on.path}; seq 2000 >&2; echo >{over.path}"
        option = self.configure(f"echo ready >&2; {words}; cat", "sleep 60")
        process, terminal = self.onTerminal(option, mode=[], first="trap '' HUP; ")
        terminal.close()
        on.tell()
        over.heard()
        self.assertEqual((0, ""), self.endsSoon(process, signal.SIGTERM))

    def onTerminal(
        self, option: str, mode: Sequence[str], first: str = ""
    ) -> tuple[children.Child, IO[bytes]]:
        """
        Start it on a terminal of its own, and wait until a command says "ready".

        @return: the process, and what the terminal shows.
        """
        ours, its = os.openpty()
        terminal = os.fdopen(ours, "rb")
        self.addCleanup(terminal.close)
        tty = os.ttyname(its)
        process = self.start(
            option, to=f"<{tty} 2>{tty}", mode=mode, first=first, alone=True
        )
        self.assertIn(b"ready", terminal.readline())
        os.close(its)
        return process, terminal

    def test_clock(self) -> None:
        """
        That the clock was set back does not keep it from trying again.
        """
        flag = self.folder.absolute() / "set back"
        option = self.configure("false")
        process = children.begun(
            [sys.executable, "-c", SET_BACK, str(flag), option],
            stderr=children.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.addCleanup(children.ended, process)
        self.addCleanup(process.terminate)
        assert process.stderr is not None
        with process.stderr as errors:
            self.assertIn(b"trying again in", errors.readline())
            flag.touch()
            readable, _, _ = select.select([errors], [], [], children.PATIENCE)
            self.assertTrue(readable)
            self.assertIn(b"trying again in", errors.readline())

    def test_deafCommand(self) -> None:
        """
        A command that neither speaks nor listens does not outlive it.
        """
        deaf = "trap '' TERM; echo ready $$ >&2; while :; do sleep 1; done"
        process = self.start(self.configure(deaf, "sleep 60"))
        child = int(self.ready(process).split()[-1])
        process.send_signal(signal.SIGTERM)
        self.finish(process)
        self.assertRaises(ProcessLookupError, os.kill, child, 0)
