"""
What is known of messages: which of one side is which of the other, and the flags
that both last agreed on.

There may be millions: only those are read that are asked for, and few are held at
a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from imapsync.model import Agreed, Flags, Name, Pair, Side
from imapsync.state.sqlitefile import damaged
from imapsync.state.transactions import Record, Transactions
from imapsync.uidset import Range, UidSet

_PAIR = "local, remote, flags, pair.key, size, stamp"

_INDEX = "CREATE INDEX IF NOT EXISTS pair_stamp ON pair (stamp) WHERE stamp NOTNULL"

# So many equal messages are enough to find one that can be copied.
_ALIKE = 10

# How many pairs are read at a time, so that no query stays open meanwhile.
_PAGE = 2000


class PairTable(Transactions):
    """
    The pairs: L{Pairs<imapsync.state.interface.Pairs>}.
    """

    def __init__(self, path: str, database: sqlite3.Connection) -> None:
        super().__init__(path, database)
        self._stampsIndexed = False

    def addPairs(self, mailbox: int, pairs: Iterable[Pair]) -> None:
        number, pairs = self._flagsId, [*pairs]
        if self._query("SELECT 1 FROM kept WHERE mailbox = ? LIMIT 1", mailbox):
            self._writeAll(
                "DELETE FROM kept WHERE mailbox = ? AND side = ? AND uid = ?",
                [
                    (mailbox, side.value, one.uid(side))
                    for one in pairs
                    for side in Side
                ],
            )
        added = self._writeAll(
            "INSERT INTO pair VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    mailbox,
                    local,
                    remote,
                    number(flags),
                    key or None,
                    size or None,
                    stamp or None,
                )
                for local, remote, flags, key, size, stamp in pairs
            ],
        )
        self._countPairs(mailbox, added)

    def removePairs(self, mailbox: int, side: Side, uids: UidSet) -> None:
        removed = 0
        for ranges in _portions(uids):
            which, values = _among(ranges)
            statement = f"DELETE FROM pair WHERE mailbox = ? AND {side} {which}"
            removed += self._write(statement, mailbox, *values)
        self._countPairs(mailbox, -removed)

    def setFlags(
        self, mailbox: int, side: Side, flagsByUid: Mapping[int, Flags]
    ) -> None:
        # One by one in the order of the table costs half of what sets of them do.
        self._writeAll(
            f"UPDATE pair SET flags = ? WHERE mailbox = ? AND {side} = ?",
            [
                (self._flagsId(flags), mailbox, uid)
                for uid, flags in sorted(flagsByUid.items())
            ],
        )

    def pairs(self, mailbox: int, side: Side, uids: UidSet) -> Iterator[Pair]:
        return map(self._pair, self._read(_PAIR, mailbox, side, uids))

    def agreed(self, mailbox: int, side: Side, uids: UidSet) -> Iterator[Agreed]:
        flagsOf = self._flagsOf
        read = self._read("local, remote, flags", mailbox, side, uids)
        return ((local, remote, flagsOf(number)) for local, remote, number in read)

    def partners(self, mailbox: int, side: Side, uids: UidSet, on: Side) -> UidSet:
        found: list[Range] = []
        scattered: list[Range] = []
        query = (
            f"SELECT count(*), min({on}), max({on}) FROM pair"
            f" WHERE mailbox = ? AND {side} BETWEEN ? AND ?"
        )
        for ranges in _portions(uids):
            if len(ranges) > 1:
                scattered += ranges
                continue
            pairs, first, last = self._one(query, mailbox, *ranges[0])
            if pairs and last - first == pairs - 1:
                # So many are all that can be between the least and the greatest.
                found.append((first, last))
            elif pairs:
                scattered += ranges
        column = 0 if on is Side.LOCAL else 1
        read = self._read("local, remote", mailbox, side, UidSet(tuple(scattered)))
        found += UidSet.of([row[column] for row in read]).ranges
        return self._possible(UidSet.ofRanges(found))

    def stamped(self, stamp: int) -> list[tuple[Name, Pair]]:
        if not self._stampsIndexed:
            # Made when it is first needed: a first sync would pay for it with
            # each message.
            self._query(_INDEX)
            self._stampsIndexed = True
        rows = self._query(
            f"SELECT name, {_PAIR} FROM pair JOIN mailbox ON mailbox.id = mailbox"
            f" WHERE stamp = ? LIMIT {_ALIKE}",
            stamp,
        )
        return [(name, self._pair(row)) for name, *row in rows]

    def paired(self, mailbox: int, side: Side) -> UidSet:
        return self._uids(
            f"SELECT {side} FROM pair WHERE mailbox = ? ORDER BY {side}", mailbox
        )

    def byFlags(self, mailbox: int, side: Side) -> Mapping[Flags, list[int]]:
        found: dict[int, list[int]] = {}
        query = f"SELECT flags, {side} FROM pair WHERE mailbox = ?"
        for number, uid in self._query(query, mailbox):
            if number in found:
                found[number].append(uid)
            else:
                found[number] = [uid]
        return {self._flagsOf(number): uids for number, uids in found.items()}

    def flagsIn(self, mailbox: int) -> Flags:
        rows = self._query("SELECT DISTINCT flags FROM pair WHERE mailbox = ?", mailbox)
        return frozenset[str]().union(*(self._flagsOf(number) for (number,) in rows))

    def newest(self, mailbox: int, side: Side, count: int) -> int:
        rows = self._query(
            f"SELECT {side} FROM pair WHERE mailbox = ?"
            f" ORDER BY {side} DESC LIMIT 1 OFFSET ?",
            mailbox,
            count - 1,
        )
        return int(rows[0][0]) if rows else 1

    def _countPairs(self, mailbox: int, more: int) -> None:
        self._write("UPDATE mailbox SET pairs = pairs + ? WHERE id = ?", more, mailbox)

    def _read(
        self, columns: str, mailbox: int, side: Side, uids: UidSet
    ) -> Iterator[Record]:
        """
        @param columns: which of them; the first are the UIDs of both sides.
        """
        for ranges in _portions(uids):
            read = self._readRange if len(ranges) == 1 else self._readRanges
            yield from read(columns, mailbox, side, ranges)

    def _readRange(
        self, columns: str, mailbox: int, side: Side, ranges: list[Range]
    ) -> Iterator[Record]:
        """
        The pairs within one range, however many they are.
        """
        query = (
            f"SELECT {columns} FROM pair WHERE mailbox = ?"
            f" AND {side} BETWEEN ? AND ? ORDER BY {side} LIMIT {_PAGE}"
        )
        [(start, last)] = ranges
        column = 0 if side is Side.LOCAL else 1
        while page := self._query(query, mailbox, start, last):
            yield from page
            after = page[-1][column] + 1
            if after <= start:  # an index in disorder would lead round in circles
                raise damaged(self._path, "its pairs are in no order")
            start = after

    def _readRanges(
        self, columns: str, mailbox: int, side: Side, ranges: list[Range]
    ) -> list[Record]:
        """
        The pairs within several ranges, which together have room for few.
        """
        # In the order of the array, which is ascending.
        return self._query(
            f"SELECT {columns} FROM json_each(?) CROSS JOIN pair"
            f" WHERE mailbox = ? AND {side} = value",
            _array(ranges),
            mailbox,
        )

    def _pair(self, row: Sequence[Any]) -> Pair:
        local, remote, number, key, size, stamp = row
        flags = self._flagsOf(number)
        return Pair(local, remote, flags, key or b"", size or 0, stamp or 0)


def _portions(uids: UidSet) -> Iterator[list[Range]]:
    """
    The ranges of C{uids}, as many together as have room for L{_PAGE} pairs: a
    query for each range would cost twice as much.
    """
    portion: list[Range] = []
    room = _PAGE
    for first, last in uids.ranges:
        room -= last - first + 1
        if portion and room < 0:
            yield portion
            portion, room = [], _PAGE - (last - first + 1)
        portion.append((first, last))
    if portion:
        yield portion


def _among(ranges: list[Range]) -> tuple[str, Sequence[object]]:
    """
    The condition that a UID is in one of C{ranges}, and its values.
    """
    if len(ranges) == 1:  # then it may be too wide to be counted out
        return "BETWEEN ? AND ?", ranges[0]
    return "IN (SELECT value FROM json_each(?))", (_array(ranges),)


def _array(ranges: list[Range]) -> str:
    """
    All UIDs of C{ranges}, one by one, for C{json_each}: Python writes a list of
    numbers as JSON does.
    """
    return str([uid for first, last in ranges for uid in range(first, last + 1)])
