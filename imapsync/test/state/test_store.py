"""
Tests for L{imapsync.state.store}.
"""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from itertools import chain
from pathlib import Path

from imapsync.errors import StateDamaged, StateError, StateUnavailable
from imapsync.model import Mark, Pair, Side
from imapsync.state.schema import UPGRADES
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


class UpgradeTests(StateTestCase):
    """
    Files of earlier versions.
    """

    def make(self, version: int) -> None:
        """
        Make one, with something in each of its tables.
        """
        self.path = Path(self.mktemp()).absolute() / "a.db"
        self.path.parent.mkdir()
        statements = [*chain(*UPGRADES[:version]), f"PRAGMA user_version = {version}"]
        statements += [
            "INSERT INTO mailbox (name, subscribed, pairs, local_identity,"
            " local_uidvalidity, local_uidnext, local_modseq) VALUES"
            " ('A', 1, 1, 'id', 7, 8, 9)",
            "INSERT INTO flags (text) VALUES ('\\Seen')",
            "INSERT INTO pair (mailbox, local, remote, flags, key)"
            " VALUES (1, 2, 3, 1, x'01')",
            "INSERT INTO postponed (mailbox, side, uid) VALUES (1, 'remote', 5)",
        ]
        if version > 1:
            statements += [
                "UPDATE pair SET size = 10, stamp = 77",
                "INSERT INTO foretold VALUES (1, 'local', 6, 1)",
            ]
        if version > 2:
            statements.append("UPDATE meta SET remote_reference = 'Old/'")
        with closing(sqlite3.connect(self.path)) as database:
            for statement in statements:
                database.execute(statement)
            database.execute("PRAGMA journal_mode = WAL")
            database.commit()

    @property
    def backups(self) -> dict[str, bytes]:
        """
        The copies that were made.
        """
        return {
            path.name.removeprefix("a.db"): path.read_bytes()
            for path in self.path.parent.iterdir()
            if path != self.path
        }

    def versionOf(self, path: str) -> int:
        """
        The version of a database.
        """
        with closing(sqlite3.connect(path)) as database:
            [(version,)] = database.execute("PRAGMA user_version")
        return int(version)

    def test_each(self) -> None:
        """
        Each is brought up, with what is in it; it is copied before, and that is
        told.
        """
        for version in range(1, len(UPGRADES)):
            self.make(version)
            state = self.opened()
            [known] = state.mailboxes()
            self.assertEqual(("A", {Side.LOCAL: Mark(7, 8, 9)}), known[1:3])
            strays = {Side.LOCAL: 0, Side.REMOTE: 1}
            self.assertEqual((True, 1, True, {}, strays, None), known[4:])
            pair = Pair(2, 3, SEEN, b"\x01", *((10, 77) if version > 1 else ()))
            self.assertEqual([pair], list(state.pairs(1, Side.LOCAL, ALL)))
            self.assertEqual(UidSet.of([5]), state.postponed(1, Side.REMOTE))
            foretold = {6: SEEN} if version > 1 else {}
            self.assertEqual(foretold, state.foretold(1, Side.LOCAL))
            with state.transaction():
                other = state.noteReference(Side.REMOTE, "New/")
            self.assertEqual(version > 2, other)
            self.assertEqual({}, state.owners())
            self.assertEqual(b"", state.cleanLook)
            state.close()
            self.assertEqual(f"{self.path}-v{version}", state.backup)
            self.assertEqual(version, self.versionOf(state.backup))
            mode = Path(state.backup).stat().st_mode
            self.assertEqual(0o600, stat.S_IMODE(mode))
            self.assertEqual([f"-v{version}"], [*self.backups])
            self.assertEqual(len(UPGRADES), self.versionOf(str(self.path)))
            again = self.opened()
            self.assertEqual("", again.backup)
            again.close()

    def test_new(self) -> None:
        """
        There is nothing to be copied of what is made anew.
        """
        state = self.opened()
        state.close()
        self.assertEqual(("", {}), (state.backup, self.backups))

    def test_killed(self) -> None:
        """
        What a killed run has left in the journal is in the copy as well.
        """
        self.make(1)
        database = sqlite3.connect(self.path)
        self.addCleanup(database.close)
        database.execute("UPDATE mailbox SET name = 'B'")
        database.commit()
        state = self.opened()
        with closing(sqlite3.connect(state.backup)) as copy:
            names = copy.execute("SELECT name FROM mailbox").fetchall()
        self.assertEqual([("B",)], names)

    def test_copied(self) -> None:
        """
        A copy that is there is kept: it is from before an upgrade that failed.
        """
        self.make(1)
        copy = Path(f"{self.path}-v1")
        copy.write_text("earlier")
        state = self.opened()
        self.assertEqual(("", "earlier"), (state.backup, copy.read_text()))

    def test_readOnly(self) -> None:
        """
        Read-only, nothing is written, and so nothing copied.
        """
        self.make(1)
        state = self.opened(readOnly=True)
        self.assertEqual(1, state.totalPairs())
        self.assertEqual(("", {}), (state.backup, self.backups))

    def test_noRoom(self) -> None:
        """
        Where there is no room for the copy, nothing is changed.
        """
        self.make(1)
        before = self.path.read_bytes()
        self.limit(10_000)
        self.assertRaises(StateError, self.opened)
        self.assertEqual((before, {}), (self.path.read_bytes(), self.backups))


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
