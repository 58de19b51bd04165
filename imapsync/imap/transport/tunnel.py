"""
A command that speaks IMAP on its standard input and output, as a transport.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet.error import ConnectionAborted, ConnectionClosed, ConnectionDone
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IDelayedCall,
    IProducer,
    IProtocol,
    IPushProducer,
    ITransport,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from imapsync.errors import ConfigError, ImapSyncError, Lost
from imapsync.system.process import Command, Fate, environOf, spawn


def connectTunnel(
    reactor: Any,
    command: str,
    protocol: IProtocol,
    where: str,
    nullStderr: bool,
    environment: Sequence[str] = (),
) -> None:
    """
    Run C{command} and connect C{protocol} to it.

    @param reactor: provides L{IReactorProcess}, L{IReactorTime} and L{IReactorCore}.
    @param where: how to call the server in an error or a log.
    @param environment: what else the command finds in its own.
    @raise ConfigError: if there is no such command.
    """
    tunnel = Tunnel(reactor, command, protocol, where)
    with Path(os.devnull).open("wb") as null:
        stderr = null.fileno() if nullStderr else "r"
        spawn(
            reactor, tunnel, "command", command, where, stderr, environOf(environment)
        )


@implementer(IAddress)
class CommandAddress(NamedTuple):
    """
    Where a tunnel leads to.
    """

    command: str


@implementer(ITransport, IConsumer, IPushProducer)
class Tunnel(Command):
    """
    A process as the transport of a protocol: what a process transport lacks
    of a connection is here.

    It ends when the process has ended and its pipes are closed.  One that does
    not end by itself after its standard input or output was closed is sent TERM,
    then KILL, and so are those that it has started.  What is left then, such as
    one that has its pipes and is not known to us, is not waited for.
    """

    disconnecting = False

    def __init__(
        self, reactor: Any, command: str, protocol: IProtocol, where: str
    ) -> None:
        super().__init__(reactor, where)
        self._address = CommandAddress(command)
        self._protocol = protocol
        self._spoke = self._paused = self._terminated = False
        self._closing: type[ConnectionClosed] | None = None  # as we want it
        self._fate: Fate | None = None
        self._over = False
        self._taken = True  # what is written
        self._producer: IProducer | None = None
        self._stopping: IDelayedCall | None = None

    # The process.

    def connectionMade(self) -> None:
        super().connectionMade()
        self._protocol.makeConnection(self)

    def outReceived(self, data: bytes) -> None:
        self._spoke = True
        if not self.disconnecting:
            self._protocol.dataReceived(data)

    def inConnectionLost(self) -> None:
        # Its end of the pipe has stopped the producer.
        self._producer, self._taken = None, False
        self._expectEnd()

    def outConnectionLost(self) -> None:
        self._endInput()
        self._expectEnd()

    def processExited(self, reason: Failure) -> None:
        self._fate = Fate.of(reason)
        if not (self._paused or self._terminated):
            self.later(self.closePipes)

    def processEnded(self, reason: Failure) -> None:
        self._fate = Fate.of(reason)
        self._end()

    def _endInput(self) -> None:
        if not self.disconnecting:
            self.disconnecting = True
            self.process.closeStdin()
            # It may not end before it has said what nobody hears.
            self._paused = False
            self.process.resumeProducing()
            if self._fate is not None:
                self.later(self.closePipes)

    def _expectEnd(self) -> None:
        if self._fate is None and not self.waiting:
            self.later(self.terminate)

    def terminate(self) -> None:
        self._terminated = True
        super().terminate()

    def closePipes(self) -> None:
        super().closePipes()
        if not self._over:
            self.later(self._end)

    def _end(self) -> None:
        if self._over:
            return
        self._over = self.disconnecting = True
        self.forgetNext()
        self._stopProducer()
        ending = self._closing() if self._closing else self._lost()
        self._protocol.connectionLost(Failure(ending))

    def _lost(self) -> ImapSyncError:
        fate = self._fate or "does not end"
        text = f"{self._where}: the command {fate}{self.words.ended()}"
        if self._fate is not None and self._fate.neverRan and not self._spoke:
            return ConfigError(f"{text}; see command")
        return Lost(text)

    # The transport.

    def write(self, data: bytes) -> None:
        if not self.disconnecting or self._producer is not None:
            self.process.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        if self._closing is None:
            self._closing = ConnectionDone
            self._endInput()

    def abortConnection(self) -> None:
        """
        End at once; what is still to be written may be dropped.
        """
        if self._over or self._closing is ConnectionAborted:
            return
        self._closing = ConnectionAborted
        self._endInput()
        # Not before whoever aborts it is done, as with any other transport.
        self._stopping = self._reactor.callLater(0, self._stopProducer)
        if self._fate is None:
            self.terminate()
        else:
            self.closePipes()

    def getPeer(self) -> CommandAddress:
        return self._address

    def getHost(self) -> CommandAddress:
        return self._address

    # Back-pressure: standard input pauses our producer; we pause standard
    # output (and with it standard error).

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        if self._over or not self._taken:
            producer.stopProducing()
            return
        self.process.registerProducer(producer, streaming)
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None
        self.process.unregisterProducer()

    def _stopProducer(self) -> None:
        stopping, self._stopping = self._stopping, None
        if stopping is not None and stopping.active():
            stopping.cancel()
        producer = self._producer
        if producer is not None:
            self.unregisterProducer()
            producer.stopProducing()

    def pauseProducing(self) -> None:
        if self.disconnecting:
            return
        self._paused = True
        self.process.pauseProducing()
        if self._fate is not None:
            self.forgetNext()  # there may be more to read

    def resumeProducing(self) -> None:
        if self.disconnecting:
            return
        self._paused = False
        self.process.resumeProducing()
        if self._fate is not None:
            self.later(self.closePipes)

    def stopProducing(self) -> None:
        self.loseConnection()
