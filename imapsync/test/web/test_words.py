"""
Tests for L{imapsync.web.words}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.watch.facts import Health
from imapsync.web import words


class WordsTests(SynchronousTestCase):
    """
    Times and numbers.
    """

    def test_span(self) -> None:
        """
        Two units are enough, and of minutes one.
        """
        for seconds, text in (
            (-5, "0 s"),
            (0.9, "0 s"),
            (59.9, "59 s"),
            (61, "1 min"),
            (3599, "59 min"),
            (3600, "1 h"),
            (3600 + 61, "1 h 1 min"),
            (86400 * 3 + 3600 * 4 + 99, "3 d 4 h"),
            (86400 * 1000, "1000 d"),
        ):
            self.assertEqual(text, words.span(seconds))

    def test_relative(self) -> None:
        """
        A time says to a browser when it is, and to a reader how far away that is.
        """
        for made, kind, text in (
            (words.ago(60, 120), "ago", "1 min ago"),
            (words.since(60, 120), "for", "1 min"),
            (words.within(180, 120), "in", "in 1 min"),
            (words.within(60, 120), "in", "now"),
        ):
            self.assertIn(f' data-kind="{kind}">{text}</time>', made)
        self.assertIn('datetime="1970-01-01T00:01:00Z"', words.ago(60, 120))
        self.assertEqual("never", words.ago(None, 120))

    def test_number(self) -> None:
        """
        Thousands are set apart.
        """
        self.assertEqual("1,234,567", words.number(1234567))

    def test_badge(self) -> None:
        """
        Each state has a word and a sign of its own.
        """
        told = [words.HEALTH[health] for health in Health]
        self.assertEqual(len(told), len({word for word, _ in told}))
        self.assertEqual(len(told), len({sign for _, sign in told}))
        self.assertIn(">in order</span>", words.badge(Health.OK))
