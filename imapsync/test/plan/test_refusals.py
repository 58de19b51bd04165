"""
Tests for L{imapsync.plan.refusals}.
"""

from __future__ import annotations

from itertools import pairwise

from twisted.trial.unittest import SynchronousTestCase

from imapsync.display import moment
from imapsync.model import Refusal, Side
from imapsync.plan.refusals import pauses, told
from imapsync.uidset import UidSet

WEEK = 7 * 86400


class RefusalsTests(SynchronousTestCase):
    """
    When to try again, and what is told.
    """

    def test_growing(self) -> None:
        """
        At first in each run, then at growing distances of a week at most.
        """
        for code in "", "TOOBIG", "CANNOT":
            distances = pauses(code)
            self.assertEqual([0, 0, 0, 3600], list(distances[:4]))
            self.assertTrue(all(a <= b for a, b in pairwise(distances)))
            self.assertEqual(WEEK, distances[-1])

    def test_passing(self) -> None:
        """
        What may soon be otherwise is tried each hour.
        """
        for code in "OVERQUOTA", "UNAVAILABLE", "INUSE":
            self.assertEqual(3600, max(pauses(code)))

    def test_told(self) -> None:
        """
        People are told why, how often it was tried, and when it will be again.
        """
        once = Refusal(Side.LOCAL, UidSet.of([3]), "NO way", "", 1000, 1, 0)
        self.assertEqual(
            f"NO way (tried once since {moment(1000)}; again the next time)", told(once)
        )
        twice = once._replace(tries=2, due=200_000)
        self.assertEqual(
            f"NO way (tried 2 times since {moment(1000)}; again from"
            f" {moment(200_000)} on)",
            told(twice),
        )
        whole = Refusal(None, UidSet(), "NO way", since=1000)
        self.assertEqual(f"NO way (since {moment(1000)})", told(whole))
        unknown = Refusal(Side.LOCAL, UidSet.of([3]), "")
        self.assertIn("is tried again the next time", told(unknown))
