"""
A command that speaks IMAP on its standard input and output, as a transport.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet.error import (
    ConnectionDone,
    ProcessExitedAlready,
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

from imapsync.errors import ConfigError, ImapSyncError, Lost
from imapsync.imap.transport.process import PATIENCE, Fate, LastWords, spawn


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
        spawn(reactor, tunnel, "command", command, where, stderr)


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
        self._words = LastWords(where)
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
            ending = self._lost(Fate.of(reason))
        self._protocol.connectionLost(Failure(ending))

    def _lost(self, fate: Fate) -> ImapSyncError:
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
            self._next = self._clock.callLater(PATIENCE, step)

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
