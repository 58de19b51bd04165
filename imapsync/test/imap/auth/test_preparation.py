"""
Tests for L{imapsync.imap.auth.preparation}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.auth.preparation import prepared


class PreparedTests(SynchronousTestCase):
    """
    Tests for L{prepared}.
    """

    def test_examples(self) -> None:
        """
        RFC 4013, 3; what has no prepared form stays as it is.
        """
        for text, form in (
            ("I\xadX", "IX"),
            ("user", "user"),
            ("USER", "USER"),
            ("\xaa", "a"),
            ("\u2168", "IX"),
            ("\7", "\7"),
            ("\u0627\x31", "\u0627\x31"),
        ):
            self.assertEqual(form, prepared(text))

    def test_mapped(self) -> None:
        """
        Blanks of all kinds are one; composed and decomposed letters too.
        """
        self.assertEqual("a b", prepared("a\xa0b"))
        self.assertEqual("\xfc", prepared("u\u0308"))

    def test_direction(self) -> None:
        """
        What is read from right to left may be, from end to end.
        """
        hebrew = "\u05d0\u05d1 \xad\u05d2"
        self.assertEqual("\u05d0\u05d1 \u05d2", prepared(hebrew))
        for mixed in "\u05d0\xaab\u05d0", "a\u05d0\xa0", "\u05d0\xa0a":
            self.assertEqual(mixed, prepared(mixed))

    def test_odd(self) -> None:
        """
        Prohibited ones stay whole: nothing of them is mapped.
        """
        for odd in "\xa0\7", "\xa0\ue000", "\xa0\ufffd", "\xa0\u200e", "\xad":
            self.assertEqual(odd, prepared(odd))

    def test_unassigned(self) -> None:
        """
        A character that Unicode 3.2 did not know is one.
        """
        self.assertEqual("\U0001f600 x", prepared("\U0001f600\xa0x"))

    @given(st.text())
    def test_anything(self, text: str) -> None:
        """
        The form of the form is itself.
        """
        self.assertEqual(prepared(text), prepared(prepared(text)))
