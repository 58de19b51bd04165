"""
Tests for L{imapsync.plan.moves}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Pair, Side
from imapsync.plan.moves import Missing, Transfer


class MissingTests(SynchronousTestCase):
    """
    What was moved.
    """

    def setUp(self) -> None:
        """
        Two messages are gone from X on the local side.
        """
        self.stamped = Pair(1, 11, frozenset(), b"k" * 16, 100, 7)
        self.plain = Pair(2, 12, frozenset(), b"p" * 16, 200)
        self.missing = Missing(Side.REMOTE)
        self.missing.add("X", [self.stamped, self.plain])

    def test_stamp(self) -> None:
        """
        One with a stamp is known by it.
        """
        self.missing.found("Y", 5, 7)
        errand = Transfer(Side.REMOTE, "X", "Y", {5: self.stamped}, gone=True)
        self.assertEqual([errand], self.missing.transfers())

    def test_otherDate(self) -> None:
        """
        One of the same content, but of another date, is another message.
        """
        self.assertNotIn(self.stamped.key, self.missing)
        self.assertFalse(self.missing.likely(100))

    def test_key(self) -> None:
        """
        One without a stamp is known by its content.
        """
        self.assertTrue(self.missing.likely(200))
        self.assertIn(self.plain.key, self.missing)
        self.missing.found("Y", 5, self.plain.key)
        errand = Transfer(Side.REMOTE, "X", "Y", {5: self.plain}, gone=True)
        self.assertEqual([errand], self.missing.transfers())

    def test_doubt(self) -> None:
        """
        Where two may be meant, none is.
        """
        self.missing.found("Y", 5, 7)
        self.missing.found("Y", 6, 7)
        self.assertEqual([], self.missing.transfers())

    def test_there(self) -> None:
        """
        What is there already is not moved there.
        """
        self.missing.found("Y", 5, 7)
        self.missing.present("Y", 7)
        self.assertEqual([], self.missing.transfers())

    def test_sameMailbox(self) -> None:
        """
        Nothing is moved to where it was.
        """
        self.missing.found("X", 5, 7)
        self.assertEqual([], self.missing.transfers())
