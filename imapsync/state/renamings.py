"""
Mailboxes that we are about to rename.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imapsync.model import Name, Side
from imapsync.state.transactions import Transactions


class RenamingTable(Transactions):
    """
    All of it: L{Renamings<imapsync.state.interface.Renamings>}.
    """

    def beginRenaming(self, side: Side, names: Mapping[int, Name]) -> None:
        self._writeAll(
            "INSERT OR REPLACE INTO renaming VALUES (?, ?, ?)",
            [(mailbox, side.value, name) for mailbox, name in names.items()],
        )

    def renamings(self, side: Side) -> Mapping[int, Name]:
        query = "SELECT mailbox, name FROM renaming WHERE side = ?"
        return dict(self._query(query, side.value))

    def endRenaming(self, side: Side, mailboxes: Iterable[int]) -> None:
        self._writeAll(
            "DELETE FROM renaming WHERE mailbox = ? AND side = ?",
            [(mailbox, side.value) for mailbox in mailboxes],
        )
