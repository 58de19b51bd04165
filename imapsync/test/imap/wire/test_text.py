"""
Tests for L{imapsync.imap.wire.text}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.wire.text import excerpt, printable


class TextTests(SynchronousTestCase):
    """
    Whatever others say is safe to print.
    """

    def test_printable(self) -> None:
        """
        What servers say to people fits on one line of a log.
        """
        self.assertEqual(r"a bü\u001b\xff", printable(b"a\nb\xc3\xbc\x1b\xff"))
        self.assertEqual(400, len(printable(b"x" * 9999)))

    def test_excerpt(self) -> None:
        """
        Of octets that nobody can read, the first are shown, with quotes.
        """
        self.assertEqual(r"'a\x1b\xff'", excerpt(b"a\x1b\xff"))
        self.assertEqual(f"'{'x' * 80}'...", excerpt(b"x" * 81))
