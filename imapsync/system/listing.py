"""
All that a command writes, for who can wait for it: at the start there is no reactor
yet, and later a thread waits.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from imapsync.display import octets
from imapsync.errors import ConfigError, Lost
from imapsync.system.process import PATIENCE, Family, Fate, argumentsOf

#: How long a command may take, in seconds.
LONGEST = 120.0
#: How many octets it may write.
MOST = 16 << 20

#: How often to see whether to go on, in seconds.
_GRAIN = 0.1
#: A pipe holds no more octets, unless the system's administrator lets it.
_PIPE = 1 << 20
#: So many octets of what it says on its standard error are told.
_TOLD = 400


def output(
    command: str,
    where: str,
    stopped: Callable[[], bool] = lambda: False,
    longest: float = LONGEST,
    most: int = MOST,
) -> bytes:
    """
    What C{command} writes, if it succeeds.

    @param where: what errors begin with.
    @param stopped: whether nobody wants it any more.
    @raise ConfigError: if there is no such command, it fails, or writes too much.
    @raise Lost: if it takes too long, or nobody wants it any more.
    """
    words = [""]
    try:
        words = argumentsOf(command)
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except (OSError, ValueError) as error:
        # Not the whole command: there may be a secret in it.
        strerror = getattr(error, "strerror", None)
        reason = f"{words[0]}: {strerror}" if strerror else error
        raise ConfigError(f"{where} cannot be run: {reason}") from None
    with selectors.DefaultSelector() as selector, process, _ending(process):
        running = _Running(process, selector, where, most)
        until = time.monotonic() + longest
        while running.goesOn():
            if stopped():
                raise Lost(f"{where} was stopped")
            if time.monotonic() > until:
                raise Lost(f"{where} did not end within {longest:.0f} seconds")
        return running.result()


class _Running:
    """
    Reads what a command writes.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        selector: selectors.BaseSelector,
        where: str,
        most: int,
    ) -> None:
        self._process = process
        self._where = where
        self._most = most
        self._written = bytearray()
        self._words = b""
        self._ended: float | None = None
        self._selector = selector
        for stream in (process.stdout, process.stderr):
            self._selector.register(_number(stream), selectors.EVENT_READ)

    def goesOn(self) -> bool:
        """
        Read what is there.

        @return: whether there may come more.
        """
        open_ = bool(self._selector.get_map())
        came = self._selector.select(_GRAIN) if open_ else []
        if not open_:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRAIN)
        for key, _ in came:
            self._take(key.fd)
        if self._process.poll() is None:
            return True
        if self._ended is None:
            self._ended = time.monotonic()
            for key, _ in self._selector.select(0):  # the rest of what it wrote
                self._take(key.fd)
        # What it has started may go on, and even write: that is not waited for.
        waits = time.monotonic() < self._ended + PATIENCE
        return waits and bool(self._selector.get_map())

    def _take(self, number: int) -> None:
        data = os.read(number, _PIPE)
        if not data:
            self._selector.unregister(number)
        elif number == _number(self._process.stderr):
            self._words = (self._words + data)[-_TOLD:]
        else:
            self._written += data
        if len(self._written) > self._most:
            raise ConfigError(
                f"{self._where} wrote more than {self._most} octets: what it is to"
                " write is a list of accounts"
            )

    def result(self) -> bytes:
        """
        What it has written.

        @raise ConfigError: if it has failed.
        """
        code = self._process.returncode
        if code:
            fate = Fate(code, None) if code > 0 else Fate(None, -code)
            words = octets(b" / ".join(self._words.split(b"\n")).strip(b" /"), _TOLD)
            said = f"; its last words: {words}" if words else ""
            raise ConfigError(f"{self._where} {fate}{said}")
        return bytes(self._written)


class _Child:
    """
    A process as L{Family} wants it.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self._process = process

    def signalProcess(self, name: str) -> None:
        """
        Send it a signal.
        """
        self._process.send_signal(getattr(signal, f"SIG{name}"))


@contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """
    If anything goes wrong meanwhile, end it, and all that it has started.
    """
    family = Family(_Child(process))
    try:
        yield
    except BaseException:
        family.signal("TERM")
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        family.signal("KILL")
        raise


def _number(stream: IO[bytes] | Any) -> int:
    number: int = stream.fileno()
    return number
