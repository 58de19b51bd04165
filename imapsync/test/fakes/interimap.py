"""
Databases as interimap makes them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import NamedTuple

from imapsync.model import Mark, Side
from imapsync.names import encode
from imapsync.state.store import Store
from imapsync.uidset import MAXIMUM, UidSet

_MARKS = """
CREATE TABLE {0} (
    idx INTEGER NOT NULL PRIMARY KEY REFERENCES mailboxes (idx),
    UIDVALIDITY UNSIGNED INT NOT NULL CHECK (UIDVALIDITY > 0),
    UIDNEXT UNSIGNED INT NOT NULL,
    HIGHESTMODSEQ UNSIGNED BIGINT NOT NULL
)
"""

_TABLES = (
    """
    CREATE TABLE mailboxes (
        idx INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        mailbox BLOB COLLATE BINARY NOT NULL CHECK (mailbox != '') UNIQUE,
        subscribed BOOLEAN NOT NULL
    )
    """,
    _MARKS.format("local"),
    _MARKS.format("remote"),
    """
    CREATE TABLE mapping (
        idx INTEGER NOT NULL REFERENCES mailboxes (idx),
        lUID UNSIGNED INT NOT NULL CHECK (lUID > 0),
        rUID UNSIGNED INT NOT NULL CHECK (rUID > 0),
        PRIMARY KEY (idx, lUID),
        UNIQUE (idx, rUID)
    )
    """,
)


class Box(NamedTuple):
    """
    A mailbox.

    @ivar name: with C{/} between its levels.
    """

    name: str
    marks: Mapping[Side, Mark]
    pairs: Iterable[tuple[int, int]] = ()
    subscribed: bool = True


def made(path: str, boxes: Iterable[Box], version: int = 1) -> str:
    """
    Make a database.

    @param version: 0: names are as a server has them.
    @return: its path.
    """
    with closing(sqlite3.connect(path)) as database, database:
        for table in _TABLES:
            database.execute(table)
        database.execute(f"PRAGMA user_version = {version}")
        for number, box in enumerate(boxes, 1):
            name = encode(box.name)
            if version:
                name = name.replace(b"/", b"\0")
            database.execute(
                "INSERT INTO mailboxes VALUES (?, ?, ?)", (number, name, box.subscribed)
            )
            for side, mark in box.marks.items():
                database.execute(
                    f"INSERT INTO {side} VALUES (?, ?, ?, ?)", (number, *mark)
                )
            database.executemany(
                "INSERT INTO mapping VALUES (?, ?, ?)",
                [(number, *pair) for pair in box.pairs],
            )
    return path


def knowing(path: str) -> list[Box]:
    """
    What interimap would know, had it made two accounts equal, and not imapsync.

    @param path: of the database of that.
    """
    with closing(Store.open(path, readOnly=True)) as state:
        every = UidSet(((1, MAXIMUM),))
        return [
            Box(
                one.name,
                one.marks,
                [pair[:2] for pair in state.agreed(one.id, Side.LOCAL, every)],
                one.subscribed,
            )
            for one in state.mailboxes()
        ]
