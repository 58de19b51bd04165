"""
Tests for L{imapsync.gather}.
"""

from __future__ import annotations

import gc

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Lost
from imapsync.gather import Result, jointly, onBoth, together
from imapsync.model import Side

LOCAL, REMOTE = Side


class TogetherTests(SynchronousTestCase):
    """
    Several at once.
    """

    def setUp(self) -> None:
        """
        Have two under way.
        """
        self.one: Deferred[int] = Deferred()
        self.other: Deferred[int] = Deferred()

    def test_results(self) -> None:
        """
        All results, in the order of the question.
        """
        done = together([self.one, succeed(3), self.other])
        self.other.callback(2)
        self.assertNoResult(done)
        self.one.callback(1)
        self.assertEqual([1, 3, 2], self.successResultOf(done))

    def test_none(self) -> None:
        """
        Nothing to wait for is no wait.
        """
        self.assertEqual([], self.successResultOf(together([])))

    def test_failures(self) -> None:
        """
        It fails with what came first, but not before all are done.
        """
        done = together([self.one, self.other])
        self.other.errback(Lost("first"))
        self.assertNoResult(done)
        self.one.errback(Lost("second"))
        self.assertEqual("first", str(self.failureResultOf(done, Lost).value))
        del done, self.one, self.other
        gc.collect()
        self.assertEqual([], self.flushLoggedErrors())

    def test_jointly(self) -> None:
        """
        What is of use only together ends when one of it fails.
        """
        cancelled: list[object] = []
        one: Deferred[int] = Deferred(cancelled.append)
        done = jointly([one, self.other])
        self.other.errback(Lost("gone"))
        self.assertEqual([one], cancelled)
        self.assertEqual("gone", str(self.failureResultOf(done, Lost).value))

    def test_cancel(self) -> None:
        """
        Cancelling it cancels all.
        """
        done = together([self.one, self.other])
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.assertTrue(self.one.called)
        self.assertTrue(self.other.called)

    def test_onBoth(self) -> None:
        """
        The same is done on both sides at the same time.
        """
        waiting = {LOCAL: self.one, REMOTE: self.other}

        async def work(side: Side) -> int:
            return await waiting[side] + 1

        done = Deferred.fromCoroutine(onBoth(work))
        self.other.callback(20)
        self.one.callback(10)
        self.assertEqual({LOCAL: 11, REMOTE: 21}, self.successResultOf(done))

    def test_onBothFails(self) -> None:
        """
        A failure on one side waits for the other, and cancelling reaches
        both.
        """

        async def work(side: Side) -> int:
            if side is LOCAL:
                raise Lost("at once")
            return await self.other

        done = Deferred.fromCoroutine(onBoth(work))
        self.assertNoResult(done)
        done.cancel()
        self.failureResultOf(done, Lost)
        self.assertTrue(self.other.called)


class ResultTests(SynchronousTestCase):
    """
    Several who wait for one thing.
    """

    def test_told(self) -> None:
        """
        All are told, whenever they ask; what one makes of it is not what the
        others get.
        """
        result: Result[int] = Result()
        self.assertFalse(result.known)
        early = [result.wait().addCallback(lambda n: n + 1) for _ in range(2)]
        result.tell(3)
        self.assertTrue(result.known)
        self.assertEqual([4, 4], [*map(self.successResultOf, early)])
        self.assertEqual(3, self.successResultOf(result.wait()))

    def test_cancelled(self) -> None:
        """
        Who waits no more disturbs nobody, not even while all are told.
        """
        result: Result[int] = Result()
        first, second = result.wait(), result.wait()
        second.cancel()
        self.failureResultOf(second, CancelledError)
        third = result.wait()
        first.addCallback(lambda _: third.cancel())
        result.tell(3)
        self.assertTrue(first.called)
        self.failureResultOf(third, CancelledError)
