"""
Tests for L{imapsync.several.crowd}.
"""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.several.crowd import warn
from imapsync.test.fakes.fleet import configOf


class WarnTests(SynchronousTestCase):
    """
    Tests for L{warn}.
    """

    def told(self, accounts: int, most: int | None) -> list[str | None]:
        """
        What is said of so many accounts.
        """
        with capturedLogs() as events:
            warn([configOf(f"{number}") for number in range(accounts)], most)
        return [formatEvent(event) for event in events]

    def test_enough(self) -> None:
        """
        Nothing, where all have their places.
        """
        self.assertEqual([], self.told(5, None))
        self.assertEqual([], self.told(5, 5))

    def test_crowd(self) -> None:
        """
        Each host at which there are too few.
        """
        self.assertEqual(
            [
                f"{host}: 5 connections are to be kept, and connections-per-host lets"
                " 4 be there: some accounts never begin; raise it, or leave it out"
                for host in ("old.example", "new.example")
            ],
            self.told(5, 4),
        )
