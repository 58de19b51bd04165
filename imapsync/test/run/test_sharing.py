"""
Tests for L{imapsync.run.sharing}.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.limits import Limits
from imapsync.run.sharing import SLOW, Places, Share, Shared
from imapsync.run.status import Standing, SyncState


class PlacesTests(SynchronousTestCase):
    """
    Tests for L{Places}.
    """

    def test_any(self) -> None:
        """
        Without a limit, nobody waits.
        """
        places = Places(None)
        for _ in range(100):
            self.successResultOf(places.take("a"))
        self.assertTrue(places.takeNow("a"))
        places.give("a")

    def test_turns(self) -> None:
        """
        Who waits first is the first.
        """
        places = Places(2)
        self.successResultOf(places.take("a"))
        self.successResultOf(places.take("a"))
        third, fourth = places.take("a"), places.take("a")
        self.successResultOf(places.take("b"))
        self.assertFalse(places.takeNow("a"))
        self.assertNoResult(third)
        places.give("a")
        self.successResultOf(third)
        self.assertNoResult(fourth)
        places.give("a")
        self.successResultOf(fourth)
        places.give("aa")
        self.assertTrue(places.takeNow("aa"))
        self.assertFalse(places.takeNow("a"))

    def test_both(self) -> None:
        """
        Two that need the same two hosts, each beginning with the other's last, do
        not wait for each other; who waits holds nothing.
        """
        places = Places(1)
        self.successResultOf(places.take("a"))
        first, second = places.take("ab"), places.take("ba")
        self.assertTrue(places.takeNow("b"))
        places.give("a")
        self.assertNoResult(first)
        places.give("b")
        self.successResultOf(first)
        self.assertNoResult(second)
        places.give("ab")
        self.successResultOf(second)

    def test_passed(self) -> None:
        """
        One that waits for another host keeps nobody waiting.
        """
        places = Places(1)
        self.successResultOf(places.take("ab"))
        first, second = places.take("ab"), places.take("a")
        places.give("a")
        self.assertNoResult(first)
        self.successResultOf(second)
        places.give("b")
        self.assertNoResult(first)
        places.give("a")
        self.successResultOf(first)

    def test_same(self) -> None:
        """
        Who needs more than there are has all.
        """
        places = Places(1)
        self.successResultOf(places.take("aa"))
        second, third = places.take("a"), places.take("aa")
        places.give("aa")
        self.successResultOf(second)
        self.assertNoResult(third)
        places.give("a")
        self.successResultOf(third)

    def test_changed(self) -> None:
        """
        There may be more of them, or fewer, from now on.
        """
        places = Places(1)
        self.successResultOf(places.take("ab"))
        first, second, third = (places.take("a") for _ in range(3))
        other = places.take("b")
        places.change(3)
        self.successResultOf(first)
        self.successResultOf(second)
        self.successResultOf(other)
        self.assertNoResult(third)
        places.change(2)
        places.give("a")
        self.assertNoResult(third)
        places.change(None)
        self.successResultOf(third)

    def test_cancelled(self) -> None:
        """
        Who waits no more is not asked.
        """
        places = Places(1)
        self.successResultOf(places.take("ab"))
        first, second = places.take("ab"), places.take("b")
        first.cancel()
        self.failureResultOf(first, CancelledError)
        places.give("ab")
        self.successResultOf(second)
        self.assertTrue(places.takeNow("a"))

    def test_many(self) -> None:
        """
        However many wait, and however soon each is done, all get their turn.
        """
        places = Places(1)
        self.successResultOf(places.take("a"))
        done: list[int] = []

        def work(_: None, number: int) -> None:
            done.append(number)
            places.give("a")

        for number in range(5000):
            places.take("a").addCallback(work, number)
        places.give("a")
        self.assertEqual(list(range(5000)), done)
        self.assertTrue(places.takeNow("a"))


class ShareTests(SynchronousTestCase):
    """
    Tests for L{Share}.
    """

    def setUp(self) -> None:
        """
        Have one account at work, where there can be one, and another wait.
        """
        self.clock = Clock()
        self.shared = Shared(Limits(1, 1))
        self.standing, self.first = self.account()
        self.other, self.second = self.account()
        self.standing.moved(SyncState.CONNECTING)
        self.other.moved(SyncState.CONNECTING)
        self.successResultOf(Deferred.fromCoroutine(self.first.begin()))
        self.waiting = Deferred.fromCoroutine(self.second.begin())

    def account(self) -> tuple[Standing, Share]:
        """
        Another one.
        """
        standing = Standing(self.clock.seconds, lambda _: None)
        return standing, Share(self.shared, standing, self.clock)

    def test_told(self) -> None:
        """
        Its state tells that it waits, as long as it does.
        """
        self.assertEqual(SyncState.CONNECTING, self.standing.state)
        self.assertEqual(SyncState.QUEUED, self.other.state)
        self.assertNoResult(self.waiting)
        self.first.give()
        self.first.give()
        self.successResultOf(self.waiting)
        self.assertEqual(SyncState.CONNECTING, self.other.state)

    def test_held(self) -> None:
        """
        Who has a turn needs no other.
        """
        self.successResultOf(Deferred.fromCoroutine(self.first.work()))
        self.successResultOf(Deferred.fromCoroutine(self.first.begin()))

    def test_following(self) -> None:
        """
        Where something changes in one that was synced, it does not wait for those
        that have just begun, but for others like it.
        """
        self.first.rest()
        self.successResultOf(self.waiting)
        self.successResultOf(Deferred.fromCoroutine(self.first.work()))
        _, third = self.account()
        third.rest()
        work = Deferred.fromCoroutine(third.work())
        self.assertNoResult(work)
        self.first.rest()
        self.successResultOf(work)

    def test_stopped(self) -> None:
        """
        One that ends while it waits is told of as what it is then.
        """
        self.other.moved(SyncState.STOPPING)
        self.waiting.cancel()
        self.failureResultOf(self.waiting, CancelledError)
        self.first.give()
        self.assertEqual(SyncState.STOPPING, self.other.state)
        self.successResultOf(Deferred.fromCoroutine(self.first.begin()))

    def test_slow(self) -> None:
        """
        Whose server lets it in late keeps nobody waiting; it may wait then itself.
        """
        with self.first.unlessSlow():
            self.clock.advance(SLOW - 1)
            self.assertNoResult(self.waiting)
            self.clock.advance(1)
            self.successResultOf(self.waiting)
        work = Deferred.fromCoroutine(self.first.work())
        self.assertNoResult(work)
        self.second.give()
        self.successResultOf(work)
        with self.first.unlessSlow():
            pass
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_alone(self) -> None:
        """
        Without limits, nobody waits, and there is nothing to be late for.
        """
        share = Share(Shared(), self.standing, self.clock)
        self.successResultOf(Deferred.fromCoroutine(share.begin()))
        with share.unlessSlow():
            self.assertEqual([], self.clock.getDelayedCalls())
        self.successResultOf(Deferred.fromCoroutine(share.enter(["a"] * 9)))
        share.leave(["a"] * 9)

    def test_deadlock(self) -> None:
        """
        Who waits for a place at a host gives up its turn: one that has a place may
        need it.
        """
        self.successResultOf(Deferred.fromCoroutine(self.first.enter("a")))
        with self.first.unlessSlow():
            self.clock.advance(SLOW)
        self.successResultOf(self.waiting)
        entering = Deferred.fromCoroutine(self.second.enter("a"))
        self.assertEqual(SyncState.CROWDED, self.other.state)
        self.successResultOf(Deferred.fromCoroutine(self.first.work()))
        self.first.leave("a")
        self.successResultOf(entering)
        work = Deferred.fromCoroutine(self.second.work())
        self.first.rest()
        self.successResultOf(work)

    def test_hosts(self) -> None:
        """
        For a place at a host it waits likewise.
        """
        self.successResultOf(Deferred.fromCoroutine(self.first.enter("ab")))
        entering = Deferred.fromCoroutine(self.second.enter("bc"))
        self.assertNoResult(entering)
        self.assertFalse(self.second.enterNow("b"))
        self.first.leave("ab")
        self.successResultOf(entering)
