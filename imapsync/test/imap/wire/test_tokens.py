"""
Tests for L{imapsync.imap.wire.tokens}.
"""

from __future__ import annotations

import contextlib
import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ProtocolViolation
from imapsync.imap.wire.text import excerpt
from imapsync.imap.wire.tokens import Nil, Node, Streamed, String, nested, tokens

octets = st.binary(max_size=40).filter(lambda some: not set(some) & set(b"\r\n\0"))


def read(*parts: bytes | None) -> list[Node]:
    """
    What a response means.
    """
    return nested(tokens(list(parts)))


class TokensTests(SynchronousTestCase):
    """
    Words, strings and literals.
    """

    def test_atoms(self) -> None:
        """
        Spaces separate atoms, and any number of them may.
        """
        self.assertEqual([b"*", b"OK", b"x"], read(b"*  OK x "))

    def test_quoted(self) -> None:
        """
        A backslash in a quoted string takes the next octet as it is.
        """
        self.assertEqual([b'a "b" \\', b""], read(rb'"a \"b\" \\" ""'))

    def test_quotedIsNoAtom(self) -> None:
        """
        Quoted, neither NIL nor a parenthesis means anything; of an atom, the
        spelling is kept.
        """
        quoted, parenthesis, atom = read(b'"NIL" "(" nil')
        self.assertEqual([b"NIL", b"(", b"nil"], [quoted, parenthesis, atom])
        self.assertIsInstance(quoted, String)
        self.assertIsInstance(atom, Nil)

    def test_literal(self) -> None:
        """
        A literal stands where its marker stood, and is never looked into.
        """
        self.assertEqual(
            [[b"a", b'") {3}\r\n', b"b"]], read(b"(a {8}", b'") {3}\r\n', b" b)")
        )

    def test_literal8(self) -> None:
        """
        So does one that may hold NUL (RFC 3516), or is announced with a plus.
        """
        self.assertEqual([b"a", b"\0"], read(b"a ~{1}", b"\0", b""))
        self.assertEqual([b"a", b"x"], read(b"a{1+}", b"x", b""))

    def test_streamed(self) -> None:
        """
        One that was streamed leaves a sign of itself.
        """
        self.assertIsInstance(read(b"{1}", None, b"")[0], Streamed)

    def test_section(self) -> None:
        """
        A section is one word, whatever its brackets hold.
        """
        section = b'BODY[1.HEADER.FIELDS ("To" From)]<12>'
        self.assertEqual([section, b"x"], read(section + b' "x"'))
        self.assertEqual([[section]], read(b"(" + section + b")"))

    def test_likeSection(self) -> None:
        """
        What only begins like one is a word as any other.
        """
        for word in (
            b"Body[2024]-bills",
            b"BODY[",
            b"binary[]x",
            b"BODY[a]<b>",
            b"body[]]",
        ):
            self.assertEqual([b"a", word, b"b"], read(b"a %s b" % word))

    def test_gmail(self) -> None:
        """
        Brackets are nothing special in a name, even without quotes.
        """
        self.assertEqual([b"[Gmail]/Sent", b"[x"], read(b"[Gmail]/Sent [x"))

    def test_8bit(self) -> None:
        """
        Octets beyond ASCII are taken wherever a word is.
        """
        self.assertEqual([b"\xff\x80", b"\xc3\xbc"], read(b'\xff\x80 "\xc3\xbc"'))

    def test_unreadable(self) -> None:
        """
        What is no token is a violation that shows where it is.
        """
        for line in (b'"open', b"a {x", b"a\0", b"a\rb", b'"a\nb"', b'"a\\'):
            self.assertRaises(ProtocolViolation, read, line)

    def test_parentheses(self) -> None:
        """
        They must balance, and cannot nest without end.
        """
        self.assertEqual([[[], [b"a"]]], read(b"(()(a))"))
        for line in (b"(", b")", b"(()", b"())", b"(" * 100 + b")" * 100):
            self.assertRaises(ProtocolViolation, read, line)

    def test_hostile(self) -> None:
        """
        No line takes more than linear time.
        """
        began = time.monotonic()
        for piece in (b"BODY[", b" BODY[x", b"(BODY[]", b'"', b'\\"', b"{1", b"  ~{"):
            line = piece * (200_000 // len(piece))
            for end in (b"", b" {1}", b"}"):
                with contextlib.suppress(ProtocolViolation):
                    list(tokens([line + end]))
        self.assertLess(time.monotonic() - began, 20)

    def test_excerpt(self) -> None:
        """
        What is shown of a server's words fits on a line.
        """
        self.assertEqual(r"'a\x00\r\n'", excerpt(b"a\0\r\n"))
        self.assertEqual("'" + 80 * "x" + "'...", excerpt(b"x" * 81))

    @given(st.lists(octets, min_size=1), st.data())
    def test_roundTrip(self, words: list[bytes], data: st.DataObject) -> None:
        """
        Strings come back as they were, quoted or literal.
        """
        parts = [b""]
        for word in words:
            if data.draw(st.booleans()):
                quoted = word.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
                parts[-1] += b' "%s"' % quoted
            else:
                parts[-1] += b" {%d}" % len(word)
                parts += [word, b""]
        self.assertEqual(words, read(*parts))
