"""
What stays on one side though it is gone from the other, since it may not be removed
there.
"""

from __future__ import annotations

from collections.abc import Collection

from imapsync.model import Side
from imapsync.state.transactions import Transactions
from imapsync.uidset import UidSet


class KeptTable(Transactions):
    """
    The messages, and mailboxes: L{Kept<imapsync.state.between.Kept>}.
    """

    def keep(self, mailbox: int, side: Side, uidvalidity: int, uids: UidSet) -> None:
        self._writeAll(
            "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, coalesce("
            f"(SELECT size FROM pair WHERE mailbox = ? AND {side} = ?), 0))",
            ((mailbox, side.value, u, uidvalidity, mailbox, u) for u in uids),
        )

    def kept(self, mailbox: int, side: Side) -> UidSet:
        return self._uids(
            "SELECT uid FROM kept WHERE mailbox = ? AND side = ? ORDER BY uid",
            *(mailbox, side.value),
        )

    def keptOf(self, mailbox: int, side: Side, sizes: Collection[int]) -> UidSet:
        return self._uids(
            "SELECT uid FROM kept WHERE mailbox = ? AND side = ?"
            " AND size IN (SELECT value FROM json_each(?)) ORDER BY uid",
            *(mailbox, side.value, str([*sizes])),
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
