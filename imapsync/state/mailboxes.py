"""
What is known of mailboxes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from imapsync.model import Known, Mark, Name, Side
from imapsync.state.transactions import Record, Transactions

#: Of each side: a message that waits to be tried again may have a pair.
_STRAYS = """
{0}_strays + (
    SELECT count(*) FROM kept WHERE kept.mailbox = mailbox.id AND side = '{0}'
) + (
    SELECT count(*) FROM postponed
    WHERE postponed.mailbox = mailbox.id AND side = '{0}' AND NOT EXISTS (
        SELECT 1 FROM pair WHERE pair.mailbox = mailbox.id AND pair.{0} = uid
    )
)
"""

_KNOWN = f"""
SELECT id, name, subscribed, pairs,
    EXISTS (SELECT 1 FROM postponed WHERE postponed.mailbox = mailbox.id),
    local_identity, local_uidvalidity, local_uidnext, local_modseq,
    remote_identity, remote_uidvalidity, remote_uidnext, remote_modseq,
    local_spelling, remote_spelling,
    {_STRAYS.format("local")}, {_STRAYS.format("remote")}, alone
FROM mailbox
"""


#: What means nothing where UIDs are others.
_OF_UIDS = ("postponed", "foretold", "copying", "sent", "doubt", "spared", "folded")


class MailboxTable(Transactions):
    """
    The mailboxes: L{Mailboxes<imapsync.state.interface.Mailboxes>}.
    """

    def __init__(self, path: str, database: sqlite3.Connection) -> None:
        super().__init__(path, database)
        # As long as nothing is written; it is asked for again and again.
        self._mailboxes: list[Known] | None = None

    def mailboxes(self) -> list[Known]:
        if self._mailboxes is None:
            rows = self._query(f"{_KNOWN} ORDER BY name")
            self._mailboxes = [_known(row) for row in rows]
        return self._mailboxes.copy()

    def mailbox(self, name: Name) -> Known | None:
        rows = self._query(f"{_KNOWN} WHERE name = ?", name)
        return _known(rows[0]) if rows else None

    def addMailbox(self, name: Name, subscribed: bool) -> Known:
        self._write(
            "INSERT INTO mailbox (name, subscribed) VALUES (?, ?)", name, subscribed
        )
        [row] = self._query(f"{_KNOWN} WHERE name = ?", name)
        return _known(row)

    def removeMailbox(self, mailbox: int) -> None:
        self._write("DELETE FROM mailbox WHERE id = ?", mailbox)

    def forgetMailboxes(self) -> None:
        self._write("DELETE FROM mailbox")
        self._write("DELETE FROM trouble")
        self._write("UPDATE meta SET synced = 0")

    def rename(self, names: Mapping[int, Name]) -> None:
        for mailbox in names:
            # They may change places.
            text = f"\0{mailbox}"
            self._write("UPDATE mailbox SET name = ? WHERE id = ?", text, mailbox)
        for mailbox, name in names.items():
            self._write("DELETE FROM mailbox WHERE name = ?", name)
            self._write(
                "UPDATE mailbox SET name = ?, local_spelling = '',"
                " remote_spelling = '' WHERE id = ?",
                name,
                mailbox,
            )

    def setSubscribed(self, mailbox: int, subscribed: bool) -> None:
        self._write(
            "UPDATE mailbox SET subscribed = ? WHERE id = ?", subscribed, mailbox
        )

    def setIdentity(self, mailbox: int, side: Side, identity: str) -> None:
        self._write(
            f"UPDATE mailbox SET {side}_identity = ? WHERE id = ?", identity, mailbox
        )

    def setSpelling(self, mailbox: int, side: Side, spelling: str) -> None:
        self._write(
            f"UPDATE mailbox SET {side}_spelling = ? WHERE id = ?", spelling, mailbox
        )

    def setMark(self, mailbox: int, side: Side, mark: Mark | None) -> None:
        values = (mark.uidvalidity, mark.uidnext, mark.modseq) if mark else (None,) * 3
        self._write(
            f"UPDATE mailbox SET {side}_uidvalidity = ?, {side}_uidnext = ?,"
            f" {side}_modseq = ? WHERE id = ?",
            *values,
            mailbox,
        )

    def noteSynced(self, mailbox: int | None = None) -> None:
        if mailbox is None:
            self._write("UPDATE meta SET synced = ?", self._now())
        else:
            query = "UPDATE mailbox SET synced = ? WHERE id = ?"
            self._write(query, self._now(), mailbox)

    def sinceSynced(self) -> int:
        [(synced,)] = self._query("SELECT synced FROM meta")
        return abs(self._now() - int(synced))

    def strays(self, mailbox: int, side: Side) -> int:
        query = f"SELECT {side}_strays FROM mailbox WHERE id = ?"
        (count,) = self._one(query, mailbox)
        return int(count)

    def setStrays(self, mailbox: int, side: Side, count: int) -> None:
        self._write(
            f"UPDATE mailbox SET {side}_strays = ? WHERE id = ?", count, mailbox
        )

    def forgetPairs(self, mailbox: int) -> None:
        self._write("DELETE FROM pair WHERE mailbox = ?", mailbox)
        self._write("UPDATE mailbox SET pairs = 0 WHERE id = ?", mailbox)
        self._write(
            "DELETE FROM kept WHERE mailbox = ? AND EXISTS (SELECT 1 FROM folded"
            " WHERE (mailbox, side, uid) = (kept.mailbox, kept.side, kept.uid))",
            mailbox,
        )
        for table in _OF_UIDS:
            self._write(f"DELETE FROM {table} WHERE mailbox = ?", mailbox)
        for side in Side:
            self.setMark(mailbox, side, None)
            self.setIdentity(mailbox, side, "")
            self.setStrays(mailbox, side, 0)

    def totalPairs(self) -> int:
        # Of numbers that are wrong, sum() may fail.
        [(total,)] = self._query("SELECT total(pairs) FROM mailbox")
        return int(total)

    def _changed(self) -> None:
        super()._changed()
        self._mailboxes = None


def _known(row: Record) -> Known:
    number, name, subscribed, pairs, retries = row[:5]
    marks = {}
    for side, mark in ((Side.LOCAL, row[6:9]), (Side.REMOTE, row[10:13])):
        if mark[0]:
            marks[side] = Mark(*mark)
    identities = {Side.LOCAL: row[5], Side.REMOTE: row[9]}
    spellings = {s: text for s, text in zip(Side, row[13:15], strict=True) if text}
    strays = dict(zip(Side, row[15:17], strict=True))
    alone = Side(row[17]) if row[17] else None
    return Known(
        *(number, name, marks, identities, bool(subscribed), pairs),
        *(bool(retries), spellings, strays, alone),
    )
