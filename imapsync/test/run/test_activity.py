"""
Tests for L{imapsync.run.activity}.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imapsync.log import account
from imapsync.run.activity import Activity


class ActivityTests(SynchronousTestCase):
    """
    One thing at a time.
    """

    def setUp(self) -> None:
        """
        Note what happens.
        """
        self.clock = Clock()
        self.told: list[object] = []
        self.activity = Activity(self.clock, self.failed, self.broken)

    def failed(self, failure: Failure) -> None:
        """
        Something has.
        """
        self.told.append(failure.type)

    def broken(self, failure: Failure) -> None:
        """
        So has what came after it.
        """
        self.told.append(("broken", failure.type))

    def begin(self, name: str) -> Deferred[None]:
        """
        Begin with something that ends when the result fires.
        """
        waiting: Deferred[None] = Deferred(lambda _: self.told.append(f"no {name}"))

        async def work() -> None:
            await waiting

        self.activity.begin(work(), lambda: self.told.append(name))
        return waiting

    def test_done(self) -> None:
        """
        It tells when something is done, or has failed.
        """
        self.begin("one").callback(None)
        self.begin("two").errback(ZeroDivisionError())
        self.assertEqual(["one", ZeroDivisionError], self.told)

    def test_instead(self) -> None:
        """
        What was going on before ends, and tells nothing.
        """
        first = self.begin("one")
        self.begin("two").callback(None)
        self.assertEqual(["no one", "two"], self.told)
        self.assertTrue(first.called)

    def test_end(self) -> None:
        """
        It can do nothing.
        """
        self.begin("one")
        self.activity.end()
        self.activity.end()
        self.assertEqual(["no one"], self.told)

    def test_alarm(self) -> None:
        """
        An alarm rings while nothing else has begun.
        """
        self.begin("one")
        self.activity.alarm(5, lambda: self.told.append("ring"))
        self.clock.advance(5)
        self.activity.alarm(5, lambda: self.told.append("late"))
        self.activity.end()
        self.assertEqual(["ring", "no one"], self.told)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_broken(self) -> None:
        """
        What comes after it may fail as well.
        """

        async def work() -> None: ...

        self.activity.begin(work(), lambda: self.told.append(1 // 0))
        self.assertEqual([("broken", ZeroDivisionError)], self.told)

    def test_context(self) -> None:
        """
        Whoever begins something, it is for the account for which this was made.
        """
        self.addCleanup(account.set, account.get())
        account.set("ours")
        activity = Activity(self.clock, self.failed, self.broken)
        account.set("another")

        async def work() -> None:
            self.told.append(account.get())

        activity.begin(work(), lambda: None)
        self.assertEqual(["ours"], self.told)

    def test_cancelled(self) -> None:
        """
        Something that cancels itself has failed.
        """
        self.begin("one").cancel()
        self.assertEqual(["no one", CancelledError], self.told)
