"""
Tests for L{imapsync.imap.stock}: Twisted's own client tests, run on
L{SyncClient}, which stays an C{IMAP4Client}, and some for what
C{IMAP4Client} cannot do.

Those that pin what had to be replaced are in L{LEFT_OUT}.
"""

from __future__ import annotations

from typing import Any, TypeVar
from unittest import skipIf

from twisted.internet.interfaces import ITLSTransport
from twisted.internet.task import Clock
from twisted.mail import imap4
from twisted.mail.imap4 import IMAP4Exception
from twisted.mail.test import test_imap
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides, providedBy

from imapsync.errors import Distrusted, ImapSyncError, Lost, ProtocolViolation
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.base import Simple
from imapsync.test.fakes.talking import Talk

#: Test to the reason why it does not hold here.
LEFT_OUT = {
    "test_fetchSpecificHeader": (
        "a quoted string with a line break in it, which IMAP forbids:"
        " what follows would be read as a response"
    ),
    "testTrailingLiteral": (
        "a line break behind a literal that is not counted in it, which IMAP"
        " forbids: what follows is a line of its own"
    ),
    "test_nonIntegerLiteralLength": (
        "dataReceived raises nothing: what is no IMAP ends the connection"
    ),
    "test_authenticationChallengeDecodingException": (
        "pending commands fail with our own Lost"
    ),
    "testClientDisconnectFailsDeferreds": "pending commands fail with our own Lost",
    "test_serverTimeout": (
        "pending commands fail with our own Lost; the time-out is an argument"
    ),
    "test_startTLSDefault": "the default context verifies nothing: there is none here",
}

C = TypeVar("C")


class StockClient(SyncClient):
    """
    A L{SyncClient} that is made as Twisted's tests make their clients.
    """

    def __init__(self, contextFactory: Any = None) -> None:
        super().__init__(Clock(), timeout=0, contextFactory=contextFactory)
        self.greeted.addErrback(lambda failure: failure.trap(ImapSyncError))
        self.secured.addErrback(lambda failure: failure.trap(ImapSyncError))

    def lineReceived(self, line: bytes) -> None:
        """
        Greetings there lack the word that announces capabilities.
        """
        super().lineReceived(line.replace(b"[IMAP4rev1]", b"[CAPABILITY IMAP4rev1]"))


class StillSimplerClient(StockClient):
    """
    What C{test_imap.StillSimplerClient} is to C{IMAP4Client}.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flags: dict[int, Any] = {}

    flagsChanged = test_imap.StillSimplerClient.flagsChanged


class SimpleClient(StockClient):
    """
    What C{test_imap.SimpleClient} is to C{IMAP4Client}.
    """

    def __init__(self, deferred: Any, contextFactory: Any = None) -> None:
        super().__init__(contextFactory)
        self.deferred = deferred
        self.events: list[Any] = []

    serverGreeting = test_imap.SimpleClient.serverGreeting
    modeChanged = test_imap.SimpleClient.modeChanged
    flagsChanged = test_imap.SimpleClient.flagsChanged
    newMessages = test_imap.SimpleClient.newMessages


def exceptLeftOut(case: type[C]) -> type[C]:
    """
    Have a test case skip what is left out.
    """
    for name, reason in LEFT_OUT.items():
        if hasattr(case, name):
            setattr(case, name, skipIf(True, reason)(getattr(case, name)))
    return case


class OnSyncClient:
    """
    For test cases that make their clients themselves.
    """

    patch: Any

    def setUp(self) -> None:
        """
        Put our clients in the place of Twisted's.
        """
        self.patch(test_imap, "SimpleClient", SimpleClient)
        self.patch(test_imap, "StillSimplerClient", StillSimplerClient)
        self.patch(imap4, "IMAP4Client", StockClient)
        super().setUp()  # type: ignore[misc]


@exceptLeftOut
class ExamineTests(test_imap.IMAP4ClientExamineTests):
    """
    EXAMINE.
    """

    clientProtocol = StockClient


@exceptLeftOut
class SelectTests(test_imap.IMAP4ClientSelectTests):
    """
    SELECT.
    """

    clientProtocol = StockClient


@exceptLeftOut
class ExpungeTests(test_imap.IMAP4ClientExpungeTests):
    """
    EXPUNGE.
    """

    clientProtocol = StockClient


@exceptLeftOut
class SearchTests(test_imap.IMAP4ClientSearchTests):
    """
    SEARCH.
    """

    clientProtocol = StockClient


@exceptLeftOut
class FetchTests(test_imap.IMAP4ClientFetchTests):
    """
    FETCH.
    """

    clientProtocol = StockClient


@exceptLeftOut
class StoreTests(test_imap.IMAP4ClientStoreTests):
    """
    STORE.
    """

    clientProtocol = StillSimplerClient  # type: ignore[assignment]


@exceptLeftOut
class StatusTests(test_imap.IMAP4ClientStatusTests):
    """
    STATUS.
    """

    clientProtocol = StockClient


@exceptLeftOut
class CopyTests(test_imap.IMAP4ClientCopyTests):
    """
    COPY.
    """

    clientProtocol = StillSimplerClient  # type: ignore[assignment]


@exceptLeftOut
class ServerTests(OnSyncClient, test_imap.IMAP4ServerTests):
    """
    All commands, spoken with Twisted's server.
    """


@exceptLeftOut
class AuthenticatorTests(OnSyncClient, test_imap.AuthenticatorTests):
    """
    AUTHENTICATE.
    """


@exceptLeftOut
class UnsolicitedResponseTests(OnSyncClient, test_imap.UnsolicitedResponseTests):
    """
    What the server says unasked.
    """


@exceptLeftOut
class CapabilityTests(OnSyncClient, test_imap.ClientCapabilityTests):
    """
    CAPABILITY.
    """


@exceptLeftOut
class HandCraftedTests(OnSyncClient, test_imap.HandCraftedTests):
    """
    Literals in odd places.
    """


@exceptLeftOut
class NewStoreTests(OnSyncClient, test_imap.NewStoreTests):
    """
    STORE, spoken with Twisted's server.
    """


@exceptLeftOut
class NewFetchTests(OnSyncClient, test_imap.NewFetchTests):
    """
    FETCH, spoken with Twisted's server.
    """


@exceptLeftOut
class DefaultSearchTests(OnSyncClient, test_imap.DefaultSearchTests):
    """
    SEARCH, as Twisted's server does it.
    """


@exceptLeftOut
class FetchSearchStoreTests(OnSyncClient, test_imap.FetchSearchStoreTests):
    """
    FETCH, SEARCH and STORE together.
    """


@exceptLeftOut
class TLSTests(OnSyncClient, test_imap.TLSTests):
    """
    STARTTLS.
    """


@exceptLeftOut
class TimeoutTests(OnSyncClient, test_imap.TimeoutTests):
    """
    Time-outs.
    """


@exceptLeftOut
class DisconnectionTests(OnSyncClient, test_imap.DisconnectionTests):
    """
    A lost connection.
    """


class StockTests(SynchronousTestCase):
    """
    C{IMAP4Client}'s own commands, where its own way fails.
    """

    def test_list(self) -> None:
        """
        Names that it cannot read reach it in words that it can.
        """
        server = Talk()
        done = server.client.list("", "*")
        server.say(
            b'* LIST () NIL "a\\\\"',
            b'* LIST (\\NoSelect) "/" [Gmail]',
            b'* LIST () "/" {3}\r\n(")',
            b'* LIST () "\\\\" NIL ("OLDNAME" ("x"))',
            b"0001 OK done (",
        )
        self.assertEqual(
            [
                ((), "", "a\\"),
                (("\\NoSelect",), "/", "[Gmail]"),
                ((), "/", '(")'),
                ((), "\\", "NIL"),
            ],
            self.successResultOf(done),
        )

    def test_text(self) -> None:
        """
        What people are told is not parsed, and may be missing.
        """
        server = Talk()
        done = server.client.select("a")
        server.say(
            b"* 3 EXISTS",
            b"* OK [UIDVALIDITY 7]",
            b"* OK [PERMANENTFLAGS (\\Seen)] (limited",
            b"* NO [ALERT] (",
            b"0001 OK [READ-WRITE] sel(ected",
        )
        result = self.successResultOf(done)
        self.assertEqual(
            (3, 7, ("\\Seen",)),
            (result["EXISTS"], result["UIDVALIDITY"], result["PERMANENTFLAGS"]),
        )
        server.heard()
        for answer in (b"OK", b"OK ", b"ok x"):
            done = server.client.noop()
            server.say(server.heard().split()[0] + b" " + answer)
            self.successResultOf(done)
        done = server.client.noop()
        server.say(server.heard().split()[0] + b" NO")
        self.failureResultOf(done, IMAP4Exception)

    def test_alone(self) -> None:
        """
        Each waits until it is alone, and others wait for it.
        """
        server = Talk()
        client = server.client
        client.perform(Simple("A"))
        client.noop()
        client.perform(Simple("B"))
        self.assertEqual(b"0001 A\r\n", server.heard())
        server.say(b"0001 OK x")
        self.assertEqual(b"0002 NOOP\r\n", server.heard())
        server.say(b"0002 OK x")
        self.assertEqual(b"0003 B\r\n", server.heard())

    def test_capabilities(self) -> None:
        """
        What it learns we learn, and after a login it is forgotten.
        """
        server = Talk(b"* OK x")
        client = server.client
        done = client.getCapabilities()
        server.say(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN", b"0001 OK x")
        self.assertEqual(
            {b"IMAP4rev1": None, b"AUTH": [b"PLAIN"]}, self.successResultOf(done)
        )
        self.assertEqual({"IMAP4REV1", "AUTH=PLAIN"}, client.capabilities)
        done = client.login(b"a", b"b")
        server.say(b"0002 OK x")
        self.successResultOf(done)
        self.assertEqual(frozenset(), client.capabilities)
        self.assertIsNone(client._capCache)

    def test_lineBreak(self) -> None:
        """
        A name with a line break in it cannot be sent.
        """
        server = Talk()
        done = server.client.setFlags("1", ["a\r\nX DELETE b"])
        self.failureResultOf(done, ValueError)
        self.assertEqual(b"", server.heard())

    def test_nameless(self) -> None:
        """
        A LIST response without a name is a violation.
        """
        server = Talk()
        done = server.client.list("", "*")
        server.say(b"* LIST () x")
        self.failureResultOf(done, ProtocolViolation)

    def test_unreadable(self) -> None:
        """
        What even so it cannot read ends the connection.
        """
        server = Talk()
        done = server.client.status("a", "UIDNEXT")
        server.say(b"* STATUS a [(", b"0001 OK x")
        self.assertEqual(1, len(self.flushLoggedErrors()))
        self.assertTrue(server.transport.disconnecting)
        server.hangUp()
        self.failureResultOf(done, Lost)


class StockTlsTests(SynchronousTestCase):
    """
    STARTTLS as C{IMAP4Client} does it.
    """

    def setUp(self) -> None:
        """
        A server that offers it.
        """
        greeting = b"* OK [CAPABILITY STARTTLS] x"
        self.server = Talk(greeting, contextFactory="context")

    def test_stock(self) -> None:
        """
        So it is for C{startTLS}.
        """
        for more in (b"", b"*"):
            self.setUp()
            self.patchInterface()
            done = self.server.client.startTLS()
            self.server.client.dataReceived(b"0001 OK x\r\n" + more)
            if more:
                self.failureResultOf(done, Distrusted)
                self.assertIsNone(self.server.transport.options)
            else:
                self.assertEqual("context", self.server.transport.options)
                self.assertNoResult(done)

    def patchInterface(self) -> None:
        """
        C{IMAP4Client} asks whether a transport can do TLS.
        """
        transport = self.server.transport
        directlyProvides(transport, providedBy(transport), ITLSTransport)

    def test_noContext(self) -> None:
        """
        C{IMAP4Client} would verify nothing by default: it does not begin.
        """
        server = Talk(b"* OK [CAPABILITY STARTTLS] x")
        self.failureResultOf(server.client.startTLS(), IMAP4Exception)
        self.assertEqual(b"", server.heard())

    def test_stockLogin(self) -> None:
        """
        Nor does its C{login} send a password then.
        """
        self.server = Talk(b"* OK [CAPABILITY STARTTLS] x")
        self.patchInterface()
        done = self.server.client.login(b"me", b"secret")
        self.failureResultOf(done, IMAP4Exception)
        self.flushLoggedErrors(IMAP4Exception)
        self.assertEqual(b"", self.server.heard())
