"""
Going on with a connection that was begun without a reactor: L{Adopted}.

The client that takes it over says and hears all from its beginning.  What it writes
is compared with what was sent already, and not sent again; what was received is read
by it when it has written what had been sent by then.  So it is in the same state as
if it had been there all along, and nobody need tell it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from zope.interface import implementer

from imapsync.errors import Lost
from imapsync.imap.plain import Tape


@implementer(IStreamClientEndpoint)
class Adopted:
    """
    The first time, that connection; then new ones.

    @param reactor: provides C{IReactorSocket} and C{IReactorTime}.
    @param connected: the socket, which is closed here.
    @param tape: what went over it.
    @param further: makes an endpoint for new ones.
    """

    def __init__(
        self,
        reactor: Any,
        connected: socket.socket,
        tape: Tape,
        further: Callable[[], IStreamClientEndpoint],
    ) -> None:
        self._reactor = reactor
        self._sockets = [connected]
        self._tape = tape
        self._further = further

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """
        Connect.
        """
        while self._sockets:
            with self._sockets.pop() as connected:
                factory = _Remembering(protocolFactory)
                try:
                    self._reactor.adoptStreamConnection(
                        connected.fileno(), connected.family, factory
                    )
                except OSError:  # its peer is gone
                    break
            for client in factory.built:
                Replay(self._reactor, client, self._tape)
                return succeed(client)
        return self._further().connect(protocolFactory)


class _Remembering(Factory):
    """
    A factory, and what it has built.
    """

    noisy = False

    def __init__(self, factory: Any) -> None:
        self.built: list[Any] = []
        self._factory = factory

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """
        Build a protocol.
        """
        client = self._factory.buildProtocol(addr)
        self.built.append(client)
        return client


class Replay:
    """
    The transport of a client until that has caught up.

    @ivar transport: the one behind it.
    """

    def __init__(self, reactor: Any, client: Any, tape: Tape) -> None:
        self.transport = client.transport
        self._reactor = reactor
        self._client = client
        self._sent = bytes(tape.sent)
        self._at = 0  # what comes before was written again
        self._received = tape.received
        client.transport = self
        # What comes now comes after that.
        self.transport.pauseProducing()
        self._next()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        """
        Send what was not sent yet.
        """
        known = self._sent[self._at : self._at + len(data)]
        if not data.startswith(known):
            # Not in the midst of what is written.
            error = Lost(f"{self._client.name}: taken over in vain")
            self._reactor.callLater(0, self._client.abort, error)
            return
        self._at += len(known)
        if len(known) < len(data):
            self.transport.write(data[len(known) :])
        self._next()

    def _next(self) -> None:
        self._reactor.callLater(0, self._play)

    def _play(self) -> None:
        """
        Have the client read what it can have an idea of by now.
        """
        while self._received and self._received[0].after <= self._at:
            self._client.dataReceived(self._received.popleft().octets)
        caughtUp = not self._received and self._at == len(self._sent)
        if caughtUp and self._client.transport is self:
            self._client.transport = self.transport
            if not self._client.paused:
                self.transport.resumeProducing()
