"""
What a run leaves to the next: messages to be tried again and why, what was foretold
of some, and copies that were not seen yet.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from imapsync.model import Flags, Name, Refusal, Side, Trouble
from imapsync.state.transactions import Record, Transactions
from imapsync.uidset import UidSet, UidSetBuilder

_POSTPONE = """
INSERT INTO postponed (mailbox, side, uid, reason, code, since, tried, due, tries)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT DO UPDATE SET
    reason = excluded.reason, code = excluded.code, tried = excluded.tried,
    since = coalesce(nullif(since, 0), excluded.since), tries = tries + 1,
    due = excluded.tried + json_extract(?, '$[' || min(tries, ?) || ']')
"""

#: Where the time was set back since, nobody knows how long it was.
_DUE = "NOT (? BETWEEN tried AND due - 1)"

_TROUBLES = "SELECT name, side, reason, code FROM trouble"

#: What L{refusalsIn} takes.
REFUSALS = """
SELECT side, uid, reason, code, since, tries, due FROM postponed
WHERE mailbox = ? ORDER BY side, uid
"""


class LeftoverTables(Transactions):
    """
    All of it: L{Leftovers<imapsync.state.between.Leftovers>}.
    """

    def __init__(self, path: str, database: sqlite3.Connection) -> None:
        super().__init__(path, database)
        # As long as nothing is written; a status asks for them again and again.
        self._refusals: dict[int, list[Refusal]] = {}

    def postpone(
        self,
        mailbox: int,
        side: Side,
        uids: UidSet,
        reason: str = "",
        code: str = "",
        pauses: Sequence[int] = (0,),
    ) -> None:
        # Python writes a list of numbers as JSON does.
        now, later = self._now(), (str([*pauses]), len(pauses) - 1)
        rest = (reason, code, now, now, now + pauses[0], *later)
        self._writeAll(_POSTPONE, ((mailbox, side.value, uid, *rest) for uid in uids))

    def settle(self, mailbox: int, side: Side, uids: UidSet) -> None:
        # Few are in the table, if any.
        within = "WHERE mailbox = ? AND side = ? AND uid BETWEEN ? AND ?"
        query = f"SELECT uid FROM postponed {within} ORDER BY uid"
        first, last = (uids.ranges[0][0], uids.ranges[-1][1]) if uids else (0, 0)
        there = self._uids(query, mailbox, side.value, first, last) & uids
        self._writeAll(
            f"DELETE FROM postponed {within}",
            [(mailbox, side.value, *some) for some in there.ranges],
        )

    def postponed(self, mailbox: int, side: Side) -> UidSet:
        return self._uids(
            "SELECT uid FROM postponed WHERE mailbox = ? AND side = ? ORDER BY uid",
            mailbox,
            side.value,
        )

    def due(self, mailbox: int, side: Side) -> UidSet:
        return self._uids(
            "SELECT uid FROM postponed WHERE mailbox = ? AND side = ?"
            f" AND {_DUE} ORDER BY uid",
            *(mailbox, side.value, self._now()),
        )

    def mailboxesDue(self) -> frozenset[int]:
        query = f"SELECT DISTINCT mailbox FROM postponed WHERE {_DUE}"
        return frozenset(mailbox for (mailbox,) in self._query(query, self._now()))

    def hasten(self, mailbox: int | None = None) -> None:
        which = "1" if mailbox is None else "mailbox = ?"
        values = () if mailbox is None else (mailbox,)
        self._write(f"UPDATE postponed SET due = 0 WHERE {which} AND due", *values)

    def refusals(self, mailbox: int) -> list[Refusal]:
        if mailbox not in self._refusals:
            self._refusals[mailbox] = refusalsIn(self._query(REFUSALS, mailbox))
        return self._refusals[mailbox].copy()

    def noteTroubles(
        self, troubles: Iterable[Trouble], names: Collection[Name] | None = None
    ) -> None:
        now = {
            (one.mailbox, str(one.side or ""), one.text, one.code) for one in troubles
        }
        before = {
            (name, *rest)
            for name, *rest in self._query(_TROUBLES)
            if names is None or name in names
        }
        if now == before:
            return
        self._writeAll(
            "DELETE FROM trouble"
            " WHERE name = ? AND side = ? AND reason = ? AND code = ?",
            before - now,
        )
        self._writeAll(
            "INSERT OR IGNORE INTO trouble VALUES (?, ?, ?, ?, ?)",
            ((*one, self._now()) for one in now - before),
        )

    def foretell(
        self, mailbox: int, side: Side, flags: Mapping[int, Flags | None]
    ) -> None:
        self._writeAll(
            "INSERT OR REPLACE INTO foretold VALUES (?, ?, ?, ?)",
            (
                (mailbox, side.value, uid, None if f is None else self._flagsId(f))
                for uid, f in flags.items()
            ),
        )

    def foretold(self, mailbox: int, side: Side) -> Mapping[int, Flags | None]:
        rows = self._query(
            "SELECT uid, flags FROM foretold WHERE mailbox = ? AND side = ?",
            mailbox,
            side.value,
        )
        return {u: None if f is None else self._flagsOf(f) for u, f in rows}

    def forgetForetold(self, mailbox: int, side: Side) -> None:
        self._write(
            "DELETE FROM foretold WHERE mailbox = ? AND side = ?", mailbox, side.value
        )

    def setCopying(self, mailbox: int, side: Side, uids: UidSet) -> None:
        self._write(
            "DELETE FROM copying WHERE mailbox = ? AND side = ?", mailbox, side.value
        )
        self._writeAll(
            "INSERT INTO copying VALUES (?, ?, ?, ?)",
            ((mailbox, side.value, first, last) for first, last in uids.ranges),
        )

    def addCopying(self, mailbox: int, side: Side, uids: UidSet) -> None:
        self._writeAll(
            "INSERT INTO copying VALUES (?, ?, ?, ?)"
            " ON CONFLICT (mailbox, side, first)"
            " DO UPDATE SET last = max(last, excluded.last)",
            ((mailbox, side.value, first, last) for first, last in uids.ranges),
        )

    def copying(self, mailbox: int, side: Side) -> UidSet:
        rows = self._query(
            "SELECT first, last FROM copying WHERE mailbox = ? AND side = ?",
            mailbox,
            side.value,
        )
        return self._possible(UidSet.ofRanges(rows))

    def _changed(self) -> None:
        super()._changed()
        self._refusals.clear()


def refusalsIn(records: Iterable[Record]) -> list[Refusal]:
    """
    What is postponed, as it is stored: messages together that are alike in all.
    """
    found: dict[tuple[str, tuple[Any, ...]], UidSetBuilder] = {}
    for side, uid, *rest in records:
        found.setdefault((side, tuple(rest)), UidSetBuilder()).add(uid)
    return [
        Refusal(Side(side), uids.build(), *rest) for (side, rest), uids in found.items()
    ]
