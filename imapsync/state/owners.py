"""
For whom, and for what part of their mail, the database was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imapsync.model import Owner, Side
from imapsync.state.mailboxes import MailboxTable
from imapsync.state.transactions import Record

#: What L{ownersIn} takes.
OWNERS = "SELECT side, account, port, greeting FROM owner"


class OwnerTable(MailboxTable):
    """
    Whose mailboxes they are: L{Owners<imapsync.state.interface.Owners>}.
    """

    def owners(self) -> Mapping[Side, Owner]:
        return ownersIn(self._query(OWNERS))

    def noteOwner(self, side: Side, owner: Owner) -> None:
        self._write(
            "INSERT OR REPLACE INTO owner VALUES (?, ?, ?, ?)", side.value, *owner
        )

    def noteReadOnly(self, sides: frozenset[Side]) -> None:
        (text,) = self._one("SELECT read_only FROM meta")
        for side in Side:
            if side.value in text.split() and side not in sides:
                self._write(
                    f"UPDATE mailbox SET {side.other}_uidnext = 1,"
                    f" {side.other}_modseq = 0 WHERE {side.other}_uidvalidity NOTNULL"
                )
        now = " ".join(sorted(side.value for side in sides))
        if now != text:
            self._write("UPDATE meta SET read_only = ?", now)

    def noteReference(self, side: Side, reference: str) -> bool:
        (before,) = self._one(f"SELECT {side}_reference FROM meta")
        if before == reference:
            return False
        self._write(f"UPDATE meta SET {side}_reference = ?", reference)
        if before is None:
            return False
        self.forgetMailboxes()
        return True


def ownersIn(records: Iterable[Record]) -> Mapping[Side, Owner]:
    """
    The owners of each side, as they are stored.
    """
    return {Side(side): Owner(*owner) for side, *owner in records}
