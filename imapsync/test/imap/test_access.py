"""
Tests for L{imapsync.imap.access}, and for what is made of it by
L{imapsync.imap.connect} and L{imapsync.imap.login}.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.logger import capturedLogs
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from imapsync.config.server import ServerConfig
from imapsync.errors import ConfigError, Distrusted, Lost
from imapsync.imap.access import Access, Credentials
from imapsync.test.imap.test_connect import ALL, CREDENTIALS, PLAIN, TUNNEL, ConnectCase

#: A server that says nothing of a login.
NO_LOGIN = PLAIN._replace(username=None, password=None)

GREETING = f"* OK [CAPABILITY {ALL} SASL-IR AUTH=PLAIN] hi"


@implementer(IStreamClientEndpoint)
class Door:
    """
    An endpoint that opens when a test says so.

    @ivar connecting: what waits for that.
    """

    def __init__(self) -> None:
        self.factories: list[Any] = []
        self.connecting: Deferred[IProtocol] = Deferred()

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """
        Begin to connect.
        """
        self.factories.append(protocolFactory)
        return self.connecting


class EndpointTests(ConnectCase):
    """
    Tests for C{endpoint}.
    """

    def setUp(self) -> None:
        """
        Make a door.
        """
        super().setUp()
        self.door = Door()
        self.access = Access(self.door)

    def open(self, server: ServerConfig) -> None:
        """
        Connect through it.
        """
        self.start(server)
        self.assertEqual([], self.reactor.tcpClients)
        self.client = self.door.factories[0].buildProtocol(None)
        self.client.makeConnection(self.transport)
        self.door.connecting.callback(self.client)

    def test_connected(self) -> None:
        """
        It is connected to, whatever host and port say, and in place of a command.
        """
        for server in PLAIN, TUNNEL:
            self.setUp()
            self.open(server._replace(host="nowhere"))
            self.say(f"* PREAUTH [CAPABILITY {ALL}] hi")
            self.enable()
            self.connected()

    def test_encrypted(self) -> None:
        """
        TLS comes on top.
        """
        self.start(PLAIN._replace(type="imaps"))
        self.assertIsInstance(self.door.factories[0], TLSMemoryBIOFactory)

    def test_failed(self) -> None:
        """
        However it fails, the server could not be reached, which may be otherwise
        next time.
        """
        for error in ConnectError(), OSError(5, "no"), KeyError("proxy"):
            self.setUp()
            self.start(PLAIN)
            self.door.connecting.errback(error)
            failure = self.failureResultOf(self.connecting, Lost)
            self.assertIn("cannot be reached", str(failure.value))

    def test_ours(self) -> None:
        """
        What it says in our words is what it is.
        """
        self.start(PLAIN)
        self.door.connecting.errback(Distrusted("stolen"))
        self.failureResultOf(self.connecting, Distrusted)

    def test_late(self) -> None:
        """
        It is waited for as long as for any other.
        """
        self.start(PLAIN)
        self.reactor.advance(30)
        self.failureResultOf(self.connecting, Lost)

    def test_near(self) -> None:
        """
        A socket in the file system is not the net.
        """
        self.transport.peerAddr = UNIXAddress("/run/imap")
        with capturedLogs() as events:
            self.open(PLAIN)
            self.say(GREETING)
        self.assertEqual([], events)


class CredentialsTests(ConnectCase):
    """
    Tests for C{credentials}.
    """

    def login(
        self, ask: Callable[[], Awaitable[Credentials]], server: ServerConfig = NO_LOGIN
    ) -> None:
        """
        Connect to a server that wants a login.
        """
        self.access = Access(credentials=ask)
        self.begin(server, GREETING)

    def test_asked(self) -> None:
        """
        They are what the owner says, whatever the configuration does, and asked
        for only when they are needed.
        """
        asked = []

        async def ask() -> Credentials:
            asked.append(len(self.heard()))
            return Credentials("me", "secret")

        for server in NO_LOGIN, PLAIN._replace(username="you", passwordCommand="x"):
            self.setUp()
            self.start(server)
            self.assertEqual([], asked)
            self.login(ask, server)
            self.answer(
                f"AUTHENTICATE PLAIN {CREDENTIALS}", tagged=f"OK [CAPABILITY {ALL}] in"
            )
            self.enable()
            self.connected()
            asked.clear()

    def test_preauthenticated(self) -> None:
        """
        Where no login is wanted, they are not asked for.
        """
        self.access = Access(credentials=lambda: fail(KeyError()))
        self.begin(PLAIN, f"* PREAUTH [CAPABILITY {ALL}] hi")
        self.enable()
        self.connected()

    def test_later(self) -> None:
        """
        They may take their time, but not for ever.
        """
        for answers in True, False:
            self.setUp()
            asking: Deferred[Credentials] = Deferred()
            self.login(lambda asking=asking: asking)  # type: ignore[misc]
            self.reactor.advance(100)
            self.assertNoResult(self.connecting)
            if answers:
                asking.callback(Credentials("me", "secret"))
                self.assertEqual(1, len(self.heard()))
            else:
                self.reactor.advance(20)
                self.failed(Lost, "no credentials within 120 seconds")

    def test_failed(self) -> None:
        """
        Whether it is worth trying again, is for them to say.
        """
        for error in Lost("locked"), Distrusted("revoked"):
            self.setUp()
            self.login(lambda error=error: fail(error))  # type: ignore[misc]
            self.assertIs(error, self.failureResultOf(self.connecting).value)
            self.assertTrue(self.transport.disconnected)

    def test_nul(self) -> None:
        """
        They are held to what is held of those of a configuration.
        """
        self.login(lambda: succeed(Credentials("me", "secret\0")))
        self.failed(ConfigError, "NUL")

    def test_hidden(self) -> None:
        """
        They do not show the password.
        """
        self.assertNotIn("secret", f"{Credentials('me', 'secret')!r}")
