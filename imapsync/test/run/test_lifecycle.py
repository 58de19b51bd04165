"""
Tests for L{imapsync.run.lifecycle}.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.run.lifecycle import Lifecycle, Outcome


class FakeRun:
    """
    A run that ends, and closes, when a test says so.

    @ivar stopped: how often it was told to stop.
    @ivar isOver: whether it was said to be over.
    """

    def __init__(self) -> None:
        self.stopped = 0
        self.isOver = False
        self.closed: Deferred[None] = Deferred()
        self.over: Callable[[Outcome], None] = lambda _: None

    def begin(self, over: Callable[[Outcome], None]) -> Deferred[None]:
        """
        Begin.
        """
        self.over = over
        return self.closed

    def stop(self) -> None:
        """
        Remember that.
        """
        self.stopped += 1

    def end(self, code: int) -> None:
        """
        It is over, and all is closed.
        """
        self.over(Outcome(code))
        self.closed.callback(None)


class Hasty(FakeRun):
    """
    A run that is over as soon as it begins.
    """

    def begin(self, over: Callable[[Outcome], None]) -> Deferred[None]:
        """
        Begin and end.
        """
        super().begin(over)
        self.end(7)
        return self.closed


class LifecycleTests(SynchronousTestCase):
    """
    Tests for L{Lifecycle}.
    """

    def setUp(self) -> None:
        """
        Make one.
        """
        self.runs: list[FakeRun] = []
        self.kind: type[FakeRun] = FakeRun
        self.ended: list[Outcome] = []
        self.lifecycle = Lifecycle(self.make, self.ended.append)

    def make(self) -> FakeRun:
        """
        Make a run.
        """
        self.runs.append(self.kind())
        return self.runs[-1]

    def assertEnded(self, code: int, *waiting: Deferred[Outcome]) -> None:
        """
        All were told of this end.
        """
        for one in waiting:
            self.assertEqual(code, self.successResultOf(one).code)

    def test_once(self) -> None:
        """
        A run ends by itself: any number are told, before it, during it and
        after it; stopping then does nothing.
        """
        waiting = [self.lifecycle.whenFinished() for _ in range(2)]
        self.lifecycle.start()
        self.lifecycle.start()
        waiting.append(self.lifecycle.whenFinished())
        [run] = self.runs
        run.end(3)
        self.assertEqual([Outcome(3)], self.ended)
        self.assertEnded(3, *waiting, self.lifecycle.whenFinished())
        self.successResultOf(self.lifecycle.stop())
        self.assertEqual(0, run.stopped)

    def test_atOnce(self) -> None:
        """
        So does one that is over before it has begun, so to speak.
        """
        self.kind = Hasty
        waiting = self.lifecycle.whenFinished()
        self.lifecycle.start()
        self.assertEnded(7, waiting, self.lifecycle.whenFinished())
        self.successResultOf(self.lifecycle.stop())
        self.lifecycle.start()
        self.assertEqual(2, len(self.runs))

    def test_stopFirst(self) -> None:
        """
        Stopping what was never started does nothing either.
        """
        waiting = self.lifecycle.whenFinished()
        self.successResultOf(self.lifecycle.stop())
        self.assertNoResult(waiting)
        self.lifecycle.start()
        self.assertEqual(1, len(self.runs))

    def test_stop(self) -> None:
        """
        Who stops it waits until all is closed, however many they are; it is told
        to stop once.
        """
        self.lifecycle.start()
        [run] = self.runs
        stopped = [self.lifecycle.stop() for _ in range(3)]
        run.over(Outcome(75))
        stopped.append(self.lifecycle.stop())
        for one in stopped:
            self.assertNoResult(one)
        run.closed.callback(None)
        for one in stopped:
            self.successResultOf(one)
        self.assertEqual(1, run.stopped)

    def test_stopWhileClosing(self) -> None:
        """
        One that ended by itself is not told to stop, but still waited for.
        """
        self.lifecycle.start()
        [run] = self.runs
        run.over(Outcome(0))
        stopped = self.lifecycle.stop()
        self.assertNoResult(stopped)
        run.closed.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(0, run.stopped)

    def test_restart(self) -> None:
        """
        Started before it has stopped, it begins again when all is closed; who
        waits for an end is told of the run that they knew of.
        """
        self.lifecycle.start()
        first = self.lifecycle.whenFinished()
        stopped = self.lifecycle.stop()
        self.lifecycle.start()
        self.lifecycle.start()
        second = self.lifecycle.whenFinished()
        self.assertEqual(1, len(self.runs))
        self.runs[0].over(Outcome(75))
        self.assertEnded(75, first)
        self.assertEqual(1, len(self.runs))
        self.runs[0].closed.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(2, len(self.runs))
        self.assertNoResult(second)
        self.runs[1].end(1)
        self.assertEnded(1, second)

    def test_restartAtEnd(self) -> None:
        """
        So it is where somebody starts it because it has ended, whoever that is.
        """

        def again(_: Outcome) -> None:
            self.lifecycle.start()

        for late in True, False:
            self.setUp()
            self.lifecycle = Lifecycle(self.make, self.ended.append if late else again)
            self.lifecycle.start()
            finished = self.lifecycle.whenFinished()
            if late:
                finished.addCallback(again)
            self.runs[0].end(75)
            self.assertTrue(finished.called)
            self.assertEqual(2, len(self.runs))
            self.assertNoResult(self.lifecycle.whenFinished())

    def test_restartGivenUp(self) -> None:
        """
        Stopped again before that, it stays so; and who waited for the run that
        never began is told of the one before.
        """
        for early in True, False:
            self.setUp()
            self.lifecycle.start()
            stopped = [self.lifecycle.stop()]
            self.lifecycle.start()
            waiting = self.lifecycle.whenFinished()
            if early:
                self.runs[0].over(Outcome(75))
            stopped.append(self.lifecycle.stop())
            if not early:
                self.runs[0].over(Outcome(75))
            self.assertEnded(75, waiting)
            self.runs[0].closed.callback(None)
            for one in stopped:
                self.successResultOf(one)
            self.assertEqual(1, len(self.runs))

    def test_anyOrder(self) -> None:
        """
        Whatever the order, at most one run is open; and once it is stopped, all
        who wait are told.
        """
        for acts in product(("start", "stop", "over", "closed"), repeat=6):
            self.setUp()
            stopped: list[Deferred[None]] = []
            ended = [self.lifecycle.whenFinished()]
            for act in acts:
                self.act(act, stopped)
                ended.append(self.lifecycle.whenFinished())
                self.assertLessEqual(len(self.open()), 1)
            self.act("stop", stopped)
            self.assertTrue(all(run.stopped or run.isOver for run in self.open()))
            self.act("over", stopped)
            self.act("closed", stopped)
            self.assertEqual([], self.open())
            for one in stopped:
                self.successResultOf(one)
            for waiting in ended if self.runs else ():
                self.successResultOf(waiting)

    def open(self) -> list[FakeRun]:
        """
        The runs that are.
        """
        return [run for run in self.runs if not run.closed.called]

    def act(self, act: str, stopped: list[Deferred[None]]) -> None:
        """
        Do something, if it can be.
        """
        if act == "start":
            self.lifecycle.start()
        elif act == "stop":
            stopped.append(self.lifecycle.stop())
        for run in self.open():
            if act == "over" and not run.isOver:
                run.isOver = True
                run.over(Outcome(0))
            elif act == "closed" and run.isOver:
                run.closed.callback(None)
