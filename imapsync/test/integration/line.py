"""
A long line to a server: what goes through arrives later, and no faster than
the line allows.

usage: python -m imapsync.test.integration.line HOST PORT ROUNDTRIP [RATE]

It listens on a free port of the loopback, prints the port's number, and lasts
until it is ended.  ROUNDTRIP is in seconds, RATE in octets per second.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

#: So many octets may be under way on a line without a rate.
_WINDOW = 8 * 1024 * 1024


@implementer(IPushProducer)
class Flow:
    """
    One direction of one connection.

    @param delay: how long everything takes, in seconds.
    @param rate: how many octets may begin in one second; C{None} for any.
    @param source: where they come from: is paused while enough are under way.
    @param arrive: takes those that arrive.
    @param end: called when nothing more will.
    """

    def __init__(
        self,
        clock: IReactorTime,
        delay: float,
        rate: float | None,
        source: _End,
        arrive: Callable[[bytes], None],
        end: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._delay = delay
        self._rate = rate
        # What a line holds, and a little that waits in front of it.
        self._window = _WINDOW if rate is None else int(rate * (delay + 0.1))
        self._source = source
        self._arrive = arrive
        self._end = end
        self._free = 0.0  # when the line's near end is
        self._queue: deque[tuple[float, bytes | None]] = deque()
        self._queued = 0
        self._waiting = False
        self._blocked = False
        self._stopped = False

    def take(self, data: bytes | None) -> None:
        """
        Send octets on their way; C{None} is the end.
        """
        size = len(data) if data else 0
        begin = max(self._free, self._clock.seconds())
        self._free = begin + (size / self._rate if self._rate else 0)
        self._queue.append((self._free + self._delay, data))
        self._queued += size
        if self._queued > self._window and not self._stopped:
            self._stopped = True
            self._source.pauseProducing()
        self._wait()

    def _wait(self) -> None:
        if self._queue and not self._waiting and not self._blocked:
            self._waiting = True
            due, _ = self._queue[0]
            self._clock.callLater(max(0, due - self._clock.seconds()), self._deliver)

    def _deliver(self) -> None:
        self._waiting = False
        now = self._clock.seconds()
        while self._queue and self._queue[0][0] <= now and not self._blocked:
            _, data = self._queue.popleft()
            if data is None:
                self._end()
            else:
                self._queued -= len(data)
                self._arrive(data)
        if self._stopped and self._queued <= self._window // 2:
            self._stopped = False
            self._source.resumeProducing()
        self._wait()

    # Whoever takes what arrives may be slow.

    def pauseProducing(self) -> None:
        """
        Deliver nothing for now.
        """
        self._blocked = True

    def resumeProducing(self) -> None:
        """
        Go on.
        """
        self._blocked = False
        self._wait()

    def stopProducing(self) -> None:
        """
        Nobody takes anything any more.
        """
        self._blocked = True


class _End(Protocol):
    """
    One end of one connection.

    @ivar flow: where that goes which comes in here.
    """

    transport: Any
    flow: Flow

    def dataReceived(self, data: bytes) -> None:
        self.flow.take(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.flow.take(None)

    def pauseProducing(self) -> None:
        """
        Let nothing in for now.
        """
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """
        Go on.
        """
        self.transport.resumeProducing()

    def arrive(self, data: bytes) -> None:
        """
        Send what came in at the other end.
        """
        self.transport.write(data)

    def leave(self) -> None:
        """
        The other end is gone.
        """
        if self.transport is not None:
            self.transport.unregisterProducer()
            self.transport.loseConnection()


class Line:
    """
    Listens on the loopback, and leads to a server.

    @ivar port: where it listens.
    """

    def __init__(
        self,
        reactor: Any,
        host: str,
        port: int,
        roundTrip: float,
        rate: float | None = None,
    ) -> None:
        self._reactor = reactor
        self._server = TCP4ClientEndpoint(reactor, host, port)
        self._delay = roundTrip / 2
        self._rate = rate
        factory = Factory.forProtocol(lambda: _Client(self))
        self._listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.port: int = self._listening.getHost().port

    def close(self) -> Any:
        """
        Take no more connections.
        """
        return self._listening.stopListening()

    def came(self, client: _Client) -> None:
        """
        There is a client; the server hears of it when TCP's handshake would
        be over.
        """
        server = _End()
        for end, other in (client, server), (server, client):
            end.flow = Flow(
                self._reactor, self._delay, self._rate, end, other.arrive, other.leave
            )
        client.pauseProducing()

        def reached(_: object) -> None:
            client.transport.registerProducer(server.flow, True)
            server.transport.registerProducer(client.flow, True)
            client.resumeProducing()

        def connect() -> None:
            reaching = connectProtocol(self._server, server)
            reaching.addCallbacks(reached, lambda _: client.leave())

        self._reactor.callLater(3 * self._delay, connect)


class _Client(_End):
    """
    The client's end, which comes first.
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    def connectionMade(self) -> None:
        self._line.came(self)


def main(host: str, port: str, roundTrip: str, rate: str = "") -> None:
    """
    Be such a line.
    """
    from twisted.internet import reactor

    line = Line(reactor, host, int(port), float(roundTrip), float(rate or 0) or None)
    print(line.port, flush=True)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
