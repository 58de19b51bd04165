"""
Addresses that only this system can make something of.
"""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SkipTest, TestCase

from imapsync.imap.transport.host import HostEndpoint
from imapsync.test.imap.transport.test_host import Book

#: Linux tells of each address, in columns: itself, ..., its scope, ..., and its
#: interface.
_ADDRESSES = Path("/proc/net/if_inet6")

#: The scope of those that are good on one interface only.
_LINK = "20"


def linkLocal() -> str:
    """
    Such an address of this computer, with its zone.
    """
    for line in _ADDRESSES.read_text().splitlines() if _ADDRESSES.exists() else ():
        digits, _, _, scope, _, interface = line.split()
        if scope == _LINK:
            return f"{ipaddress.IPv6Address(int(digits, 16))}%{interface}"
    raise SkipTest("no interface has a link-local address")


class ZoneTests(TestCase):
    """
    An address with a zone.
    """

    async def test_connected(self) -> None:
        """
        It is connected to through its interface.
        """
        host = linkLocal()
        listening = socket.create_server(("::", 0), family=socket.AF_INET6)
        self.addCleanup(listening.close)
        endpoint = HostEndpoint(reactor, host, listening.getsockname()[1], 10)
        client: Any = await endpoint.connect(Factory.forProtocol(Protocol))
        self.addCleanup(client.transport.abortConnection)
        accepted, _ = listening.accept()
        accepted.close()
        self.assertEqual(host, client.transport.getPeer().host)


class Named:
    """
    The reactor, on which every name is one of a host that has these addresses.
    """

    def __init__(self, *addresses: IPv4Address) -> None:
        self.nameResolver = Book(addresses)

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)


class SeveralTests(TestCase):
    """
    A host with several addresses.
    """

    async def test_silent(self) -> None:
        """
        One that takes no packets, and says nothing of it, is not waited for.
        """
        silent = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(silent.close)
        port = silent.getsockname()[1]
        answering = socket.create_server(("127.0.0.2", port))
        self.addCleanup(answering.close)
        self.fill(silent)
        addresses = (IPv4Address("TCP", f"127.0.0.{last}", port) for last in (1, 2))
        endpoint = HostEndpoint(Named(*addresses), "mail.example", port, 60)
        client: Any = await endpoint.connect(Factory.forProtocol(Protocol))
        self.addCleanup(client.transport.abortConnection)
        self.assertEqual("127.0.0.2", client.transport.getPeer().host)

    def fill(self, listening: socket.socket) -> None:
        """
        Connect to where nobody accepts until the system takes no more.
        """
        for _ in range(20):
            one = socket.socket()
            self.addCleanup(one.close)
            one.settimeout(0.2)
            try:
                one.connect(listening.getsockname())
            except TimeoutError:
                return
        raise SkipTest("the system takes any number of connections")
