"""
Tests for L{imapsync.imap.wire.conditions}.
"""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.wire.conditions import parseCondition, unrolled
from imapsync.imap.wire.responses import Condition


class ConditionTests(SynchronousTestCase):
    """
    Status responses.
    """

    def code(self, text: bytes) -> tuple[str, bytes, str]:
        """
        Code, arguments and text of a response.
        """
        condition = parseCondition(b"* OK " + text)
        assert condition is not None
        return condition.code, condition.arguments, condition.text

    def test_status(self) -> None:
        """
        Tagged or not, in any case, with or without a text.
        """
        for line, condition in (
            (b"A1 OK done", Condition("A1", "OK", "", b"", "done")),
            (b"* bye", Condition("*", "BYE", "", b"", "")),
            (b"* NO ", Condition("*", "NO", "", b"", "")),
            (b"* BAD a\nb", Condition("*", "BAD", "", b"", "a b")),
        ):
            self.assertEqual(condition, parseCondition(line))
        for line in b"* OKAY x", b"OK x", b"* 3 EXISTS", b"", b"* FETCH OK":
            self.assertIsNone(parseCondition(line))

    def test_codes(self) -> None:
        """
        A code is a word in brackets, perhaps with arguments.
        """
        self.assertEqual(("CLOSED", b"", "x"), self.code(b"[CLOSED] x"))
        self.assertEqual(("UIDNEXT", b"5", "x"), self.code(b"[uidnext 5]x"))
        self.assertEqual(("A", b"b c", "d]"), self.code(b"[A b c] d]"))
        self.assertEqual(("A", b"", ""), self.code(b"[A ]"))

    def test_freeWords(self) -> None:
        """
        Where flags or strings are among the arguments, a bracket may be, too.
        """
        for text, arguments in (
            (
                rb"[PERMANENTFLAGS (a]b [work] \*)] Flags (permitted)] x",
                rb"(a]b [work] \*)",
            ),
            (rb"[PERMANENTFLAGS (x] y)]", rb"(x] y)"),
            (rb"[PERMANENTFLAGS ()] none", b"()"),
            (b'[BADURL "a]b" c] x', b'"a]b" c'),
            (rb'[X "a\"]" b] x', rb'"a\"]" b'),
            (b'[X "a] x', b'"a'),
            (b"[X (a] x", b"(a"),
        ):
            self.assertEqual(arguments, self.code(text)[1], text)

    def test_noCodes(self) -> None:
        """
        What is none is text for people.
        """
        for text in (
            b"[open x",
            b"[]x",
            b"[ A] x",
            b"[\x1b[31m] x",
            b"[(a)] x",
            b"[%s]" % (b"x" * 101),
        ):
            code, arguments, _ = self.code(text)
            self.assertEqual(("", b""), (code, arguments), text)

    @given(st.binary(max_size=30), st.binary(max_size=30))
    def test_anything(self, inside: bytes, behind: bytes) -> None:
        """
        Whatever is told, code and text are safe to print.
        """
        code, _, text = self.code(b"[" + inside + b"]" + behind)
        self.assertTrue(code.isascii() and code.isprintable() and text.isprintable())

    def test_hostile(self) -> None:
        """
        No line takes more than linear time.
        """
        began = time.monotonic()
        for piece in b'"', b'\\"', b"(", b"(]", b")]", b'" ', b"]":
            self.code(b"[X " + piece * (2_000_000 // len(piece)))
        self.assertLess(time.monotonic() - began, 20)

    def test_unrolled(self) -> None:
        """
        UIDs keep their order, and no server makes us count to four thousand
        million.
        """
        self.assertEqual((5, 6, 7), unrolled(b"5:7", 3))
        self.assertEqual((9, 5), unrolled(b"9,5", 3))
        self.assertEqual((), unrolled(b"1:4294967295", 3))
        self.assertRaises(ValueError, unrolled, b"1:*", 3)
