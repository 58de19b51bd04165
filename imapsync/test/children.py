"""
Child processes of tests.  Whatever the tests themselves were started with, a
child takes signals as one that a person starts; and none is waited for without
end.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from collections.abc import Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

#: One that was begun.
Child = subprocess.Popen[bytes]

Expired = subprocess.TimeoutExpired
PIPE = subprocess.PIPE
DEVNULL = subprocess.DEVNULL
TOGETHER = subprocess.STDOUT

#: In seconds: longer than any takes that does not hang.
PATIENCE = 60

#: What means something to most programs.
NUMBERS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)

#: Only one thread at a time may ask how a forked one ended, as each does that starts
#: another.
_asking = threading.Lock()


class Fifo:
    """
    A pipe with a name, through which a child tells something, or is told.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        os.mkfifo(self.path)
        # Neither side has to wait for the other to open it.
        self._descriptor = os.open(self.path, os.O_RDWR)

    def tell(self) -> None:
        """
        Write a line.
        """
        os.write(self._descriptor, b"\n")

    def heard(self) -> str:
        """
        Wait for a line, or more.

        @raise AssertionError: if none comes.
        """
        if not select.select([self._descriptor], [], [], PATIENCE)[0]:
            raise AssertionError("nothing was heard")
        return os.read(self._descriptor, 10_000).decode()

    def close(self) -> None:
        """
        Close it.
        """
        os.close(self._descriptor)


def begun(command: Sequence[str | Path], **options: Any) -> Child:
    """
    Start one; see C{subprocess.Popen}.
    """
    # Safe though there are threads: it only sets signals.
    return subprocess.Popen(command, preexec_fn=hearing, **options)  # noqa: PLW1509


def ended(process: Child, patience: float = PATIENCE) -> int:
    """
    Wait for its end.  One that does not come to it is killed.

    @return: its exit code.
    """
    try:
        return process.wait(patience)
    except Expired:
        process.kill()
        return process.wait(PATIENCE)


def finished(process: Child) -> tuple[bytes, bytes]:
    """
    Wait for its end, likewise, and read what it writes.

    @return: what it wrote to standard output and error, if these are pipes.
    """
    with process:
        try:
            return process.communicate(timeout=PATIENCE)
        except Expired:
            process.kill()
            return process.communicate(timeout=PATIENCE)


def done(command: Sequence[str | Path], check: bool = True, **options: Any) -> Any:
    """
    Run one to its end; see C{subprocess.run}, which gives the result.
    """
    return subprocess.run(
        command,
        check=check,
        timeout=PATIENCE,
        preexec_fn=hearing,
        **options,
    )


def launched(process: BaseProcess) -> None:
    """
    Start a forked one.
    """
    with _asking:
        process.start()


def joined(process: BaseProcess, patience: float = PATIENCE) -> int:
    """
    Wait for the end of a forked one, likewise.

    @return: its exit code.
    """
    if not wait([process.sentinel], patience):
        process.kill()
        wait([process.sentinel], PATIENCE)
    with _asking:
        process.join(PATIENCE)
        return process.exitcode or 0


def hearing() -> None:
    """
    In a child that is to become another program: take signals as these do at first.
    """
    for number in NUMBERS:
        signal.signal(number, signal.SIG_DFL)


def listening() -> None:
    """
    In a child that goes on with Python: take signals as that does at first.
    """
    hearing()
    signal.signal(signal.SIGINT, signal.default_int_handler)
