"""
Twisted's own client tests, run on L{SyncClient}: it stays an C{IMAP4Client}.

Those that pin what it had to replace are in L{LEFT_OUT}.
"""

from __future__ import annotations

from typing import Any, TypeVar
from unittest import skipIf

from twisted.internet.task import Clock
from twisted.mail import imap4
from twisted.mail.test import test_imap

from imapsync.errors import ImapSyncError
from imapsync.imap.client import SyncClient

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
