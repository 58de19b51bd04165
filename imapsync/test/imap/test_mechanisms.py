"""
Tests for L{imapsync.imap.login}: conversations in memory, one for each mechanism.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport
from twisted.test.iosim import connect as pumped

from imapsync.config.server import ServerConfig
from imapsync.config.tls import TLSConfig
from imapsync.errors import (
    ConfigError,
    Distrusted,
    ImapSyncError,
    Later,
    ProtocolViolation,
)
from imapsync.imap.access import ORDINARY
from imapsync.imap.credentials import credentials
from imapsync.imap.login import login
from imapsync.test.fakes.handshakes import Server
from imapsync.test.fakes.scram import ScramServer
from imapsync.test.fakes.talking import Talk
from imapsync.test.imap.test_connect import (
    ALL,
    CREDENTIALS,
    IMAPS,
    PLAIN,
    TUNNEL,
    ConnectCase,
    SecurableTransport,
)
from imapsync.test.integration.certificates import issue

INITIAL = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH={}] hi"
READY = f"OK [CAPABILITY {ALL}] in"


def coded(text: bytes | str) -> str:
    """
    As it goes over the wire.
    """
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


class MechanismCase(ConnectCase):
    """
    Logs in with one mechanism.
    """

    def using(self, mechanism: str, initial: bool = True, **changes: Any) -> None:
        """
        Connect to a server that offers C{mechanism}.

        @param initial: whether it takes an initial response (RFC 4959).
        """
        # What is on an address of this machine may be in clear text.
        self.transport = SecurableTransport(
            peerAddress=IPv4Address("TCP", "127.0.0.1", 143)
        )
        offer = INITIAL if initial else INITIAL.replace(" SASL-IR", "")
        server: ServerConfig = PLAIN._replace(auth=(mechanism,), **changes)
        self.begin(server, offer.format(mechanism))

    def challenge(self, text: bytes | str) -> str:
        """
        The server says something within the exchange; what is answered to it.
        """
        self.say(f"+ {coded(text)}")
        [line] = self.heard()
        return line

    def sent(self, mechanism: str, initial: bool) -> bytes:
        """
        The initial response.
        """
        [line] = self.heard()
        if not initial:
            self.assertEqual(f"0001 AUTHENTICATE {mechanism}", line)
            self.say("+ ")
            [line] = self.heard()
            return base64.b64decode(line)
        start, _, response = line.rpartition(" ")
        self.assertEqual(f"0001 AUTHENTICATE {mechanism}", start)
        return b"" if response == "=" else base64.b64decode(response)

    def enter(self, user: str = "me") -> None:
        """
        The server lets us in, as C{user}.
        """
        self.say(f"0001 {READY}")
        self.enable()
        self.assertEqual(user, self.connected().user)

    def refuse(
        self, code: str = "", kind: type[ImapSyncError] = Distrusted, *words: str
    ) -> None:
        """
        The server does not.
        """
        self.say(f"0001 NO {code}Who are you?")
        self.failed(kind, "the login was refused: Who are you?", *words)


class MechanismsTests(MechanismCase):
    """
    A login with each.
    """

    def test_scram(self) -> None:
        """
        SCRAM, with the initial response in the command or after it.
        """
        for algorithm, mechanism in (
            ("sha1", "SCRAM-SHA-1"),
            ("sha256", "SCRAM-SHA-256"),
        ):
            for initial in True, False:
                server = ScramServer(algorithm, "secret")
                self.using(mechanism, initial)
                first = server.begin(self.sent(mechanism, initial))
                final = base64.b64decode(self.challenge(first))
                self.assertEqual("", self.challenge(server.end(final)))
                self.enter()

    def test_scramRefused(self) -> None:
        """
        A wrong password is told in the server's words, be they in the exchange, after
        it, or both.
        """
        for told in False, True:
            server = ScramServer("sha256", "other")
            self.using("SCRAM-SHA-256")
            first = server.begin(self.sent("SCRAM-SHA-256", True))
            end = server.end(base64.b64decode(self.challenge(first)))
            if told:
                self.assertEqual("", self.challenge(end))
                self.refuse("", Distrusted, "(invalid-proof)", "see username")
            else:
                self.refuse("[AUTHENTICATIONFAILED] ")

    def test_scramUnproven(self) -> None:
        """
        A server that lets us in without a proof that it knows the password is left.
        """
        server = ScramServer("sha256", "secret")
        self.using("SCRAM-SHA-256")
        first = server.begin(self.sent("SCRAM-SHA-256", True))
        self.challenge(first)
        self.say(f"0001 {READY}")
        self.failed(Distrusted, "SCRAM-SHA-256: the server let us in without a proof")

    def forged(self) -> None:
        """
        The server's proof is none: it hears that it gets nothing more.
        """
        server = ScramServer("sha256", "secret")
        self.using("SCRAM-SHA-256")
        self.challenge(server.begin(self.sent("SCRAM-SHA-256", True)))
        self.assertEqual("*", self.challenge(b"v=" + b"A" * 44))

    def test_scramForged(self) -> None:
        """
        One whose proof is wrong is left, whatever it says then.
        """
        for said in READY, "BAD cancelled", "NO [UNAVAILABLE] later":
            self.forged()
            self.say(f"0001 {said}")
            self.failed(Distrusted, "does not know the password")

    def test_scramGone(self) -> None:
        """
        Even if it goes: it is not asked again.
        """
        self.forged()
        self.client.connectionLost(Failure(ConnectionDone()))
        error = self.failureResultOf(self.connecting, Distrusted).value
        self.assertIn("does not know the password", str(error))

    def test_scramSilent(self) -> None:
        """
        Nor is one waited for that says nothing more.
        """
        self.forged()
        self.reactor.advance(5)
        self.failed(Distrusted, "does not know the password")

    def test_scramMalformed(self) -> None:
        """
        What is no SCRAM is called off.
        """
        self.using("SCRAM-SHA-256")
        self.sent("SCRAM-SHA-256", True)
        self.assertEqual("*", self.challenge("r=,"))
        self.say("0001 BAD cancelled")
        self.failed(ProtocolViolation, "no message of SCRAM")

    def test_cramMD5(self) -> None:
        """
        CRAM-MD5 (RFC 2195, 2).
        """
        self.using("CRAM-MD5", username="tim", password="tanstaaftanstaaf")
        self.assertEqual(["0001 AUTHENTICATE CRAM-MD5"], self.heard())
        answer = self.challenge("<1896.697170952@postoffice.reston.mci.net>")
        self.assertEqual(coded("tim b913a602c7eda7a495b4e6e7334d3890"), answer)
        self.enter("tim")

    def test_cramMD5Refused(self) -> None:
        """
        And a wrong password.
        """
        self.using("CRAM-MD5")
        self.heard()
        self.challenge("<1@x>")
        self.refuse("[AUTHENTICATIONFAILED] ")

    def test_external(self) -> None:
        """
        EXTERNAL says nothing, and needs neither user name nor password; who we are is
        the server's to know.
        """
        for initial in True, False:
            self.using("EXTERNAL", initial, username=None, password=None)
            self.assertEqual(b"", self.sent("EXTERNAL", initial))
            self.enter("")

    def test_externalRefused(self) -> None:
        """
        A server that does not know us says so.
        """
        self.using("EXTERNAL", username=None, password=None)
        self.heard()
        self.refuse("[AUTHENTICATIONFAILED] ", Distrusted, "see SSL_certificate")

    def test_bearer(self) -> None:
        """
        OAUTHBEARER and XOAUTH2 send a token.
        """
        for initial in True, False:
            self.using("OAUTHBEARER", initial)
            self.assertEqual(
                b"n,a=me,\1host=mail.example\1port=143\1auth=Bearer secret\1\1",
                self.sent("OAUTHBEARER", initial),
            )
            self.enter()
            self.using("XOAUTH2", initial)
            self.assertEqual(
                b"user=me\1auth=Bearer secret\1\1", self.sent("XOAUTH2", initial)
            )
            self.enter()

    def test_bearerRefused(self) -> None:
        """
        Why a token is refused is told in words, and what to do.
        """
        said = '{"status":"invalid_token","scope":"mail"}'
        for mechanism, answer in ("OAUTHBEARER", "AQ=="), ("XOAUTH2", ""):
            self.using(mechanism)
            self.heard()
            self.assertEqual(answer, self.challenge(said))
            self.refuse(
                *("", Distrusted, "(invalid_token, the token must be for the scope"),
                "; renew the password or token: see username and password",
            )

    def test_bearerLater(self) -> None:
        """
        A server that cannot tell just now is asked again later.
        """
        self.using("OAUTHBEARER")
        self.heard()
        self.challenge('{"status":"503"}')
        self.refuse("", Later)

    def test_passwordFile(self) -> None:
        """
        A password in a file is read anew for each login.
        """
        path = Path(self.mktemp())
        for password in "secret", "another":
            path.write_text(f"{password}\n")
            self.using("PLAIN", password=None, passwordFile=str(path))
            self.assertEqual(f"\0me\0{password}".encode(), self.sent("PLAIN", True))
        path.unlink()
        self.using("PLAIN", password=None, passwordFile=str(path))
        self.failed(ConfigError, "cannot be read")

    def test_tokenRepeated(self) -> None:
        """
        What the server repeats of a token is not told.
        """
        token = "s3cr3t-token"
        for mechanism in "OAUTHBEARER", "XOAUTH2", "PLAIN":
            self.using(mechanism, password=token)
            sent = self.sent(mechanism, True)
            self.say(f"0001 NO not {token}, {coded(token)} or {coded(sent)}")
            error = self.failureResultOf(self.connecting, Distrusted).value
            self.assertIn("not (not shown), (not shown) or (not shown)", str(error))


class AuthorizedTests(MechanismCase):
    """
    Whose mail it is to be.
    """

    def test_authorized(self) -> None:
        """
        Every mechanism that can says it; it is who is logged in then.
        """
        for mechanism, response in (
            ("PLAIN", b"you\0me\0secret"),
            ("EXTERNAL", b"you"),
            (
                "OAUTHBEARER",
                b"n,a=you,\1host=mail.example\1port=143\1auth=Bearer secret\1\1",
            ),
        ):
            self.using(mechanism, authorizeAs="you")
            self.assertEqual(response, self.sent(mechanism, True))
            self.enter("you")

    def test_authorizedScram(self) -> None:
        """
        So does SCRAM, and proves it.
        """
        server = ScramServer("sha1", "secret")
        self.using("SCRAM-SHA-1", authorizeAs="y=u,")
        first = server.begin(self.sent("SCRAM-SHA-1", True))
        self.assertEqual(("n,a=y=3Du=2C,", "me"), (server.header, server.user))
        final = base64.b64decode(self.challenge(first))
        self.challenge(server.end(final))
        self.enter("y=u,")

    def test_notByLogin(self) -> None:
        """
        The LOGIN command cannot: it is not used then.
        """
        server = PLAIN._replace(authorizeAs="you")
        self.begin(server, "* OK [CAPABILITY IMAP4rev1 AUTH=LOGIN] hi")
        self.failed(Distrusted, "auth = PLAIN, but the server offers LOGIN")

    def test_notAllowed(self) -> None:
        """
        A server that does not let us act for somebody else says so.
        """
        self.using("PLAIN", authorizeAs="you")
        self.heard()
        self.refuse(
            "[AUTHORIZATIONFAILED] ",
            Distrusted,
            "see username and password, and authorize-as",
        )


class LineTests(ConnectCase):
    """
    What is sent in clear text, and what not.
    """

    def warnings(self, server: ServerConfig, mechanism: str) -> list[str]:
        """
        What is said about a line without TLS.
        """
        with capturedLogs() as events:
            self.begin(server, INITIAL.format(mechanism))
        return [e["what"] for e in events if e["log_format"].count("clear text")]

    def test_wanted(self) -> None:
        """
        Where the user wants no TLS, a warning tells what others can read.
        """
        for mechanism, shown in (
            *(("PLAIN", "the password"), ("LOGIN", "the password")),
            *(("XOAUTH2", "the password"), ("OAUTHBEARER", "the password")),
            *(("SCRAM-SHA-1", "all mail"), ("CRAM-MD5", "all mail")),
        ):
            server = PLAIN._replace(auth=(mechanism,))
            self.assertEqual([shown], self.warnings(server, mechanism))

    def test_once(self) -> None:
        """
        It is told once, not for each connection that is made.
        """
        first, second = (Talk(b"* OK [CAPABILITY X AUTH=PLAIN] hi") for _ in range(2))
        second.client.log = first.client.log
        with capturedLogs() as events:
            for talk in first, second:
                self.login(PLAIN, talk)
        told = [event for event in events if event["log_format"].count("clear text")]
        self.assertEqual(1, len(told))

    def login(self, server: ServerConfig, talk: Talk) -> Deferred[None]:
        """
        Log in without TLS, whatever the configuration says of it.
        """
        talk.client.transport = self.transport
        client = talk.client
        asked = partial(credentials, self.reactor, client, server, ORDINARY, False)
        return Deferred.fromCoroutine(login(client, server, asked))

    def test_unwanted(self) -> None:
        """
        Where TLS is wanted and not there, nothing that shows the password is sent.
        """
        for mechanism in "PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER":
            for server in IMAPS, PLAIN._replace(starttls=True):
                talk = Talk(f"* OK [CAPABILITY X AUTH={mechanism}] hi".encode())
                doing = self.login(server._replace(auth=(mechanism,)), talk)
                error = self.failureResultOf(doing, Distrusted).value
                self.assertIn("not encrypted", str(error))
                self.assertEqual([], self.heard())

    def test_near(self) -> None:
        """
        A tunnel, and what is on this machine, is nobody else's to read.
        """
        near = SecurableTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 143))
        for transport, server in (self.transport, TUNNEL), (near, IMAPS):
            self.transport = transport
            self.login(server, Talk(b"* OK [CAPABILITY SASL-IR AUTH=PLAIN] hi"))
            self.assertEqual([f"0001 AUTHENTICATE PLAIN {CREDENTIALS}"], self.heard())


class Bound(Protocol):
    """
    A server that takes SCRAM with a channel binding, and nothing else.

    @ivar binding: what it knows of the connection.
    @ivar offers: the mechanisms.
    @ivar server: its half of the login.
    """

    server: ScramServer

    def __init__(self, offers: str, binding: Callable[[], bytes]) -> None:
        self.offers = offers
        self.binding = binding

    def connectionMade(self) -> None:
        """
        Greet.
        """
        self.say(f"* OK [CAPABILITY IMAP4rev1 SASL-IR {self.offers}] hi")

    def say(self, line: str) -> None:
        """
        Send a line.
        """
        transport: Any = self.transport
        transport.write(f"{line}\r\n".encode())

    def dataReceived(self, data: bytes) -> None:
        """
        A line, which the client sends in one piece.
        """
        words = data.decode().split()
        if "AUTHENTICATE" in words:
            self.server = ScramServer("sha256", "secret", self.binding())
            first = self.server.begin(base64.b64decode(words[-1]))
            self.say(f"+ {coded(first)}")
        elif "ENABLE" in words:
            self.say(f"* ENABLED QRESYNC\r\n{words[0]} OK done")
        elif words:
            self.say(f"+ {coded(self.server.end(base64.b64decode(words[0])))}")
        else:
            error = self.server.error
            self.say(f"0001 NO {error}" if error else f"0001 {READY}")


class BoundTests(ConnectCase):
    """
    Logins that are tied to a TLS connection, which is real here.
    """

    PLUS = "AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS"

    def setUp(self) -> None:
        super().setUp()
        directory = Path(self.mktemp())
        directory.mkdir()
        self.certificate = issue(directory, ["mail.example"])
        self.creator = Server(self.certificate.path, self.certificate.key)

    def exported(self) -> bytes:
        """
        RFC 9266.
        """
        label = b"EXPORTER-Channel-Binding"
        return self.creator.last.export_keying_material(label, 32, b"")

    def talk(
        self,
        offers: str,
        auth: str,
        binding: Callable[[], bytes],
        version: str = "TLSv1.3",
    ) -> str:
        """
        Log in.

        @return: how the client's first message began.
        """
        tls = TLSConfig(caFile=str(self.certificate.authority), protocolMax=version)
        self.start(IMAPS._replace(tls=tls, auth=(auth,)))
        host = Bound(offers, binding)
        clock = Clock()
        server: Any = TLSMemoryBIOFactory(
            self.creator, False, Factory.forProtocol(lambda: host), clock
        ).buildProtocol(None)
        client = self.reactor.tcpClients[-1][2].buildProtocol(None)
        ends = FakeTransport(server, isServer=True), FakeTransport(client, False)
        pump = pumped(server, ends[0], client, ends[1])
        for _ in range(9):
            clock.advance(0)
            self.reactor.advance(0)
            pump.flush()
        return host.server.header

    def test_exporter(self) -> None:
        """
        With TLS 1.3, where the server can.
        """
        header = self.talk(self.PLUS, "SCRAM-SHA-256-PLUS", self.exported)
        self.assertEqual("p=tls-exporter,,", header)
        self.successResultOf(self.connecting)

    def test_unasked(self) -> None:
        """
        Not if that is not asked for: the server may know other ways only.
        """
        header = self.talk(self.PLUS, "SCRAM-SHA-256", bytes)
        self.assertEqual("n,,", header)
        self.successResultOf(self.connecting)

    def test_endPoint(self) -> None:
        """
        With TLS 1.2, if that is asked for.
        """
        digest = bytes.fromhex(self.certificate.fingerprint)
        mechanism = "SCRAM-SHA-256-PLUS"
        header = self.talk(self.PLUS, mechanism, lambda: digest, "TLSv1.2")
        self.assertEqual("p=tls-server-end-point,,", header)
        self.successResultOf(self.connecting)

    def test_between(self) -> None:
        """
        Who is in between, and passes all on, gets nowhere.
        """
        mechanism = "SCRAM-SHA-256-PLUS"
        self.talk(self.PLUS, mechanism, lambda: b"of another connection")
        failure = self.failureResultOf(self.connecting, Distrusted).value
        self.assertIn("channel-bindings-dont-match", str(failure))
        self.assertIn("; see auth", str(failure))

    def test_takenOut(self) -> None:
        """
        Who takes it out of what the server offers is found out by the server.
        """
        header = self.talk("AUTH=SCRAM-SHA-256", "SCRAM-SHA-256", bytes)
        self.assertEqual("y,,", header)
        header = self.talk("AUTH=SCRAM-SHA-256", "SCRAM-SHA-256", bytes, "TLSv1.2")
        self.assertEqual("n,,", header)
