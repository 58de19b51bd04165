"""
Tests for L{imapsync.imap.transport.host}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.transport.host import HostEndpoint


class Book:
    """
    A resolver with some addresses.

    @ivar asked: the names that were looked up.
    """

    def __init__(self, addresses: Sequence[IAddress]) -> None:
        self._addresses = addresses
        self.asked: list[str] = []

    def resolveHostName(self, receiver: Any, name: str, *_: object) -> None:
        """
        Tell them.
        """
        self.asked.append(name)
        receiver.resolutionBegan(None)
        for address in self._addresses:
            receiver.addressResolved(address)
        receiver.resolutionComplete()


class HostEndpointTests(SynchronousTestCase):
    """
    Tests for L{HostEndpoint}.
    """

    def connect(self, host: str, *addresses: IAddress) -> Any:
        """
        Begin to connect to a host that has these addresses.
        """
        reactor: Any = MemoryReactorClock()
        self.book = Book(addresses)
        reactor.installNameResolver(self.book)
        self.reactor = reactor
        endpoint = HostEndpoint(self.reactor, host, 143, 60)
        connecting = endpoint.connect(Factory.forProtocol(Protocol))
        self.reactor.pump([0.1] * 12)
        self.assertEqual([host], self.book.asked)
        return connecting

    def tried(self) -> list[object]:
        """
        Where it was connected to.
        """
        return [address for address, *_ in self.reactor.tcpClients]

    def test_names(self) -> None:
        """
        Whatever the name, the system is asked for it as it is spelled.
        """
        for host in "mail.example", "my_host", "r3---a.example", "-", "bücher.example":
            self.connect(host, IPv4Address("TCP", "192.0.2.1", 143))
            self.assertEqual(["192.0.2.1"], self.tried())

    def test_several(self) -> None:
        """
        All of its addresses are tried.
        """
        self.connect(
            "mail.example",
            IPv6Address("TCP", "2001:db8::1", 143),
            IPv4Address("TCP", "192.0.2.1", 143),
        )
        self.assertEqual(["2001:db8::1", "192.0.2.1"], self.tried())

    def test_turns(self) -> None:
        """
        Where one kind leads nowhere, only its first address costs time, whichever kind
        the system puts first (RFC 8305, 4).
        """
        six = [IPv6Address("TCP", f"2001:db8::{last}", 143) for last in (1, 2, 3)]
        four = [IPv4Address("TCP", f"192.0.2.{last}", 143) for last in (1, 2)]
        self.connect("mail.example", *six, *four)
        self.assertEqual(
            ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"], self.tried()[:4]
        )
        self.connect("mail.example", *four, *six)
        self.assertEqual(
            ["192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"], self.tried()[:4]
        )

    def test_silent(self) -> None:
        """
        An address that does not answer holds nobody up for longer than RFC 8305, 8
        has it; when another one has, it is left.
        """
        connecting = self.connect(
            "mail.example",
            IPv6Address("TCP", "2001:db8::1", 143),
            IPv4Address("TCP", "192.0.2.1", 143),
        )
        _, (_, _, factory, *_) = self.reactor.tcpClients
        self.assertNoResult(connecting)
        protocol = factory.buildProtocol(None)
        protocol.makeConnection(StringTransport())
        self.assertIsInstance(self.successResultOf(connecting), Protocol)
        connectors = self.reactor.connectors
        self.assertTrue(connectors[0].stoppedConnecting)
        self.assertFalse(connectors[1].stoppedConnecting)

    def test_dead(self) -> None:
        """
        One that refuses is no reason to give up, as long as there are others; when all
        have, that is told.
        """
        connecting = self.connect(
            "mail.example",
            IPv6Address("TCP", "2001:db8::1", 143),
            IPv4Address("TCP", "192.0.2.1", 143),
        )
        for _, _, factory, *_ in self.reactor.tcpClients:
            self.assertNoResult(connecting)
            factory.clientConnectionFailed(None, Failure(ConnectError()))
            self.reactor.advance(1)
        self.failureResultOf(connecting, ConnectError)

    def test_zone(self) -> None:
        """
        An address that is good on one interface only is tried on that.
        """
        address = IPv6Address("TCP", "fe80::1", 143, 0, 4)
        for host in "fe80::1%eth0", "printer.local":
            self.connect(host, address)
            self.assertEqual(["fe80::1%4"], self.tried())

    def test_unknown(self) -> None:
        """
        A name without an address is named.
        """
        failure = self.failureResultOf(self.connect("my_host"), DNSLookupError)
        self.assertIn("no address is known for my_host", str(failure.value))
