"""
Tests for L{imapsync.imap.patience}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.patience import Patience


class PatienceTests(SynchronousTestCase):
    """
    How much of it there is.
    """

    def setUp(self) -> None:
        """
        Ten seconds.
        """
        self.clock = Clock()
        self.told: list[tuple[str, float]] = []
        self.patience = self.make(10)

    def make(self, most: float | None) -> Patience:
        """
        So much.
        """
        return Patience(self.clock.seconds, most, lambda *what: self.told.append(what))

    def test_spent(self) -> None:
        """
        It is spent by and by; what is not begun is not told.
        """
        self.assertTrue(self.patience.wait("a", 6))
        self.clock.advance(6)
        self.assertFalse(self.patience.wait("b", 5))
        self.assertTrue(self.patience.wait("c", 4))
        self.assertEqual([("a", 6), ("c", 4)], self.told)
        self.clock.advance(100)
        self.assertFalse(self.patience.wait("d", 0.1))

    def test_together(self) -> None:
        """
        What is waited for at the same time counts once.
        """
        self.assertTrue(self.patience.wait("a", 6))
        self.clock.advance(1)
        self.assertTrue(self.patience.wait("b", 9))
        self.assertTrue(self.patience.wait("c", 2))
        self.assertFalse(self.patience.wait("d", 9.5))

    def test_endless(self) -> None:
        """
        There may be no end of it.
        """
        patience = self.make(None)
        for _ in range(100):
            self.assertTrue(patience.wait("x", 3600))
            self.clock.advance(3600)
