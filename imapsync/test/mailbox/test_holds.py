"""
Tests for L{imapsync.mailbox.holds}.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from imapsync.mailbox.holds import Holds


class Source:
    """
    Counts how often it is paused, and how often it reads on.
    """

    def __init__(self) -> None:
        self.paused = self.resumed = 0

    def pauseProducing(self) -> None:
        """
        Once more.
        """
        self.paused += 1

    def resumeProducing(self) -> None:
        """
        Once more.
        """
        self.resumed += 1


class HoldsTests(SynchronousTestCase):
    """
    A source that is paused for several reasons.
    """

    def setUp(self) -> None:
        """
        There is none yet.
        """
        self.source = Source()
        self.holds = Holds(cast(Any, self.source))

    def assertTold(self, paused: int, resumed: int) -> None:
        """
        It was told that so often.
        """
        self.assertEqual((paused, resumed), (self.source.paused, self.source.resumed))

    def test_each(self) -> None:
        """
        It is paused by the first, and reads on when the last is gone; what is no
        reason takes nothing away.
        """
        self.holds.add("a")
        self.holds.add("b")
        self.holds.add("a")
        self.holds.remove("a")
        self.holds.remove("c")
        self.assertTold(1, 0)
        self.assertIn("b", self.holds)
        self.holds.remove("b")
        self.holds.remove("b")
        self.assertTold(1, 1)

    def test_clear(self) -> None:
        """
        All can end at once, and it reads on but once.
        """
        self.holds.clear()
        self.assertTold(0, 0)
        self.holds.add("a")
        self.holds.add("b")
        self.holds.clear()
        self.assertTold(1, 1)

    def test_forgotten(self) -> None:
        """
        What is forgotten has nobody read on.
        """
        self.holds.add("a")
        self.holds.forget("a")
        self.assertTold(1, 0)
        self.assertNotIn("a", self.holds)
