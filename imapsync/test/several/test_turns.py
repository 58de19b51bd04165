"""
Tests for L{imapsync.several.turns}.
"""

from __future__ import annotations

import io
import sys

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import StateError
from imapsync.several.turns import Turns


class TurnsTests(SynchronousTestCase):
    """
    Who has something to say waits for those before.
    """

    def setUp(self) -> None:
        """
        Three want to.
        """
        self.output = io.StringIO()
        self.patch(sys, "stdout", self.output)
        self.turns = Turns(["a", "b", "c"])

    def said(self) -> list[str]:
        """
        What was said so far.
        """
        return self.output.getvalue().splitlines()

    def test_first(self) -> None:
        """
        The first says all at once.
        """
        self.turns.say("a", "1\n2")
        self.assertEqual(["a: 1", "2"], self.said())

    def test_order(self) -> None:
        """
        The others do when all before have ended.
        """
        self.turns.say("c", "1")
        self.turns.ended("c")
        self.turns.say("b", "2")
        self.turns.say("a", "3")
        self.assertEqual(["a: 3"], self.said())
        self.turns.ended("a")
        self.assertEqual(["a: 3", "b: 2"], self.said())
        self.turns.say("b", "4")
        self.turns.ended("b")
        self.assertEqual(["a: 3", "b: 2", "b: 4", "c: 1"], self.said())

    def test_alone(self) -> None:
        """
        One alone has no name.
        """
        turns = Turns([""])
        turns.say("", "1")
        self.assertEqual(["1"], self.said())

    def test_named(self) -> None:
        """
        What has a name as its head needs no other.
        """
        self.turns.say("a", "a\n  1")
        self.turns.say("a", "a1")
        self.assertEqual(["a", "  1", "a: a1"], self.said())

    def test_closed(self) -> None:
        """
        Where nothing can be said, whoever tries is told.
        """
        self.turns.say("b", "1")
        self.output.close()
        self.patch(sys, "stdout", None)
        self.assertRaises(StateError, self.turns.ended, "a")
