"""
Tests for L{imapsync.imap.wire.arguments}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.wire.arguments import Literal, astring, flagList, mailboxWord
from imapsync.imap.wire.reading import parseFlags
from imapsync.imap.wire.tokens import nested, tokens


class WordsTests(SynchronousTestCase):
    """
    What is sent is what was meant.
    """

    def test_quoted(self) -> None:
        """
        A string is quoted, with what is special in it escaped.
        """
        self.assertEqual(rb'"a \"b\" \\"', astring(rb'a "b" ' + b"\\"))

    def test_literal(self) -> None:
        """
        What cannot be quoted is a literal, and so is what is long.
        """
        for octets in (b"a\r\nb", b"\0", b"\xff", b"x" * 1001):
            self.assertEqual(Literal(octets), astring(octets))

    def test_mailbox(self) -> None:
        """
        A mailbox name is modified UTF-7, a TAB included.
        """
        self.assertEqual(
            b'"&APw-"', mailboxWord("\N{LATIN SMALL LETTER U WITH DIAERESIS}")
        )
        self.assertEqual(b'"a&AAk-b"', mailboxWord("a\tb"))

    def test_flags(self) -> None:
        """
        Flags come in a stable order.
        """
        self.assertEqual(
            b"(\\Seen a \xff)", flagList(frozenset(["a", "\xff", "\\Seen"]))
        )
        self.assertEqual(b"()", flagList(frozenset()))

    def test_noFlag(self) -> None:
        """
        A flag that would be taken for something else is not sent.
        """
        for flag in ("", "a b", "a\r\nb", "a)", "(", 'a"', "a{1}", "\0", "\u20ac"):
            self.assertRaises(ValueError, flagList, frozenset([flag]))

    @given(st.binary(max_size=60).filter(lambda some: not set(some) & set(b"\r\n\0")))
    def test_roundTrip(self, octets: bytes) -> None:
        """
        A quoted string is read back as it was.
        """
        word = astring(octets)
        if isinstance(word, bytes):
            self.assertEqual([octets], nested(tokens([word])))

    @given(st.binary(max_size=60))
    def test_receivedFlags(self, octets: bytes) -> None:
        """
        Whatever a server calls a flag, what we take for one can be sent.
        """
        self.assertEqual(b"(", flagList(parseFlags(octets))[:1])
