"""
Tests for L{imapsync.state.store}.
"""

from __future__ import annotations

import sqlite3

from imapsync.errors import StateDamaged, StateError, StateUnavailable
from imapsync.model import Pair, Side
from imapsync.state.store import Store
from imapsync.test.fakes.databases import ALL, NONE, SEEN, StateTestCase
from imapsync.uidset import UidSet


class NextState(Store):
    """
    A later version of the schema.
    """

    _upgrades = (
        *Store._upgrades,
        (
            "ALTER TABLE meta ADD COLUMN mood TEXT",
            "UPDATE meta SET mood = 'good'",
        ),
    )


class BrokenUpgrade(Store):
    """
    A later version whose upgrade stops halfway.
    """

    _upgrades = (*Store._upgrades, ("DROP TABLE postponed", "SELECT nonsense"))


class OpenTests(StateTestCase):
    """
    Opening the database.
    """

    def test_new(self) -> None:
        """
        A new database knows nothing, and can be written.
        """
        state = self.opened()
        state.proveWritable()
        self.assertEqual([], state.mailboxes())
        self.assertEqual(0, state.totalPairs())

    def test_closedTwice(self) -> None:
        """
        Closing it again does nothing.
        """
        state = self.opened()
        state.close()
        state.close()

    def test_lasts(self) -> None:
        """
        What was written is there the next time.
        """
        self.filled(Pair(1, 2, SEEN, b"k" * 16))[0].close()
        state = self.opened()
        [inbox] = state.mailboxes()
        self.assertEqual(1, inbox.pairs)
        self.assertEqual(
            [Pair(1, 2, SEEN, b"k" * 16)], list(state.pairs(inbox.id, Side.LOCAL, ALL))
        )

    def test_twoInstances(self) -> None:
        """
        Two instances cannot have it, not even through a link.
        """
        self.opened()
        link = self.path.with_name("b.db")
        link.symlink_to(self.path)
        for path in self.path, link:
            self.assertRaises(StateUnavailable, Store.open, str(path))

    def test_linkToNothing(self) -> None:
        """
        A link to nothing is where the database is made.
        """
        self.path.parent.mkdir()
        target = self.path.with_name("target.db")
        self.path.symlink_to(target)
        self.opened().close()
        self.assertTrue(target.is_file())
        self.assertTrue(self.path.is_symlink())

    def test_deletedWhileOpen(self) -> None:
        """
        If it is deleted meanwhile, the work goes on, and the next run begins
        anew.
        """
        state, mailbox = self.filled()
        self.path.unlink()
        with state.transaction():
            state.addPairs(mailbox, [Pair(1, 1, NONE)])
        state.proveWritable()
        state.close()
        self.assertEqual([], self.opened().mailboxes())

    def test_upgrade(self) -> None:
        """
        A file of an older version is brought up, with what is in it.
        """
        self.filled(Pair(1, 2, SEEN))[0].close()
        for _ in range(2):
            state = self.opened(NextState)
            self.assertEqual([("good",)], state._query("SELECT mood FROM meta"))
            self.assertEqual(1, state.totalPairs())
            state.close()

    def test_upgradeFromFirst(self) -> None:
        """
        Pairs that were stored without size and stamp have none.
        """
        self.path.parent.mkdir()
        with sqlite3.connect(self.path) as database:
            for statement in Store._upgrades[0]:
                database.execute(statement)
            database.execute("PRAGMA user_version = 1")
            database.execute("INSERT INTO mailbox (name, subscribed) VALUES ('A', 1)")
            database.execute("INSERT INTO flags (text) VALUES ('')")
            database.execute("INSERT INTO pair VALUES (1, 2, 3, 1, x'01')")
        database.close()
        state = self.opened()
        [pair] = state.pairs(1, Side.LOCAL, UidSet.of([2]))
        self.assertEqual(Pair(2, 3, NONE, b"\x01"), pair)
        self.assertEqual([], state.stamped(1))

    def test_newer(self) -> None:
        """
        A file of a newer version is refused, and not changed.
        """
        self.opened(NextState).close()
        before = self.path.read_bytes()
        for readOnly in False, True:
            error = self.assertRaises(StateDamaged, self.opened, readOnly=readOnly)
            self.assertIn("newer imapsync", str(error))
        self.assertEqual(before, self.path.read_bytes())

    def test_brokenUpgrade(self) -> None:
        """
        An upgrade that fails changes nothing.
        """
        self.opened().close()
        self.assertRaises(StateError, self.opened, BrokenUpgrade)
        self.opened()

    def test_upgradeInCopy(self) -> None:
        """
        Read-only, an older file is read as if it were brought up.
        """
        self.filled(Pair(1, 2, SEEN))[0].close()
        before = self.path.read_bytes()
        state = self.opened(NextState, readOnly=True)
        state.proveWritable()
        self.assertEqual([("good",)], state._query("SELECT mood FROM meta"))
        self.assertEqual(1, state.totalPairs())
        self.assertEqual(before, self.path.read_bytes())

    def test_readOnlyNothing(self) -> None:
        """
        Read-only, no file is an empty database.
        """
        self.assertEqual([], self.opened(readOnly=True).mailboxes())
        self.assertFalse(self.path.parent.exists())

    def test_tableMissing(self) -> None:
        """
        A file that lacks a table is damaged; it is let go of again.
        """
        state = self.opened()
        state._query("DROP TABLE postponed")
        state.close()
        error = self.assertRaises(StateDamaged, self.opened)
        self.assertIn("Delete it", str(error))
        self.path.unlink()
        self.opened()

    def test_damaged(self) -> None:
        """
        A file whose inner pages are rubbish is found out when they are read.
        """
        pairs = [Pair(n, n, NONE, b"k" * 16) for n in range(1, 2000)]
        state, mailbox = self.filled(*pairs)
        state.close()
        with self.path.open("r+b") as file:
            file.seek(4096)
            file.write(b"rubbish" * 10000)
        with self.assertRaises(StateDamaged):
            list(self.opened().pairs(mailbox, Side.LOCAL, ALL))


class DiskFullTests(StateTestCase):
    """
    A disk that has no more room.
    """

    def test_new(self) -> None:
        """
        There is no room for a new database.
        """
        self.limit(1000)
        self.assertRaises(StateError, self.opened)

    def test_proof(self) -> None:
        """
        It shows before anything is done.
        """
        state = self.opened()
        self.limit(1000)
        self.assertRaises(StateError, state.proveWritable)

    def test_later(self) -> None:
        """
        A transaction that does not fit is undone as a whole.
        """
        state, mailbox = self.filled(Pair(1, 1, NONE))
        self.limit(40_000)
        pairs = [Pair(n, n, NONE, b"k" * 16) for n in range(2, 50_000)]
        with self.assertRaises(StateError) as caught, state.transaction():
            state.addPairs(mailbox, pairs)
        self.assertEqual(74, caught.exception.code)
        self.doCleanups()
        state = self.opened()
        self.assertEqual(1, state.totalPairs())
        self.assertEqual(UidSet.of([1]), state.paired(mailbox, Side.LOCAL))
