"""
Tests for octets that are sent from where they are.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from typing import Any

from twisted.internet import tcp
from twisted.internet.interfaces import IPushProducer
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.protocol import Protocol
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from imapsync.imap.transport.direct import send
from imapsync.model import Octets

#: More than any system takes at once.
LARGE = b"0123456789abcdef" * 1024 * 1024


@implementer(IPushProducer)
class Producer:
    """
    Remembers what it is told.
    """

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        """
        Too much waits.
        """
        self.told.append("pause")

    def resumeProducing(self) -> None:
        """
        Nothing waits any more.
        """
        self.told.append("resume")

    def stopProducing(self) -> None:
        """
        Nothing more can be sent.
        """
        self.told.append("stop")


class Borrowed:
    """
    A socket whose C{sendmsg} does what the test wants.

    @ivar asked: how many pieces it was given, each time.
    """

    def __init__(self, tcp: socket.socket, answers: Sequence[int | OSError]) -> None:
        self._socket = tcp
        self._answers = list(answers)
        self.asked: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def sendmsg(self, pieces: Sequence[Octets]) -> int:
        """
        Take so many octets, or fail.
        """
        self.asked.append(len(pieces))
        answer = self._answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        sent: int = self._socket.send(b"".join(pieces)[:answer])
        return sent


class DirectTests(SynchronousTestCase):
    """
    What goes to a real connection, and what is left to its transport.
    """

    def setUp(self) -> None:
        """
        Connect.
        """
        ours, self.theirs = socket.socketpair()
        self.addCleanup(self.theirs.close)
        self.addCleanup(ours.close)
        self.theirs.setblocking(False)
        self.reactor = MemoryReactorClock()
        self.transport: Any = tcp.Connection(ours, Protocol(), self.reactor)
        self.transport.connected = 1
        self.transport.protocol.makeConnection(self.transport)

    def received(self) -> bytes:
        """
        All that has come to the other end.
        """
        pieces = []
        with contextlib.suppress(BlockingIOError):
            while piece := self.theirs.recv(1024 * 1024):
                pieces.append(piece)
        return b"".join(pieces)

    def drained(self) -> bytes:
        """
        What comes to the other end until nothing is left to be sent.
        """
        whole = self.received()
        while self.transport in self.reactor.writers:
            self.assertIsNone(self.transport.doWrite())
            whole += self.received()
        return whole

    def borrow(self, *answers: int | OSError) -> Borrowed:
        """
        Have the socket take what is said.
        """
        borrowed = Borrowed(self.transport.socket, answers)
        self.transport.socket = borrowed
        return borrowed

    def test_atOnce(self) -> None:
        """
        Many octets are sent at once, in their order, from wherever they are.
        """
        message = memoryview(b"<" + b"x" * 20_000 + b">")
        send(self.transport, [b"head ", message[1:-1], b" tail"])
        self.assertEqual(b"head " + b"x" * 20_000 + b" tail", self.received())
        self.assertEqual(set(), self.reactor.writers)

    def test_few(self) -> None:
        """
        Few wait for others that are written in the same turn.
        """
        send(self.transport, [b"a", memoryview(b"b")])
        send(self.transport, [b"c"])
        self.assertEqual(b"", self.received())
        self.transport.doWrite()
        self.assertEqual(b"abc", self.received())

    def test_nothing(self) -> None:
        """
        Nothing is nothing.
        """
        send(self.transport, [])
        send(self.transport, [b"", b""])
        self.assertEqual(b"", self.drained())

    def test_order(self) -> None:
        """
        What waits to be sent goes first.
        """
        send(self.transport, [b"first "])
        send(self.transport, [LARGE])
        self.assertEqual(b"", self.received())
        send(self.transport, [b"last"])
        self.assertEqual(b"first " + LARGE + b"last", self.drained())

    def test_noRoom(self) -> None:
        """
        What the system has no room for follows, and so does what comes behind it.
        """
        send(self.transport, [b"a", memoryview(LARGE), b"b"])
        self.assertIn(self.transport, self.reactor.writers)
        send(self.transport, [b"c" * 20_000])
        self.assertEqual(b"a" + LARGE + b"b" + b"c" * 20_000, self.drained())
        send(self.transport, [b"d" * 20_000])
        self.assertEqual(b"d" * 20_000, self.received())

    def test_partial(self) -> None:
        """
        However many octets are taken, the others follow: none twice.
        """
        pieces: list[Octets] = [b"x" * 9_000, b"", memoryview(b"y" * 9_000), b"z"]
        whole = b"".join(pieces)
        for taken in (0, 1, 8_999, 9_000, 9_001, 17_999, 18_000, 18_001):
            self.borrow(taken)
            send(self.transport, pieces)
            self.assertEqual(whole, self.drained(), taken)

    def test_manyPieces(self) -> None:
        """
        Small pieces go as one; more than the system takes do no harm.
        """
        borrowed = self.borrow(10**6, 10**6)
        send(self.transport, [b"x" * 300] * 64)
        send(self.transport, [b"y" * 10] * 5000)
        self.assertEqual([64, 1], borrowed.asked)
        self.assertEqual(b"x" * 300 * 64 + b"y" * 10 * 5000, self.received())

    def test_notNow(self) -> None:
        """
        A system that has no room at all, or no memory, is asked again later.
        """
        for error in (BlockingIOError(11, "again"), OSError(105, "no buffers")):
            self.borrow(error)
            send(self.transport, [b"x" * 20_000])
            self.assertEqual(b"", self.received())
            self.assertEqual(b"x" * 20_000, self.drained())

    def test_paused(self) -> None:
        """
        A producer is paused while too much is left, and then goes on.
        """
        producer = Producer()
        self.transport.registerProducer(producer, True)
        send(self.transport, [b"x" * 20_000])
        self.assertEqual([], producer.told)
        send(self.transport, [LARGE])
        self.assertEqual(["pause"], producer.told)
        self.drained()
        self.assertEqual(["pause", "resume"], producer.told)

    def test_reset(self) -> None:
        """
        A connection that the other end broke off ends as it does otherwise.
        """
        for error in (ConnectionResetError(), BrokenPipeError()):
            self.borrow(error)
            send(self.transport, [b"x" * 20_000])
            self.theirs.close()
            self.assertIs(CONNECTION_LOST, self.transport.doWrite())

    def test_resetMidway(self) -> None:
        """
        So does one that broke when a part was sent.
        """
        send(self.transport, [LARGE])
        self.theirs.close()
        send(self.transport, [LARGE])
        self.assertIs(CONNECTION_LOST, self.transport.doWrite())

    def test_closing(self) -> None:
        """
        What is written while the rest is sent before an end comes behind that.
        """
        self.transport.write(b"a")
        self.transport.loseConnection()
        send(self.transport, [b"b" * 20_000])
        self.assertEqual(b"", self.received())
        self.transport.doWrite()
        self.assertEqual(b"a" + b"b" * 20_000, self.received())

    def test_gone(self) -> None:
        """
        Nothing is sent to a connection that is gone.
        """
        self.transport.connected = 0
        send(self.transport, [b"x" * 20_000])
        self.assertEqual((b"", set()), (self.received(), self.reactor.writers))

    def test_encrypted(self) -> None:
        """
        What is to be encrypted is not for the socket.
        """
        written: list[bytes] = []
        self.transport.TLS = True
        self.transport.protocol.write = written.append
        send(self.transport, [b"a", memoryview(b"b" * 20_000)])
        self.assertEqual([b"a" + b"b" * 20_000], written)
        self.assertEqual(b"", self.received())

    def test_otherTransports(self) -> None:
        """
        Any other transport gets one piece.
        """
        transport = StringTransport()
        send(transport, [b"a", memoryview(b"b" * 20_000)])
        self.assertEqual(b"a" + b"b" * 20_000, transport.value())
