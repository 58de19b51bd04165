"""
From bytes to IMAP responses: incremental, bounded, without Twisted.

L{Parser} frames lines and literals and hands complete responses to a
L{Receiver} in the order of arrival.

Framing is strict: a line ends in CRLF, and the octets of a literal follow every line
that announces one, wherever it stands.  A literal is never looked into, so no
message can forge a response.  What cannot be framed raises
L{ProtocolViolation}; what is framed well and makes no sense is handed on as
L{Unreadable}, and costs but itself.

A response is held up to a cap; message bodies are not, their octets are passed on as
they come.  A regular expression in front reads the rows that a server sends by the
thousand; all else takes the complete way (L{imapsync.imap.wire.reading}).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from imapsync.errors import ProtocolViolation
from imapsync.imap.wire.conditions import parseCondition
from imapsync.imap.wire.flags import parseFlags
from imapsync.imap.wire.reading import (
    DATE,
    bounded,
    kindOf,
    parseResponse,
    parseRow,
)
from imapsync.imap.wire.responses import (
    Body,
    Continuation,
    Other,
    Response,
    Row,
    Unreadable,
)
from imapsync.imap.wire.text import excerpt
from imapsync.imap.wire.tokens import LARGEST, Part
from imapsync.model import Octets

#: No line, and no response with the literals it holds, may be longer.
CAP = 8 * 1024 * 1024

#: The octets of a literal follow every line that ends so, even one where no
#: literal belongs: were they read as responses, a message could forge some.
_LITERAL = re.compile(rb"\{(\d+)\+?\}\Z")
_FETCH = re.compile(rb"\* \d{1,10} FETCH \(", re.IGNORECASE)
_SECTION = re.compile(
    rb"[ (]((?:BODY|BINARY)\[[^][]*\](?:<\d+>)?) ?~?\{\d+\+?\}\Z", re.IGNORECASE
)

# What servers send by the thousand: flags, sizes and the outcome of STOREs in
# the order that Dovecot has, or Cyrus.  Numbers that need a closer look, being
# near their bounds, are left to the complete way.
_HEAD = (
    rb"\* \d{1,9} FETCH \((?:"
    rb"UID (\d{1,9})(?: FLAGS \(([^]()\"{}\r\n\0]{0,400})\))?"
    rb"|FLAGS \(([^]()\"{}\r\n\0]{0,400})\) UID (\d{1,9})"
    rb")"
)
_ROW = re.compile(
    _HEAD + rb"(?: MODSEQ \((\d{1,18})\))?(?: RFC822\.SIZE (\d{1,18}))?"
    rb"(?: FLAGS \(([^]()\"{}\r\n\0]{0,400})\))?\)\r\n"
)
# The head of a message, or its header, as it is asked for when many are read.
_MESSAGE = re.compile(
    _HEAD + rb" INTERNALDATE \"(" + DATE + rb")\" RFC822\.SIZE (\d{1,18})"
    rb" BODY\[(HEADER)?\] \{(\d{1,12})\}\r\n"
)

#: Servers repeat few combinations of flags.
_commonFlags = lru_cache(maxsize=4096)(parseFlags)


def _messageRow(match: re.Match[bytes]) -> tuple[Row, int]:
    """
    What the head of a message tells, and how many octets follow.
    """
    uid, flags, flagsFirst, uidLast, date, size, header, octets = match.groups()
    if flags is None:
        flags = flagsFirst
    row = Row(
        int(uid or uidLast),
        None if flags is None else _commonFlags(flags),
        0,
        int(size),
        str(date, "ascii"),
        "BODY[HEADER]" if header else "BODY[]",
    )
    return row, int(octets)


class Receiver(Protocol):
    """
    Where a L{Parser} delivers.
    """

    def responseReceived(self, response: Response) -> None:
        """
        One complete response.
        """

    def rowsReceived(self, rows: list[Row]) -> None:
        """
        FETCH rows, in order of arrival.
        """

    def literalBegan(self, row: Row, size: int) -> bool:
        """
        A message or a part of one is about to come: C{size} octets.

        @param row: the attributes that came before it.
        @return: whether to stream it; if not, it becomes part of the response.
        """

    def literalReceived(self, piece: Octets) -> None:
        """
        Octets of the literal that is being streamed.  When it is complete,
        its row follows, with what came behind it, alone.
        """

    def messagesReceived(self, messages: list[tuple[Row, Octets]]) -> None:
        """
        Small messages, which came whole, in order of arrival.
        """


class Parser:
    """
    Frames what one server sends.

    @cvar cap: see L{CAP}.
    @ivar whole: set while responses are wanted as they were sent, every literal
        included: neither rows in batches nor streams, but each L{Other}.  Only status
        responses and continuations are read all the same.
    @ivar trace: called with each line, while somebody looks on.
    """

    cap = CAP

    def __init__(self, receiver: Receiver) -> None:
        self.whole = False
        self.trace: Callable[[bytes], None] | None = None
        self._receiver = receiver
        self._busy = False
        self._data = b""
        self._at = 0  # what comes before is dealt with
        self._late = bytearray()  # a line without its end yet
        self._parts: list[Part] = []
        self._held = 0  # octets in _parts
        self._inLiteral = self._streaming = self._skipping = False
        self._left = 0  # octets of the present literal still to come
        self._literal = bytearray()  # unless it is streamed
        self._row: Row | None = None  # whose body is or was streamed

    def feed(self, data: bytes) -> None:
        """
        Take what arrived and deliver what is complete.

        @raise ProtocolViolation: the server sent what is no IMAP, or more
            than L{cap}; nothing may be fed after that.
        """
        if self._busy:
            # A receiver that makes more data arrive gets it afterwards.
            self._data += data
            return
        if self._late:
            new = len(self._late)
            self._late += data
            if self._late.find(b"\r\n", new - 1) < 0:
                self._check(len(self._late) + self._held)
                return
            data, self._late = bytes(self._late), bytearray()
        self._data, self._at = data, 0
        self._busy = True
        try:
            while self._step():
                pass
        finally:
            self._busy = False
        if self._at < len(self._data):
            self._late += memoryview(self._data)[self._at :]
            self._check(len(self._late) + self._held)
        self._data, self._at = b"", 0

    def takeBuffered(self) -> bytes:
        """
        Remove and return what was received but not yet delivered; meant for
        the moment when the stream behind a response is no longer plain IMAP.
        """
        rest = bytes(self._late) + self._data[self._at :]
        self._late.clear()
        self._data, self._at = b"", 0
        return rest

    def _check(self, octets: int) -> None:
        if octets > self.cap:
            raise ProtocolViolation(f"a response is longer than {self.cap} octets")

    def _step(self) -> bool:
        """
        Deal with the next piece of what is here.

        @return: whether there may be another.
        """
        if self._inLiteral:
            return self._continueLiteral()
        if not self._parts and not self.whole and self.trace is None:
            if self._fastMessages() or self._fastMessage():
                return True
            self._fastRows()
        end = self._data.find(b"\r\n", self._at)
        if end < 0:
            return False
        line = self._data[self._at : end]
        self._at = end + 2
        self._line(line)
        return True

    def _fastRows(self) -> None:
        data, at, rows = self._data, self._at, []
        while (match := _ROW.match(data, at)) is not None:
            uid, flags, flagsFirst, uidLast, modseq, size, flagsLast = match.groups()
            if flags is None:
                flags = flagsFirst
            if flagsLast is not None:
                flags = flagsLast
            rows.append(
                Row(
                    int(uid or uidLast),
                    None if flags is None else _commonFlags(flags),
                    int(modseq) if modseq else 0,
                    int(size) if size else None,
                )
            )
            at = match.end()
        self._at = at
        if rows:
            self._receiver.rowsReceived(rows)

    def _fastMessages(self) -> bool:
        """
        Messages that are here with all of their octets.
        """
        data, at = self._data, self._at
        view, messages = memoryview(data), list[tuple[Row, Octets]]()
        while (match := _MESSAGE.match(data, at)) is not None:
            row, octets = _messageRow(match)
            start = match.end()
            end = start + octets
            if not data.startswith(b")\r\n", end):
                break
            messages.append((row, view[start:end]))
            at = end + 3
        self._at = at
        if messages:
            self._receiver.messagesReceived(messages)
        return bool(messages)

    def _fastMessage(self) -> bool:
        match = _MESSAGE.match(self._data, self._at)
        if match is None:
            return False
        line = self._data[self._at : match.end() - 2]
        self._at = match.end()
        self._parts.append(line)
        self._held = len(line)
        row, octets = _messageRow(match)
        self._beginLiteral(octets, row)
        return True

    def _line(self, line: bytes) -> None:
        if self.trace is not None:
            self.trace(line)
        self._held += len(line)
        self._check(self._held + 1)  # as if the line's end came by itself
        if not self._parts:
            if self._condition(line):
                return
        elif line == b")" and self._row is not None and self._parts[-1] is None:
            # The body was the last attribute, as with most servers.
            row = self._row
            self._reset()
            self._receiver.rowsReceived([row])
            return
        self._parts.append(line)
        literal = _LITERAL.search(line) if line.endswith(b"}") else None
        if literal is None:
            self._complete()
        else:
            self._announced(line, bounded(literal.group(1), LARGEST))

    def _announced(self, line: bytes, size: int) -> None:
        """
        A literal follows.
        """
        section = None
        if not self.whole and self._row is None and _FETCH.match(self._parts[0] or b""):
            section = _SECTION.search(line)
        if section is None:
            self._holdLiteral(size)
        else:
            name = section.group(1).decode("ascii", "replace").upper()
            try:
                row = parseRow(self._parts)
            except ProtocolViolation:
                # Nobody knows whose it is.
                self._skipping = self._inLiteral = self._streaming = True
                self._left = size
            else:
                self._beginLiteral(size, row._replace(section=name))

    def _condition(self, line: bytes) -> bool:
        """
        Status responses and continuations: their text is for people, and
        whatever it looks like, no literal follows.
        """
        if line[:1] == b"+":
            self._finish(Continuation(line[2:]))
            return True
        condition = parseCondition(line)
        if condition is None:
            return False
        self._finish(condition)
        return True

    def _beginLiteral(self, size: int, row: Row) -> None:
        if self._receiver.literalBegan(row, size):
            self._row = row
            self._inLiteral, self._streaming, self._left = True, True, size
        else:
            self._holdLiteral(size)

    def _holdLiteral(self, size: int) -> None:
        self._held += size
        self._check(self._held)
        self._inLiteral, self._streaming, self._left = True, False, size

    def _continueLiteral(self) -> bool:
        piece = memoryview(self._data)[self._at : self._at + self._left]
        self._at += len(piece)
        self._left -= len(piece)
        if not self._streaming:
            self._literal += piece
        elif piece and not self._skipping:
            self._receiver.literalReceived(piece)
        if self._left:
            return False
        self._inLiteral = self._skipping = False
        self._parts.append(None if self._streaming else bytes(self._literal))
        self._literal.clear()
        return True

    def _complete(self) -> None:
        parts = self._parts
        response = Other(parts) if self.whole else self._read()
        if isinstance(response, Row):
            self._rows(response)
        elif isinstance(response, Body):
            self._inline(response)
        else:
            self._finish(response)

    def _read(self) -> Response | Row:
        try:
            return parseResponse(self._parts)
        except ProtocolViolation:
            first = self._parts[0] or b""
            kind = kindOf(first)
            if not kind or self._row is not None:
                raise  # nobody knows what to make of it, or of half a message
            return Unreadable(kind, excerpt(first))

    def _inline(self, body: Body) -> None:
        """
        Small bodies may come as strings (RFC 9051, 9: C{nstring}).
        """
        row = body.row._replace(section=body.section)
        if self._row is None and self._receiver.literalBegan(row, len(body.octets)):
            self._row = row
            self._receiver.literalReceived(body.octets)
        self._rows(body.row)

    def _rows(self, row: Row) -> None:
        section = "" if self._row is None else self._row.section
        self._reset()
        self._receiver.rowsReceived([row._replace(section=section)])

    def _finish(self, response: Response) -> None:
        self._reset()
        self._receiver.responseReceived(response)

    def _reset(self) -> None:
        self._parts, self._held, self._row = [], 0, None
