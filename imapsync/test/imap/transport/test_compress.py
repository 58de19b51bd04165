"""
Tests for L{imapsync.imap.transport.compress}.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.interfaces import IConsumer, IPushProducer, ITransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from imapsync.errors import Lost, ProtocolViolation, Refused
from imapsync.imap.commands.base import Simple
from imapsync.imap.transport.compress import PIECE, Compression
from imapsync.model import Octets
from imapsync.test.fakes.talking import Bodies, Talk, failing
from imapsync.uidset import UidSet


class Peer:
    """
    The other end.
    """

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(wbits=-15)
        self._inflate = zlib.decompressobj(-15)

    def says(self, data: bytes, mode: int = zlib.Z_SYNC_FLUSH) -> bytes:
        """
        How it sends C{data}.
        """
        return self._deflate.compress(data) + self._deflate.flush(mode)

    def reads(self, data: bytes) -> bytes:
        """
        What it makes of what we sent.
        """
        return self._inflate.decompress(data)


class CompressionTests(SynchronousTestCase):
    """
    Octets in, octets out.
    """

    def setUp(self) -> None:
        """
        A compression on top of a transport.
        """
        self.clock, self.below, self.peer = Clock(), StringTransport(), Peer()
        self.pieces: list[bytes] = []
        self.then: Callable[[], None] = lambda: None
        self.compression = Compression(self.clock, self.below, self.take)

    def take(self, piece: bytes) -> None:
        """
        A piece was expanded.
        """
        self.pieces.append(piece)
        self.then()

    def received(self) -> bytes:
        """
        All that was received so far.
        """
        return b"".join(self.pieces)

    def sent(self) -> bytes:
        """
        What the peer makes of what was sent since this was asked last.
        """
        data = self.below.value()
        self.below.clear()
        return self.peer.reads(data)

    def resume(self) -> None:
        """
        Read on.
        """
        self.compression.resumeProducing()
        self.compression.receive()

    @given(st.lists(st.binary()), st.randoms())
    def test_anyPieces(self, texts: list[bytes], rng: random.Random) -> None:
        """
        However the octets are cut, and whenever nobody listens for a while,
        the same arrives.
        """
        self.setUp()
        data = b"".join(map(self.peer.says, texts))
        while data:
            cut = rng.randint(1, len(data))
            if rng.random() < 0.3:
                self.compression.pauseProducing()
            else:
                self.compression.resumeProducing()
            self.compression.receive(data[:cut])
            data = data[cut:]
        self.resume()
        self.assertEqual(b"".join(texts), self.received())

    def test_bomb(self) -> None:
        """
        A few octets that stand for very many are expanded piece by piece, and
        only as long as somebody listens.
        """
        size = 10_000_000
        self.then = self.compression.pauseProducing
        self.compression.receive(self.peer.says(bytes(size)))
        self.assertEqual("paused", self.below.producerState)
        for pieces in range(1, 4):
            self.assertEqual([PIECE] * pieces, [*map(len, self.pieces)])
            self.resume()
        self.then = lambda: None
        self.resume()
        self.assertEqual("producing", self.below.producerState)
        self.assertEqual(bytes(size), self.received())

    def test_wholePieces(self) -> None:
        """
        Nothing stays within if it makes up whole pieces.
        """
        for pieces in range(1, 4):
            self.setUp()
            self.compression.receive(self.peer.says(b"x" * PIECE * pieces))
            self.assertEqual(PIECE * pieces, len(self.received()))

    def test_within(self) -> None:
        """
        What arrives while a piece is being received comes after it.
        """
        first, second = self.peer.says(b"1"), self.peer.says(b"2")

        def more() -> None:
            self.then = lambda: None
            self.compression.receive(second)
            self.assertEqual([b"1"], self.pieces)

        self.then = more
        self.compression.receive(first)
        self.assertEqual(b"12", self.received())

    def test_behind(self) -> None:
        """
        What came together with the consent is received too.
        """
        behind = self.peer.says(b"x")
        Compression(self.clock, self.below, self.take, behind).receive()
        self.assertEqual(b"x", self.received())

    def test_damaged(self) -> None:
        """
        What is not compressed is a violation; so is what comes behind the
        end.  The end alone is none.
        """
        self.assertRaises(ProtocolViolation, self.compression.receive, b"* OK hello")
        self.setUp()
        self.compression.receive(self.peer.says(b"bye", zlib.Z_FINISH))
        self.assertEqual(b"bye", self.received())
        self.assertRaises(ProtocolViolation, self.compression.receive, b"?")

    def test_flushed(self) -> None:
        """
        What is sent in one turn is flushed once, at the next.
        """
        for text in b"a LOGOUT\r\n", b"x" * 1_000_000:
            once = len(Peer().says(text)) + 16
            before = self.compression.sent
            for at in range(0, len(text), 5000):
                self.compression.write(text[at : at + 5000])
            self.clock.advance(0)
            self.assertLess(len(self.below.value()), once)
            self.assertEqual(len(self.below.value()), self.compression.sent - before)
            self.assertEqual(text, self.sent())
            self.assertEqual([], self.clock.getDelayedCalls())

    def test_flat(self) -> None:
        """
        Large amounts are not held until they are flushed.
        """
        noise = random.Random(1).randbytes(1_000_000)
        self.compression.write(noise)
        self.assertGreater(len(self.below.value()), 800_000)

    def test_lastWords(self) -> None:
        """
        What was written before it is closed is sent before that; nothing is
        received any more.
        """
        self.compression.writeSequence([b"a ", b"LOGOUT"])
        self.compression.loseConnection()
        self.assertTrue(self.below.disconnecting)
        self.assertTrue(self.compression.disconnecting)
        self.assertEqual(b"a LOGOUT", self.sent())
        self.compression.receive(self.peer.says(b"late"))
        self.assertEqual([], self.pieces)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_aborted(self) -> None:
        """
        When it is aborted, nothing more is sent.
        """
        self.compression.write(b"x")
        self.compression.abortConnection()
        self.assertTrue(self.below.disconnected)
        self.compression.write(b"x")
        self.assertEqual(b"", self.below.value())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_transport(self) -> None:
        """
        In all else it is the transport below.
        """
        for interface in ITransport, IConsumer, IPushProducer:
            verifyObject(interface, self.compression)
        self.assertEqual(self.below.getPeer(), self.compression.getPeer())
        self.assertEqual(self.below.getHost(), self.compression.getHost())
        producer: Any = self
        self.compression.registerProducer(producer, True)
        self.assertIs(self, self.below.producer)
        self.compression.unregisterProducer()
        self.assertIsNone(self.below.producer)
        self.compression.stopProducing()
        self.assertTrue(self.below.disconnecting)

    def test_closed(self) -> None:
        """
        After the end nothing is left to do.
        """
        self.compression.write(b"x")
        self.compression.pauseProducing()
        self.compression.receive(self.peer.says(b"y"))
        self.compression.close()
        self.resume()
        self.clock.advance(1)
        self.assertEqual(([], []), (self.pieces, self.clock.getDelayedCalls()))


class ConnectionTests(SynchronousTestCase):
    """
    A connection that is compressed.
    """

    def setUp(self) -> None:
        """
        The server is willing.
        """
        self.server, self.peer = Talk(), Peer()
        self.client = self.server.client
        self.done = self.client.compress()
        self.assertEqual(b"0001 COMPRESS DEFLATE\r\n", self.server.heard())

    def agree(self, behind: bytes = b"") -> None:
        """
        The server consents.
        """
        self.client.dataReceived(b"0001 OK [X] go\r\n" + behind)

    def say(self, text: bytes) -> None:
        """
        It says something, compressed.
        """
        self.client.dataReceived(self.peer.says(text))

    def heard(self) -> bytes:
        """
        What it hears.
        """
        self.server.clock.advance(0)
        return self.peer.reads(self.server.heard())

    def test_conversation(self) -> None:
        """
        Commands and answers are compressed from the consent on, those that
        waited for it, too.
        """
        waiting = self.client.perform(Simple("A"))
        self.assertEqual(b"", self.server.heard())
        self.agree()
        self.successResultOf(self.done)
        self.assertEqual(b"0002 A\r\n", self.heard())
        self.say(b"0002 OK x\r\n")
        self.successResultOf(waiting)

    def test_behind(self) -> None:
        """
        What comes right behind the consent is compressed; it is read after
        it, a whole literal included.
        """
        waiting = self.client.perform(Simple("A"))
        text = b"* X {9999}\r\n" + b"x" * 9999 + b"\r\n0002 OK x\r\n"
        self.agree(self.peer.says(text))
        self.successResultOf(self.done)
        self.successResultOf(waiting)

    def test_refused(self) -> None:
        """
        After a refusal all goes on as before.
        """
        self.server.say(b"0001 NO [COMPRESSIONACTIVE] no need")
        self.failureResultOf(self.done, Refused)
        waiting = self.client.perform(Simple("A"))
        self.assertEqual(b"0002 A\r\n", self.server.heard())
        self.server.say(b"0002 OK x")
        self.successResultOf(waiting)

    def test_damaged(self) -> None:
        """
        Damaged data ends the connection in one line; nothing is left to do.
        """
        self.agree()
        failures = failing(self.client.perform(Simple("A")))
        self.client.dataReceived(b"* OK this is clear text\r\n")
        [failure] = failures
        self.assertTrue(failure.check(ProtocolViolation))
        self.assertRegex(str(failure.value), "^server: its compressed data is .*$")
        self.assertTrue(self.server.transport.disconnecting)
        self.assertEqual([], self.server.clock.getDelayedCalls())

    def test_endlessLine(self) -> None:
        """
        A small packet does not get around the longest line.
        """
        self.agree()
        failures = failing(self.client.perform(Simple("A")))
        self.say(b"* OK " + b"x" * 100_000_000)
        self.assertTrue(failures[0].check(ProtocolViolation))

    def test_paused(self) -> None:
        """
        Whoever pauses in the middle of a message gets no more of it; nor can
        the server be late then.
        """
        self.agree()
        bodies = _Reluctant(self.client)
        fetched = self.client.fetchBodies(UidSet.parse("7"), "(BODY.PEEK[])", bodies)
        tag = self.heard().split()[0]
        size = 5 * PIECE
        head = b"* 1 FETCH (UID 7 BODY[] {%d}\r\n" % size
        self.say(head + bytes(size) + b")\r\n" + tag + b" OK x\r\n")
        for _ in range(5):
            self.assertNoResult(fetched)
            self.assertEqual("paused", self.server.transport.producerState)
            self.server.clock.advance(9999)
            self.client.resumeProducing()
        self.successResultOf(fetched)
        self.assertEqual(size, len(bodies.messages[0][1]))

    def test_lost(self) -> None:
        """
        A connection that goes takes along what was not flushed.
        """
        self.agree()
        failures = failing(self.client.perform(Simple("A")))
        self.server.hangUp()
        self.assertTrue(failures[0].check(Lost))
        self.assertEqual([], self.server.clock.getDelayedCalls())

    def test_counts(self) -> None:
        """
        What is counted is what went over the wire.
        """
        self.agree()
        received, sent = self.client.received, self.client.sent
        failing(self.client.perform(Simple("A", b"x" * 10_000)))
        self.server.clock.advance(0)
        self.assertEqual(len(self.server.heard()), self.client.sent - sent)
        self.assertLess(self.client.sent - sent, 200)
        said = self.peer.says(b"* OK " + b"x" * 10_000 + b"\r\n")
        self.client.dataReceived(said)
        self.assertEqual(len(said), self.client.received - received)


class _Reluctant(Bodies):
    """
    Pauses after each piece.
    """

    def __init__(self, client: Any) -> None:
        super().__init__()
        self._client = client

    def bodyReceived(self, piece: Octets) -> None:
        """
        A piece.
        """
        super().bodyReceived(piece)
        self._client.pauseProducing()
