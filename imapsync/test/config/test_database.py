"""
Tests for L{imapsync.config.database}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.database import fileName


class FileNameTests(SynchronousTestCase):
    """
    Tests for L{fileName}.
    """

    def test_plain(self) -> None:
        """
        Ordinary names stay as they are.
        """
        for user, host, name in (
            ("me", "imap.example.org", "me@imap.example.org.db"),
            ("me+x@example.org", "::1", "me+x@example.org@%3A%3A1.db"),
            ("j\u00fcrgen", "a", "j\u00fcrgen@a.db"),
            ("", "a", "a.db"),
        ):
            self.assertEqual(name, fileName(user, host))

    def test_odd(self) -> None:
        """
        What would lead elsewhere does not.
        """
        self.assertEqual("..%2F..%2Fx%00%25@a.db", fileName("../../x\0%", "a"))
        self.assertEqual("DOMAIN%5Cme%0A@a.db", fileName("DOMAIN\\me\n", "a"))

    def test_long(self) -> None:
        """
        Long ones are cut, and stay apart.
        """
        one, other = fileName("u" * 300, "a"), fileName("u" * 300, "b")
        self.assertNotEqual(one, other)
        self.assertEqual(203, len(one))

    @given(st.text(), st.text(), st.text(min_size=1), st.text(min_size=1))
    def test_apart(self, user: str, other: str, host: str, another: str) -> None:
        """
        Each is a name in one folder, and different ones stay different.
        """
        name = fileName(user, host)
        self.assertLessEqual(len(name.encode()), 203)
        self.assertNotIn("/", name)
        self.assertNotIn("\0", name)
        if f"{user}@{host}" != f"{other}@{another}" and user and other:
            self.assertNotEqual(name, fileName(other, another))
