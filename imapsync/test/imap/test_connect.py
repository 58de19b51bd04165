"""
Tests for L{imapsync.imap.connect}: conversations in memory.
"""

from __future__ import annotations

import base64
import os
import socket
from pathlib import Path
from typing import Any

from twisted.internet import error
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport
from twisted.test.iosim import connect as pumped
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.proxy import Proxy
from imapsync.config.server import ServerConfig
from imapsync.config.tls import TLSConfig
from imapsync.config.values import Fingerprint
from imapsync.errors import (
    ConfigError,
    Distrusted,
    ImapSyncError,
    Later,
    Lost,
    MissingCapability,
    ProtocolViolation,
)
from imapsync.imap.access import ORDINARY
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Heard
from imapsync.imap.connect import connect
from imapsync.model import Side
from imapsync.test.fakes.handshakes import Server
from imapsync.test.fakes.processes import Processes
from imapsync.test.fakes.reactors import Reactor
from imapsync.test.integration.certificates import issue

PLAIN = ServerConfig(
    side=Side.REMOTE,
    type="imap",
    host="mail.example",
    port=143,
    command=None,
    nullStderr=False,
    starttls=False,
    auth=("PLAIN", "LOGIN"),
    username="me",
    password="secret",
    passwordCommand=None,
    tls=TLSConfig(),
    listReference="",
)
STARTTLS = PLAIN._replace(starttls=True)
IMAPS = PLAIN._replace(type="imaps", port=993)
TUNNEL = PLAIN._replace(type="tunnel", host="", port=0, command="imapd")

ALL = "IMAP4REV1 UIDPLUS ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS"
#: AUTHENTICATE's argument for the credentials above.
CREDENTIALS = base64.b64encode(b"\0me\0secret").decode()


class SecurableTransport(StringTransport):
    """
    Begins TLS by remembering that it was told to.
    """

    creator: object = None

    def startTLS(self, creator: object) -> None:
        """
        Remember it.
        """
        self.creator = creator

    def getPeerCertificate(self) -> None:
        """
        There is none.
        """


def connected() -> tuple[socket.socket, socket.socket]:
    """
    Both ends of a connection.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
    return ours, theirs


class ConnectCase(SynchronousTestCase):
    """
    A client in conversation with a server that the test plays.
    """

    def setUp(self) -> None:
        self.reactor: Any = Reactor()
        self.transport: Any = SecurableTransport(
            peerAddress=IPv4Address("TCP", "192.0.2.1", 143)
        )

    access = ORDINARY

    def start(self, server: ServerConfig) -> None:
        """
        Begin to connect.
        """

        def makeClient() -> SyncClient:
            return SyncClient(self.reactor, server.where, timeout=60)

        self.connecting = Deferred.fromCoroutine(
            connect(self.reactor, server, makeClient, self.access)
        )

    def accept(self) -> None:
        """
        Accept the connection.
        """
        factory = self.reactor.tcpClients[-1][2]
        self.client = factory.buildProtocol(None)
        self.client.makeConnection(self.transport)

    def say(self, *lines: str) -> None:
        """
        The server says something.
        """
        for line in lines:
            self.client.dataReceived(line.encode() + b"\r\n")

    def begin(self, server: ServerConfig, greeting: str) -> None:
        """
        Connect and greet.
        """
        self.start(server)
        self.accept()
        self.say(greeting)

    def heard(self) -> list[str]:
        """
        The lines that the server has received since it was last asked.
        """
        lines: list[str] = self.transport.value().decode().splitlines()
        self.transport.clear()
        return lines

    def answer(self, command: str, *lines: str, tagged: str = "OK done") -> None:
        """
        Expect C{command} and nothing else; answer it.
        """
        (line,) = self.heard()
        tag, _, rest = line.partition(" ")
        self.assertEqual(command, rest)
        self.say(*lines, f"{tag} {tagged}")

    def enable(self) -> None:
        """
        Do what is left to do after the login.
        """
        self.answer("ENABLE QRESYNC", "* ENABLED QRESYNC")

    def connected(self) -> SyncClient:
        """
        The client, which is ready.
        """
        self.assertEqual([], self.heard())
        self.assertFalse(self.transport.disconnected)
        return self.successResultOf(self.connecting)

    def failed(self, kind: type[ImapSyncError], *words: str) -> None:
        """
        Expect a failure of one line that names the server; the connection is
        dropped, and nobody was told anything more.
        """
        failure = self.failureResultOf(self.connecting, kind).value
        for word in ("remote (imap://mail.example:143): ", *words):
            self.assertIn(word, str(failure))
        self.assertNotIn("\n", str(failure))
        self.assertNotIn("secret", str(failure))
        self.assertTrue(self.transport.disconnected)
        self.assertEqual([], self.heard())


class ReachTests(ConnectCase):
    """
    Tests for the way to the server.
    """

    def refuse(self, server: ServerConfig, reason: Exception) -> None:
        """
        Let the connection fail.
        """
        self.start(server)
        factory = self.reactor.tcpClients[-1][2]
        factory.clientConnectionFailed(None, Failure(reason))
        self.reactor.advance(1)

    def test_address(self) -> None:
        """
        The configured host and port are called.
        """
        self.start(PLAIN._replace(port=1143))
        self.assertEqual(("127.0.0.1", 1143), self.reactor.tcpClients[-1][:2])

    def test_proxy(self) -> None:
        """
        A proxy is called instead, if there is one; it is named when it does not answer,
        and before we lose patience with the server.
        """
        server = PLAIN._replace(proxy=Proxy("socks5h", "127.0.0.1", 1080))
        self.start(server)
        self.assertEqual(("127.0.0.1", 1080), self.reactor.tcpClients[-1][:2])
        self.accept()
        self.reactor.advance(28)
        self.assertNoResult(self.connecting)
        self.reactor.advance(2)
        self.transport.clear()
        self.failed(Lost, "the proxy socks5h://127.0.0.1:1080 did not connect us")

    def test_keepAlive(self) -> None:
        """
        The system looks whether the peer is still there; where there is TLS,
        too, whose transport lends that of the connection below.
        """
        with socket.socket() as tcp:
            self.transport.socket = tcp
            self.start(PLAIN)
            self.accept()
            self.assertTrue(tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
            idle = tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
            self.assertLess(idle, 600)

    def test_buffer(self) -> None:
        """
        Much is read at once, be it by TLS or not.
        """
        with socket.socket() as tcp:
            self.transport.socket = tcp
            below: Any
            for below in self.transport, SecurableTransport():
                if below is not self.transport:
                    self.transport.transport = below
                self.start(PLAIN)
                self.accept()
                self.assertEqual(256 * 1024, below.bufferSize)

    def test_acknowledged(self) -> None:
        """
        A little that comes is acknowledged at once; the system forgets that it was
        asked when we send something.
        """
        ours, theirs = connected()
        with ours, theirs:
            self.transport.socket = ours
            self.start(PLAIN)
            self.accept()
            theirs.send(b"x" * 9)
            ours.recv(9)
            for _ in range(2):
                ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
                self.say("* OK piece by piece")
                prompt = ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK)
                self.assertTrue(prompt)
            # Of much at once, the system sees to it.
            ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
            self.say("* OK " + "x" * 16 * 1024)
            prompt = ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK)
            self.assertFalse(prompt)

    def test_refused(self) -> None:
        """
        A closed port is a lost connection, which names the server.
        """
        self.refuse(PLAIN, error.ConnectionRefusedError())
        refusal = self.failureResultOf(self.connecting, Lost).value
        self.assertIn("remote (imap://mail.example:143): cannot be", str(refusal))
        self.assertIn("refused", str(refusal))

    def test_unknownHost(self) -> None:
        """
        A name that no address is known for is a lost connection.
        """
        self.reactor.installNameResolver(NoAddresses())
        self.start(PLAIN)
        failure = self.failureResultOf(self.connecting, Lost).value
        self.assertIn("mail.example", str(failure))

    def test_timeout(self) -> None:
        """
        A server that does not take the connection within 30 seconds counts
        as lost.
        """
        self.start(PLAIN)
        self.reactor.pump([1] * 30)
        failure = self.failureResultOf(self.connecting, Lost).value
        self.assertIn("cannot be reached", str(failure))
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_resolverTimeout(self) -> None:
        """
        Nor does a resolver keep us longer.
        """
        self.reactor.installNameResolver(NoAnswer())
        self.start(PLAIN)
        self.reactor.advance(30)
        self.failureResultOf(self.connecting, Lost)

    def test_cancelled(self) -> None:
        """
        Connecting can be given up.
        """
        self.start(PLAIN)
        self.connecting.cancel()
        self.failureResultOf(self.connecting, CancelledError)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_cancelledLater(self) -> None:
        """
        So can a conversation, which closes the connection.
        """
        self.begin(PLAIN, f"* OK [CAPABILITY {ALL}] hi")
        self.connecting.cancel()
        self.failureResultOf(self.connecting, CancelledError)
        self.assertTrue(self.transport.disconnected)


class NoAddresses:
    """
    A resolver that knows no name.
    """

    def resolveHostName(self, receiver: Any, *_: object) -> None:
        """
        Find nothing.
        """
        receiver.resolutionBegan(None)
        receiver.resolutionComplete()


class NoAnswer:
    """
    A resolver that never answers.
    """

    def resolveHostName(self, receiver: Any, *_: object) -> None:
        """
        Begin.
        """
        receiver.resolutionBegan(None)


class LoginTests(ConnectCase):
    """
    Tests for the login and what follows.
    """

    def test_plain(self) -> None:
        """
        Credentials go with AUTHENTICATE where the server takes them; the
        capabilities that come with its answer are believed.
        """
        self.begin(PLAIN, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi")
        self.answer(
            f"AUTHENTICATE PLAIN {CREDENTIALS}", tagged=f"OK [CAPABILITY {ALL}] in"
        )
        self.enable()
        client = self.connected()
        self.assertEqual(frozenset(ALL.split()), client.capabilities)
        self.assertEqual(("me", "PLAIN"), (client.user, client.method))
        self.assertEqual({"IMAP4REV1", "SASL-IR", "AUTH=PLAIN"}, client.offered)

    def test_plainWithoutInitialResponse(self) -> None:
        """
        Other servers ask first; capabilities are asked for where they were
        not told, before the login and behind it.
        """
        self.begin(PLAIN, "* OK hi")
        self.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=PLAIN")
        (line,) = self.heard()
        tag, _, command = line.partition(" ")
        self.assertEqual("AUTHENTICATE PLAIN", command)
        self.say("+ ")
        self.assertEqual([CREDENTIALS], self.heard())
        self.say(f"{tag} OK in")
        self.answer("CAPABILITY", f"* CAPABILITY {ALL}")
        self.enable()
        self.connected()

    def test_rev2(self) -> None:
        """
        IMAP4rev2 is never enabled, which would change how names are spelled; but
        what it stands for need not be said besides.
        """
        words = "IMAP4rev1 IMAP4rev2 QRESYNC"
        self.begin(PLAIN, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi")
        self.answer(
            f"AUTHENTICATE PLAIN {CREDENTIALS}", tagged=f"OK [CAPABILITY {words}] in"
        )
        self.enable()
        self.connected()

    def test_impliedWords(self) -> None:
        """
        Whatever words a server uses for what it can do, QRESYNC is what it is asked
        for, and it may enable what goes with that.
        """
        for words in (
            "IMAP4rev1 IMAP4rev2 QRESYNC",
            "IMAP4rev1 UIDPLUS QRESYNC LIST-EXTENDED LIST-STATUS",
            "IMAP4rev2 IMAP4rev1 ENABLE CONDSTORE QRESYNC",
        ):
            for enabled in "QRESYNC", "CONDSTORE QRESYNC", "qresync CONDSTORE":
                self.setUp()
                self.begin(PLAIN, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi")
                self.answer(
                    f"AUTHENTICATE PLAIN {CREDENTIALS}",
                    tagged=f"OK [CAPABILITY {words}] in",
                )
                self.answer("ENABLE QRESYNC", f"* ENABLED {enabled}")
                self.connected()

    def test_loginMechanism(self) -> None:
        """
        LOGIN is the mechanism where it is offered.
        """
        self.begin(PLAIN, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=LOGIN] hi")
        (line,) = self.heard()
        self.assertTrue(line.endswith(" AUTHENTICATE LOGIN"), line)
        self.say("+ " + base64.b64encode(b"Username:").decode())
        self.assertEqual([base64.b64encode(b"me").decode()], self.heard())
        self.say("+ " + base64.b64encode(b"Password:").decode())
        self.assertEqual([base64.b64encode(b"secret").decode()], self.heard())

    def test_loginCommand(self) -> None:
        """
        LOGIN is the command where it is not.
        """
        self.begin(PLAIN, "* OK [CAPABILITY IMAP4rev1] hi")
        self.answer('LOGIN "me" "secret"', tagged=f"OK [CAPABILITY {ALL}] in")
        self.enable()
        self.connected()

    def test_longPassword(self) -> None:
        """
        A long password is one line of base64.
        """
        password = "x" * 500
        self.begin(
            PLAIN._replace(password=password),
            "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi",
        )
        (line,) = self.heard()
        expected = f"\0me\0{password}".encode()
        self.assertEqual(expected, base64.b64decode(line.split()[-1]))

    def test_wrongPassword(self) -> None:
        """
        Wrong credentials are told in the server's words.
        """
        self.begin(PLAIN, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi")
        self.answer(
            f"AUTHENTICATE PLAIN {CREDENTIALS}",
            tagged="NO [AUTHENTICATIONFAILED] Who are you?",
        )
        self.failed(Distrusted, "the login was refused: Who are you?")

    def test_unavailable(self) -> None:
        """
        A server that cannot tell right from wrong at the moment, or that has
        no room for one connection more, is worth another attempt.
        """
        for code in ("UNAVAILABLE", "LIMIT", "INUSE", "SERVERBUG"):
            self.begin(PLAIN, "* OK [CAPABILITY IMAP4rev1] hi")
            self.answer('LOGIN "me" "secret"', tagged=f"NO [{code}] Come back later")
            self.failed(Lost, "Come back later")

    def test_noMechanism(self) -> None:
        """
        Without a mechanism in common nothing is sent.
        """
        self.begin(PLAIN, "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=CRAM-MD5] hi")
        self.failed(Distrusted, "auth = PLAIN LOGIN", "CRAM-MD5")

    def test_greedyServer(self) -> None:
        """
        A server that asks more than a mechanism has gets nothing.
        """
        self.begin(PLAIN, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi")
        self.heard()
        self.say("+ " + base64.b64encode(b"and the PIN?").decode())
        self.assertEqual(["*"], self.heard())
        self.say("0001 BAD as you like")
        self.failed(ProtocolViolation, "PLAIN")

    def test_noCredentials(self) -> None:
        """
        A login without credentials in the configuration says what to add.
        """
        for username, password, command in (
            (None, "secret", None),
            ("me", None, None),
            (None, None, "pass me"),
        ):
            self.setUp()
            self.begin(
                PLAIN._replace(
                    username=username,
                    password=password,
                    passwordCommand=command,
                ),
                "* OK [CAPABILITY IMAP4rev1] hi",
            )
            self.failed(
                ConfigError,
                "give username, and password, password-command or password-file, in"
                " [remote]",
            )

    def test_nul(self) -> None:
        """
        A password that cannot be sent is not sent in part.
        """
        self.begin(
            PLAIN._replace(password="secret\0"), "* OK [CAPABILITY IMAP4rev1] hi"
        )
        self.failed(ConfigError, "NUL")

    def test_clearText(self) -> None:
        """
        A password that goes over the net in clear text is warned about, but
        not one that stays on this machine.
        """
        for kind, address, count in (
            (IPv4Address, "192.0.2.1", 1),
            (IPv4Address, "127.0.0.1", 0),
            (IPv6Address, "2001:db8::1", 1),
            (IPv6Address, "::1", 0),
        ):
            self.transport = SecurableTransport(peerAddress=kind("TCP", address, 143))
            with capturedLogs() as events:
                self.begin(PLAIN, "* OK [CAPABILITY IMAP4rev1] hi")
            warnings = [e for e in events if e["log_format"].count("clear text")]
            self.assertEqual(count, len(warnings))

    def test_clearTextByProxy(self) -> None:
        """
        A proxy on this machine leads away from it, for all we know: even to what it
        calls by a name or address of its own.
        """
        for host in "mail.example", "127.0.0.1", "localhost":
            self.transport = SecurableTransport(
                peerAddress=IPv4Address("TCP", "127.0.0.1", 1080)
            )
            proxy = Proxy("http", "127.0.0.1", 8080)
            self.start(PLAIN._replace(host=host, proxy=proxy))
            self.accept()
            target = f"CONNECT {host}:143 HTTP/1.1"
            self.assertEqual([target, f"Host: {host}:143", ""], self.heard())
            with capturedLogs() as events:
                self.say("HTTP/1.1 200 ok\r\n\r\n* OK [CAPABILITY IMAP4rev1] hi")
            warnings = [e for e in events if e["log_format"].count("clear text")]
            self.assertEqual(1, len(warnings))

    def test_preauthenticated(self) -> None:
        """
        Whoever is known already needs no credentials.
        """
        self.begin(
            PLAIN._replace(username=None, password=None),
            f"* PREAUTH [CAPABILITY {ALL}] hi",
        )
        self.enable()
        self.connected()

    def test_identified(self) -> None:
        """
        Servers that want to know are told who we are, which nothing waits
        for, nor depends on.
        """
        for tagged in ("OK nice", "NO go away"):
            self.setUp()
            self.begin(PLAIN, f"* PREAUTH [CAPABILITY {ALL} ID] hi")
            enable, line = self.heard()
            self.say("* ENABLED QRESYNC", f"{enable.split()[0]} OK done")
            self.successResultOf(self.connecting)
            self.assertIn(' ID ("name" "imapsync"', line)
            self.say("* ID NIL", f"{line.split()[0]} {tagged}")
            self.connected()

    def test_missing(self) -> None:
        """
        What is no IMAP4rev1 is of no use.
        """
        self.begin(PLAIN, "* PREAUTH [CAPABILITY IMAP4 CONDSTORE ENABLE] hi")
        self.failed(MissingCapability, "the server lacks IMAP4REV1, without which")

    def test_ways(self) -> None:
        """
        Changes are found out in the best way that there is; it is told which, where it
        is not the usual one.
        """
        trusted = "* PREAUTH [CAPABILITY IMAP4rev1 {}] {}"
        for words, greeting, way, told in (
            ("ENABLE CONDSTORE QRESYNC", "hi", "QRESYNC", None),
            ("ENABLE CONDSTORE", "hi", "CONDSTORE", "the server has no QRESYNC;"),
            ("CONDSTORE", "hi", "CONDSTORE", "the server has no QRESYNC; changes"),
            ("IDLE", "hi", "comparing", "are found by comparing."),
            (
                *("ENABLE CONDSTORE QRESYNC", "iSCREAM ready to rumble"),
                *("CONDSTORE", "the QRESYNC of iCloud is not to be trusted;"),
            ),
        ):
            self.setUp()
            with capturedLogs() as events:
                self.begin(PLAIN, trusted.format(words, greeting))
                if "ENABLE" in words:
                    self.answer(f"ENABLE {way}", f"* ENABLED {way}")
                client = self.successResultOf(self.connecting)
            self.assertEqual(way, client.way)
            self.assertEqual(way == "QRESYNC", client.resyncs)
            lines = [formatEvent(event) for event in events]
            self.assertEqual(told is not None, bool(lines), lines)
            self.assertIn(told or "", "".join(lines))

    def test_host(self) -> None:
        """
        What a kind of server is known for counts, where the configuration says nothing
        else.
        """
        exchange = "The Microsoft Exchange IMAP4 service is ready."
        for given, most in (None, 20), (3, 3):
            self.setUp()
            config = PLAIN._replace(commandsInFlight=given)
            self.begin(config, f"* PREAUTH [CAPABILITY IMAP4rev1] {exchange}")
            client = self.successResultOf(self.connecting)
            self.assertEqual("Microsoft 365", client.host.name)
            for _ in range(30):
                client.catchUp().addErrback(lambda _: None)
            self.assertEqual(most, len(self.heard()))

    def test_notEnabled(self) -> None:
        """
        A server that offers QRESYNC but does not enable it is taken for one without,
        and that is told.
        """
        for lines, tagged in (
            (["* ENABLED"], "OK"),
            ([], "OK"),
            (["* ENABLED CONDSTORE"], "OK"),
            ([], "NO broken"),
            ([], "BAD what"),
        ):
            self.setUp()
            self.begin(PLAIN, f"* PREAUTH [CAPABILITY {ALL}] hi")
            client = self.successResultOf(self.connecting)
            listing = client.listMailboxes("*")
            enable, asked = self.heard()
            self.assertIn(" LIST ", asked)
            with capturedLogs() as events:
                self.say(*lines, f"{enable.split()[0]} {tagged}")
            (event,) = events
            self.assertIn("QRESYNC, but does not enable it;", formatEvent(event))
            self.assertEqual("CONDSTORE", client.way)
            self.say(f"{asked.split()[0]} OK done")
            self.assertEqual([], self.successResultOf(listing))
            client.open("INBOX", None, Heard(), writable=False)
            (select,) = self.heard()
            self.assertIn("(CONDSTORE)", select)

    def test_notNow(self) -> None:
        """
        A server that cannot enable it just now is asked again later.
        """
        self.begin(PLAIN, f"* PREAUTH [CAPABILITY {ALL}] hi")
        client = self.successResultOf(self.connecting)
        listing = client.listMailboxes("*")
        enable, _ = self.heard()
        self.say(f"{enable.split()[0]} NO [UNAVAILABLE] not now")
        self.failureResultOf(listing, Later)
        self.assertTrue(self.transport.disconnected)

    def test_compress(self) -> None:
        """
        Compression is asked for last, where it is wanted and offered; a
        refusal changes nothing.
        """
        for wanted, offered, tagged in (
            (True, " COMPRESS=DEFLATE", "OK go"),
            (True, " COMPRESS=DEFLATE", "NO [COMPRESSIONACTIVE] no need"),
            (True, "", ""),
            (False, " COMPRESS=DEFLATE", ""),
        ):
            self.setUp()
            server = PLAIN._replace(compress=wanted)
            self.begin(server, f"* PREAUTH [CAPABILITY {ALL}{offered}] hi")
            self.enable()
            if tagged:
                self.assertNoResult(self.connecting)
                self.answer("COMPRESS DEFLATE", tagged=tagged)
            self.successResultOf(self.connecting)
            self.assertEqual([], self.heard())

    def test_turnedAway(self) -> None:
        """
        A server that greets with BYE is worth another attempt.
        """
        self.begin(PLAIN, "* BYE Too many of you")
        self.failed(Lost, "Too many of you")

    def end(self) -> None:
        """
        Have the server hang up.
        """
        self.transport.disconnected = True
        self.client.connectionLost(Failure(ConnectionDone()))

    def farewell(self, words: str) -> None:
        """
        Have it say BYE in place of an answer to the login, and hang up.
        """
        self.setUp()
        self.begin(PLAIN, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi")
        self.assertEqual(1, len(self.heard()))
        self.say(f"* BYE {words}")
        self.end()

    def test_refusedByFarewell(self) -> None:
        """
        One that hangs up because of the credentials refuses them: they are not tried
        again.
        """
        for words in (
            "[AUTHENTICATIONFAILED] no",
            "Authentication failed, good-bye",
            "Too many failed login attempts",
        ):
            self.farewell(words)
            told = words.rpartition("] ")[2]
            self.failed(Distrusted, f"the login was refused: {told}")

    def test_farewell(self) -> None:
        """
        One that hangs up for another reason is worth another attempt.
        """
        for words in (
            "Server shutting down",
            "Authentication attempt timed out",
            "Authentication server is not there",
            "Temporary authentication failure",
            "[UNAVAILABLE] invalid password",
        ):
            self.farewell(words)
            self.failed(Lost, words.rpartition("] ")[2])

    def test_farewellBefore(self) -> None:
        """
        So is one that did not get any credentials yet.
        """
        self.begin(PLAIN, "* OK hi")
        self.assertEqual(1, len(self.heard()))
        self.say("* BYE Login failed")
        self.end()
        self.failed(Lost, "Login failed")

    def test_noGreeting(self) -> None:
        """
        A server that says nothing runs into the client's time-out.
        """
        self.start(PLAIN)
        self.accept()
        self.reactor.advance(60)
        self.failed(Lost, "no greeting within 30 seconds; see port and type")

    def test_noIMAP(self) -> None:
        """
        Something that is no IMAP server is told so.
        """
        self.begin(PLAIN, "220 mail.example ESMTP")
        self.failureResultOf(self.connecting, ProtocolViolation, Lost)
        self.assertTrue(self.transport.disconnected)


class StartTLSTests(ConnectCase):
    """
    Tests for STARTTLS.
    """

    def test_secured(self) -> None:
        """
        The login waits for the handshake, and for capabilities that came
        over TLS.
        """
        self.begin(STARTTLS, "* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] hi")
        self.answer("STARTTLS")
        self.assertIsNotNone(self.transport.creator)
        self.assertEqual([], self.heard())
        self.client.handshakeCompleted()
        self.answer("CAPABILITY", "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN")
        with capturedLogs() as events:
            self.answer(
                f"AUTHENTICATE PLAIN {CREDENTIALS}", tagged=f"OK [CAPABILITY {ALL}] in"
            )
        self.assertEqual([], [e for e in events if "clear" in str(e)])
        self.enable()
        self.connected()

    def test_notOffered(self) -> None:
        """
        Without STARTTLS there is no login.
        """
        self.begin(STARTTLS, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi")
        self.failed(Distrusted, "offers no STARTTLS")

    def test_refused(self) -> None:
        """
        Nor is there one if STARTTLS is refused.
        """
        self.begin(STARTTLS, "* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] hi")
        self.answer("STARTTLS", tagged="NO not today")
        self.failed(Distrusted, "STARTTLS was refused: not today")

    def test_preauthenticated(self) -> None:
        """
        PREAUTH, which somebody in between may have forged, leaves no room
        for STARTTLS: the connection is not used.
        """
        self.begin(STARTTLS, f"* PREAUTH [CAPABILITY {ALL} STARTTLS] hi")
        self.failed(Distrusted, "PREAUTH")

    def test_injected(self) -> None:
        """
        What somebody put behind the answer to STARTTLS is an attack.
        """
        self.begin(STARTTLS, "* OK [CAPABILITY IMAP4rev1 STARTTLS] hi")
        (line,) = self.heard()
        self.client.dataReceived(
            f"{line.split()[0]} OK go\r\n* CAPABILITY {ALL}\r\n".encode()
        )
        self.failed(Distrusted, "injected")
        self.assertIsNone(self.transport.creator)

    def test_wrongFingerprint(self) -> None:
        """
        After the handshake the first thing is the fingerprint.
        """
        tls = TLSConfig(fingerprints=(Fingerprint("sha256", bytes(32)),))
        self.begin(
            STARTTLS._replace(tls=tls), "* OK [CAPABILITY IMAP4rev1 STARTTLS] hi"
        )
        self.answer("STARTTLS")
        self.client.handshakeCompleted()
        self.failed(Distrusted, "no certificate to compare")

    def test_lostInHandshake(self) -> None:
        """
        A connection that goes in the midst of the handshake is lost.
        """
        self.begin(STARTTLS, "* OK [CAPABILITY IMAP4rev1 STARTTLS] hi")
        self.answer("STARTTLS")
        self.client.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(self.connecting, Lost)


class Greeter(Protocol):
    """
    A server that greets, and keeps what it hears.
    """

    def __init__(self) -> None:
        self.received = b""

    def connectionMade(self) -> None:
        """
        Greet.
        """
        self.write(f"* PREAUTH [CAPABILITY {ALL}] hi\r\n".encode())

    def write(self, data: bytes) -> None:
        """
        Send.
        """
        transport: Any = self.transport
        transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        """
        Keep it, and enable all.
        """
        self.received += data
        self.write(b"* ENABLED QRESYNC\r\n" + data.split()[0] + b" OK\r\n")


class ImapsTests(ConnectCase):
    """
    Tests for TLS from the start, which is real here.
    """

    def setUp(self) -> None:
        super().setUp()
        directory = Path(self.mktemp())
        directory.mkdir()
        self.certificate = issue(directory, ["mail.example"])
        self.creator = Server(self.certificate.path, self.certificate.key)

    def talk(self, *fingerprints: str, **options: Any) -> Greeter:
        """
        Connect and let both talk as long as they have something to say.
        """
        tls = TLSConfig(
            caFile=str(self.certificate.authority),
            fingerprints=tuple(
                Fingerprint("sha256", bytes.fromhex(each)) for each in fingerprints
            ),
            **options,
        )
        self.start(IMAPS._replace(tls=tls))
        clock, greeter = Clock(), Greeter()
        server: Any = TLSMemoryBIOFactory(
            self.creator, False, Factory.forProtocol(lambda: greeter), clock
        ).buildProtocol(None)
        client = self.reactor.tcpClients[-1][2].buildProtocol(None)
        pump = pumped(
            server,
            FakeTransport(server, isServer=True),
            client,
            FakeTransport(client, isServer=False),
        )
        for _ in range(5):
            clock.advance(0)
            self.reactor.advance(0)
            pump.flush()
        return greeter

    def test_trusted(self) -> None:
        """
        With the right certificate and fingerprint the conversation begins.
        """
        greeter = self.talk(self.certificate.fingerprint)
        self.assertIn(b"ENABLE QRESYNC", greeter.received)
        self.successResultOf(self.connecting)

    def test_wrongFingerprint(self) -> None:
        """
        With a wrong fingerprint nothing is sent.
        """
        greeter = self.talk("00" * 32, verifyPeer=False)
        self.assertEqual(b"", greeter.received)
        failure = self.failureResultOf(self.connecting, Distrusted).value
        self.assertIn(self.certificate.fingerprint, str(failure))

    def test_wrongCertificate(self) -> None:
        """
        With a wrong certificate nothing is sent, even if the fingerprint is
        right; the reason is told.
        """
        greeter = self.talk(self.certificate.fingerprint, hostname="other.example")
        self.assertEqual(b"", greeter.received)
        failure = self.failureResultOf(self.connecting, Distrusted).value
        self.assertIn("remote (imaps://mail.example:993): its cert", str(failure))
        self.assertIn("for mail.example, not for other.example", str(failure))

    def test_wrongVersion(self) -> None:
        """
        A failed handshake tells the reason too.
        """
        self.creator.context.set_max_proto_version(0x0303)
        self.talk(protocolMin="TLSv1.3")
        failure = self.failureResultOf(self.connecting, Distrusted).value
        self.assertIn("SSL_protocol_min", str(failure))

    def test_unusableConfiguration(self) -> None:
        """
        What OpenSSL cannot use is found before anybody is called.
        """
        self.start(IMAPS._replace(tls=TLSConfig(caFile="/nonexistent")))
        self.failureResultOf(self.connecting, ConfigError)
        self.assertEqual([], self.reactor.tcpClients)


class TunnelTests(ConnectCase):
    """
    Tests for commands that speak IMAP.
    """

    def setUp(self) -> None:
        super().setUp()
        self.reactor = Processes()

    def say(self, *lines: str) -> None:
        """
        The command says something.
        """
        for line in lines:
            self.reactor.protocol.childDataReceived(1, line.encode() + b"\r\n")

    def heard(self) -> list[str]:
        """
        What the command was told.
        """
        lines: list[str] = self.reactor.process.written.decode().splitlines()
        self.reactor.process.written = b""
        return lines

    def test_preauthenticated(self) -> None:
        """
        A command usually knows its user.
        """
        self.start(TUNNEL._replace(username=None, password=None))
        self.say(f"* PREAUTH [CAPABILITY {ALL}] hi")
        self.enable()
        self.connected()

    def test_end(self) -> None:
        """
        A command that ends instead of greeting is a lost connection with
        the command's last words.
        """
        self.start(TUNNEL)
        self.reactor.protocol.childDataReceived(2, b"ssh: no route to host\n")
        self.reactor.end(255)
        failure = self.failureResultOf(self.connecting, Lost).value
        self.assertEqual(
            "remote (tunnel): the command exited with status 255; "
            "its last words: ssh: no route to host",
            str(failure),
        )

    def test_notFound(self) -> None:
        """
        A command that does not exist is an error in the configuration.
        """
        self.reactor.missing = True
        self.start(TUNNEL)
        self.failureResultOf(self.connecting, ConfigError)

    def test_refused(self) -> None:
        """
        After a failure the command is brought to its end.
        """
        self.start(TUNNEL)
        self.say("* PREAUTH [CAPABILITY IMAP4] hi")
        self.failureResultOf(self.connecting, MissingCapability)
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)

    def test_passwordCommand(self) -> None:
        """
        A command tells the password, once the server wants it.
        """
        self.start(
            TUNNEL._replace(
                username="me",
                password=None,
                passwordCommand="pass me",
                environment=("IMAPSYNC_USER=me",),
            )
        )
        both = {**os.environ, "IMAPSYNC_USER": "me"}
        self.assertEqual(both, self.reactor.environment)
        tunnel = self.reactor.protocol
        process = self.reactor.process
        self.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi")
        self.assertEqual(["pass", "me"], self.reactor.arguments)
        self.assertEqual(both, self.reactor.environment)
        self.say("secret")
        self.reactor.end()
        self.reactor.protocol, self.reactor.process = tunnel, process
        self.answer(
            f"AUTHENTICATE PLAIN {CREDENTIALS}", tagged=f"OK [CAPABILITY {ALL}] in"
        )
        self.enable()
        self.connected()
