"""
A real proxy between us and real servers.
"""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SkipTest

from imapsync.config.proxy import Proxy
from imapsync.config.server import ServerConfig
from imapsync.errors import Distrusted, Lost, ProtocolViolation
from imapsync.imap.client import SyncClient
from imapsync.test.integration.dovecot import mdboxServer
from imapsync.test.integration.proxy import PASSWORD, USER, ProxyServer
from imapsync.test.integration.test_connect import (
    ConnectCase,
    described,
    strictServer,
)

#: An address at which nobody listens.
NOBODY = 1


class ProxyTests(ConnectCase):
    """
    SOCKS5 and CONNECT, with a login and without.
    """

    def serve(self, wantsLogin: bool = False, **options: Any) -> ProxyServer:
        """
        A proxy, until the test ends.
        """
        proxy = ProxyServer(reactor, wantsLogin, **options)
        self.addCleanup(proxy.close)
        return proxy

    async def works(self, server: ServerConfig) -> SyncClient:
        """
        Connect and use the connection.
        """
        client = await self.connect(server)
        (inbox,) = await client.listMailboxes("INBOX")
        self.assertEqual("INBOX", inbox.name)
        return client

    async def test_each(self) -> None:
        """
        Each kind, with TLS from the start, with STARTTLS and without: the server
        proves who it is by its own name.
        """
        proxy = self.serve()
        for scheme in "socks5", "socks5h", "http":
            way = Proxy(scheme, "127.0.0.1", proxy.port)
            for options in (
                {"type": "imaps"},
                {"type": "imap"},
                {"type": "imap", "starttls": False},
            ):
                server = described(mdboxServer(), proxy=way, **options)
                await self.works(server)
                kind = "http" if scheme == "http" else "socks"
                self.assertEqual([(kind, server.host, server.port)], proxy.asked)
                proxy.asked.clear()

    async def test_names(self) -> None:
        """
        The proxy looks up what we do not know, and SNI and certificate are for that
        name; with socks5, we look it up ourselves.
        """
        proxy = self.serve()
        dovecot = strictServer()
        proxy.names["mail.example"] = dovecot.host
        for scheme in "socks5h", "http":
            way = Proxy(scheme, "127.0.0.1", proxy.port)
            for kind in "imaps", "imap":
                await self.works(
                    described(dovecot, proxy=way, type=kind, host="mail.example")
                )
        self.assertEqual({"mail.example"}, {host for _, host, _ in proxy.asked})
        text = await self.failure(described(dovecot, proxy=way), Distrusted)
        self.assertIn("is for mail.example, not for 127.0.0.2", text)
        proxy.asked.clear()
        way = way._replace(scheme="socks5")
        await self.works(described(mdboxServer(), proxy=way, host="localhost"))
        self.assertIn("127.0.0.1", {host for _, host, _ in proxy.asked})

    async def test_login(self) -> None:
        """
        A proxy that wants a login gets it; it is nowhere to be seen.
        """
        proxy = self.serve(wantsLogin=True)
        with capturedLogs() as events:
            for scheme in "socks5h", "http":
                way = Proxy(scheme, "127.0.0.1", proxy.port, (USER, PASSWORD))
                await self.works(described(mdboxServer(), proxy=way))
                for login, words in (
                    ((USER, "wrong-secret"), "does not accept"),
                    (None, "wants a login: give USER:PASSWORD@"),
                ):
                    server = described(mdboxServer(), proxy=way._replace(login=login))
                    text = await self.failure(server, Distrusted)
                    self.assertIn(f"the proxy {scheme}://127.0.0.1:", text)
                    self.assertIn(words, text)
                    self.assertNotIn("secret", text)
        self.assertNotIn("secret", "".join(str(formatEvent(one)) for one in events))

    async def test_ipv6(self) -> None:
        """
        A proxy that has an IPv6 address, and a server that has one.
        """
        if not socket.has_ipv6:
            raise SkipTest("there is no IPv6")
        try:
            proxy = self.serve(interface="::1")
        except OSError as error:
            raise SkipTest("there is no IPv6") from error
        greeting = Greeting.listen()
        self.addCleanup(greeting.stopListening)
        for scheme in "socks5", "socks5h", "http":
            way = Proxy(scheme, "::1", proxy.port)
            server = described(mdboxServer(), type="imap", starttls=False, proxy=way)
            server = server._replace(host="::1", port=greeting.getHost().port)
            with self.assertRaises(Lost) as caught:
                await self.connect(server)
            self.assertIn("go away", str(caught.exception))
        self.assertEqual({"::1"}, {host for _, host, _ in proxy.asked})

    async def test_refused(self) -> None:
        """
        A server that the proxy does not reach, in the words of the proxy.
        """
        proxy = self.serve()
        for scheme, words in (
            ("socks5", "did not connect us: connection refused"),
            ("http", "did not connect us: 502 Nobody there"),
        ):
            way = Proxy(scheme, "127.0.0.1", proxy.port)
            server = described(mdboxServer(), port=NOBODY, proxy=way)
            self.assertIn(words, await self.failure(server, Lost))

    async def test_unreached(self) -> None:
        """
        A proxy that is not there, and one that is none.
        """
        way = Proxy("http", "127.0.0.1", NOBODY)
        text = await self.failure(described(mdboxServer(), proxy=way), Lost)
        self.assertIn("the proxy http://127.0.0.1:1 cannot be reached: ", text)
        dovecot = mdboxServer()
        for scheme in "http", "socks5h":
            way = Proxy(scheme, dovecot.host, dovecot.port)
            text = await self.failure(described(dovecot, proxy=way), ProtocolViolation)
            self.assertIn("does not speak", text)


class Greeting(Protocol):
    """
    A server that wants nobody.
    """

    def connectionMade(self) -> None:
        """
        Say so.
        """
        assert self.transport is not None
        self.transport.write(b"* BYE go away\r\n")
        self.transport.loseConnection()

    @classmethod
    def listen(cls) -> Any:
        """
        Listen at an address of IPv6.
        """
        listening: Any = reactor
        return listening.listenTCP(0, Factory.forProtocol(cls), interface="::1")
