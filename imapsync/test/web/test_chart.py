"""
Tests for L{imapsync.web.chart}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.watch.facts import Amount
from imapsync.web.chart import chart


class ChartTests(SynchronousTestCase):
    """
    Tests for L{chart}.
    """

    def test_bars(self) -> None:
        """
        What is most fills the height; what is more than nothing is seen; what is
        nothing is not.
        """
        amounts = [Amount(1000, 0), Amount(0, 0), Amount(1, 50), Amount(500, 100)]
        drawn = chart(amounts, "Last hour", "a minute", ["then", "now"])
        self.assertIn('viewBox="0 0 40 204"', drawn)
        self.assertIn(
            'd="M1 0h8v100h-8zM21 98h8v2h-8zM31 50h8v50h-8z" class="messages"', drawn
        )
        self.assertIn('d="M21 104h8v50h-8zM31 104h8v100h-8z" class="octets"', drawn)

    def test_words(self) -> None:
        """
        Who does not see it is told the same.
        """
        amounts = [Amount(1200, 0), Amount(34, 2048)]
        drawn = chart(amounts, "Last hour", "a minute", ["then", "now"])
        self.assertIn(
            'aria-label="Last hour: 1,234 messages, at most 1,200 in a minute;'
            ' 2.0 KiB of traffic, at most 2.0 KiB in a minute."',
            drawn,
        )

    def test_nothing(self) -> None:
        """
        Nothing at all can be drawn.
        """
        drawn = chart([Amount()] * 3, "Last hour", "a minute", [])
        self.assertIn('<path d="" class="messages">', drawn)
