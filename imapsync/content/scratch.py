"""
Room on disk for what is compared: L{Scratch}.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from imapsync.errors import StateError


class Scratch:
    """
    A private temporary database, so that memory stays bounded however much is
    compared.  It all goes when it is closed.

    @param schema: the statements that make it.
    """

    def __init__(self, schema: Iterable[str]) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        # There is nothing to roll back to, and nothing is ever committed.
        for statement in ("PRAGMA journal_mode = OFF", *schema, "BEGIN"):
            self._database.execute(statement)

    def close(self) -> None:
        """
        Forget everything.
        """
        self._database.close()

    def rows(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """
        What a query finds.

        @raise StateError: there is no room.
        """
        try:
            yield from self._database.execute(query, values)
        except sqlite3.Error as error:
            raise _failed(error) from error

    def write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        """
        Do the same with each of C{rows}.

        @raise StateError: there is no room.
        """
        try:
            self._database.executemany(statement, rows)
        except sqlite3.Error as error:
            raise _failed(error) from error


def _failed(error: sqlite3.Error) -> StateError:
    return StateError(
        f"A temporary database failed: {error}. Make room in the folder for"
        " temporary files, or set TMPDIR to another folder."
    )
