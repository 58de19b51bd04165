"""
Rows that mean nothing: a database that was damaged, though its schema was not, may
have anything in its tables.

Nothing but what is there is looked at: whether it is true, only the servers can tell.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress

from imapsync.errors import StateDamaged
from imapsync.model import Side
from imapsync.state.interface import Flaw
from imapsync.state.sqlitefile import MENDING, damaged
from imapsync.state.transactions import Transactions
from imapsync.uidset import MAXIMUM

_MODSEQ = 2**63 - 1

#: The last second of the year 9999: no calendar here goes further.
_LATEST = 253402300799


def _whole(column: str, first: int, last: int) -> str:
    return f"(typeof({column}) = 'integer' AND {column} BETWEEN {first} AND {last})"


def _uid(column: str) -> str:
    return _whole(column, 1, MAXIMUM)


def _time(column: str) -> str:
    return _whole(column, 0, _LATEST)


_SIDES = ", ".join(f"'{side}'" for side in Side)
_SIDED = f"side IN ({_SIDES})"
_PLACED = "mailbox IN (SELECT id FROM mailbox)"
_FLAGS = "flags IN (SELECT id FROM flags WHERE typeof(text) = 'text')"

#: What a row of a table must be, and what is said of one that is not: it is dropped.
_ROWS = (
    ("owner", f"{_SIDED} AND typeof(account) = 'text'", "it is nobody's account"),
    ("owner", "typeof(port) = 'integer'", "it has no port"),
    ("owner", "typeof(greeting) = 'text'", "its greeting is no text"),
    ("mailbox", "typeof(name) = 'text' AND name <> ''", "it has no name"),
    ("pair", _PLACED, "it is in no mailbox"),
    ("pair", f"{_uid('local')} AND {_uid('remote')}", "it has no UIDs"),
    ("pair", _FLAGS, "its flags are nowhere"),
    ("postponed", f"{_PLACED} AND {_SIDED} AND {_uid('uid')}", "it is no message"),
    ("foretold", f"{_PLACED} AND {_SIDED} AND {_uid('uid')}", "it is no message"),
    ("foretold", f"(flags IS NULL OR {_FLAGS})", "its flags are nowhere"),
    (
        "copying",
        f"{_PLACED} AND {_SIDED} AND {_uid('first')} AND {_uid('last')}"
        " AND first <= last",
        "they are no messages",
    ),
    ("doubt", f"{_PLACED} AND {_SIDED} AND {_uid('uid')}", "it is no message"),
    ("doubt", _time("since"), "it has no time"),
    ("doubt", f"(flags IS NULL OR {_FLAGS})", "its flags are nowhere"),
    ("doubt", "typeof(date) IN ('integer', 'null')", "it has no date"),
    ("doubt", f"(copy IS NULL OR {_uid('copy')})", "its copy is no message"),
    ("renaming", f"{_PLACED} AND {_SIDED}", "it is in no mailbox"),
    ("renaming", "typeof(name) = 'text' AND name <> ''", "it has no name"),
    ("kept", f"{_PLACED} AND {_SIDED} AND {_uid('uid')}", "it is no message"),
    ("kept", _uid("uidvalidity"), "it has no UIDVALIDITY"),
    ("kept", _whole("size", 0, _MODSEQ), "it has no size"),
    ("traffic", f"{_SIDED} AND typeof(day) = 'integer'", "it has no day"),
    ("traffic", "typeof(octets) = 'integer'", "it has no octets"),
    ("traffic", "typeof(sent) = 'integer'", "it has no octets"),
    ("flags", "typeof(text) = 'text'", "they are no text"),
    (
        "trouble",
        f"typeof(name) = 'text' AND side IN ({_SIDES}, '')"
        " AND typeof(reason) = 'text' AND typeof(code) = 'text'"
        f" AND {_time('since')}",
        "nothing is said of it",
    ),
)


def _marked(side: Side) -> str:
    columns = (
        _uid(f"{side}_uidvalidity"),
        _whole(f"{side}_uidnext", 1, MAXIMUM + 1),
        _whole(f"{side}_modseq", 0, _MODSEQ),
    )
    return " AND ".join(columns)


_COUNTED = "(SELECT count(*) FROM pair WHERE pair.mailbox = mailbox.id)"


def _values() -> Iterator[tuple[str, str, str, str]]:
    """
    What a value must be, what it becomes if it is not, and what is said then.
    """
    yield "meta", "typeof(runs) = 'integer'", "runs = 0", "no number of runs"
    for table in "meta", "mailbox":
        yield table, _time("synced"), "synced = 0", "no time"
    for column in "reason", "code":
        kind = f"typeof({column}) = 'text'"
        yield "postponed", kind, f"{column} = ''", "no text"
    for column in "since", "tried", "due":
        yield "postponed", _time(column), f"{column} = 0", "no time"
    yield "postponed", "typeof(tries) = 'integer'", "tries = 0", "no number"
    yield "meta", "typeof(read_only) = 'text'", "read_only = ''", "no text"
    yield "meta", "typeof(clean_look) = 'blob'", "clean_look = x''", "no octets"
    for side in Side:
        column = f"{side}_reference"
        kind = f"typeof({column}) IN ('text', 'null')"
        yield "meta", kind, f"{column} = NULL", "no text"
    yield "mailbox", "subscribed IN (0, 1)", "subscribed = 0", "neither yes nor no"
    yield "mailbox", f"alone IN ({_SIDES}, '')", "alone = ''", "no side"
    number = "typeof(pairs) = 'integer'"
    yield "mailbox", number, f"pairs = {_COUNTED}", "no number of entries"
    for side in Side:
        for column in f"{side}_identity", f"{side}_spelling":
            yield "mailbox", f"typeof({column}) = 'text'", f"{column} = ''", "no text"
        count = f"{side}_strays"
        yield "mailbox", f"typeof({count}) = 'integer'", f"{count} = 0", "no number"
        columns = [f"{side}_{part}" for part in ("uidvalidity", "uidnext", "modseq")]
        yield (
            "mailbox",
            f"(coalesce({', '.join(columns)}) IS NULL OR {_marked(side)})",
            ", ".join(f"{column} = NULL" for column in columns),
            f"no mark of {side}",
        )
    key = "(key IS NULL OR (typeof(key) = 'blob' AND length(key) = 16))"
    yield "pair", key, "key = NULL", "no content key"
    for column in "size", "stamp":
        number = f"({column} IS NULL OR {_whole(column, 1, _MODSEQ)})"
        yield "pair", number, f"{column} = NULL", f"no {column}"


#: In a database that lacks the index: which of them is right is not known.
_DOUBLED = """
DELETE FROM pair WHERE (mailbox, remote) IN (
    SELECT mailbox, remote FROM pair GROUP BY mailbox, remote HAVING count(*) > 1
)
"""

_INDEXED = "SELECT 1 FROM sqlite_master WHERE name = 'pair_remote'"

_INDEX = "CREATE UNIQUE INDEX IF NOT EXISTS pair_remote ON pair (mailbox, remote)"


class _Looked(Exception):
    """
    Nothing was to be changed.
    """


class SoundnessTables(Transactions):
    """
    All tables: L{Soundness<imapsync.state.interface.Soundness>}.
    """

    def check(self) -> None:
        for (verdict,) in self._query("PRAGMA integrity_check(1)"):
            if verdict != "ok":
                raise damaged(self._path, verdict)
        flaws: Sequence[Flaw] = ()
        with suppress(_Looked), self.transaction():
            flaws = self._scrub()
            raise _Looked
        for flaw in flaws:
            raise _meaningless(self._path, flaw.table, flaw.text)

    def scrub(self) -> Sequence[Flaw]:
        with self.transaction():
            flaws = self._scrub()
        self._flagsId.cache_clear()
        self._flagsOf.cache_clear()
        return flaws

    def _scrub(self) -> Sequence[Flaw]:
        flaws: list[Flaw] = []

        def note(table: str, text: str, statement: str) -> None:
            if (count := self._write(statement)) > 0:
                flaws.append(Flaw(table, text, count))

        [(rows,)] = self._query("SELECT count(*) FROM meta")
        if rows != 1:
            flaws.append(Flaw("meta", f"there is to be one, not {rows}", 1))
            self._write("DELETE FROM meta")
            self._write("INSERT INTO meta (runs, read_only) VALUES (0, '')")
        if not self._query(_INDEXED):
            note("pair", "several entries of one message", _DOUBLED)
            self._query(_INDEX)
        for table, sound, text in _ROWS:
            note(table, text, f"DELETE FROM {table} WHERE NOT ({sound})")
        for table, sound, value, text in _values():
            statement = f"UPDATE {table} SET {value} WHERE NOT ({sound})"
            note(table, text, statement)
        return flaws

    def recount(self, mailbox: int) -> None:
        self._write(f"UPDATE mailbox SET pairs = {_COUNTED} WHERE id = ?", mailbox)


def checkTables(path: str, database: sqlite3.Connection, *tables: str) -> None:
    """
    Look into some tables of C{path}, and change nothing.  It may be of an earlier
    version: what is not there is not wrong.

    @raise StateDamaged: if a row means nothing.
    """
    [(rows,)] = database.execute("SELECT count(*) FROM meta")
    if rows != 1:
        raise _meaningless(path, "meta", f"there is to be one, not {rows}")
    values = ((table, sound, text) for table, sound, _, text in _values())
    for table, sound, text in (*_ROWS, *values):
        if table in tables and _has(database, table, sound):
            raise _meaningless(path, table, text)


def _has(database: sqlite3.Connection, table: str, sound: str) -> bool:
    query = f"SELECT 1 FROM {table} WHERE NOT ({sound}) LIMIT 1"
    try:
        return database.execute(query).fetchone() is not None
    except sqlite3.OperationalError as error:
        if not str(error).startswith("no such "):
            raise
        return False


def _meaningless(path: str, table: str, text: str) -> StateDamaged:
    return damaged(path, f"in {table}, {text}", MENDING)
