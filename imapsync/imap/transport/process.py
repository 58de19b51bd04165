"""
Commands of the user: how they are run, what they say at their end, and how they
end.
"""

from __future__ import annotations

import re
import shlex
from collections import deque
from signal import strsignal
from typing import Any, NamedTuple, cast

from twisted.internet.error import ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from imapsync.errors import ConfigError
from imapsync.imap.wire.text import printable
from imapsync.log import Log

#: How long a command may take over each step of its end, in seconds.
PATIENCE = 1.0

#: More than this without an end of line is a line.
_LONGEST_LINE = 1000
_METACHARACTERS = re.compile(r"[|&;<>()$`\\*?\[\]#~\n]|^\s*\w+=")


def argumentsOf(command: str) -> list[str]:
    """
    The words of a command that needs no shell, else a shell to run it.

    @raise ValueError: if a quote is not closed.
    """
    if _METACHARACTERS.search(command):
        return ["/bin/sh", "-c", command]
    return shlex.split(command)


def spawn(
    reactor: Any,
    protocol: ProcessProtocol,
    option: str,
    command: str,
    where: str,
    stderr: int | str,
) -> None:
    """
    Run C{command}.

    @param reactor: provides L{IReactorProcess}.
    @param option: which names the command.
    @param where: how to call the server in an error.
    @param stderr: what its standard error is: C{"r"}, or a file descriptor.
    @raise ConfigError: if there is no such command.
    """
    try:
        arguments = argumentsOf(command)
        reactor.spawnProcess(
            protocol,
            arguments[0],
            arguments,
            env=None,
            # Pipes: a server that finds a socket there takes us for inetd.
            childFDs={0: "w", 1: "r", 2: stderr},
        )
    except OSError as error:
        # Not the whole command: there may be a secret in it.
        reason = f"{arguments[0]}: {error.strerror}"
        raise ConfigError(f"{where}: {option} cannot be run: {reason}") from error
    except ValueError as error:
        raise ConfigError(f"{where}: {option} cannot be run: {error}") from error


class LastWords:
    """
    What a command writes on its standard error: told to the log line by
    line, its end kept.
    """

    def __init__(self, where: str) -> None:
        self.log = Log()
        self._where = where
        self._begun = b""
        self._lines: deque[str] = deque(maxlen=3)

    def add(self, data: bytes) -> None:
        """
        Take what was read.
        """
        *lines, self._begun = (self._begun + data).split(b"\n")
        if len(self._begun) > _LONGEST_LINE:
            lines.append(self._begun)
            self._begun = b""
        for line in (printable(line.strip()) for line in lines):
            if line:
                self._lines.append(line)
                self.log.info("{where}: {line}", where=self._where, line=line)

    def ended(self) -> str:
        """
        The end of a sentence about the command's end.
        """
        self.add(b"\n")
        return f"; its last words: {' / '.join(self._lines)}" if self._lines else ""


class Fate(NamedTuple):
    """
    How a process ended.
    """

    status: int | None
    signal: int | None

    @classmethod
    def of(cls, reason: Failure) -> Fate:
        """
        Read what Twisted tells a process protocol.
        """
        # L{ProcessDone} has the same attributes.
        ending = cast(ProcessTerminated, reason.value)
        return cls(ending.exitCode, ending.signal)

    @property
    def neverRan(self) -> bool:
        """
        Whether a shell (or C{env}, C{ssh}, ...) says that it found nothing
        to run.
        """
        return self.status in (126, 127)

    def __str__(self) -> str:
        if self.signal:
            return f"was ended by signal {self.signal} ({strsignal(self.signal)})"
        return f"exited with status {self.status}"
