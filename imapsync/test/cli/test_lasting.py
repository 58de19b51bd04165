"""
Tests for L{imapsync.cli.lasting}.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.lasting import Lasting


class Shown:
    """
    Notes when it began, and whether it goes on.
    """

    def __init__(self, since: float) -> None:
        self.since = since
        self.going = False

    def start(self) -> None:
        """
        Begin.
        """
        self.going = True

    def stop(self) -> None:
        """
        End.
        """
        self.going = False


class LastingTests(SynchronousTestCase):
    """
    Tests for L{Lasting}.
    """

    def setUp(self) -> None:
        """
        Begin some work.
        """
        self.clock = Clock()
        self.clock.advance(7)
        self.shown: list[Shown] = []

        def make(since: float) -> Any:
            self.shown.append(Shown(since))
            return cast(Any, self.shown[-1])

        self.lasting = Lasting(self.clock, make)
        self.lasting.start()

    def test_long(self) -> None:
        """
        What takes long is shown until it is done.
        """
        self.clock.advance(1)
        [shown] = self.shown
        self.assertEqual((7, True), (shown.since, shown.going))
        self.lasting.stop()
        self.assertFalse(shown.going)

    def test_short(self) -> None:
        """
        What does not is not.
        """
        self.clock.advance(0.9)
        self.lasting.stop()
        self.lasting.stop()
        self.clock.advance(1)
        self.assertEqual([], self.shown)
