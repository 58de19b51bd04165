"""
Commands of the user: one that speaks IMAP on its standard input and output,
as a transport; and one that tells a password.
"""

from __future__ import annotations

import os
import re
import shlex
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from signal import strsignal
from typing import Any, NamedTuple, cast

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.error import (
    ConnectionDone,
    ProcessExitedAlready,
    ProcessTerminated,
)
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IDelayedCall,
    IProducer,
    IProtocol,
    IPushProducer,
    IReactorTime,
    ITransport,
)
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from imapsync.errors import ConfigError, Distrusted, ImapSyncError, Lost
from imapsync.imap.wire.text import printable
from imapsync.log import Log

#: How long a command may take over each step of its end, in seconds.
_PATIENCE = 1.0
#: How long a command may take to tell the password: somebody may have to
#: unlock a key first.
_PASSWORD_PATIENCE = 120.0

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


def connectTunnel(
    reactor: Any, command: str, protocol: IProtocol, where: str, nullStderr: bool
) -> None:
    """
    Run C{command} and connect C{protocol} to it.

    @param reactor: provides L{IReactorProcess} and L{IReactorTime}.
    @param where: how to call the server in an error or a log.
    @raise ConfigError: if there is no such command.
    """
    tunnel = Tunnel(reactor, command, protocol, where)
    with Path(os.devnull).open("wb") as null:
        stderr = null.fileno() if nullStderr else "r"
        _spawn(reactor, tunnel, "command", command, where, stderr)


async def readPassword(reactor: Any, command: str, where: str) -> str:
    """
    The first line that C{command} writes.

    @param reactor: provides L{IReactorProcess} and L{IReactorTime}.
    @raise ConfigError: if there is no such command, or it writes nothing.
    @raise Distrusted: if it fails, or does not come to an end.
    """
    reader = _PasswordReader(where)
    _spawn(reactor, reader, "password-command", command, where, "r")
    try:
        return await reader.password.addTimeout(_PASSWORD_PATIENCE, reactor)
    except defer.TimeoutError:
        raise Distrusted(
            f"{where}: password-command did not end "
            f"within {_PASSWORD_PATIENCE:.0f} seconds{reader.words.ended()}"
        ) from None


def _spawn(
    reactor: Any,
    protocol: ProcessProtocol,
    option: str,
    command: str,
    where: str,
    stderr: int | str,
) -> None:
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


class _LastWords:
    """
    What a command writes on its standard error: told to the log line by
    line, its end kept.
    """

    log = Log()

    def __init__(self, where: str) -> None:
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


class _Fate(NamedTuple):
    """
    How a process ended.
    """

    status: int | None
    signal: int | None

    @classmethod
    def of(cls, reason: Failure) -> _Fate:
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


@implementer(IAddress)
class CommandAddress(NamedTuple):
    """
    Where a tunnel leads to.
    """

    command: str


@implementer(ITransport, IConsumer, IPushProducer)
class Tunnel(ProcessProtocol):
    """
    A process as the transport of a protocol: what a process transport lacks
    of a connection is here.

    It ends when the process has ended and its pipes are closed.  One that
    does not end by itself after its standard input was closed is sent TERM,
    then KILL.  (A shell does not pass these on, but what it runs meets the end
    of its input, too.)
    """

    # IProcessTransport tells only part of what a process transport can do.
    _process: Any
    disconnecting = False

    def __init__(
        self, clock: IReactorTime, command: str, protocol: IProtocol, where: str
    ) -> None:
        self._clock = clock
        self._address = CommandAddress(command)
        self._protocol = protocol
        self._where = where
        self._words = _LastWords(where)
        self._spoke = False
        self._closedByUs = False
        self._exited = False
        self._next: IDelayedCall | None = None

    # The process.

    def connectionMade(self) -> None:
        self._process = self.transport
        self._protocol.makeConnection(self)

    def outReceived(self, data: bytes) -> None:
        self._spoke = True
        if not self.disconnecting:
            self._protocol.dataReceived(data)

    def errReceived(self, data: bytes) -> None:
        self._words.add(data)

    def outConnectionLost(self) -> None:
        self._endInput()
        self._later(self._terminate)

    def processExited(self, reason: Failure) -> None:
        # Its own children may go on holding its pipes open.
        self._later(self._closePipes)
        self._exited = True

    def _closePipes(self) -> None:
        # What nobody reads would be waited for, were it merely closed.
        if (stdin := self._process.pipes.get(0)) is not None:
            stdin.connectionLost(Failure(ConnectionDone()))
        self._process.loseConnection()

    def processEnded(self, reason: Failure) -> None:
        self._forgetNext()
        self.disconnecting = True
        ending: Exception = ConnectionDone()
        if not self._closedByUs:
            ending = self._lost(_Fate.of(reason))
        self._protocol.connectionLost(Failure(ending))

    def _lost(self, fate: _Fate) -> ImapSyncError:
        text = f"{self._where}: the command {fate}{self._words.ended()}"
        if fate.neverRan and not self._spoke:
            return ConfigError(f"{text}; see command")
        return Lost(text)

    def _endInput(self) -> None:
        if not self.disconnecting:
            self.disconnecting = True
            self._process.closeStdin()

    def _terminate(self) -> None:
        self._signal("TERM")
        self._later(lambda: self._signal("KILL"))

    def _signal(self, name: str) -> None:
        with suppress(ProcessExitedAlready):
            self._process.signalProcess(name)

    def _later(self, step: Callable[[], None]) -> None:
        if not self._exited:
            self._forgetNext()
            self._next = self._clock.callLater(_PATIENCE, step)

    def _forgetNext(self) -> None:
        if self._next and self._next.active():
            self._next.cancel()

    # The transport.

    def write(self, data: bytes) -> None:
        if not self.disconnecting:
            self._process.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        if not self._closedByUs:
            self._closedByUs = True
            self._endInput()
            self._later(self._terminate)

    def abortConnection(self) -> None:
        """
        End at once; what is still to be written may be dropped.
        """
        self._closedByUs = True
        # A paused one would be waited for.
        self._process.unregisterProducer()
        self._endInput()
        self._terminate()

    def getPeer(self) -> CommandAddress:
        return self._address

    def getHost(self) -> CommandAddress:
        return self._address

    # Back-pressure: standard input pauses our producer; we pause standard
    # output (and with it standard error).

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        self._process.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        self._process.unregisterProducer()

    def pauseProducing(self) -> None:
        self._process.pauseProducing()

    def resumeProducing(self) -> None:
        self._process.resumeProducing()

    def stopProducing(self) -> None:
        self.loseConnection()


#: More than that, in octets, is no password.
_PASSWORD_LENGTH = 64 * 1024


class _PasswordReader(ProcessProtocol):
    """
    Collects a command's first line.

    @ivar password: fires with it, when the command has succeeded.
    """

    _process: Any

    def __init__(self, where: str) -> None:
        self.password: Deferred[str] = Deferred(lambda _: self._stop())
        self.words = _LastWords(where)
        self._where = where
        self._line = b""

    def connectionMade(self) -> None:
        self._process = self.transport
        self._process.closeStdin()

    def outReceived(self, data: bytes) -> None:
        if b"\n" not in self._line:
            self._line += data[:_PASSWORD_LENGTH]
        if len(self._line) > _PASSWORD_LENGTH:
            self._stop()

    def errReceived(self, data: bytes) -> None:
        self.words.add(data)

    def processEnded(self, reason: Failure) -> None:
        if self.password.called:
            return  # It took too long.
        try:
            self.password.callback(self._read(_Fate.of(reason)))
        except ImapSyncError:
            self.password.errback()

    def _stop(self) -> None:
        with suppress(ProcessExitedAlready):
            self._process.signalProcess("KILL")
        self._process.loseConnection()

    def _read(self, fate: _Fate) -> str:
        if fate.status != 0:
            kind = ConfigError if fate.neverRan else Distrusted
            words = self.words.ended()
            raise kind(f"{self._where}: password-command {fate}{words}")
        line = self._line.partition(b"\n")[0].rstrip(b"\r")
        if not line:
            raise ConfigError(f"{self._where}: password-command wrote nothing")
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise ConfigError(
                f"{self._where}: password-command wrote something else than UTF-8"
            ) from None
