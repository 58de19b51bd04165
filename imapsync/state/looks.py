"""
What the last clean run saw when it looked last.
"""

from __future__ import annotations

import os
from contextlib import suppress

from imapsync.errors import StateError
from imapsync.state.file import StateFile
from imapsync.state.sqlitefile import reading
from imapsync.state.transactions import Transactions

#: Where nothing is left to do.
_CLEAN = " AND ".join(
    f"NOT EXISTS (SELECT 1 FROM {table})"
    for table in (
        *("postponed", "foretold", "copying", "trouble", "doubt", "renaming"),
        *("spared", "bin"),
        "mailbox WHERE local_strays OR remote_strays",
    )
)


class LookTable(Transactions):
    """
    That: L{Looks<imapsync.state.between.Looks>}.
    """

    @property
    def cleanLook(self) -> bytes:
        (seen,) = self._one("SELECT clean_look FROM meta")
        return seen if isinstance(seen, bytes) else b""

    def noteCleanLook(self, seen: bytes) -> None:
        self._write(f"UPDATE meta SET clean_look = ? WHERE {_CLEAN}", seen)

    def proveWritable(self) -> None:
        self._prove("clean_look = x''")

    def stillEqual(self) -> None:
        self._prove(f"synced = {self._now()}")

    def flush(self) -> None:
        with suppress(StateError):  # whatever is noted next will tell
            self._checkpoint()

    def _prove(self, value: str) -> None:
        """
        Write something else, too, and bring it to the disk.
        """
        with self.transaction():
            self._write(f"UPDATE meta SET runs = runs + 1, {value}")
        self._checkpoint()

    def _checkpoint(self) -> None:
        self._query("PRAGMA wal_checkpoint")


class LookFile(LookTable, StateFile):
    """
    The database, for what needs to know no more of it.
    """

    @classmethod
    def isWorthwhile(cls, path: str) -> bool:
        """
        Whether a database of the present version may have one, C{cleanLook}, as seen
        without opening it.
        """
        try:
            with reading(os.path.realpath(path)) as database:
                [(version,)] = database.execute("PRAGMA user_version")
                if version != len(cls._upgrades):
                    return False
                [(seen,)] = database.execute("SELECT clean_look FROM meta")
                return bool(seen)
        except (StateError, ValueError):
            return False
