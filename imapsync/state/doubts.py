"""
APPENDs that were not answered, so that their messages may still show up.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from imapsync.model import Doubt, Flags, Side
from imapsync.state.transactions import Transactions
from imapsync.uidset import UidSet

#: So many seconds of the time of day a doubt is kept.  A server stores what it was
#: sent within minutes, or when its administrator mends it after a crash; and the
#: longer it is kept, the more likely what shows up is somebody's own.
DAY = 86_400

_OVER = "since NOT BETWEEN ? AND ?"


class DoubtTable(Transactions):
    """
    All of it: L{Doubts<imapsync.state.interface.Doubts>}.

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
            "SELECT id, uid, flags, copy FROM doubt WHERE mailbox = ? AND side = ?"
            f" AND NOT ({_OVER}) ORDER BY id",
            *(mailbox, side.value, *self._lately()),
        )
        return [
            Doubt(number, uid, None if flags is None else self._flagsOf(flags), copy)
            for number, uid, flags, copy in rows
        ]

    def noteGiven(self, doubts: Mapping[int, Flags]) -> None:
        self._writeAll(
            "UPDATE doubt SET flags = ? WHERE id = ?",
            [(self._flagsId(flags), number) for number, flags in doubts.items()],
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
