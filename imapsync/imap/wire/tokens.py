"""
The words of an IMAP response: atoms, strings, literals and parentheses.

Lenient where servers are known to differ and nothing depends on it (raw
8-bit octets, unquoted names such as C{[Gmail]}), strict where a mistake
could make one thing look like another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from imapsync.errors import ProtocolViolation
from imapsync.imap.wire.text import excerpt

#: A line without its CRLF, or a literal; C{None} stands for a literal that
#: was streamed and is not here.
Part = bytes | None

# No alternative looks beyond the bracket, quote or space that ends it, so
# that even a hostile line takes linear time.
_TOKEN = re.compile(
    rb" *(?:"
    rb"([()])"
    rb"|\"([^\"\\\r\n\0]*(?:\\[^\r\n\0][^\"\\\r\n\0]*)*)\""
    rb"|((?:BODY|BINARY)(?:\.SIZE)?\[[^][\r\n\0]*\](?:<\d+>)?(?![^ )])"
    rb"|[^ (){\"\r\n\0][^ ()\"\r\n\0]*)"
    rb")",
    re.IGNORECASE,
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
#: No response that we read has lists in lists deeper than a few levels.
_DEPTH = 64
#: What announces the literal that follows a line (RFC 9051, 4.3; RFC 3516).
_MARKER = re.compile(rb"~?\{\d+\+?\}\Z")

#: So many octets are in no literal that ever comes to its end.
LARGEST = 2**40


class String(bytes):
    """
    A quoted string or a literal: never C{NIL}, never a parenthesis.
    """

    __slots__ = ()


class Nil(bytes):
    """
    NIL; or another atom, such as the name of a mailbox, that is spelled the same in
    some case.
    """

    __slots__ = ()


class Streamed:
    """
    Stands for a literal whose octets were streamed.
    """


Token = bytes | Streamed
#: Tokens with the parentheses resolved.
Node = bytes | Streamed | list["Node"]


def tokens(parts: list[Part]) -> Iterator[Token]:
    """
    The tokens of a response whose lines and literals alternate in C{parts}.

    @raise ProtocolViolation: if something in it is no token.
    """
    for index, part in enumerate(parts):
        if index % 2:
            yield Streamed() if part is None else String(part)
        elif part:
            yield from _lineTokens(part)


def _lineTokens(line: bytes) -> Iterator[bytes]:
    if line.endswith(b"}"):
        line = _MARKER.sub(b"", line)
    at, end = 0, len(line.rstrip(b" "))
    while at < end:
        match = _TOKEN.match(line, at)
        if match is None:
            raise ProtocolViolation(f"cannot be read: {excerpt(line[at : at + 81])}")
        at = match.end()
        parenthesis, quoted, atom = match.groups()
        if quoted is None:
            yield parenthesis or atom
        else:
            yield String(_ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted)


def nested(stream: Iterable[Token]) -> list[Node]:
    """
    Resolve parentheses into lists, and tell L{Nil} from other atoms.

    @raise ProtocolViolation: if they do not balance, or are too deep.
    """
    stack: list[list[Node]] = [[]]
    for token in stream:
        if isinstance(token, (String, Streamed)):
            stack[-1].append(token)
        elif token == b"(":
            if len(stack) > _DEPTH:
                raise ProtocolViolation("lists in lists without end")
            stack.append([])
        elif token == b")":
            if len(stack) == 1:
                raise ProtocolViolation("a parenthesis is closed that was never open")
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(Nil(token) if token.upper() == b"NIL" else token)
    if len(stack) > 1:
        raise ProtocolViolation("a parenthesis is left open")
    return stack[0]
