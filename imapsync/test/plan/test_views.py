"""
Tests for L{imapsync.plan.views}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.plan.views import isCut
from imapsync.uidset import UidSet

OLDEST = UidSet(((1, 5),))


class CutTests(SynchronousTestCase):
    """
    Tests for L{isCut}.
    """

    def test_oldest(self) -> None:
        """
        A round number is left, and all that is gone is the oldest.
        """
        for exists in 1000, 2000, 5000, 10_000:
            self.assertTrue(isCut(exists, None, OLDEST, OLDEST))
        self.assertTrue(isCut(300, 300, OLDEST, OLDEST))

    def test_others(self) -> None:
        """
        That some of the others are gone as well proves nothing.
        """
        known = UidSet(((1, 9),))
        self.assertTrue(isCut(1000, None, UidSet(((1, 5), (9, 9))), known))

    def test_not(self) -> None:
        """
        Another number is left, or only others are gone, or none.
        """
        self.assertFalse(isCut(999, None, OLDEST, OLDEST))
        self.assertFalse(isCut(300, 500, OLDEST, OLDEST))
        self.assertFalse(isCut(1000, None, UidSet(((3, 5),)), OLDEST))
        self.assertFalse(isCut(1000, None, UidSet(), UidSet()))
