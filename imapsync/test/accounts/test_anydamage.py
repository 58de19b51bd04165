"""
Tests for L{imapsync.accounts.repair}: whatever is in the tables, nothing is lost and
nothing is doubled.

C{IMAPSYNC_DAMAGES} says how often that is tried.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import Counter
from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st

from imapsync.test.accounts.test_repair import RepairCase
from imapsync.testing.accounts import SEEN, Account, Folder, mail

DAMAGES = int(os.environ.get("IMAPSYNC_DAMAGES", "25"))

SIDES = ("local", "remote")
MARKS = ("uidvalidity", "uidnext", "modseq", "identity", "spelling", "strays")

#: The columns of each table.
TABLES = {
    "meta": ("runs", "read_only", "local_reference", "remote_reference", "synced"),
    "owner": ("side", "account", "port", "greeting"),
    "mailbox": (
        *("id", "name", "subscribed", "pairs", "synced"),
        *(f"{side}_{mark}" for side in SIDES for mark in MARKS),
    ),
    "flags": ("id", "text"),
    "pair": ("mailbox", "local", "remote", "flags", "key", "size", "stamp"),
    "postponed": (
        *("mailbox", "side", "uid", "reason", "code", "since", "tries", "tried"),
        "due",
    ),
    "foretold": ("mailbox", "side", "uid", "flags"),
    "copying": ("mailbox", "side", "first", "last"),
    "trouble": ("name", "side", "reason", "code", "since"),
    "doubt": ("id", "mailbox", "side", "uid", "since", "flags", "date", "copy"),
    "renaming": ("mailbox", "side", "name"),
    "traffic": ("side", "day", "octets", "sent"),
}

#: What may be found in a column.
VALUES = st.sampled_from(
    [
        *(None, -1, 0, 1, 2, 3, 5, 9, 14, 77, 1007, 2**31, 2**32, 2**62, 1.5),
        *("", "local", "remote", "Work", "INBOX", "Nowhere", "\\Seen", "a b", "\0"),
        *(b"", b"\0" * 16, b"odd"),
    ]
)


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, tuple[object, ...]]:
    """
    A statement, and its values.
    """
    table = draw(st.sampled_from([*TABLES, "pair", "pair", "mailbox"]))
    columns = TABLES[table]
    column, other = (draw(st.sampled_from(columns)) for _ in range(2))
    every = draw(st.integers(1, 3))
    some = f"WHERE length(quote({other})) % {every} = 0 OR {other} % {every} = 0"
    match draw(st.sampled_from(["delete", "set", "move", "swap", "insert"])):
        case "delete":
            return f"DELETE FROM {table} {some}", ()
        case "set":
            statement = f"UPDATE OR IGNORE {table} SET {column} = ? {some}"
            return statement, (draw(VALUES),)
        case "move":
            by = draw(st.sampled_from([-3, -1, 1, 2, 1000]))
            statement = f"UPDATE OR REPLACE {table} SET {column} = {column} + ? {some}"
            return statement, (by,)
        case "swap":
            statement = f"UPDATE OR IGNORE {table} SET {column} = {other} {some}"
            return statement, ()
        case _:
            marks = ", ".join("?" * len(columns))
            names = ", ".join(columns)
            statement = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"
            return statement, tuple(draw(VALUES) for _ in columns)


#: What others do to the mail meanwhile: on which side, what, with which message.
DEEDS = st.tuples(
    st.sampled_from([0, 1]),
    st.sampled_from(["add", "expunge", "flag", "unflag"]),
    st.integers(1, 9),
)


class AnyDamageTests(RepairCase):
    """
    Databases in which anything may be, and mail that has changed meanwhile.
    """

    @settings(max_examples=DAMAGES, deadline=None)
    @given(
        st.lists(changes(), min_size=1, max_size=6),
        st.lists(DEEDS, max_size=4),
    )
    def test_any(
        self,
        damages: list[tuple[str, tuple[object, ...]]],
        deeds: list[tuple[int, str, int]],
    ) -> None:
        """
        A repair leaves on both sides what was on either, and nothing to do.
        """
        self.begin(Account(), Account(first=1007))
        with closing(sqlite3.connect(self.world.database)) as database, database:
            for statement, values in damages:
                with contextlib.suppress(sqlite3.IntegrityError):
                    database.execute(statement, values)
            # That would be no damage: what may be written again is looked at anew.
            database.execute(
                "UPDATE meta SET read_only = '' WHERE read_only IN (?, ?)", SIDES
            )
        for side, deed, number in deeds:
            self.do((self.local, self.remote)[side].inbox, deed, number)
        expected = {name: self.all(name) for name in ("INBOX", "Work")}
        tables, content = self.tables(), self.content()
        unsound = self.repair(dryRun=True).unsound
        said = self.said[:-1]
        self.assertEqual((tables, content), (self.tables(), self.content()))
        self.assertEqual({}, self.repair().troubles)
        self.assertEqual(unsound, bool(self.found), said)
        self.assertEqual(said, self.said[:-1])
        self.assertTrue(self.world.equal)
        self.assertEqual({*expected}, {*self.local.folders})
        for name, messages in expected.items():
            self.assertEqual(messages, self.all(name))
            for account in (self.local, self.remote):
                held = Counter(m.body for m in account.folders[name].messages.values())
                self.assertEqual(messages, held)
            self.assertEqual(0, account.count("EXPUNGE", "MOVE", "DELETE", "RENAME"))
        self.assertSound()

    def do(self, folder: Folder, deed: str, number: int) -> None:
        """
        Somebody does this.
        """
        uid = [*folder.messages][number % len(folder.messages)]
        match deed:
            case "add":
                folder.add(mail(1000 + number), SEEN)
            case "expunge":
                folder.expunge(uid)
            case "flag":
                folder.flag(uid, "\\Flagged", "$Work")
            case _:
                folder.flag(uid)

    def all(self, name: str) -> Counter[bytes]:
        """
        What there is on either side: as often as where there is more of it.
        """
        bodies: Counter[bytes] = Counter()
        for account in (self.local, self.remote):
            folder = account.folders[name]
            bodies |= Counter(m.body for m in folder.messages.values())
        return bodies
