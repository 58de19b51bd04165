"""
Tests for L{imapsync.watch.outbox}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError, Lost
from imapsync.log import text
from imapsync.watch.facts import Facts
from imapsync.watch.notification import Event, Notice
from imapsync.watch.outbox import Outbox


def notice(account: str, event: Event = Event.FAILED) -> Notice:
    """
    One about an account.
    """
    return Notice.of(event, Facts(account), 0.0, 0.0)


class OutboxTests(SynchronousTestCase):
    """
    Notices are delivered, few at once.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.going: list[tuple[str, str, Deferred[None]]] = []
        self.outbox = Outbox(self.clock, self.deliver, 3, 2, (10.0, 20.0, 20.0))

    async def deliver(self, notice: Notice, target: str) -> None:
        """
        Until the test says that it is.
        """
        ended: Deferred[None] = Deferred()
        self.going.append((notice.account, notice.event.value, ended))
        await ended

    def end(self, error: Exception | None = None) -> None:
        """
        The first of those under way is, or is not.
        """
        _, _, ended = self.going.pop(0)
        if error is None:
            ended.callback(None)
        else:
            ended.errback(error)

    @property
    def under(self) -> list[tuple[str, str]]:
        """
        What is under way.
        """
        return [(account, event) for account, event, _ in self.going]

    def test_delivered(self) -> None:
        """
        What is put there is delivered at once.
        """
        self.outbox.put(notice("anna"), "x")
        self.assertEqual([("anna", "failed")], self.under)
        self.end()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_few(self) -> None:
        """
        To one target only so many are under way, and so many in all; the others come
        in their turn, each once.
        """
        for account in "abcdef":
            self.outbox.put(notice(account), "x" if account < "e" else "y")
        self.assertEqual(["a", "b", "e"], [account for account, _ in self.under])
        done = []
        while self.going:
            self.assertTrue(len(self.going) <= 3)
            done.append(self.going[0][0])
            self.end()
        self.assertEqual("abcdef", "".join(sorted(done)))

    def test_thousand(self) -> None:
        """
        However many fail at once, and though all are over at once, they come to an end.
        """

        async def deliver(notice: Notice, target: str) -> None:
            told.append(notice.account)
            if notice.account == "0":
                await first

        told: list[str] = []
        first: Deferred[None] = Deferred()
        outbox = Outbox(self.clock, deliver, 1, 1)
        for number in range(1000):
            outbox.put(notice(str(number)), "x")
        self.assertEqual(["0"], told)
        first.callback(None)
        self.assertEqual([str(number) for number in range(1000)], told)

    def test_inOrder(self) -> None:
        """
        What becomes of one account is told in its order.
        """
        self.outbox.put(notice("anna"), "x")
        self.outbox.put(notice("anna", Event.RECOVERED), "x")
        self.assertEqual([("anna", "failed")], self.under)
        self.end()
        self.assertEqual([("anna", "recovered")], self.under)

    def test_noNews(self) -> None:
        """
        Of one that failed, and is well again before anybody could be told, nothing is.
        """
        for account in "ab":
            self.outbox.put(notice(account), "x")
        self.outbox.put(notice("c"), "x")
        self.outbox.put(notice("c", Event.RECOVERED), "x")
        self.outbox.put(notice("d"), "x")
        self.outbox.put(notice("d"), "x")
        self.end()
        self.end()
        self.assertEqual([("d", "failed")], self.under)

    def test_forgotten(self) -> None:
        """
        Of one that is no longer there, nothing is told.
        """
        for account in "abc":
            self.outbox.put(notice(account), "x")
        self.outbox.forget("c")
        self.end()
        self.assertEqual([("b", "failed")], self.under)

    def test_unreachable(self) -> None:
        """
        A target that cannot be reached is left alone for a while, and then told what
        there was to tell, in its order; others are told meanwhile.
        """
        self.outbox.put(notice("a"), "x")
        self.outbox.put(notice("b"), "x")
        with capturedLogs() as events:
            self.end(Lost("x: no answer"))
            self.end(Lost("x: no answer"))
        lines = [text(event) for event in events]
        self.assertEqual(["Not told of an account: x: no answer"], lines)
        self.outbox.put(notice("c"), "x")
        self.outbox.put(notice("d"), "y")
        self.assertEqual([("d", "failed")], self.under)
        self.end()
        self.clock.advance(9)
        self.assertEqual([], self.under)
        self.clock.advance(1)
        self.assertEqual(2, len(self.under))
        self.end()
        self.end()
        self.end()
        self.assertEqual([], self.under)

    def test_unreachableMeanwhile(self) -> None:
        """
        Of one that is well again while its target cannot be reached, nothing is told.
        """
        self.outbox.put(notice("a"), "x")
        self.outbox.put(notice("a", Event.RECOVERED), "x")
        self.end(Lost("x: no answer"))
        self.clock.advance(10)
        self.assertEqual([], self.under)

    def test_givenUp(self) -> None:
        """
        What could not be told so often is given up.
        """
        self.outbox.put(notice("a"), "x")
        for pause in (10, 20):
            self.end(Lost("x: no answer"))
            self.clock.advance(pause)
        self.end(Lost("x: no answer"))
        self.clock.advance(1000)
        self.assertEqual([], self.under)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_refused(self) -> None:
        """
        What can never be told is not tried again; it is logged once, until it is
        otherwise.
        """
        with capturedLogs() as events:
            for account in "ab":
                self.outbox.put(notice(account), "x")
                self.end(ConfigError("x: no such command"))
            self.assertEqual(1, len(events))
            self.outbox.put(notice("c"), "x")
            self.end()
            self.outbox.put(notice("d"), "x")
            self.end(ConfigError("x: no such command"))
        self.assertEqual(2, len(events))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_broken(self) -> None:
        """
        A fault of ours is logged; the others are told.
        """
        for account in "abc":
            self.outbox.put(notice(account), "x")
        self.end(ZeroDivisionError())
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.assertEqual([("b", "failed"), ("c", "failed")], self.under)

    def test_closed(self) -> None:
        """
        At the end, nothing is begun any more, and what is under way is given up.
        """
        for account in "abc":
            self.outbox.put(notice(account), "x")
        self.end(Lost("x: no answer"))
        self.outbox.put(notice("d"), "y")
        self.successResultOf(self.outbox.close())
        self.assertTrue(all(ended.called for _, _, ended in self.going))
        self.assertEqual([], self.clock.getDelayedCalls())
        self.outbox.put(notice("e"), "x")
        self.assertEqual(["b", "d"], [account for account, _ in self.under])
