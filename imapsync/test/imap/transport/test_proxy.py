"""
Tests for L{imapsync.imap.transport.proxy}: a proxy that the test plays.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectError, ConnectionDone, DNSLookupError
from twisted.internet.protocol import Factory
from twisted.internet.testing import (
    AccumulatingProtocol,
    MemoryReactorClock,
    StringTransport,
)
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.proxy import Proxy
from imapsync.errors import Distrusted, ImapSyncError, Lost, ProtocolViolation
from imapsync.imap.transport.proxy import ProxyEndpoint
from imapsync.test.imap.transport.test_host import Book

WHERE = "remote (imaps://mail.example:993)"
SOCKS = Proxy("socks5h", "127.0.0.1", 1080)
HTTP = Proxy("http", "127.0.0.1", 8080, ("me", "secret"))

WELCOME = b"HTTP/1.1 200 ok\r\n\r\n"
GREETING = b"* OK hi\r\n"

#: What no name of a server should be found at.
UNIX = UNIXAddress("/run/x")


class Transport(StringTransport):
    """
    Has a protocol, as those of TCP do.
    """

    protocol: Any


class ProxyCase(SynchronousTestCase):
    """
    Connects by a proxy.
    """

    def start(self, proxy: Proxy, *addresses: Any) -> None:
        """
        Begin to connect.

        @param addresses: those of the server, if its name is looked up.
        """
        self.reactor: Any = MemoryReactorClock()
        self.book = Book(addresses)
        if addresses:
            book: Any = self.book
            self.reactor.installNameResolver(book)
        endpoint = ProxyEndpoint(self.reactor, proxy, "mail.example", 993, WHERE, 30)
        factory: Any = Factory.forProtocol(AccumulatingProtocol)
        factory.protocolConnectionMade = None
        self.connecting = endpoint.connect(factory)

    def accept(self) -> None:
        """
        The proxy takes the connection.
        """
        self.transport = Transport()
        factory = self.reactor.tcpClients[-1][2]
        self.transport.protocol = factory.buildProtocol(None)
        self.transport.protocol.makeConnection(self.transport)

    def say(self, data: bytes) -> None:
        """
        It says something.
        """
        self.transport.protocol.dataReceived(data)

    def heard(self) -> bytes:
        """
        What it got to hear since it was last asked.
        """
        sent: bytes = self.transport.value()
        self.transport.clear()
        return sent

    def begin(self, proxy: Proxy) -> None:
        """
        Be connected to it.
        """
        self.start(proxy)
        self.accept()

    def fails(self, kind: type[ImapSyncError], words: str) -> None:
        """
        Expect an error that names server and proxy, and nothing secret.
        """
        text = str(self.failureResultOf(self.connecting, kind).value)
        self.assertTrue(text.startswith(f"{WHERE}: the proxy "), text)
        self.assertIn(words, text)
        self.assertNotIn("secret", text)


class ConnectedTests(ProxyCase):
    """
    When all goes well.
    """

    def test_connected(self) -> None:
        """
        The proxy's transport becomes the server's, of whom nothing is lost that came
        with the proxy's answer, however it comes.
        """
        for piece in 1, 7, 1000:
            self.begin(HTTP)
            self.assertIn(b"CONNECT mail.example:993 ", self.heard())
            self.assertNoResult(self.connecting)
            octets = WELCOME + GREETING
            for start in range(0, len(octets), piece):
                self.say(octets[start : start + piece])
            protocol: Any = self.successResultOf(self.connecting)
            self.assertEqual(GREETING, protocol.data)
            self.assertIs(self.transport, protocol.transport)
            self.assertIs(protocol, self.transport.protocol)
            self.say(b"x")
            self.assertEqual(GREETING + b"x", protocol.data)
            self.assertEqual(b"", self.heard())

    def test_ended(self) -> None:
        """
        Who was connected is told of the end, as on any other way.
        """
        self.begin(HTTP)
        self.say(WELCOME)
        protocol: Any = self.successResultOf(self.connecting)
        self.transport.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertTrue(protocol.closed)
        self.reactor.advance(1000)

    def test_theirs(self) -> None:
        """
        With socks5h, and with http, we look up no name but the proxy's own.
        """
        for scheme in "socks5h", "http":
            here = IPv4Address("TCP", "192.0.2.9", 1)
            self.start(Proxy(scheme, "gate.example", 1), here)
            self.accept()
            self.say(b"\5\0" if scheme == "socks5h" else b"")
            self.assertEqual(["gate.example"], self.book.asked)
            self.assertIn(b"mail.example", self.heard())

    def test_ours(self) -> None:
        """
        With socks5, we look the name up; each address is tried, of both kinds by
        turns.
        """
        self.start(
            SOCKS._replace(scheme="socks5"),
            IPv6Address("TCP", "2001:db8::1", 993),
            IPv6Address("TCP", "2001:db8::2", 993),
            IPv4Address("TCP", "192.0.2.1", 993),
        )
        seen = []
        for _ in range(3):
            self.accept()
            self.say(b"\5\0")
            seen.append(self.heard()[6:])
            if len(seen) < 3:
                self.say(b"\5\4\0\1")
                self.assertTrue(self.transport.disconnecting)
        self.assertNotIn(b"mail.example", b"".join(seen))
        self.assertEqual([4, 1, 4], [address[0] for address in seen])
        self.say(b"\5\0\0\1\0\0\0\0\0\0")
        self.successResultOf(self.connecting)

    def test_dead(self) -> None:
        """
        An address of which the proxy says nothing has its share of the time only.
        """
        self.start(
            SOCKS._replace(scheme="socks5"),
            IPv6Address("TCP", "2001:db8::1", 993),
            IPv4Address("TCP", "192.0.2.1", 993),
        )
        self.accept()
        self.say(b"\5\0")
        self.reactor.advance(15)
        self.assertNoResult(self.connecting)
        self.accept()
        self.say(b"\5\0")
        self.assertIn(b"\xc0\0\2\1", self.heard())
        self.reactor.advance(15)
        self.fails(Lost, "did not connect us within 15 seconds")

    def test_many(self) -> None:
        """
        Of very many addresses a few are tried, so that each has some time.
        """
        self.start(
            SOCKS._replace(scheme="socks5"),
            *(IPv4Address("TCP", f"192.0.2.{last}", 993) for last in range(250)),
        )
        for _ in range(5):
            self.accept()
            self.say(b"\5\0")
            self.heard()
            self.reactor.advance(4.9)
            self.assertFalse(self.transport.disconnecting)
            self.say(b"\5\4\0\1")
        self.accept()
        self.say(b"\5\0")
        self.say(b"\5\4\0\1")
        self.fails(Lost, "did not connect us: host unreachable")


class FailureTests(ProxyCase):
    """
    When it does not.
    """

    def test_unreached(self) -> None:
        """
        The proxy cannot be reached.
        """
        self.start(HTTP)
        factory = self.reactor.tcpClients[-1][2]
        factory.clientConnectionFailed(None, Failure(ConnectError(string="refused")))
        self.reactor.advance(1)
        self.fails(Lost, "http://127.0.0.1:8080 cannot be reached: ")

    def test_unreachedInTime(self) -> None:
        """
        Nor does it say so.
        """
        self.start(HTTP)
        self.reactor.advance(30)
        self.fails(Lost, "no connection within 30 seconds; see proxy")

    def test_silent(self) -> None:
        """
        It says nothing.
        """
        self.begin(HTTP)
        self.reactor.advance(30)
        self.fails(Lost, "did not connect us within 30 seconds")
        self.assertTrue(self.transport.disconnected)

    def test_hangsUp(self) -> None:
        """
        It hangs up.
        """
        self.begin(HTTP)
        self.say(b"HTTP/1.1 ")
        self.transport.protocol.connectionLost(Failure(ConnectionDone()))
        self.fails(Lost, "hung up before it had connected us")

    def test_refused(self) -> None:
        """
        What it refuses is told as what it is, without a password that it repeats.
        """
        for answer, kind, words in (
            (b"403 no secret", Lost, "did not connect us: 403 no (not shown)"),
            (b"407 no bWU6c2VjcmV0", Distrusted, "password: 407 no (not shown)"),
            (b"502 c2VjcmV0", Lost, "did not connect us: 502 (not shown)"),
            (b"x", ProtocolViolation, "does not speak HTTP"),
        ):
            self.begin(HTTP)
            self.say(b"HTTP/1.1 " + answer + b"\r\n\r\n")
            self.fails(kind, words)
            self.assertTrue(self.transport.disconnected)
            self.assertEqual(1, len(self.reactor.tcpClients))

    def test_unknown(self) -> None:
        """
        A name of the server that we cannot look up is no fault of the proxy's.
        """
        self.start(SOCKS._replace(scheme="socks5"), UNIX)
        failure = self.failureResultOf(self.connecting, DNSLookupError)
        self.assertIn("no address is known for mail.example", str(failure.value))

    def test_cancelled(self) -> None:
        """
        Who does not want it any more leaves no connection behind.
        """
        self.begin(HTTP)
        self.connecting.cancel()
        self.failureResultOf(self.connecting, CancelledError)
        self.assertTrue(self.transport.disconnected)
