"""
Tests for L{imapsync.config.losses}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.losses import held


class HeldTests(SynchronousTestCase):
    """
    Tests for L{held}.
    """

    def test_most(self) -> None:
        """
        More than half, of ten or more, is too many; half is not, nor are there too many
        in a short list.
        """
        ten = "abcdefghij"
        self.assertEqual(frozenset("efghij"), held(ten, "abcdz"))
        self.assertEqual(frozenset(), held(ten, "abcdez"))
        self.assertEqual(frozenset(), held(ten[:9], ""))
        self.assertEqual(frozenset(), held((), "abc"))

    @given(st.frozensets(st.integers(0, 30)), st.frozensets(st.integers(0, 30)))
    def test_any(self, before: frozenset[int], now: frozenset[int]) -> None:
        """
        All that are gone are kept, or none; none that is there is among them.
        """
        names, listed = ({*map(str, some)} for some in (before, now))
        self.assertIn(held(names, listed), (frozenset(), names - listed))
