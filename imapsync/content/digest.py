"""
Recognising the same message on both sides by what is in it.

Servers do not keep every byte: Cyrus turns each 8-bit byte of a header into
the letter X, Dovecot turns NUL into 0x80.  So NUL, every 8-bit byte and the
letter X count as one and the same here.  What that makes alike is of the same
size and the same in all its other bytes: such messages are, for all that mail
means, equal.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from imapsync.errors import StateError
from imapsync.model import Flags, Pair, Side
from imapsync.uidset import UidSet, UidSetBuilder

#: How much of a message can be its header, in bytes.
HEADER_LIMIT = 256 * 1024

_ALIKE = bytes(ord("X") if b == 0 or b > 0x7F else b for b in range(256))

# Both begin with the line end before; so does what is searched (_START).
_START = b"\n"
_HEADER_END = re.compile(rb"\n\r?\n")
_LONGEST_END = len(b"\n\r\n")

# A Message-ID that is there but empty singles nothing out.
_MESSAGE_ID = re.compile(
    rb"\nmessage-id[ \t]*:(?:[ \t]|\r?\n[ \t])*([^\s][^\r\n]*)", re.IGNORECASE
)


def flagsText(flags: Flags) -> str:
    """
    C{flags} as one text: sorted, a space between two of them.
    """
    return " ".join(sorted(flags))


def flagsOf(text: str) -> Flags:
    """
    The flags that L{flagsText} wrote.
    """
    return frozenset(text.split(" ")) if text else frozenset()


def instant(date: str) -> int:
    """
    An INTERNALDATE in seconds since 1970; 0 if it cannot be read.
    """
    try:
        day, time, zone = date.split()
        hours, minutes, seconds = time.split(":")
        return (
            _midnight(day, zone) + int(hours) * 3600 + int(minutes) * 60 + int(seconds)
        )
    except (ValueError, OverflowError):
        return 0


@lru_cache(4096)
def _midnight(day: str, zone: str) -> int:
    return int(datetime.strptime(f"{day} {zone}", "%d-%b-%Y %z").timestamp())


def stamp(size: int, date: str, messageId: bytes) -> int:
    """
    63 bits by which a message is known again after its server has moved or
    copied it; 0 if it has no Message-ID, or no date that can be read.
    """
    seconds = instant(date)
    if not (seconds and messageId):
        return 0
    digest = blake2b(b"%d %d %s" % (size, seconds, messageId), digest_size=8)
    return int.from_bytes(digest.digest(), "big") >> 1


class BodyDigest:
    """
    The digest of one whole message, from its bytes in pieces.
    """

    def __init__(self) -> None:
        self._hash = blake2b(_START, digest_size=16)

    def write(self, data: bytes) -> None:
        """
        Take the next piece of the message.
        """
        self._hash.update(data.translate(_ALIKE))

    def digest(self, size: int) -> bytes:
        """
        16 bytes, once all pieces were written.

        @param size: the message's RFC822.SIZE.
        """
        return _ended(self._hash, b"whole", size)


class KeyDigest:
    """
    The content key of one message, from its bytes in pieces.

    The key of a message that has a Message-ID covers its size and its header;
    it is the same whether the header alone was written, as C{BODY[HEADER]}
    gives it, or the whole message.  The key of any other message covers all of
    it, and is its L{BodyDigest}.
    """

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self._head = bytearray(_START)
        self._headDone = False
        self._singular = False
        self._messageId = b""

    def write(self, data: bytes) -> None:
        """
        Take the next piece of the message.
        """
        taken = 0 if self._headDone else self._writeHead(data)
        if not self._singular:
            self._hash.update(data[taken:].translate(_ALIKE))

    @property
    def singular(self) -> bool:
        """
        Whether the header has a Message-ID: then the header is enough, and
        else L{key} means something only after the whole message.
        """
        self._endHead(len(self._head))
        return self._singular

    @property
    def messageId(self) -> bytes:
        """
        The Message-ID, or nothing.
        """
        self._endHead(len(self._head))
        return self._messageId

    def key(self, size: int) -> bytes:
        """
        16 bytes, once all pieces were written.

        @param size: the message's RFC822.SIZE.
        """
        return _ended(self._hash, b"header" if self.singular else b"whole", size)

    def _writeHead(self, data: bytes) -> int:
        """
        Look for the header's end.

        @return: how many bytes of C{data} are dealt with.
        """
        head = self._head
        room = HEADER_LIMIT + len(_START) - len(head)
        unseen = max(0, len(head) - _LONGEST_END + 1)
        head += data[:room]
        end = _HEADER_END.search(head, unseen)
        if end:
            self._endHead(end.start())
        elif len(data) >= room:
            self._endHead(len(head))
        return room

    def _endHead(self, end: int) -> None:
        """
        Digest what was kept: its first C{end} bytes are the header.
        """
        if self._headDone:
            return
        self._headDone = True
        covered, messageId = _covered(self._head, end)
        if messageId is not None:
            self._singular = True
            self._messageId = messageId
        self._hash.update(covered)
        self._head = bytearray()


def likeness(message: bytes, size: int) -> tuple[bytes, bytes]:
    """
    The key that a L{KeyDigest} makes of a message that is here whole, and the
    Message-ID.
    """
    if len(message) > HEADER_LIMIT:
        digest = KeyDigest()
        digest.write(message)
        return digest.key(size), digest.messageId
    head = _START + message
    end = _HEADER_END.search(head)
    covered, messageId = _covered(head, end.start() if end else len(head))
    kind = b"whole" if messageId is None else b"header"
    covered += b"\0%s %d" % (kind, size)
    return blake2b(covered, digest_size=16).digest(), messageId or b""


def _covered(head: bytes | bytearray, end: int) -> tuple[bytes, bytes | None]:
    """
    What is digested of a message that begins with C{head}, whose first C{end}
    bytes are the header; and its Message-ID, if it has one.
    """
    found = _MESSAGE_ID.search(head, 0, end)
    if found is None:
        return bytes(head.translate(_ALIKE)), None
    # Some servers end a header that lacks its last line's end themselves.
    covered = bytes(head[:end].rstrip(b"\r\n").translate(_ALIKE))
    return covered, found[1].rstrip().translate(_ALIKE)


def _ended(digest: blake2b, covered: bytes, size: int) -> bytes:
    # NUL occurs in nothing that was digested: the mark cannot be forged.
    ended = digest.copy()
    ended.update(b"\0%s %d" % (covered, size))
    return ended.digest()


_SCHEMA = (
    # All of it is scratch: there is nothing to roll back to.
    "PRAGMA journal_mode = OFF",
    """
    CREATE TABLE message (
        side TEXT NOT NULL,
        uid INTEGER NOT NULL,
        size INTEGER NOT NULL,
        flags TEXT NOT NULL,
        stamp INTEGER NOT NULL DEFAULT 0,
        singular INTEGER,   -- NULL until the header was seen
        key BLOB,           -- of a message that is not singular: its digest
        digest BLOB,
        PRIMARY KEY (side, uid)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX message_size ON message (size, side, singular)",
    "CREATE INDEX message_key ON message (key, side)",
    # A key that one message here and one message there have is enough;
    # others need the digest too.  The nth of equal ones pairs with the nth.
    """
    CREATE VIEW sole AS SELECT key FROM message WHERE key IS NOT NULL
    GROUP BY key HAVING count(*) = 2 AND min(side) <> max(side)
    """,
    """
    CREATE VIEW nth AS SELECT *, row_number() OVER (
        PARTITION BY side, key, digest ORDER BY uid
    ) AS n
    FROM message WHERE digest IS NOT NULL OR key IN (SELECT key FROM sole)
    """,
    "CREATE TABLE matched (local INTEGER PRIMARY KEY, remote INTEGER, key BLOB)",
)

_PAIR_UP = """
INSERT INTO matched
SELECT max(CASE side WHEN 'local' THEN uid END),
    max(CASE side WHEN 'remote' THEN uid END), key
FROM nth GROUP BY key, digest, n HAVING count(*) = 2
"""

_WANTED = """
SELECT uid FROM message AS ours WHERE side = ? AND singular IS NULL AND EXISTS (
    SELECT 1 FROM message AS theirs WHERE theirs.size = ours.size AND theirs.side = ?
)
"""

_DOUBTFUL = """
SELECT uid FROM message AS ours WHERE side = ? AND digest IS NULL AND (
    singular = 0 AND EXISTS (
        SELECT 1 FROM message AS theirs
        WHERE theirs.size = ours.size AND theirs.side = ? AND theirs.singular = 0
    )
    OR singular AND key NOT IN (SELECT key FROM sole) AND EXISTS (
        SELECT 1 FROM message AS theirs
        WHERE theirs.key = ours.key AND theirs.side = ?
    )
)
"""

_MATCHES = """
SELECT local, remote, ours.flags, theirs.flags, matched.key, ours.size,
    CASE ours.stamp WHEN theirs.stamp THEN ours.stamp ELSE 0 END
FROM matched
JOIN message AS ours ON ours.side = 'local' AND ours.uid = local
JOIN message AS theirs ON theirs.side = 'remote' AND theirs.uid = remote
ORDER BY local
"""


class Matcher:
    """
    Pairs equal messages of two sides: k here with k there, in UID order.

    It asks for as little as can decide: L{add} the candidates of both sides,
    fetch the headers of those L{wanted}, fetch all of those still L{doubtful},
    and take the L{matches}.  The candidates are kept in a private temporary
    database, so that memory stays bounded however many there are.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._paired = False
        for statement in _SCHEMA:
            self._database.execute(statement)
        # Never committed: it all goes with the connection.
        self._database.execute("BEGIN")

    def close(self) -> None:
        """
        Forget everything.
        """
        self._database.close()

    def add(self, side: Side, found: Iterable[tuple[int, int, Flags]]) -> None:
        """
        Take candidates: UID, RFC822.SIZE, present flags.
        """
        self._write(
            "INSERT OR REPLACE INTO message (side, uid, size, flags)"
            " VALUES (?, ?, ?, ?)",
            ((side.value, uid, size, flagsText(flags)) for uid, size, flags in found),
        )

    def wanted(self, side: Side) -> UidSet:
        """
        The messages whose header is to be fetched, for L{keyed}: there is
        one of the same size on the other side.
        """
        return self._uids(_WANTED, side.value, side.other.value)

    def keyed(
        self, side: Side, uid: int, key: bytes, singular: bool, stamp: int
    ) -> None:
        """
        Take what a L{KeyDigest} made of a message's header, and its L{stamp}.
        """
        self._write(
            "UPDATE message SET singular = ?, key = ?, stamp = ?"
            " WHERE side = ? AND uid = ?",
            [(singular, key if singular else None, stamp, side.value, uid)],
        )

    def doubtful(self, side: Side) -> UidSet:
        """
        The messages that are to be fetched whole, for L{digested}: the header
        leaves open which message on the other side each is equal to.
        """
        there = side.other.value
        return self._uids(_DOUBTFUL, side.value, there, there)

    def digested(self, side: Side, uid: int, digest: bytes) -> None:
        """
        Take a message's L{BodyDigest}.
        """
        self._write(
            "UPDATE message SET digest = ?1, key = coalesce(key, ?1)"
            " WHERE side = ?2 AND uid = ?3",
            [(digest, side.value, uid)],
        )

    def matches(self) -> Iterator[tuple[Pair, Flags]]:
        """
        The pairs found, by local UID: each with the local flags, and beside it
        the remote ones.
        """
        self._pairUp()
        for local, remote, ours, theirs, *likeness in self._rows(_MATCHES):
            yield Pair(local, remote, flagsOf(ours), *likeness), flagsOf(theirs)

    def unmatched(self, side: Side) -> UidSet:
        """
        The candidates without an equal on the other side.
        """
        self._pairUp()
        return self._uids(
            f"SELECT uid FROM message WHERE side = ? EXCEPT SELECT {side} FROM matched",
            side.value,
        )

    def _pairUp(self) -> None:
        if not self._paired:
            self._write("DELETE FROM matched", [()])
            self._write(_PAIR_UP, [()])
            self._paired = True

    def _uids(self, query: str, *values: str) -> UidSet:
        found = UidSetBuilder()
        for (uid,) in self._rows(query, *values):
            found.add(uid)
        return found.build()

    def _rows(self, query: str, *values: str) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._database.execute(query, values)
        except sqlite3.Error as error:
            raise _failed(error) from error

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._paired = False
        try:
            self._database.executemany(statement, rows)
        except sqlite3.Error as error:
            raise _failed(error) from error


def _failed(error: sqlite3.Error) -> StateError:
    return StateError(
        f"A temporary database failed: {error}. Make room in the folder for"
        " temporary files, or set TMPDIR to another folder."
    )
