"""
The database file of one pair of accounts, opened: L{StateFile}.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack, closing
from typing import TypeVar

from imapsync.errors import StateDamaged
from imapsync.state.schema import SETTINGS, TABLES, UPGRADES
from imapsync.state.sqlitefile import copied, damaged, opened
from imapsync.state.transactions import Transactions

S = TypeVar("S", bound="StateFile")


class StateFile(Transactions):
    """
    Opens it, and brings it to the present version.

    @ivar backup: the copy that was made of an earlier version; empty if none was.
    """

    _upgrades = UPGRADES

    def __init__(self, path: str, database: sqlite3.Connection) -> None:
        """
        Use L{open} instead.
        """
        super().__init__(path, database)
        self._resources = ExitStack()
        self.backup = ""

    @classmethod
    def open(cls: type[S], path: str, *, readOnly: bool = False) -> S:
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
        real = os.path.realpath(path)
        with ExitStack() as resources:
            state = cls(real, resources.enter_context(opened(real, readOnly=readOnly)))
            if not readOnly:
                state.backup = state._backUp()
            state._prepare()
            state._resources = resources.pop_all()
        return state

    @classmethod
    def unkept(cls: type[S]) -> S:
        """
        One in no file, for what needs to know nothing.
        """
        with ExitStack() as resources:
            database = sqlite3.connect("", isolation_level=None)
            state = cls("none", resources.enter_context(closing(database)))
            state._prepare()
            state._resources = resources.pop_all()
        return state

    def close(self) -> None:
        self._resources.close()

    def _backUp(self) -> str:
        """
        Keep a copy of a file that is to be brought to another version, for whoever
        goes back to the version of imapsync that wrote it.  One that is there is
        kept.

        @return: its name, if it was made.
        """
        [(version,)] = self._query("PRAGMA user_version")
        copy = f"{self._path}-v{version}"
        if not 0 < version < len(self._upgrades) or os.path.lexists(copy):
            return ""
        copied(self._path, self._database, copy)
        return copy

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
