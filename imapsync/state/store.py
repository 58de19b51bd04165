"""
The database: what both sides of each mailbox last agreed on.

Nothing in it is precious.  Without it, or with its latest transactions lost,
messages are paired by content again; what must never happen is that it says
more than is true.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from imapsync.content.digest import flagsOf, flagsText
from imapsync.errors import StateDamaged, StateError
from imapsync.model import Flags, Known, Mark, Name, Owner, Pair, Side
from imapsync.state.schema import SETTINGS, TABLES, UPGRADES
from imapsync.state.sqlitefile import damaged, explained, opened, reading
from imapsync.uidset import Range, UidSet, UidSetBuilder

Row = tuple[Any, ...]

_KNOWN = """
SELECT id, name, subscribed, pairs,
    EXISTS (SELECT 1 FROM postponed WHERE postponed.mailbox = mailbox.id),
    local_identity, local_uidvalidity, local_uidnext, local_modseq,
    remote_identity, remote_uidvalidity, remote_uidnext, remote_modseq
FROM mailbox
"""

_OWNERS = "SELECT side, account, greeting FROM owner"

_PAIR = "local, remote, flags, pair.key, size, stamp"

_INDEX = "CREATE INDEX IF NOT EXISTS pair_stamp ON pair (stamp) WHERE stamp NOTNULL"

# So many equal messages are enough to find one that can be copied.
_ALIKE = 10

# How many pairs are read at a time, so that no query stays open meanwhile.
_PAGE = 2000


class State:
    """
    The database of one pair of accounts.

    Changes are made within L{transaction} only.  UIDs of C{mailbox}, as
    L{Known.id} gives it, are those of the given side.
    """

    _upgrades = UPGRADES

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        """
        Use L{open} instead.
        """
        self._path = path
        self._database = database
        self._resources = ExitStack()
        self._stampsIndexed = False
        # As long as nothing is written; it is asked for again and again.
        self._mailboxes: list[Known] | None = None
        self._flagsId = lru_cache(4096)(self._findFlagsId)
        self._flagsOf = lru_cache(4096)(self._findFlags)

    @classmethod
    def open(cls, path: str, *, readOnly: bool = False) -> State:
        """
        Open the database, make it if there is none, and keep every other
        instance out until L{close}.

        @param readOnly: work on a private copy; the file, its folder and an
            instance that uses it are left alone.
        @raise StateUnavailable: if it cannot be made, or is in use.
        @raise StateDamaged: if it is damaged, no database, or of a newer
            version.
        @raise StateError: if the disk is full or fails, or refuses access.
        """
        # SQLite follows links too: the lock must be beside the same file.
        real = Path(os.path.realpath(path))
        with ExitStack() as resources:
            state = cls(real, resources.enter_context(opened(real, readOnly=readOnly)))
            state._prepare()
            state._resources = resources.pop_all()
        return state

    @classmethod
    def ownersOf(cls, path: str) -> Mapping[Side, Owner] | None:
        """
        As L{owners}, of a database that need not be opened for that.

        @return: C{None}, if there is none that can be read.
        """
        try:
            with reading(Path(os.path.realpath(path))) as database:
                tables = database.execute("SELECT name FROM sqlite_master").fetchall()
                if ("owner",) not in tables:
                    return {}
                rows = database.execute(_OWNERS)
                return {Side(side): Owner(*owner) for side, *owner in rows}
        except (StateError, ValueError):
            return None

    def close(self) -> None:
        """
        Let go of the file.  Only the first time matters.
        """
        self._resources.close()

    def proveWritable(self) -> None:
        """
        Write something and bring it to the disk, so that one that is full or
        read-only shows before anything is changed on a server.
        """
        with self.transaction():
            self._write("UPDATE meta SET runs = runs + 1")
        self._query("PRAGMA wal_checkpoint")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """
        What is written within lasts as a whole; after an exception, none of
        it does.
        """
        self._query("BEGIN IMMEDIATE")
        try:
            yield
            self._commit()
        except BaseException:
            self._rollBack()
            raise

    def noteReadOnly(self, sides: frozenset[Side]) -> None:
        """
        C{sides} are not written from now on.  Where one was not and now is,
        the other is to be compared with it in full, once: what changed there
        meanwhile was not kept.
        """
        [(text,)] = self._query("SELECT read_only FROM meta")
        for side in Side:
            if side.value in text.split() and side not in sides:
                self._write(
                    f"UPDATE mailbox SET {side.other}_uidnext = 1,"
                    f" {side.other}_modseq = 0 WHERE {side.other}_uidvalidity NOTNULL"
                )
        now = " ".join(sorted(side.value for side in sides))
        if now != text:
            self._write("UPDATE meta SET read_only = ?", now)

    def noteReference(self, side: Side, reference: str) -> bool:
        """
        The mailboxes of C{side} are those below C{reference}.  If they were
        others, all that is known is about others: it is forgotten.

        @return: whether they were.
        """
        [(before,)] = self._query(f"SELECT {side}_reference FROM meta")
        if before == reference:
            return False
        self._write(f"UPDATE meta SET {side}_reference = ?", reference)
        if before is None:
            return False
        self.forgetMailboxes()
        return True

    def owners(self) -> Mapping[Side, Owner]:
        """
        For whom the database was made; empty if that was not noted.
        """
        rows = self._query(_OWNERS)
        return {Side(side): Owner(*owner) for side, *owner in rows}

    def noteOwner(self, side: Side, owner: Owner) -> None:
        """
        All that is known of C{side} is about this account.
        """
        self._write("INSERT OR REPLACE INTO owner VALUES (?, ?, ?)", side.value, *owner)

    def forgetMailboxes(self) -> None:
        """
        What is known is about other mailboxes: forget them, their pairs and all
        else about them.
        """
        self._write("DELETE FROM mailbox")

    def mailboxes(self) -> list[Known]:
        """
        All mailboxes, by name.
        """
        if self._mailboxes is None:
            rows = self._query(f"{_KNOWN} ORDER BY name")
            self._mailboxes = [_known(row) for row in rows]
        return self._mailboxes.copy()

    def mailbox(self, name: Name) -> Known | None:
        """
        The mailbox of that name.
        """
        rows = self._query(f"{_KNOWN} WHERE name = ?", name)
        return _known(rows[0]) if rows else None

    def addMailbox(self, name: Name, subscribed: bool) -> Known:
        """
        Begin to know a mailbox.

        @raise ValueError: if it is known.
        """
        self._write(
            "INSERT INTO mailbox (name, subscribed) VALUES (?, ?)", name, subscribed
        )
        [row] = self._query(f"{_KNOWN} WHERE name = ?", name)
        return _known(row)

    def removeMailbox(self, mailbox: int) -> None:
        """
        Forget a mailbox, its pairs and all else about it.
        """
        self._write("DELETE FROM mailbox WHERE id = ?", mailbox)

    def rename(self, names: Mapping[int, Name]) -> None:
        """
        Give mailboxes other names.  Whoever else was known by one of them is
        forgotten: it cannot be there any more.
        """
        for mailbox in names:
            # They may change places.
            text = f"\0{mailbox}"
            self._write("UPDATE mailbox SET name = ? WHERE id = ?", text, mailbox)
        for mailbox, name in names.items():
            self._write("DELETE FROM mailbox WHERE name = ?", name)
            self._write("UPDATE mailbox SET name = ? WHERE id = ?", name, mailbox)

    def setSubscribed(self, mailbox: int, subscribed: bool) -> None:
        """
        Both sides agree on whether the mailbox is subscribed.
        """
        self._write(
            "UPDATE mailbox SET subscribed = ? WHERE id = ?", subscribed, mailbox
        )

    def setIdentity(self, mailbox: int, side: Side, identity: str) -> None:
        """
        The server's own, lasting name for the mailbox.
        """
        self._write(
            f"UPDATE mailbox SET {side}_identity = ? WHERE id = ?", identity, mailbox
        )

    def setMark(self, mailbox: int, side: Side, mark: Mark | None) -> None:
        """
        Everything up to C{mark} is dealt with, but for what is postponed.
        """
        values = (mark.uidvalidity, mark.uidnext, mark.modseq) if mark else (None,) * 3
        self._write(
            f"UPDATE mailbox SET {side}_uidvalidity = ?, {side}_uidnext = ?,"
            f" {side}_modseq = ? WHERE id = ?",
            *values,
            mailbox,
        )

    def forgetPairs(self, mailbox: int) -> None:
        """
        UIDVALIDITY changed on a side, or it is another mailbox.  All that hangs
        on UIDs goes, on the other side too: its messages must be paired again.
        """
        self._write("DELETE FROM pair WHERE mailbox = ?", mailbox)
        self._write("UPDATE mailbox SET pairs = 0 WHERE id = ?", mailbox)
        for table in ("postponed", "foretold"):
            self._write(f"DELETE FROM {table} WHERE mailbox = ?", mailbox)
        for side in Side:
            self.setMark(mailbox, side, None)
            self.setIdentity(mailbox, side, "")

    def addPairs(self, mailbox: int, pairs: Iterable[Pair]) -> None:
        """
        These messages are on both sides.

        @raise ValueError: if one of them has a pair on either side.
        """
        added = self._writeAll(
            "INSERT INTO pair VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(mailbox, pair.local, pair.remote, self._flagsId(pair.flags)),
                    *(pair.key or None, pair.size or None, pair.stamp or None),
                )
                for pair in pairs
            ],
        )
        self._countPairs(mailbox, added)

    def removePairs(self, mailbox: int, side: Side, uids: UidSet) -> None:
        """
        Forget those of C{uids} that have a pair.
        """
        removed = 0
        for ranges in _portions(uids):
            which, values = _among(ranges)
            statement = f"DELETE FROM pair WHERE mailbox = ? AND {side} {which}"
            removed += self._write(statement, mailbox, *values)
        self._countPairs(mailbox, -removed)

    def setFlags(
        self, mailbox: int, side: Side, flagsByUid: Mapping[int, Flags]
    ) -> None:
        """
        Both sides agree on these flags; UIDs without a pair are passed over.
        """
        uidsByFlags: dict[Flags, list[int]] = {}
        for uid, flags in flagsByUid.items():
            uidsByFlags.setdefault(flags, []).append(uid)
        self._writeAll(
            f"UPDATE pair SET flags = ? WHERE mailbox = ?"
            f" AND {side} IN (SELECT value FROM json_each(?))",
            (
                (self._flagsId(flags), mailbox, json.dumps(uids))
                for flags, uids in uidsByFlags.items()
            ),
        )

    def pairs(self, mailbox: int, side: Side, uids: UidSet) -> Iterator[Pair]:
        """
        The pairs of those of C{uids} that have one, ascending on C{side}.

        Few are held at a time, and the database may be changed meanwhile.
        """
        return map(self._pair, self._read(_PAIR, mailbox, side, uids))

    def agreed(
        self, mailbox: int, side: Side, uids: UidSet
    ) -> Iterator[tuple[int, int, Flags]]:
        """
        As L{pairs}, but only the local UID, the remote one, and the flags.
        """
        for local, remote, flags in self._read(
            "local, remote, flags", mailbox, side, uids
        ):
            yield local, remote, self._flagsOf(flags)

    def partners(self, mailbox: int, side: Side, uids: UidSet, on: Side) -> UidSet:
        """
        As L{pairs}, but only the UIDs that they have on one side.
        """
        column = 0 if on is Side.LOCAL else 1
        found = self._read("local, remote", mailbox, side, uids)
        return UidSet.of([row[column] for row in found])

    def stamped(self, stamp: int) -> list[tuple[Name, Pair]]:
        """
        Pairs of messages that have this stamp, with the mailbox that each is in;
        not all, if they are very many.
        """
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
        """
        The UIDs that have a pair.
        """
        return self._uids(
            f"SELECT {side} FROM pair WHERE mailbox = ? ORDER BY {side}", mailbox
        )

    def totalPairs(self) -> int:
        """
        How many pairs there are in all mailboxes.
        """
        [(total,)] = self._query("SELECT coalesce(sum(pairs), 0) FROM mailbox")
        return int(total)

    def postpone(self, mailbox: int, side: Side, uids: UidSet) -> None:
        """
        These messages are to be looked at again next time, though the L{Mark}
        passes them: they, or their flags, were refused.
        """
        self._writeAll(
            "INSERT OR IGNORE INTO postponed VALUES (?, ?, ?)",
            ((mailbox, side.value, uid) for uid in uids),
        )

    def settle(self, mailbox: int, side: Side, uids: UidSet) -> None:
        """
        These messages need not be looked at again.
        """
        self._writeAll(
            "DELETE FROM postponed"
            " WHERE mailbox = ? AND side = ? AND uid BETWEEN ? AND ?",
            ((mailbox, side.value, first, last) for first, last in uids.ranges),
        )

    def postponed(self, mailbox: int, side: Side) -> UidSet:
        """
        The messages that are to be looked at again.
        """
        return self._uids(
            "SELECT uid FROM postponed WHERE mailbox = ? AND side = ? ORDER BY uid",
            mailbox,
            side.value,
        )

    def foretell(
        self, mailbox: int, side: Side, flags: Mapping[int, Flags | None]
    ) -> None:
        """
        The other side's server is about to bring these messages there by itself.
        If we do not hear of it, and pair them by content, both sides agree on
        these flags; C{None}: on those that the other side shows.
        """
        self._writeAll(
            "INSERT OR REPLACE INTO foretold VALUES (?, ?, ?, ?)",
            (
                (mailbox, side.value, uid, None if f is None else self._flagsId(f))
                for uid, f in flags.items()
            ),
        )

    def foretold(self, mailbox: int, side: Side) -> Mapping[int, Flags | None]:
        """
        What was foretold.
        """
        rows = self._query(
            "SELECT uid, flags FROM foretold WHERE mailbox = ? AND side = ?",
            mailbox,
            side.value,
        )
        return {u: None if f is None else self._flagsOf(f) for u, f in rows}

    def forgetForetold(self, mailbox: int, side: Side) -> None:
        """
        It has come to be, or it never will.
        """
        self._write(
            "DELETE FROM foretold WHERE mailbox = ? AND side = ?", mailbox, side.value
        )

    def _prepare(self) -> None:
        """
        Bring the schema to the present version, or refuse the file.
        """
        [(version,)] = self._query("PRAGMA user_version")
        if version > len(self._upgrades):
            raise StateDamaged(
                f"The database {self._path} was written by a newer imapsync. Use"
                " that one, or delete the file: messages are then paired by"
                " content again."
            )
        for number, step in enumerate(self._upgrades[version:], version + 1):
            with self.transaction():
                for statement in (*step, f"PRAGMA user_version = {number}"):
                    self._query(statement)
        if TABLES - {name for (name,) in self._query("SELECT name FROM sqlite_master")}:
            raise damaged(self._path, "a table is missing")
        for setting in SETTINGS:
            self._query(setting)

    def _countPairs(self, mailbox: int, more: int) -> None:
        self._write("UPDATE mailbox SET pairs = pairs + ? WHERE id = ?", more, mailbox)

    def _read(
        self, columns: str, mailbox: int, side: Side, uids: UidSet
    ) -> Iterator[Row]:
        """
        @param columns: which of them; the first are the UIDs of both sides.
        """
        for ranges in _portions(uids):
            read = self._readRange if len(ranges) == 1 else self._readRanges
            yield from read(columns, mailbox, side, ranges)

    def _readRange(
        self, columns: str, mailbox: int, side: Side, ranges: list[Range]
    ) -> Iterator[Row]:
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
            start = page[-1][column] + 1

    def _readRanges(
        self, columns: str, mailbox: int, side: Side, ranges: list[Range]
    ) -> list[Row]:
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

    def _findFlagsId(self, flags: Flags) -> int:
        text = flagsText(flags)
        self._write("INSERT OR IGNORE INTO flags (text) VALUES (?)", text)
        [(found,)] = self._query("SELECT id FROM flags WHERE text = ?", text)
        return int(found)

    def _findFlags(self, number: int) -> Flags:
        [(text,)] = self._query("SELECT text FROM flags WHERE id = ?", number)
        return flagsOf(text)

    def _commit(self) -> None:
        """
        The one place where changes become lasting: tests end the world here.
        """
        self._query("COMMIT")

    def _rollBack(self) -> None:
        self._mailboxes = None
        self._flagsId.cache_clear()
        self._flagsOf.cache_clear()
        # SQLite has done it already where the disk is full.  Where it fails so that
        # this cannot be done either, nothing more can be written, nor is anything
        # kept: the reason is what matters.
        if self._database.in_transaction:
            with suppress(StateError):
                self._query("ROLLBACK")

    def _uids(self, query: str, *values: object) -> UidSet:
        """
        The UIDs that C{query} yields, never held one by one.
        """
        found = UidSetBuilder()
        with explained(self._path):
            for (uid,) in self._database.execute(query, values):
                found.add(uid)
        return found.build()

    def _query(self, query: str, *values: object) -> list[Row]:
        with explained(self._path):
            return self._database.execute(query, values).fetchall()

    def _write(self, statement: str, *values: object) -> int:
        return self._writeAll(statement, [values])

    def _writeAll(self, statement: str, rows: Iterable[Row]) -> int:
        """
        Run C{statement} with each of C{rows} in turn.

        @return: how many rows of the table were changed.
        """
        if not self._database.in_transaction:
            raise RuntimeError("a change outside of a transaction")
        try:
            with explained(self._path):
                return self._database.executemany(statement, rows).rowcount
        finally:
            self._mailboxes = None


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
    All UIDs of C{ranges}, one by one, for C{json_each}.
    """
    return json.dumps([uid for first, last in ranges for uid in range(first, last + 1)])


def _known(row: Row) -> Known:
    number, name, subscribed, pairs, retries, local, *_, remote, _, _, _ = row
    marks = {}
    for side, mark in ((Side.LOCAL, row[6:9]), (Side.REMOTE, row[10:])):
        if mark[0]:
            marks[side] = Mark(*mark)
    identities = {Side.LOCAL: local, Side.REMOTE: remote}
    return Known(
        number, name, marks, identities, bool(subscribed), pairs, bool(retries)
    )
