"""
Transactions: what is written lasts as a whole, or not at all.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from imapsync.errors import StateError
from imapsync.model import Flags, flagsOf, flagsText
from imapsync.state.sqlitefile import MENDING, damaged, explained
from imapsync.uidset import MAXIMUM, UidSet, UidSetBuilder

#: What a query yields for one line of a table, or takes for one.
Record = tuple[Any, ...]


class Transactions:
    """
    Reads and writes a database, the latter within L{transaction} only; and knows
    the sets of flags, which all others refer to.

    @cvar clock: tells the time, in seconds since 1970.
    """

    clock = staticmethod(time.time)

    def __init__(self, path: str, database: sqlite3.Connection) -> None:
        self._path = path
        self._database = database
        self._flagsId = lru_cache(4096)(self._findFlagsId)
        self._flagsOf = lru_cache(4096)(self._findFlags)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._query("BEGIN IMMEDIATE")
        try:
            yield
            self._commit()
        except BaseException:
            self._rollBack()
            raise

    def _changed(self) -> None:
        """
        Something was written, or taken back.
        """

    def _now(self) -> int:
        """
        The time as it is stored.
        """
        return int(self.clock())

    def _findFlagsId(self, flags: Flags) -> int:
        text = flagsText(flags)
        self._write("INSERT OR IGNORE INTO flags (text) VALUES (?)", text)
        (found,) = self._one("SELECT id FROM flags WHERE text = ?", text)
        return int(found)

    def _findFlags(self, number: int) -> Flags:
        (text,) = self._one("SELECT text FROM flags WHERE id = ?", number)
        return flagsOf(text)

    def _commit(self) -> None:
        """
        The one place where changes become lasting: tests end the world here.
        """
        self._query("COMMIT")

    def _rollBack(self) -> None:
        self._changed()
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
        return self._possible(found.build())

    def _possible(self, uids: UidSet) -> UidSet:
        """
        C{uids}, which were read.

        @raise StateDamaged: if some are none.
        """
        if uids and not (uids.ranges[0][0] > 0 and uids.ranges[-1][1] <= MAXIMUM):
            raise damaged(self._path, "it has UIDs that are none", MENDING)
        return uids

    def _query(self, query: str, *values: object) -> list[Record]:
        with explained(self._path):
            return self._database.execute(query, values).fetchall()

    def _one(self, query: str, *values: object) -> Record:
        """
        The line that a sound database has.

        @raise StateDamaged: if it is not there.
        """
        for record in self._query(query, *values):
            return record
        raise damaged(self._path, "a line of a table is missing")

    def _write(self, statement: str, *values: object) -> int:
        return self._writeAll(statement, [values])

    def _writeAll(self, statement: str, rows: Iterable[Record]) -> int:
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
            self._changed()
