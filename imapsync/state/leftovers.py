"""
What a run leaves to the next: messages to be tried again, what was foretold of
some, and copies that were not seen yet.
"""

from __future__ import annotations

from collections.abc import Mapping

from imapsync.model import Flags, Side
from imapsync.state.transactions import Transactions
from imapsync.uidset import UidSet


class LeftoverTables(Transactions):
    """
    All of it: L{Leftovers<imapsync.state.interface.Leftovers>}.
    """

    def postpone(self, mailbox: int, side: Side, uids: UidSet) -> None:
        self._writeAll(
            "INSERT OR IGNORE INTO postponed VALUES (?, ?, ?)",
            ((mailbox, side.value, uid) for uid in uids),
        )

    def settle(self, mailbox: int, side: Side, uids: UidSet) -> None:
        self._writeAll(
            "DELETE FROM postponed"
            " WHERE mailbox = ? AND side = ? AND uid BETWEEN ? AND ?",
            ((mailbox, side.value, first, last) for first, last in uids.ranges),
        )

    def postponed(self, mailbox: int, side: Side) -> UidSet:
        return self._uids(
            "SELECT uid FROM postponed WHERE mailbox = ? AND side = ? ORDER BY uid",
            mailbox,
            side.value,
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
        return UidSet.ofRanges(rows)
