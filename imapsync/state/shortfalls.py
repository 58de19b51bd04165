"""
What a server falls short of, and what follows from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imapsync.model import Side
from imapsync.state.transactions import Transactions
from imapsync.uidset import UidSet


class ShortfallTables(Transactions):
    """
    All of it: L{Shortfalls<imapsync.state.between.Shortfalls>}.
    """

    def noteSent(self, mailbox: int, side: Side, uidnext: int) -> None:
        self._write(
            "INSERT OR REPLACE INTO sent VALUES (?, ?, ?)", mailbox, side.value, uidnext
        )

    def sentFrom(self, mailbox: int, side: Side) -> int:
        rows = self._query(
            "SELECT uidnext FROM sent WHERE mailbox = ? AND side = ?",
            *(mailbox, side.value),
        )
        return int(rows[0][0]) if rows else 0

    def spare(self, mailbox: int, side: Side, uidvalidity: int, uids: UidSet) -> None:
        self._writeAll(
            "INSERT OR REPLACE INTO spared VALUES (?, ?, ?, ?)",
            ((mailbox, side.value, uid, uidvalidity) for uid in uids),
        )

    def spared(self, mailbox: int, side: Side, uidvalidity: int) -> UidSet:
        return self._uids(
            "SELECT uid FROM spared WHERE mailbox = ? AND side = ?"
            " AND uidvalidity = ? ORDER BY uid",
            *(mailbox, side.value, uidvalidity),
        )

    def spareNoMore(self, mailbox: int, side: Side) -> None:
        self._write(
            "DELETE FROM spared WHERE mailbox = ? AND side = ?", mailbox, side.value
        )

    def noteBin(self, side: Side, name: str, messages: int) -> None:
        self._write(
            "INSERT INTO bin VALUES (?, ?, ?) ON CONFLICT"
            " DO UPDATE SET messages = messages + excluded.messages",
            *(side.value, name, messages),
        )

    def bins(self, side: Side) -> Mapping[str, int]:
        rows = self._query("SELECT name, messages FROM bin WHERE side = ?", side.value)
        return {name: int(messages) for name, messages in rows}

    def forgetBin(self, side: Side, name: str) -> None:
        self._write("DELETE FROM bin WHERE side = ? AND name = ?", side.value, name)

    def unkeptFlags(self, side: Side, mailbox: int | None = None) -> frozenset[str]:
        which = "" if mailbox is None else " AND mailbox = ?"
        values = () if mailbox is None else (mailbox,)
        rows = self._query(
            f"SELECT flag FROM unkept WHERE side = ?{which}", side.value, *values
        )
        return frozenset(flag for (flag,) in rows)

    def noteUnkept(self, mailbox: int, side: Side, flags: Iterable[str]) -> None:
        self._writeAll(
            "INSERT OR IGNORE INTO unkept VALUES (?, ?, ?)",
            ((mailbox, side.value, flag) for flag in flags),
        )

    def noteKept(self, mailbox: int, side: Side, flags: Iterable[str]) -> None:
        self._writeAll(
            "DELETE FROM unkept WHERE mailbox = ? AND side = ? AND flag = ?",
            [(mailbox, side.value, flag) for flag in flags],
        )

    def fold(self, mailbox: int, side: Side, originals: Mapping[int, int]) -> None:
        self._writeAll(
            "INSERT OR REPLACE INTO folded VALUES (?, ?, ?, ?)",
            ((mailbox, side.value, uid, one) for uid, one in originals.items()),
        )

    def folded(self, mailbox: int, side: Side) -> UidSet:
        return self._uids(
            "SELECT uid FROM folded WHERE mailbox = ? AND side = ? ORDER BY uid",
            *(mailbox, side.value),
        )

    def original(self, mailbox: int, side: Side) -> UidSet:
        return self._uids(
            "SELECT DISTINCT original FROM folded WHERE mailbox = ? AND side = ?"
            " ORDER BY original",
            *(mailbox, side.value),
        )

    def unfolded(self, mailbox: int, side: Side) -> UidSet:
        return self._uids(
            "SELECT uid FROM folded WHERE mailbox = ? AND side = ? AND NOT EXISTS ("
            f"SELECT 1 FROM pair WHERE pair.mailbox = ? AND pair.{side} = original)"
            " ORDER BY uid",
            *(mailbox, side.value, mailbox),
        )

    def foldNoMore(self, mailbox: int, side: Side, uids: UidSet) -> None:
        self._writeAll(
            "DELETE FROM folded WHERE mailbox = ? AND side = ? AND uid = ?",
            [(mailbox, side.value, uid) for uid in uids],
        )

    def sizesExact(self, side: Side) -> bool | None:
        rows = self._query("SELECT exact FROM sizes WHERE side = ?", side.value)
        return bool(rows[0][0]) if rows else None

    def noteSizes(self, side: Side, exact: bool) -> None:
        self._write("INSERT OR REPLACE INTO sizes VALUES (?, ?)", side.value, exact)
        if not exact:
            # They were in these.
            self._write("UPDATE pair SET key = NULL, size = NULL, stamp = NULL")
