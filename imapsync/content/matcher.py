"""
Equal messages of two mailboxes: which is which, when neither has a pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from imapsync.content.scratch import Scratch
from imapsync.model import Flags, Pair, Side, flagsOf, flagsText
from imapsync.uidset import UidSet, UidSetBuilder

_SCHEMA = (
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
    # others need the digest too.
    """
    CREATE VIEW sole AS SELECT key FROM message WHERE key IS NOT NULL
    GROUP BY key HAVING count(*) = 2 AND min(side) <> max(side)
    """,
    "CREATE TABLE matched (local INTEGER PRIMARY KEY, remote INTEGER UNIQUE, key BLOB)",
)

#: The nth of those that are alike pairs with the nth.
_PAIR_UP = """
INSERT INTO matched
SELECT max(CASE side WHEN 'local' THEN uid END),
    max(CASE side WHEN 'remote' THEN uid END), key
FROM (
    SELECT *, row_number() OVER (PARTITION BY side, {alike} ORDER BY uid) AS n
    FROM message
    WHERE {which} AND NOT EXISTS (
        SELECT 1 FROM matched WHERE side = 'local' AND local = uid
    ) AND NOT EXISTS (
        SELECT 1 FROM matched WHERE side = 'remote' AND remote = uid
    )
)
GROUP BY {alike}, n HAVING count(*) = 2
"""

#: Several that are equal are paired by what else is the same, as far as it is.
_STEPS = tuple(
    _PAIR_UP.format(alike=alike, which=which)
    for alike, which in (
        ("key, digest, stamp, flags", "digest IS NOT NULL AND stamp"),
        ("key, digest, stamp", "digest IS NOT NULL AND stamp"),
        ("key, digest", "(digest IS NOT NULL OR key IN (SELECT key FROM sole))"),
    )
)

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
    Pairs equal messages of two sides: k here with k there; first those of the same
    date and flags, then those of the same date, and the others in UID order.

    It asks for as little as can decide: L{add} the candidates of both sides,
    fetch the headers of those L{wanted}, fetch all of those still L{doubtful},
    and take the L{matches}.
    """

    def __init__(self) -> None:
        self._scratch = Scratch(_SCHEMA)
        self._paired = False

    def close(self) -> None:
        """
        Forget everything.
        """
        self._scratch.close()

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
            for step in _STEPS:
                self._write(step, [()])
            self._paired = True

    def _uids(self, query: str, *values: str) -> UidSet:
        found = UidSetBuilder()
        for (uid,) in self._rows(query, *values):
            found.add(uid)
        return found.build()

    def _rows(self, query: str, *values: str) -> Iterator[tuple[Any, ...]]:
        return self._scratch.rows(query, *values)

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._paired = False
        self._scratch.write(statement, rows)
