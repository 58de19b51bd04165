"""
Commands of the user: how they are run, what they say at their end, and how they
end.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

from twisted.internet.error import (
    ConnectionDone,
    ProcessExitedAlready,
    ProcessTerminated,
)
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from imapsync.display import octets
from imapsync.errors import ConfigError
from imapsync.log import Log

#: How long a command may take over each step of its end, in seconds.
PATIENCE = 1.0

#: More than this without an end of line is a line.
_LONGEST_LINE = 1000
#: So many octets of a line are told.
_TOLD = 400
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
    command: str | Sequence[str],
    where: str,
    stderr: int | str,
    environ: Mapping[str, str] | None = None,
) -> None:
    """
    Run C{command}.

    @param reactor: provides L{IReactorProcess}.
    @param option: which names the command.
    @param command: as its user wrote it, or its words.
    @param where: how to call the server in an error.
    @param stderr: what its standard error is: C{"r"}, or a file descriptor.
    @param environ: its environment; by default ours.
    @raise ConfigError: if there is no such command.
    """
    try:
        words = argumentsOf(command) if isinstance(command, str) else command
        arguments = [*words]
        reactor.spawnProcess(
            protocol,
            arguments[0],
            arguments,
            env=environ,
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
        for line in (octets(line.strip(), _TOLD) for line in lines):
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
            what = signal.strsignal(self.signal)
            return f"was ended by signal {self.signal} ({what})"
        return f"exited with status {self.status}"


class Family:
    """
    A process, and what it and its children have started, such as the members of a
    shell's pipeline: a shell does not pass signals on.

    What has left the family, as a daemon does, is not in it.  Where there is no
    proc(5), only the process itself is known.
    """

    def __init__(self, process: Any) -> None:
        """
        @param process: provides L{IProcessTransport}.
        """
        self._process = process
        # Number and start: a number is used again.
        self._members: set[tuple[int, str]] = set()

    def signal(self, name: str) -> None:
        """
        Send a signal to all that were in it once and are still there.  KILL leaves
        nobody behind who was started meanwhile.
        """
        head = self._process.pid
        self._look(head)
        if name == "KILL":
            still: set[tuple[int, str]] = set()
            while more := self._members - still:
                _send("STOP", more)
                still |= more
                self._look(head)
        with suppress(ProcessExitedAlready):
            self._process.signalProcess(name)
        _send(name, {one for one in self._members if one[0] != head})

    def isLeft(self) -> bool:
        """
        Whether any of these are there.
        """
        self._look(self._process.pid)
        return bool(self._members)

    def _look(self, head: int | None) -> None:
        """
        See who is in it now.
        """
        there = _processes() if head or self._members else {}
        family = {one[0] for one in self._members if one in there}
        if head:
            family.add(head)
        grown = True
        while grown:
            more = {pid for (pid, _), parent in there.items() if parent in family}
            grown = not more <= family
            family |= more
        self._members = {one for one in there if one[0] in family}


def _send(name: str, members: set[tuple[int, str]]) -> None:
    for pid, _ in members:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, getattr(signal, f"SIG{name}"))


def _processes() -> dict[tuple[int, str], int]:
    """
    All processes on this system, each with its parent.
    """
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            # Its name, which is in parentheses, may hold anything.
            words = stat.read_text(errors="replace").rpartition(")")[2].split()
            found[int(stat.parent.name), words[19]] = int(words[1])
    return found


class Command(ProcessProtocol):
    """
    A command that is running, and how it is brought to an end.

    @ivar process: which it is.
    @ivar words: what it says on its standard error.
    """

    # IProcessTransport tells only part of what a process transport can do.
    process: Any
    _family: Family

    def __init__(self, reactor: Any, where: str) -> None:
        """
        @param reactor: provides L{IReactorTime} and L{IReactorCore}.
        """
        self.words = LastWords(where)
        self._reactor = reactor
        self._where = where
        self._next: IDelayedCall | None = None
        self._trigger: Any = None

    def connectionMade(self) -> None:
        self.process = self.transport
        self._family = Family(self.process)

    def errReceived(self, data: bytes) -> None:
        self.words.add(data)

    def terminate(self) -> None:
        """
        End it, and what it has started; by force if it does not do so in time.
        """
        self._family.signal("TERM")
        self.later(self._kill)
        # A program that ends before all of them have leaves none behind.
        if self._trigger is None:
            self._trigger = self._reactor.addSystemEventTrigger(
                "during", "shutdown", self._killAtOnce
            )

    def _killAtOnce(self) -> None:
        self._trigger = None
        self._family.signal("KILL")

    def _kill(self) -> None:
        self._family.signal("KILL")
        self.closePipes()

    def closePipes(self) -> None:
        """
        Whoever has them, too, may keep them.
        """
        # What nobody reads would be waited for, were it merely closed.
        if (stdin := self.process.pipes.get(0)) is not None:
            stdin.connectionLost(Failure(ConnectionDone()))
        self.process.loseConnection()

    @property
    def waiting(self) -> bool:
        """
        Whether a step is to be done later.
        """
        return self._next is not None

    def later(self, step: Callable[[], None]) -> None:
        """
        Do this when some time has passed, in place of what else was to be done
        then.
        """
        self.forgetNext()
        self._next = self._reactor.callLater(PATIENCE, step)

    def forgetNext(self) -> None:
        """
        Do nothing later.
        """
        following, self._next = self._next, None
        if following is not None and following.active():
            following.cancel()
        if self._trigger is not None and not self._family.isLeft():
            trigger, self._trigger = self._trigger, None
            self._reactor.removeSystemEventTrigger(trigger)
