"""
What a database knows, for whoever looks at it from outside: also while an instance
uses it, and also at one that an earlier version has written.  Nothing is written.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from imapsync.errors import NoDatabase, StateDamaged, StateError
from imapsync.model import Mark, Name, Owner, Refusal, Side
from imapsync.state.leftovers import refusalsIn
from imapsync.state.owners import OWNERS, ownersIn
from imapsync.state.schema import UPGRADES
from imapsync.state.soundness import checkTables
from imapsync.state.sqlitefile import damaged, reading
from imapsync.state.transactions import Record
from imapsync.uidset import UidSet

#: All that is asked for, by table; where it is younger than the first version, with
#: what serves instead.
_MAILBOX = {
    "id": "",
    "name": "",
    "subscribed": "",
    "pairs": "",
    **{
        f"{side}_{item}": ""
        for side in Side
        for item in ("uidvalidity", "uidnext", "modseq")
    },
    "synced": "0",
}
_POSTPONED = {
    "mailbox": "",
    "side": "",
    "uid": "",
    "reason": "''",
    "code": "''",
    "since": "0",
    "tries": "0",
    "due": "0",
}

_ASKED = ("meta", "owner", "mailbox", "postponed", "trouble")

_TROUBLES = "SELECT name, side, reason, code, since FROM trouble ORDER BY name, side"


class Surveyed(NamedTuple):
    """
    One mailbox.

    @ivar pairs: how many messages are known on both sides.
    @ivar marks: up to where each side is done, if it is known.
    @ivar synced: when work on it last ended with both sides equal, in seconds since
        1970; 0 if that was not noted.
    @ivar refusals: what is to be tried again, and what is wrong with the mailbox as a
        whole.
    """

    name: Name
    subscribed: bool
    pairs: int
    marks: Mapping[Side, Mark]
    synced: int
    refusals: list[Refusal]


class Survey(NamedTuple):
    """
    All of it.

    @ivar version: of the schema.
    @ivar owners: whose the sides are, if that was noted.
    @ivar synced: when all mailboxes were equal last, as L{Surveyed.synced}.
    @ivar mailboxes: by name; also those that could not be made on a side.
    """

    path: str
    version: int
    owners: Mapping[Side, Owner]
    synced: int
    mailboxes: list[Surveyed]


def survey(path: str) -> Survey:
    """
    Look into the database C{path}.

    @raise StateUnavailable: if there is none.
    @raise StateDamaged: if it is damaged, no database, or of a newer version.
    """
    real = os.path.realpath(path)
    try:
        return _read(real)
    except NoDatabase:
        raise
    except StateError:
        # An instance may have begun or ended just then.
        return _read(real)


def _read(path: str) -> Survey:
    with reading(path) as database:
        database.execute("BEGIN")  # what is read is of one moment
        [(version,)] = database.execute("PRAGMA user_version")
        if version > len(UPGRADES):
            raise StateDamaged(
                f"The database {path} was written by a newer imapsync. Use that one to"
                " look into it."
            )
        tables = {
            name for (name,) in database.execute("SELECT name FROM sqlite_master")
        }
        if not {"meta", "mailbox", "postponed"} <= tables:
            raise damaged(path, "a table is missing")
        checkTables(path, database, *_ASKED)
        owners = ownersIn(database.execute(OWNERS)) if "owner" in tables else {}
        [(synced,)] = _rows(database, "meta", {"synced": "0"}, "1")
        refused: dict[int, list[Record]] = {}
        for mailbox, *row in _rows(
            database, "postponed", _POSTPONED, "mailbox, side, uid"
        ):
            refused.setdefault(mailbox, []).append(tuple(row))
        mailboxes = {
            row[1]: _surveyed(row, refusalsIn(refused.get(row[0], ())))
            for row in _rows(database, "mailbox", _MAILBOX, "name")
        }
        if "trouble" in tables:
            for name, *row in database.execute(_TROUBLES):
                unknown = Surveyed(name, False, 0, {}, 0, [])
                mailboxes.setdefault(name, unknown).refusals.append(_trouble(*row))
    return Survey(
        path,
        version,
        owners,
        synced,
        [mailboxes[name] for name in sorted(mailboxes)],
    )


def _trouble(side: str, reason: str, code: str, since: int) -> Refusal:
    return Refusal(Side(side) if side else None, UidSet(), reason, code, since)


def _rows(
    database: sqlite3.Connection, table: str, columns: Mapping[str, str], order: str
) -> sqlite3.Cursor:
    there = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
    chosen = [
        name if name in there or not otherwise else otherwise
        for name, otherwise in columns.items()
    ]
    return database.execute(f"SELECT {', '.join(chosen)} FROM {table} ORDER BY {order}")


def _surveyed(row: Record, refusals: list[Refusal]) -> Surveyed:
    _, name, subscribed, pairs, *marks, synced = row
    known = {
        side: Mark(*mark)
        for side, mark in zip(Side, (marks[:3], marks[3:]), strict=True)
        if mark[0]
    }
    return Surveyed(name, bool(subscribed), pairs, known, synced, refusals)
