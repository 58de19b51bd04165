"""
Tests for L{imapsync.oauth.doorway}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase

from imapsync.oauth.doorway import Doorway


class Browser(StringTransport):
    """
    A connection of a browser, which is closed as soon as we want it to be.
    """

    def __init__(self, doorway: Doorway) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.visit = doorway.buildProtocol(None)
        self.visit.makeConnection(self)

    def asks(self, target: str, method: str = "GET") -> str:
        """
        Ask for a page.

        @return: what is answered at once.
        """
        head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        self.visit.dataReceived(head.encode())
        return self.said

    @property
    def said(self) -> str:
        """
        All that it was told.
        """
        return bytes(self.value()).decode()

    def loseConnection(self) -> None:
        """
        Lose it.
        """
        if not self.disconnecting:
            super().loseConnection()  # type: ignore[no-untyped-call]
            self.visit.connectionLost()

    abortConnection = loseConnection


class DoorwayTests(SynchronousTestCase):
    """
    Who comes to it.
    """

    def setUp(self) -> None:
        """
        Wait for a browser.
        """
        self.reactor = MemoryReactorClock()
        self.doorway = Doorway(self.reactor)

    def close(self) -> None:
        """
        Close it, with all that belongs to it.
        """
        self.successResultOf(Deferred.fromCoroutine(self.doorway.close()))
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_near(self) -> None:
        """
        Only who is on this computer can come, to a port that nobody can foretell.
        """
        [(port, factory, _, interface)] = self.reactor.tcpServers
        self.assertEqual((0, "127.0.0.1"), (port, interface))
        self.assertIs(self.doorway, factory)
        self.close()

    def test_answer(self) -> None:
        """
        Who brings an answer hears what became of it, and nothing from elsewhere is
        shown in that page, or told by it.
        """
        browser = Browser(self.doorway)
        self.assertEqual("", browser.asks("/?code=1&state=2"))
        self.assertEqual("/?code=1&state=2", self.successResultOf(self.doorway.came))
        self.doorway.tell("Thank you, <script>.")
        head, _, page = browser.said.partition("\r\n\r\n")
        self.assertTrue(head.startswith("HTTP/1.1 200 OK\r\n"), head)
        self.assertIn("default-src 'none'", head)
        self.assertIn(f"Content-Length: {len(page)}", head)
        self.assertIn("Thank you, &lt;script&gt;.", page)
        self.assertTrue(browser.disconnecting)
        self.close()

    def test_refused(self) -> None:
        """
        If it was not taken, that is a page of its own.
        """
        browser = Browser(self.doorway)
        browser.asks("/?error=access_denied")
        self.doorway.tell("Refused.", refused=True)
        self.assertTrue(browser.said.startswith("HTTP/1.1 400 Bad Request\r\n"))
        self.close()

    def test_others(self) -> None:
        """
        What browsers ask for besides, and others, is no answer.
        """
        for target, method, status in (
            ("/favicon.ico", "GET", "404"),
            ("/", "GET", "404"),
            ("/?code=1", "POST", "405"),
        ):
            said = Browser(self.doorway).asks(target, method)
            self.assertTrue(said.startswith(f"HTTP/1.1 {status} "), said)
        self.assertNoResult(self.doorway.came)
        self.close()

    def test_second(self) -> None:
        """
        The first answer counts.
        """
        first, second = Browser(self.doorway), Browser(self.doorway)
        first.asks("/?code=1")
        self.assertIn("409", second.asks("/?code=2"))
        self.assertEqual("/?code=1", self.successResultOf(self.doorway.came))
        self.close()

    def test_slow(self) -> None:
        """
        A connection that says nothing is closed in the end.
        """
        browser = Browser(self.doorway)
        self.reactor.advance(21)
        self.assertTrue(browser.disconnecting)
        self.close()

    def test_garbage(self) -> None:
        """
        So is one that says too much, or no HTTP.
        """
        long, odd = Browser(self.doorway), Browser(self.doorway)
        long.visit.dataReceived(b"GET /?code=" + b"x" * 100_000)
        odd.visit.dataReceived(b"\xff\0\r\n\r\n")
        self.assertTrue(long.disconnecting)
        self.assertTrue(odd.disconnecting)
        self.assertNoResult(self.doorway.came)
        self.close()

    def test_closed(self) -> None:
        """
        When nothing is waited for any more, all connections are closed, also those
        of browsers that ask nothing.
        """
        idle, asking = Browser(self.doorway), Browser(self.doorway)
        asking.asks("/?code=1")
        self.close()
        self.assertTrue(idle.disconnecting)
        self.assertTrue(asking.disconnecting)
