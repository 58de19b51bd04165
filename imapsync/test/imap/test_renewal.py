"""
Tests for L{imapsync.imap.renewal}, and for what is made of it by
L{imapsync.imap.connect}: the client in conversation with both servers that the test
plays, that of the mail and that of the tokens.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport

from imapsync.config.server import ServerConfig
from imapsync.errors import Distrusted, Lost
from imapsync.imap.access import Access, Credentials
from imapsync.imap.credentials import credentials
from imapsync.oauth.client import Client
from imapsync.oauth.tokenfile import TokenFile
from imapsync.oauth.tokens import Tokens
from imapsync.test.fakes.sites import CONFIG
from imapsync.test.imap.test_connect import ALL, PLAIN, ConnectCase, SecurableTransport

GREETING = f"* OK [CAPABILITY {ALL} SASL-IR AUTH=OAUTHBEARER AUTH=XOAUTH2] hi"


class RenewalTests(ConnectCase):
    """
    Tests for logins with C{oauth2}.
    """

    def setUp(self) -> None:
        """
        Have been granted a token.
        """
        super().setUp()
        self.path = Path(self.mktemp()).absolute() / "me@host.oauth2"
        self.oauth = CONFIG._replace(
            tokenUrl="http://127.0.0.1:8/token", tokenFile=str(self.path), store="file"
        )
        self.server: ServerConfig = PLAIN._replace(
            password=None, auth=("XOAUTH2",), oauth2=self.oauth
        )
        self.keep(None)

    def keep(self, expires: float | None) -> None:
        """
        Keep that token.

        @param expires: when it does.
        """
        web: Any = None
        identity = Client(web, self.oauth, self.reactor.seconds).identity
        tokens = Tokens("access-0", expires, "refresh-0", identity)
        writing = TokenFile(str(self.path)).write(tokens)
        self.successResultOf(Deferred.fromCoroutine(writing))

    def greet(self) -> None:
        """
        A mail server takes a connection.
        """
        # What is on an address of this computer may be in clear text.
        self.transport = SecurableTransport(
            peerAddress=IPv4Address("TCP", "127.0.0.1", 143)
        )
        self.accept()
        self.say(GREETING)

    def given(self) -> str:
        """
        What is sent to log in.
        """
        [line] = self.heard()
        start, _, response = line.rpartition(" ")
        self.assertEqual("0001 AUTHENTICATE XOAUTH2", start)
        return base64.b64decode(response).decode()

    def token(self, name: str) -> str:
        """
        What logs in with that.
        """
        return f"user=me\1auth=Bearer {name}\1\1"

    def grant(self, answer: str = "", status: str = "200 OK") -> dict[str, list[str]]:
        """
        Answer to who asks for tokens.

        @return: what was asked.
        """
        host, port, factory, *_ = self.reactor.tcpClients.pop()
        self.assertEqual(("127.0.0.1", 8), (host, port))
        protocol: Any = factory.buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        fields = {"access_token": "access-1", "expires_in": 60, "token_type": "Bearer"}
        body = answer or json.dumps(fields)
        protocol.dataReceived(
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        _, _, form = transport.value().partition(b"\r\n\r\n")
        return parse_qs(form.decode())

    def enter(self) -> None:
        """
        The mail server lets us in.
        """
        self.say(f"0001 OK [CAPABILITY {ALL}] in")
        self.enable()
        self.assertEqual("me", self.connected().user)

    def test_kept(self) -> None:
        """
        A token that is kept is used.
        """
        self.start(self.server)
        self.greet()
        self.assertEqual(self.token("access-0"), self.given())
        self.enter()
        self.assertEqual(1, len(self.reactor.tcpClients))

    def test_expired(self) -> None:
        """
        One that is about to expire is renewed before.
        """
        self.keep(5.0)
        self.start(self.server)
        self.greet()
        self.assertEqual([], self.heard())
        self.assertEqual(["refresh-0"], self.grant()["refresh_token"])
        self.assertEqual(self.token("access-1"), self.given())
        self.enter()

    def test_renewed(self) -> None:
        """
        One that the mail server refuses is renewed, and the next one is used, over
        another connection.
        """
        self.start(self.server)
        self.greet()
        self.assertEqual(self.token("access-0"), self.given())
        self.say("0001 NO [AUTHENTICATIONFAILED] Who are you?")
        self.assertNoResult(self.connecting)
        self.greet()
        self.assertEqual(["refresh-0"], self.grant()["refresh_token"])
        self.assertEqual(self.token("access-1"), self.given())
        self.enter()

    def test_refused(self) -> None:
        """
        If that is refused, too, it is over: there is no third.
        """
        self.start(self.server)
        self.greet()
        self.given()
        self.say("0001 NO AUTHENTICATE failed.")
        self.greet()
        self.grant()
        self.assertEqual(self.token("access-1"), self.given())
        self.say("0001 NO [AUTHENTICATIONFAILED] Not that access-1.")
        self.failed(
            Distrusted,
            "the login was refused: Not that (not shown).; see username and"
            " oauth2-scope, or run imapsync --authorize=remote",
        )

    def test_fresh(self) -> None:
        """
        There is no second, where the first was new.
        """
        self.keep(5.0)
        self.start(self.server)
        self.greet()
        self.grant()
        self.given()
        count = len(self.reactor.tcpClients)
        self.say("0001 NO [EXPIRED] Too old.")
        self.failed(
            Distrusted, "renew the password or token: see username and oauth2-scope"
        )
        self.assertEqual(count, len(self.reactor.tcpClients))

    def test_busy(self) -> None:
        """
        A server that lets nobody in just now says nothing of the token.
        """
        self.start(self.server)
        self.greet()
        self.given()
        self.say("0001 NO [UNAVAILABLE] Come back later.")
        self.failed(Lost, "Come back later.")
        self.assertEqual(1, len(self.reactor.tcpClients))

    def test_revoked(self) -> None:
        """
        Where there is no other token, it is said what to do.
        """
        self.start(self.server)
        self.greet()
        self.given()
        self.say("0001 NO [AUTHENTICATIONFAILED] Who are you?")
        self.greet()
        self.grant('{"error": "invalid_grant"}', "400 Bad Request")
        self.failed(
            Distrusted,
            "127.0.0.1:8: invalid_grant; a user has to say yes once more: run imapsync"
            " --authorize=remote",
        )
        self.assertEqual([], self.heard())

    def test_user(self) -> None:
        """
        It is the token that says who logs in: the mail may be that of another one.
        """
        self.start(self.server._replace(authorizeAs="you"))
        self.greet()
        self.assertEqual("user=you\1auth=Bearer access-0\1\1", self.given())

    def test_owner(self) -> None:
        """
        The owner of a service may have another source of tokens.
        """

        async def ask() -> Credentials:
            return Credentials("me", "theirs")

        self.access = Access(credentials=ask)
        self.start(self.server)
        self.greet()
        self.assertEqual(self.token("theirs"), self.given())
        self.say("0001 NO [AUTHENTICATIONFAILED] Who are you?")
        self.failed(Distrusted, "Who are you?")

    def test_alone(self) -> None:
        """
        A login for which nobody renews anything has the token that is good now.
        """
        client: Any = None
        asking = credentials(
            self.reactor, client, self.server, Access(), True, "XOAUTH2"
        )
        self.assertEqual(
            Credentials("me", "access-0"),
            self.successResultOf(Deferred.fromCoroutine(asking)),
        )
