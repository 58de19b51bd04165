"""
What stays on one side though it is gone from the other, since it may not be removed
there.
"""

from __future__ import annotations

from imapsync.model import Side
from imapsync.state.transactions import Transactions
from imapsync.uidset import UidSet


class KeptTable(Transactions):
    """
    The messages, and mailboxes: L{Kept<imapsync.state.between.Kept>}.
    """

    def keep(self, mailbox: int, side: Side, uidvalidity: int, uids: UidSet) -> None:
        self._writeAll(
            "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)",
            ((mailbox, side.value, uid, uidvalidity) for uid in uids),
        )

    def kept(self, mailbox: int, side: Side) -> UidSet:
        return self._uids(
            "SELECT uid FROM kept WHERE mailbox = ? AND side = ? ORDER BY uid",
            *(mailbox, side.value),
        )

    def keepNoMore(self, mailbox: int, side: Side, uids: UidSet) -> None:
        self._writeAll(
            "DELETE FROM kept WHERE mailbox = ? AND side = ? AND uid BETWEEN ? AND ?",
            [(mailbox, side.value, *some) for some in uids.ranges],
        )

    def keepOnly(self, mailbox: int, side: Side, uidvalidity: int) -> None:
        self._write(
            "DELETE FROM kept WHERE mailbox = ? AND side = ? AND uidvalidity <> ?",
            *(mailbox, side.value, uidvalidity),
        )

    def setAlone(self, mailbox: int, side: Side | None) -> None:
        text = side.value if side else ""
        self._write("UPDATE mailbox SET alone = ? WHERE id = ?", text, mailbox)
