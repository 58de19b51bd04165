"""
Tests for L{imapsync.run.pace}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.run.pace import MOST, PERIOD, Pace


class PaceTests(SynchronousTestCase):
    """
    Not too often.
    """

    def setUp(self) -> None:
        """
        Begin.
        """
        self.clock = Clock()
        self.pace = Pace(self.clock)

    def keep(self) -> Deferred[None]:
        """
        Once more.
        """
        return Deferred.fromCoroutine(self.pace.keep())

    def test_seldom(self) -> None:
        """
        What is done seldom is done at once, for ever.
        """
        for _ in range(3 * MOST):
            self.successResultOf(self.keep())
            self.clock.advance(2 * PERIOD / MOST)

    def test_often(self) -> None:
        """
        What is done too often waits for the rest of the time; then all begins anew.
        """
        for _ in range(3):
            self.clock.advance(1)
            for _ in range(MOST):
                self.successResultOf(self.keep())
            waiting = self.keep()
            self.clock.advance(PERIOD - 2)
            self.assertNoResult(waiting)
            self.clock.advance(1)
            self.successResultOf(waiting)
            self.pace = Pace(self.clock)

    def test_given(self) -> None:
        """
        Who waits may be told to end.
        """
        for _ in range(MOST):
            self.keep()
        waiting = self.keep()
        waiting.cancel()
        self.failureResultOf(waiting)
        self.assertEqual([], self.clock.getDelayedCalls())
