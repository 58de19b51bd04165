"""
Tests for L{imapsync.test.integration.line}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imapsync.test.integration.accounts import Account
from imapsync.test.integration.dovecot import mdboxServer
from imapsync.test.integration.line import Flow, Line
from imapsync.test.integration.messages import mails
from imapsync.test.integration.server import PASSWORD, freshUser


class FlowTests(SynchronousTestCase):
    """
    When what arrives.
    """

    def flow(self, delay: float, rate: float | None = None) -> Flow:
        """
        A flow, this test at both of its ends.
        """
        self.clock = Clock()
        self.arrived: list[bytes] = []
        self.paused = self.ended = False
        source: Any = self
        return Flow(self.clock, delay, rate, source, self.arrived.append, self.end)

    def end(self) -> None:
        """
        It has ended.
        """
        self.ended = True

    def pauseProducing(self) -> None:
        """
        There is enough.
        """
        self.paused = True

    def resumeProducing(self) -> None:
        """
        There is room.
        """
        self.paused = False

    def test_delay(self) -> None:
        """
        Everything takes as long, whatever else is under way; the end comes
        last.
        """
        flow = self.flow(delay=5)
        flow.take(b"1")
        self.clock.advance(3)
        flow.take(b"2")
        flow.take(None)
        self.clock.advance(1)
        self.assertEqual([], self.arrived)
        self.clock.advance(1)
        self.assertEqual([b"1"], self.arrived)
        self.assertFalse(self.ended)
        self.clock.advance(3)
        self.assertEqual([b"1", b"2"], self.arrived)
        self.assertTrue(self.ended)

    def test_rate(self) -> None:
        """
        A rate makes what comes together arrive one after the other; a pause
        does not let more through later.
        """
        flow = self.flow(delay=5, rate=10)
        self.clock.advance(100)
        flow.take(b"x" * 10)
        flow.take(b"y" * 20)
        self.clock.advance(6)
        self.assertEqual(10, len(b"".join(self.arrived)))
        self.clock.advance(1)
        self.assertEqual(10, len(b"".join(self.arrived)))
        self.clock.advance(1)
        self.assertEqual(30, len(b"".join(self.arrived)))

    def test_window(self) -> None:
        """
        The source is paused while much is under way.
        """
        flow = self.flow(delay=1, rate=1000)
        flow.take(b"x" * 1000)
        self.assertFalse(self.paused)
        flow.take(b"x" * 500)
        self.assertTrue(self.paused)
        self.clock.advance(2)
        self.assertFalse(self.paused)

    def test_slowTarget(self) -> None:
        """
        What cannot be delivered waits.
        """
        flow = self.flow(delay=1)
        flow.pauseProducing()
        flow.take(b"x")
        self.clock.advance(9)
        self.assertEqual([], self.arrived)
        flow.resumeProducing()
        self.clock.advance(0)
        self.assertEqual([b"x"], self.arrived)


class LineTests(TestCase):
    """
    A line to a real server.
    """

    async def test_through(self) -> None:
        """
        A conversation gets through unharmed.
        """
        server = mdboxServer()
        user = freshUser()
        line = Line(reactor, server.host, server.port, 0.002, 20_000_000)

        def talk() -> int:
            account = Account("127.0.0.1", line.port, user, PASSWORD)
            account.fill("INBOX", mails(100, size=20_000))
            account.close()
            return len(server.account(user).messages("INBOX"))

        try:
            self.assertEqual(100, await deferToThread(talk))
        finally:
            await line.close()
