"""
Whether what is in the database can be what was put there.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from imapsync.state.schema import TABLES
from imapsync.state.sqlitefile import damaged, explained

#: What SQLite calls the values that a column of a type is for.  It keeps all others
#: there, too, and so does a file in which octets were changed.
_KINDS = {"INTEGER": "integer", "TEXT": "text", "BLOB": "blob"}


def checkSoundness(path: Path, database: sqlite3.Connection) -> None:
    """
    Look at all of it, which takes as long as it takes.

    @raise StateDamaged: if a value is not of its column's type, or the file is none
        that SQLite wrote.
    """
    with explained(path):
        for (verdict,) in database.execute("PRAGMA integrity_check(1)"):
            if verdict != "ok":
                raise damaged(path, verdict)
        for table in sorted(TABLES):
            columns = database.execute(f"PRAGMA table_info({table})").fetchall()
            for _, column, kind, *_ in columns:
                if _isWrong(database, table, column, kind):
                    raise damaged(path, f"{table}.{column} has what cannot be there")


def _isWrong(database: sqlite3.Connection, table: str, column: str, kind: str) -> bool:
    # All names are those of the schema.
    select = f"SELECT {column} FROM {table}"
    where = f"WHERE typeof({column}) NOT IN ('null', '{_KINDS[kind]}')"
    if database.execute(f"{select} {where} LIMIT 1").fetchone():
        return True
    if kind == "TEXT":
        for _ in database.execute(select):  # that it is text shows in reading it
            pass
    return False
