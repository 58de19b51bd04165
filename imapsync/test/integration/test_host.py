"""
Addresses that only this system can make something of.
"""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SkipTest, TestCase

from imapsync.imap.transport.host import HostEndpoint

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
