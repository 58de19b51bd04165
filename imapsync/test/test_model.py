"""
Tests for L{imapsync.model}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Flags, flagsOf, flagsText


class FlagsTextTests(SynchronousTestCase):
    """
    Flags as one text.
    """

    @given(st.frozensets(st.sampled_from(["\\Seen", "$Junk", "a\xa0b", "\x85", "A"])))
    def test_roundTrip(self, flags: Flags) -> None:
        """
        Flags come back as they were, in their spelling.
        """
        self.assertEqual(flags, flagsOf(flagsText(flags)))

    def test_sorted(self) -> None:
        """
        The same flags are always the same text.
        """
        self.assertEqual("$a \\Seen b", flagsText(frozenset(["b", "\\Seen", "$a"])))
