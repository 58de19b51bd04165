"""
For whom, and for what part of their mail, the database was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from imapsync.model import Act, Allowed, Owner, Side
from imapsync.state.mailboxes import MailboxTable
from imapsync.state.transactions import Record

#: If one of these is allowed again, what changed meanwhile is to be found; of all
#: else, what is listed tells.
_READ = {Act.APPEND, Act.FLAGS, Act.EXPUNGE}

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

    def noteAllowed(
        self, allowed: Mapping[Side, Allowed], sparing: bool = False
    ) -> None:
        (text,) = self._one("SELECT read_only FROM meta")
        words = text.split()
        for side in Side:
            barred = set(Act) if side.value in words else set[Act]()
            barred |= {act for act in Act if _barred(side, act) in words}
            if sparing and Act.EXPUNGE in barred:
                rest = tuple(act for act in allowed[side] if act is not Act.EXPUNGE)
                allowed = {**allowed, side: rest}
            if not (barred & _READ).isdisjoint(allowed[side]):
                self._write(
                    f"UPDATE mailbox SET {side.other}_uidnext = 1,"
                    f" {side.other}_modseq = 0 WHERE {side.other}_uidvalidity NOTNULL"
                )
        now = " ".join(_words(allowed))
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


def _words(allowed: Mapping[Side, Allowed]) -> Iterator[str]:
    """
    What is not allowed, as it is stored: a side of which nothing is, by itself.
    """
    for side in Side:
        barred = [act for act in Act if act not in allowed[side]]
        if barred and not allowed[side]:
            yield side.value
        else:
            yield from (_barred(side, act) for act in barred)


def _barred(side: Side, act: Act) -> str:
    return f"{side}:{act}"


def ownersIn(records: Iterable[Record]) -> Mapping[Side, Owner]:
    """
    The owners of each side, as they are stored.
    """
    return {Side(side): Owner(*owner) for side, *owner in records}
