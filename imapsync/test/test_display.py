"""
Tests for L{imapsync.display}.
"""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.display import LONGEST, keyword, line, octets, shown
from imapsync.names import decode

#: Control characters (C0, DEL, C1), what turns the direction of writing, what is not
#: seen, line ends, and halves of characters.
HOSTILE = (
    "\x00\x07\x08\n\r\x1b\x7f\x85\x9b\u200b\u200e\u202a\u202e\u2028\u2066\u2069\ufeff"
    "\U000e0041\udc9b\ud800"
)

_ESCAPE = re.compile(
    r"\\(?:(\\)|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))", re.ASCII
)


class LineTests(SynchronousTestCase):
    """
    Tests for L{line}, L{octets} and L{keyword}.
    """

    def test_hostile(self) -> None:
        """
        Nothing in it moves a cursor, hides, or begins a line.
        """
        for char in HOSTILE:
            safe = line(f"a{char}[31mb")
            self.assertTrue(safe.isprintable())
            self.assertTrue(safe[1:].startswith((" ", "\\u", "\\U", "\\x")), safe)
        self.assertEqual(r"a\u001b[31m b\u202e", line("a\x1b[31m\r\nb\u202e"))

    def test_plain(self) -> None:
        """
        What people write stays as it is; a blank is a blank.
        """
        for text in ("", "Büro", "हिन्दी", "日本", r"a\x07"):
            self.assertEqual(text, line(text))
        self.assertEqual("a b c", line("a\u00a0b\tc"))

    def test_long(self) -> None:
        """
        It is not endless, whatever is in it.
        """
        for char in "x", "\x1b", "é", "\u0301":
            self.assertEqual(LONGEST, len(line(char * 10_000)))
            self.assertLess(len(line(char * 100, 50)), 51)
        self.assertEqual("x" * LONGEST, line("x" * LONGEST))

    def test_heaped(self) -> None:
        """
        Marks on a letter do not paint over other lines.
        """
        heap = "a" + 10 * "\u0335"
        self.assertEqual(4, line(heap).count("\u0335"))
        self.assertEqual(r"\u0301x", line("\u0301x"))

    def test_octets(self) -> None:
        """
        Octets that are no UTF-8 are told.
        """
        self.assertEqual(r"é\xff", octets(b"\xc3\xa9\xff"))
        self.assertEqual("xx", octets(b"xxx", 2))

    def test_keyword(self) -> None:
        """
        A keyword in UTF-8 reads as its author wrote it; one in something else is
        told by its octets.
        """
        self.assertEqual("Büro", keyword("B\xc3\xbcro"))
        self.assertEqual(r"B\xfcro", keyword("B\xfcro"))
        self.assertEqual(r"\Seen", keyword(r"\Seen"))
        self.assertEqual(r"\u001b", keyword("\x1b"))

    @given(st.text())
    def test_again(self, text: str) -> None:
        """
        It may be done twice.
        """
        self.assertEqual(line(text), line(line(text)))


class ShownTests(SynchronousTestCase):
    """
    Tests for L{shown}.
    """

    def assertApart(self, *names: str) -> None:
        """
        Each is shown otherwise, also to somebody who does not see all.
        """
        seen = {
            unicodedata.normalize("NFC", shown(name)).strip().replace("  ", " ")
            for name in names
        }
        self.assertEqual(len(names), len(seen), seen)

    def test_plain(self) -> None:
        """
        Names that people give stay as they are.
        """
        for name in (
            "INBOX/Sent Items",
            "Büro & Küche",
            "Работа",
            "Ελληνικά",
            "हिन्दी",
            "日本語",
            "Tシャツ",
            "한글",
            "שלום",
            "a\\b",
            "Вся почта",
            "x" * 1000,
        ):
            self.assertEqual(name, shown(name))

    def test_invisible(self) -> None:
        """
        What is not seen is: bidirectional controls, characters without width,
        blanks at an end.
        """
        self.assertApart("a", *(f"a{char}" for char in HOSTILE), "a\ufe0f", "a\u034f")
        self.assertApart("a", " a", "a ", "a\u00a0", "a\t", "a  ")
        self.assertApart("a/b", "a /b", "a/ b", "a b", "a  b", "a\u3000b")
        self.assertEqual(r"a\u202eb\u0020", shown("a\u202eb "))

    def test_normalisation(self) -> None:
        """
        What is not as NFC has it is told from what is.
        """
        for name in ("Büro", "한글", "Å", "ệ"):
            other = unicodedata.normalize("NFD", name)
            self.assertEqual(name, shown(name))
            self.assertApart(name, other)
        self.assertApart("\u00c5", "\u212b", "A\u030a")
        self.assertApart("e\u0323\u0302", "e\u0302\u0323", "\u1ec7")

    def test_alike(self) -> None:
        """
        So is what looks alike in another script, or as another character.
        """
        self.assertApart("Work", "W\u043erk", "W\u03bfrk")
        self.assertApart("COPE", "\u0421\u041e\u0420\u0415", "\u0421OPE")
        self.assertApart("a-b", "a\u2010b", "a\u2212b")
        self.assertApart("a/b", "a\u2215b", "a\u2044b")
        self.assertApart("fi", "\ufb01")
        self.assertEqual(r"W\u043erk", shown("W\u043erk"))

    def test_octets(self) -> None:
        """
        What is no name at all is told by its octets.
        """
        self.assertApart(*map(decode, (b"R&D", b"R&-D", b"R\x26-&-D", b"R&&-D")))
        self.assertEqual(r"\xff\x26-", shown(decode(b"\xff&-")))
        self.assertApart("\x85", decode(b"\x85"), r"\x85", r"\\x85", r"\u0085")

    def test_long(self) -> None:
        """
        An endless one is cut, and still told from others.
        """
        long = ["x" * 5000 + str(number) for number in range(10)]
        self.assertApart(*long)
        self.assertLess(max(len(shown(name)) for name in long), 1100)

    @given(st.text(st.characters()) | st.text("\\xu0c\x07 \udcff") | st.binary())
    def test_distinct(self, name: str | bytes) -> None:
        """
        It could be read back: no two names are shown alike.
        """
        if isinstance(name, bytes):
            name = decode(name)
        safe = shown(name)
        self.assertTrue(safe.isprintable())
        self.assertEqual(name, _ESCAPE.sub(_unescaped, safe))


def _unescaped(match: re.Match[str]) -> str:
    backslash, octet, short, long = match.groups()
    if backslash:
        return "\\"
    return chr(0xDC00 + int(octet, 16)) if octet else chr(int(short or long, 16))
