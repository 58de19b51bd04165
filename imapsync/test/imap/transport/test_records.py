"""
Tests for L{imapsync.imap.transport.records}: TLS in memory, and over a socket.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from OpenSSL import SSL
from twisted.internet import tcp
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport

from imapsync.imap.transport.direct import send
from imapsync.imap.transport.records import encrypted, layerOf
from imapsync.model import Octets
from imapsync.test.fakes.handshakes import HandshakeCase, joined, wrapped

#: Several records, the last of which is not full; more than any system takes at once.
LARGE = bytes(range(256)) * 1024 * 8 + b"end"


class Heard(Protocol):
    """
    Remembers what it is told.
    """

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        """
        It is told more.
        """
        self.pieces.append(data)

    @property
    def octets(self) -> bytes:
        """
        All of it.
        """
        return b"".join(self.pieces)


class RecordsTests(HandshakeCase):
    """
    A client whose octets go to a server.
    """

    def setUp(self) -> None:
        """
        Make both, not connected yet.
        """
        super().setUp()
        self.clock = Clock()
        self.client = wrapped(self.trust(), True, Protocol, self.clock)
        self.theirs = wrapped(self.server, False, Heard)
        self.end = self.theirs.wrappedProtocol

    def connect(self) -> None:
        """
        Shake hands.
        """
        self.pump = joined(self.client, self.theirs)
        self.pump.flush()

    @property
    def heard(self) -> bytes:
        """
        What the server has heard.
        """
        self.pump.flush()
        octets: bytes = self.end.octets
        return octets

    def test_many(self) -> None:
        """
        Many octets are encrypted at once, behind those that waited for others.
        """
        self.connect()
        send(self.client, [b"first "])
        send(self.client, [b"one ", memoryview(LARGE), b" two"])
        send(self.client, [b" last"])
        self.assertEqual(b"first one " + LARGE + b" two", self.heard)
        self.clock.advance(0)
        self.assertEqual(b"first one " + LARGE + b" two last", self.heard)

    def test_pieces(self) -> None:
        """
        None is lost, whatever their number is: some of a record, a record, or more.
        """
        self.connect()
        layer = layerOf(self.client)
        whole = b""
        for octets in (1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 64 * 1024, 300_001):
            sealed, left = encrypted(layer, LARGE[:octets])
            self.assertEqual(0, len(left))
            self.assertLess(octets, len(sealed))
            layer.transport.write(sealed)
            whole += LARGE[:octets]
            self.assertEqual(whole, self.heard)

    def test_tooEarly(self) -> None:
        """
        Before the handshake is done, they wait.
        """
        transport = StringTransport()
        self.client.makeConnection(transport)
        self.assertIsNone(layerOf(self.client))
        hello = transport.value()
        send(self.client, [LARGE])
        self.assertEqual(hello, transport.value())

    def test_waiting(self) -> None:
        """
        So they do behind others that wait for the server.
        """
        self.connect()
        self.client._appSendBuffer = [b"first"]
        self.assertIsNone(layerOf(self.client))

    def test_ended(self) -> None:
        """
        Nothing is sent after the end was said, or when the connection is gone.
        """
        self.connect()
        self.client.loseConnection()
        self.assertIsNone(layerOf(self.client))
        send(self.client, [LARGE])
        self.assertEqual(b"", self.heard)
        self.assertFalse(self.client.connected)
        send(self.client, [LARGE])
        self.assertIsNone(layerOf(self.client))

    def test_broken(self) -> None:
        """
        What cannot be encrypted is left to Twisted, which ends the connection.
        """
        self.connect()
        connection = self.client.getHandle()
        calls: list[int] = []

        def refused(octets: Octets, flags: int = 0) -> int:
            calls.append(len(octets))
            if len(calls) == 1:
                return SSL.Connection.send(connection, octets)
            raise SSL.Error([("", "", "broken")])

        connection.send = refused
        send(self.client, [LARGE])
        self.assertEqual(16 * 1024, len(self.heard))
        self.assertFalse(self.client.connected)

    def test_otherTransports(self) -> None:
        """
        Without TLS there is nothing to encrypt.
        """
        self.assertIsNone(layerOf(StringTransport()))


class ReceivingTests(HandshakeCase):
    """
    A server whose records come together.
    """

    def setUp(self) -> None:
        """
        Shake hands.
        """
        super().setUp()
        self.clock = Clock()
        self.client = wrapped(self.trust(), True, Heard)
        self.heard = self.client.wrappedProtocol
        self.theirs = wrapped(self.server, False, Protocol, self.clock)
        self.pump = joined(self.client, self.theirs)
        self.pump.flush()
        self.theirs.transport = StringTransport()

    def write(self, *pieces: bytes) -> bytes:
        """
        What the server sends, each piece in records of its own.
        """
        for piece in pieces:
            self.theirs.write(piece)
            self.clock.advance(0)
        octets: bytes = self.theirs.transport.value()
        self.theirs.transport.clear()
        return octets

    def test_together(self) -> None:
        """
        They are heard at once, but for what is not complete yet.
        """
        sent = self.write(b"one", b"two", LARGE, b"three")
        self.client.dataReceived(sent[:-1])
        self.assertEqual([b"onetwo" + LARGE], self.heard.pieces)
        self.client.dataReceived(sent[-1:])
        self.assertEqual([b"three"], self.heard.pieces[1:])

    def test_end(self) -> None:
        """
        What comes before an end is heard before it.
        """
        sent = self.write(b"one", b"two")
        self.theirs.loseConnection()
        self.client.dataReceived(sent + self.write())
        self.assertEqual([b"onetwo"], self.heard.pieces)
        self.assertTrue(self.client.transport.disconnecting)

    def test_broken(self) -> None:
        """
        So it is if what follows is no TLS; and then nothing more is read.
        """
        sent = self.write(b"one", b"two")
        self.client.dataReceived(sent + b"nothing of the kind")
        self.assertEqual([b"onetwo"], self.heard.pieces)
        self.assertTrue(self.client.transport.disconnecting)
        with self.assertRaises(SSL.Error) as caught:
            self.client.getHandle().recv(1)
        self.assertRegex(str(caught.exception), "TLS failed: .+")


class SocketTests(HandshakeCase):
    """
    The same over TCP connections, from the start or after STARTTLS.
    """

    def setUp(self) -> None:
        """
        Connect.
        """
        super().setUp()
        self.reactor = MemoryReactorClock()
        self.ends = [self.end(one) for one in socket.socketpair()]

    def end(self, one: socket.socket) -> Any:
        """
        The transport of one end.
        """
        self.addCleanup(one.close)
        one.setblocking(False)
        transport: Any = tcp.Connection(one, Protocol(), self.reactor)
        transport.connected = 1
        return transport

    def connect(self, *protocols: Any) -> None:
        """
        Have these shake hands.
        """
        for transport, protocol in zip(self.ends, protocols, strict=True):
            transport.protocol = protocol
            protocol.makeConnection(transport)
        self.turn()

    def turn(self) -> None:
        """
        Carry what waits until all is at rest.
        """
        rested = 0
        while rested < 2:
            rested = 0 if self.reactor.writers else rested + 1
            for transport in self.ends:
                if transport in self.reactor.writers:
                    transport.doWrite()
                for _ in range(10):
                    transport.doRead()

    def assertSent(self, transport: Any, heard: Heard, atOnce: Sequence[Any]) -> None:
        """
        What is sent by C{transport} is heard, and none of C{atOnce} has to wait for
        its turn.
        """
        send(transport, [b"a", memoryview(LARGE[:20_000]), b"b"])
        self.assertEqual([], [one for one in atOnce if one in self.reactor.writers])
        send(transport, [b"c", LARGE])
        send(transport, [LARGE[:20_000]])
        self.turn()
        whole = b"a" + LARGE[:20_000] + b"bc" + LARGE + LARGE[:20_000]
        self.assertEqual(whole, heard.octets)

    def test_atOnce(self) -> None:
        """
        They are sent at once; those that there is no room for follow.
        """
        client = wrapped(self.trust(), True)
        server = wrapped(self.server, False, Heard)
        self.connect(client, server)
        self.assertSent(client, server.wrappedProtocol, self.ends[:1])

    def test_afterStartTLS(self) -> None:
        """
        So they are where TLS began later; and nothing goes in the clear before.
        """
        server = wrapped(self.server, False, Heard)
        ours, theirs = self.ends
        ours._tlsClientDefault = True
        ours.protocol.makeConnection(ours)
        ours.startTLS(self.trust())
        send(ours, [LARGE])
        theirs.protocol = server
        server.makeConnection(theirs)
        self.turn()
        self.reactor.advance(0)
        self.turn()
        heard = server.wrappedProtocol
        self.assertEqual(LARGE, heard.octets)
        heard.pieces.clear()
        self.assertSent(ours, heard, [ours])
