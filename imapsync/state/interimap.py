"""
The database of interimap, to be taken over: its tables (of version 1, and those of
before, which have no number), read and never written.

What it says is true as long as nothing interrupted it: both sides of a mailbox were
equal up to its marks.  It knows of no flags.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import NamedTuple

from imapsync import names
from imapsync.errors import NotFound, StateDamaged, StateError, StateUnavailable
from imapsync.model import Mark, Side
from imapsync.state.sqlitefile import PATIENCE, QUOTED
from imapsync.uidset import MAXIMUM

#: The version of its tables that is known; 0 is that of before there were any.
VERSION = 1

#: What is asked of them; any query fails where they are others.
_MAILBOXES = """
SELECT idx, CAST(mailbox AS BLOB), subscribed,
    local.UIDVALIDITY, local.UIDNEXT, local.HIGHESTMODSEQ,
    remote.UIDVALIDITY, remote.UIDNEXT, remote.HIGHESTMODSEQ
FROM mailboxes LEFT JOIN local USING (idx) LEFT JOIN remote USING (idx)
ORDER BY idx
"""

_PAIRS = """
SELECT lUID, rUID FROM mapping WHERE idx = ? AND lUID > ? ORDER BY lUID LIMIT ?
"""

#: How it is opened: what cannot be written, interimap does not use.
_MODES = ("rw", "ro")

#: Between the levels of a name; version 0 has what the servers have.
_LEVELS = b"\0"


class Taken(NamedTuple):
    """
    A mailbox of interimap's.

    @ivar id: the database's key for it.
    @ivar marks: of no side, or of both; a C{uidnext} of 0 means that it was never
        done with the mailbox.
    """

    id: int
    name: str
    subscribed: bool
    marks: Mapping[Side, Mark]

    def spelled(self, separator: str, reference: str) -> str:
        """
        What a server with that separator calls it.

        @param reference: below which it is, as the server writes it.
        """
        return reference + self.name.replace("\0", separator)


class Foreign:
    """
    The database, once it is opened by L{opened}.
    """

    def __init__(self, path: str, database: sqlite3.Connection) -> None:
        self._path = path
        self._database = database

    def mailboxes(self) -> list[Taken]:
        """
        All that it knows.

        @raise StateDamaged: what it says means nothing.
        """
        with _explained(self._path):
            rows = self._database.execute(_MAILBOXES).fetchall()
        return [self._taken(*row) for row in rows]

    def pairs(self, mailbox: int, size: int) -> Iterator[list[tuple[int, int]]]:
        """
        The local UID and the remote one of each message that it has paired, so many
        at a time, ascending by the first.

        @raise StateDamaged: as L{mailboxes}.
        """
        last = 0
        while True:
            with _explained(self._path):
                query = self._database.execute(_PAIRS, (mailbox, last, size))
                some: list[tuple[int, int]] = query.fetchall()
            if not some:
                return
            for uid in (uid for pair in some for uid in pair):
                self._number(uid, 1, MAXIMUM)
            yield some
            last = some[-1][0]

    def _taken(
        self, number: int, name: bytes, subscribed: object, *marks: int
    ) -> Taken:
        levels = (names.decode(level) for level in name.split(_LEVELS))
        told = {
            side: self._mark(*some)
            for side, some in zip(Side, (marks[:3], marks[3:]), strict=True)
            if None not in some
        }
        whole = told if len(told) == len(Side) else {}
        return Taken(number, "\0".join(levels), bool(subscribed), whole)

    def _mark(self, uidvalidity: int, uidnext: int, modseq: int) -> Mark:
        return Mark(
            self._number(uidvalidity, 1, MAXIMUM),
            self._number(uidnext, 0, MAXIMUM + 1),
            # A greater one is written as if it were negative; no server tells one.
            self._number(modseq, 0, (1 << 63) - 1),
        )

    def _number(self, value: object, least: int, most: int) -> int:
        if isinstance(value, int) and least <= value <= most:
            return value
        raise _damaged(self._path, f"{value!r} is no UID nor mod-sequence")


@contextmanager
def opened(path: str) -> Iterator[Foreign]:
    """
    Open a database, and keep interimap out meanwhile.

    @raise NotFound: there is no such file, or it cannot be read.
    @raise StateDamaged: it is none of interimap's, is of a newer version, or damaged.
    @raise StateUnavailable: interimap is using it.
    """
    path = os.path.abspath(path)
    _check(path)
    with _explained(path), closing(_connected(path)) as database:
        [(version,)] = database.execute("PRAGMA user_version")
        named = database.execute("SELECT name FROM sqlite_master")
        tables = {name for (name,) in named}
        if not {"mailboxes", "local", "remote", "mapping"} <= tables:
            raise _other(path)
        if version > VERSION:
            raise StateDamaged(
                f"The database {path} was written by a newer interimap: version"
                f" {version} of its tables is not known, only {VERSION}. Nothing was"
                " taken over."
            )
        yield Foreign(path, database)


def _connected(path: str) -> sqlite3.Connection:
    for mode in _MODES:
        address = f"file://{path.translate(QUOTED)}?mode={mode}"
        database = sqlite3.connect(address, PATIENCE, isolation_level=None, uri=True)
        try:
            # Interimap keeps its own lock as long as it runs.
            database.execute("BEGIN EXCLUSIVE" if mode == "rw" else "BEGIN")
            return database
        except sqlite3.OperationalError as error:
            database.close()
            if "readonly" not in str(error):
                raise
    raise AssertionError("one that is only read is read")


def _check(path: str) -> None:
    """
    Refuse what cannot be one, before SQLite touches it.
    """
    try:
        with open(path, "rb") as file:
            begins = file.read(16)
    except OSError as error:
        raise NotFound(
            f"{path}: cannot be read: {error.strerror}; interimap keeps its databases"
            " in ~/.local/share/interimap"
        ) from None
    if begins != b"SQLite format 3\0":
        raise _other(path)


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """
    Turn SQLite's errors into ours.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise StateUnavailable(
                f"The database {path} is in use by interimap: stop that first, and do"
                " not start it again."
            ) from error
        if "no such column" in str(error):
            raise _other(path) from error
        advice = ""
        if "readonly" in str(error) or "unable to open" in str(error):
            advice = (
                " It cannot be read where nothing can be written beside it: copy it"
                " elsewhere, with all there whose names begin with its own, such as"
                " -journal or -wal, and name the copy."
            )
        raise StateError(f"The database {path} failed: {error}.{advice}") from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error


def _other(path: str) -> StateDamaged:
    return StateDamaged(
        f"{path} is no database of interimap: name the one that its option 'database'"
        " names, or HOST.db in ~/.local/share/interimap."
    )


def _damaged(path: str, reason: object) -> StateDamaged:
    return StateDamaged(
        f"The database {path} of interimap is damaged: {reason}. Have interimap"
        " --repair mend it, or sync without it: messages are then paired by content."
    )
