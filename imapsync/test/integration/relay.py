"""
A way to a server that a test can cut.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from imapsync.test.integration.server import Server


class Way(enum.Enum):
    """
    One direction.
    """

    TO_SERVER = "to the server"
    FROM_SERVER = "from the server"


class Relay:
    """
    Listens, and passes all connections on to C{server}.

    @ivar edit: what becomes of each line from the server; nothing, if it is to be
        lost.
    @ivar port: where it listens, on the loopback.
    @ivar passed: what went either way so far, on all connections together.
    """

    def __init__(self, reactor: Any, server: Server, port: int = 0) -> None:
        """
        @param port: of the server, if it is not the usual one.
        """
        self.passed = {way: bytearray() for way in Way}
        self.edit: Callable[[bytes], bytes] | None = None
        self._server = TCP4ClientEndpoint(reactor, server.host, port or server.port)
        self._ends: set[_End] = set()
        self._act: Callable[[], None] | None = None
        self._shut: Any = None
        factory = Factory.forProtocol(lambda: _Client(self))
        self._listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.port: int = self._listening.getHost().port

    def at(self, way: Way, octets: int, act: Callable[[], None]) -> None:
        """
        Do C{act} when C{octets} have gone that way, and before any more do.
        """
        self._way, self._octets, self._act = way, octets, act

    def cut(self) -> None:
        """
        Drop all connections.  What went through still arrives.
        """
        for end in self._ends:
            end.cut()

    def reset(self) -> None:
        """
        Drop all connections, as a machine does that knows nothing of them (RST).
        """
        for end in self._ends:
            end.reset()

    def stall(self) -> None:
        """
        Let nothing more through on the connections that there are, and say so to
        nobody.
        """
        for end in self._ends:
            end.wasCut = True

    def shut(self) -> None:
        """
        Drop all connections, and take no more.
        """
        self._shut = self._shut or self._listening.stopListening()
        self.cut()

    async def close(self) -> None:
        """
        Make an end.
        """
        self.shut()
        await self._shut
        for end in list(self._ends):
            await end.gone

    def came(self, client: _Client) -> None:
        """
        Take a client to the server.
        """
        server = _End(self, Way.FROM_SERVER)
        client.other, server.other = server, client
        # A server that is not there is no better than one that hangs up.
        connectProtocol(self._server, server).addErrback(lambda _: client.cut())

    def began(self, end: _End) -> None:
        """
        There is one end more.
        """
        self._ends.add(end)

    def ended(self, end: _End) -> None:
        """
        There is one less.
        """
        self._ends.discard(end)

    def passOn(self, end: _End, data: bytes) -> None:
        """
        Hand on what came in at C{end}.
        """
        if self.edit is not None and end.way is Way.FROM_SERVER:
            data = end.edited(data, self.edit)
        room = self._octets - len(self.passed[end.way]) if self._act else 0
        if self._act and end.way is self._way and room <= len(data):
            act, self._act = self._act, None
            self._hand(end, data[:room])
            act()
            data = data[room:]
        self._hand(end, data)

    def _hand(self, end: _End, data: bytes) -> None:
        if not end.wasCut:
            self.passed[end.way] += data
            end.other.write(data)


class _End(Protocol):
    """
    One end of one connection.

    @ivar way: where that goes which comes in here.
    @ivar lasts: whether it stays when the other end is gone.
    """

    other: _End
    lasts = False

    def __init__(self, relay: Relay, way: Way) -> None:
        self._relay = relay
        self.way = way
        self.wasCut = False
        self._rest = b""
        self._early = bytearray()
        self.gone: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self._relay.began(self)
        self.write(bytes(self._early))

    def dataReceived(self, data: bytes) -> None:
        self._relay.passOn(self, data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._relay.ended(self)
        if not self.other.lasts:
            self.other.cut()
        self.gone.callback(None)

    def write(self, data: bytes) -> None:
        """
        Send what came in at the other end.
        """
        if self.transport is None:
            self._early += data
        else:
            self.transport.write(data)

    def edited(self, data: bytes, edit: Callable[[bytes], bytes]) -> bytes:
        """
        What becomes of the lines that are complete now.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        return b"".join(edit(line + b"\n") for line in lines)

    def cut(self) -> None:
        """
        Pass nothing on from here any more.
        """
        self.wasCut = True
        if self.transport is not None:
            self.transport.loseConnection()

    def reset(self) -> None:
        """
        Likewise, at once and without an end.
        """
        self.wasCut = True
        if self.transport is not None:
            ITCPTransport(self.transport).abortConnection()


class _Client(_End):
    """
    The client's end, which comes first.
    """

    def __init__(self, relay: Relay) -> None:
        super().__init__(relay, Way.TO_SERVER)

    def connectionMade(self) -> None:
        super().connectionMade()
        self._relay.came(self)
