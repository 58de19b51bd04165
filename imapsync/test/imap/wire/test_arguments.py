"""
Tests for L{imapsync.imap.wire.arguments}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.wire.arguments import (
    USUAL,
    Literal,
    astring,
    dateKind,
    dateTime,
    flagList,
    isFlag,
    mailboxWord,
)
from imapsync.imap.wire.flags import parseFlags
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
        self.assertEqual(b"(\\Seen a z)", flagList(frozenset(["a", "z", "\\Seen"])))
        self.assertEqual(b"()", flagList(frozenset()))

    def test_noFlag(self) -> None:
        """
        A flag that would be taken for something else is not sent.
        """
        none = ["", "a b", "a\r\nb", "a)", "(", 'a"', "a{1}", "\0", "\u20ac", "\xe4"]
        none += ["%", "a*", "a]", "a\\b", "\\", "\\\\a", "\x7f", "a\n"]
        for flag in none:
            self.assertFalse(isFlag(flag))
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
        Whatever a server calls a flag, what is sent of it is one in IMAP.
        """
        flags = frozenset(filter(isFlag, parseFlags(octets)))
        sent = flagList(flags)
        self.assertRegex(sent, rb"^\(([^\0-\x20\x7f-\xff(){%*\"\]]| )*\)$")
        self.assertEqual(flags, parseFlags(sent[1:-1]))


class DateTests(SynchronousTestCase):
    """
    Dates are sent only if they are such.
    """

    def test_sent(self) -> None:
        """
        What is a date is sent as it came, with two places for the day.
        """
        for text, word in (
            ("01-Feb-2020 03:04:05 +0000", b'"01-Feb-2020 03:04:05 +0000"'),
            (" 9-aug-1999 23:59:60 -0330", b'" 9-aug-1999 23:59:60 -0330"'),
            ("9-Aug-1999 23:59:59 +1400", b'" 9-Aug-1999 23:59:59 +1400"'),
            ("29-Feb-2000 00:00:00 +0545", b'"29-Feb-2000 00:00:00 +0545"'),
        ):
            self.assertEqual(word, dateTime(text))
            self.assertEqual(USUAL, dateKind(text))

    def test_none(self) -> None:
        """
        What looks like one is not sent: no month, no such day, hour or zone.
        """
        for text in (
            "",
            "01-Mai-2024 00:00:00 +0000",
            "00-Jan-2024 00:00:00 +0000",
            "30-Feb-2024 00:00:00 +0000",
            "29-Feb-2023 00:00:00 +0000",
            "32-Jan-2024 00:00:00 +0000",
            "01-Jan-0000 00:00:00 +0000",
            "01-Jan-2024 24:00:00 +0000",
            "01-Jan-2024 00:60:00 +0000",
            "01-Jan-2024 00:00:61 +0000",
            "01-Jan-2024 00:00:00 +2400",
            "01-Jan-2024 00:00:00 +0060",
            "01-Jan-24 00:00:00 +0000",
            "01-Jan-2024 00:00:00 +0000\r\n",
            '01-Jan-2024 00:00:00 +0000" {1}',
            "\u0661-Jan-2024 00:00:00 +0000",
        ):
            self.assertEqual("", dateKind(text), text)

    def test_kinds(self) -> None:
        """
        Those that some server may not take are told apart by what it may object to.
        """
        kinds = [
            dateKind(f"01-Jan-{text} 00:00:00 +0000")
            for text in ("1969", "1970", "2037", "2038", "9999")
        ]
        self.assertEqual(["1969 +0000", "usual", "usual", "2038 +0000"], kinds[:4])
        self.assertEqual("2024 +0001", dateKind("01-Jan-2024 00:00:00 +0001"))
