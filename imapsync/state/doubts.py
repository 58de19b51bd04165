"""
APPENDs that were not answered, so that their messages may still show up.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from imapsync.model import Doubt, Given, Side
from imapsync.state.transactions import Transactions
from imapsync.uidset import UidSet

#: So many seconds of the time of day a doubt is kept.  A server stores what it was
#: sent within minutes, or when its administrator mends it after a crash; and the
#: longer it is kept, the more likely what shows up is somebody's own.
DAY = 86_400

_OVER = "since NOT BETWEEN ? AND ?"


class DoubtTable(Transactions):
    """
    All of it: L{Doubts<imapsync.state.between.Doubts>}.

    @cvar now: the time of day, in seconds.
    """

    now = staticmethod(time.time)

    def doubt(self, mailbox: int, side: Side, uids: UidSet) -> None:
        since = int(self.now())
        self._writeAll(
            "INSERT INTO doubt (mailbox, side, uid, since) VALUES (?, ?, ?, ?)",
            ((mailbox, side.value, uid, since) for uid in uids),
        )

    def doubts(self, mailbox: int, side: Side) -> list[Doubt]:
        rows = self._query(
            "SELECT id, uid, flags, date, copy FROM doubt"
            f" WHERE mailbox = ? AND side = ? AND NOT ({_OVER}) ORDER BY id",
            *(mailbox, side.value, *self._lately()),
        )
        return [
            Doubt(number, uid, self._given(flags, date), copy)
            for number, uid, flags, date, copy in rows
        ]

    def _given(self, flags: int | None, date: int | None) -> Given | None:
        return None if flags is None else Given(self._flagsOf(flags), date or 0)

    def noteGiven(self, doubts: Mapping[int, Given]) -> None:
        self._writeAll(
            "UPDATE doubt SET flags = ?, date = ? WHERE id = ?",
            [
                (self._flagsId(flags), date, number)
                for number, (flags, date) in doubts.items()
            ],
        )

    def noteCopies(self, copies: Mapping[int, int]) -> None:
        self._writeAll(
            "UPDATE doubt SET copy = ? WHERE id = ?",
            [(uid, number) for number, uid in copies.items()],
        )

    def resolve(self, doubts: Iterable[int]) -> None:
        numbers = [(number,) for number in doubts]
        self._writeAll("DELETE FROM doubt WHERE id = ?", numbers)

    def forgetDoubts(self) -> None:
        self._write(f"DELETE FROM doubt WHERE {_OVER}", *self._lately())

    def _lately(self) -> tuple[int, int]:
        now = int(self.now())
        return now - DAY, now + DAY
