"""
Tests for L{imapsync.state.survey}.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import AbstractContextManager, closing
from itertools import chain
from pathlib import Path

from twisted.internet.task import Clock

from imapsync.errors import NoDatabase, StateDamaged, StateError, StateUnavailable
from imapsync.model import Mark, Owner, Pair, Refusal, Side, Trouble
from imapsync.state import sqlitefile
from imapsync.state import survey as surveying
from imapsync.state.schema import UPGRADES
from imapsync.state.store import Store
from imapsync.state.survey import Survey, Surveyed, survey
from imapsync.test.fakes.databases import NONE, StateTestCase
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side


class SurveyTests(StateTestCase):
    """
    What is seen from outside.
    """

    def look(self) -> Survey:
        """
        Look at the database.
        """
        return survey(str(self.path))

    def files(self) -> dict[str, tuple[int, bytes]]:
        """
        What is in the folder, and when it was changed.
        """
        return {
            path.name: (path.stat().st_mtime_ns, path.read_bytes())
            for path in self.path.parent.iterdir()
        }

    def test_all(self) -> None:
        """
        All is told, while an instance has the database and after that; nothing is
        changed.
        """
        clock = Clock()
        self.patch(Store, "clock", staticmethod(clock.seconds))
        clock.advance(1000)
        state, mailbox = self.filled(Pair(1, 2, NONE), Pair(3, 4, NONE))
        with state.transaction():
            state.addMailbox("A", False)
            state.setMark(mailbox, LOCAL, Mark(7, 8, 9))
            state.noteOwner(REMOTE, Owner("me@there", 144))
            state.postpone(mailbox, REMOTE, UidSet.of([5, 6]), "NO", "TOOBIG", (60,))
            state.noteSynced(mailbox)
        clock.advance(5)
        with state.transaction():
            state.noteSynced()
        refusal = Refusal(REMOTE, UidSet.of([5, 6]), "NO", "TOOBIG", 1000, 1, 1060)
        marks = {LOCAL: Mark(7, 8, 9)}
        told = Survey(
            os.path.realpath(self.path),
            len(UPGRADES),
            {REMOTE: Owner("me@there", 144)},
            1005,
            [
                Surveyed("A", False, 0, {}, 0, []),
                Surveyed("INBOX", True, 2, marks, 1000, [refusal]),
            ],
        )
        self.assertEqual(told, self.look())
        with state.transaction():
            state.addMailbox("B", True)
            self.assertEqual(told, self.look())
        self.assertEqual(3, len(self.look().mailboxes))
        state.close()
        before = self.files()
        self.assertEqual(3, len(self.look().mailboxes))
        self.assertEqual(before, self.files())

    def test_troubles(self) -> None:
        """
        So is what is wrong with a mailbox as a whole, even if there is none yet.
        """
        self.patch(Store, "clock", staticmethod(lambda: 1000))
        state, _ = self.filled()
        troubles = [
            Trouble("New", "NO such name", LOCAL, code="CANNOT"),
            Trouble("INBOX", "odd"),
        ]
        with state.transaction():
            state.noteTroubles(troubles)
        inbox, new = self.look().mailboxes
        self.assertEqual([Refusal(None, UidSet(), "odd", "", 1000)], inbox.refusals)
        refusal = Refusal(LOCAL, UidSet(), "NO such name", "CANNOT", 1000)
        self.assertEqual(Surveyed("New", False, 0, {}, 0, [refusal]), new)

    def test_earlier(self) -> None:
        """
        So much as each earlier version noted is told, and its file is left as it is.
        """
        for version in range(1, len(UPGRADES)):
            self.path = Path(self.mktemp()).absolute() / "a.db"
            self.path.parent.mkdir()
            with closing(sqlite3.connect(self.path)) as database:
                for statement in (
                    *chain(*UPGRADES[:version]),
                    f"PRAGMA user_version = {version}",
                    "INSERT INTO mailbox (name, subscribed, pairs, remote_uidvalidity,"
                    " remote_uidnext, remote_modseq) VALUES ('A', 1, 3, 7, 8, 9)",
                    "INSERT INTO postponed (mailbox, side, uid) VALUES (1, 'local', 5)",
                ):
                    database.execute(statement)
                database.execute("PRAGMA journal_mode = WAL")
                database.commit()
            before = self.files()
            told = self.look()
            self.assertEqual((version, {}, 0), told[1:4])
            refusal = Refusal(LOCAL, UidSet.of([5]), "")
            self.assertEqual(
                [Surveyed("A", True, 3, {REMOTE: Mark(7, 8, 9)}, 0, [refusal])],
                told.mailboxes,
            )
            self.assertEqual(before, self.files())

    def test_none(self) -> None:
        """
        There may be none; none is made.
        """
        self.assertRaises(NoDatabase, self.look)
        self.assertFalse(self.path.parent.exists())
        self.path.parent.mkdir()
        self.path.touch()
        self.assertRaises(NoDatabase, self.look)
        self.path.unlink()
        self.path.mkdir()
        error = self.assertRaises(StateUnavailable, self.look)
        self.assertNotIsInstance(error, NoDatabase)

    def test_once(self) -> None:
        """
        One attempt may fail, since an instance has begun or ended in its midst.
        """
        state, _ = self.filled()
        state.close()
        whole, failures = self.look(), [StateError("x"), StateDamaged("y")]

        def reading(path: str) -> AbstractContextManager[sqlite3.Connection]:
            if failures:
                raise failures.pop()
            return sqlitefile.reading(path)

        self.patch(surveying, "reading", reading)
        self.assertRaises(StateError, self.look)
        failures[:] = [StateDamaged("y")]
        self.assertEqual(whole, self.look())

    def test_unfit(self) -> None:
        """
        One that cannot be understood is refused.
        """
        state, _ = self.filled()
        state.close()
        sound = self.path.read_bytes()
        for statement, said in (
            ("DROP TABLE postponed", "a table is missing"),
            (f"PRAGMA user_version = {len(UPGRADES) + 1}", "a newer imapsync"),
        ):
            self.path.write_bytes(sound)
            with closing(sqlite3.connect(self.path)) as database:
                database.execute(statement)
            error = self.assertRaises(StateDamaged, self.look)
            self.assertIn(said, str(error))
        for damaged in b"no database", sound[:5000] + bytes(len(sound) - 5000):
            self.path.write_bytes(damaged)
            self.assertRaises(StateDamaged, self.look)

    def test_meaningless(self) -> None:
        """
        One with rows that mean nothing is damaged, and it is said what mends it.
        """
        state, mailbox = self.filled()
        with state.transaction():
            state.postpone(mailbox, LOCAL, UidSet.of([5]), "NO")
            state.noteTroubles([Trouble("New", "NO such name", LOCAL)])
            state.noteOwner(REMOTE, Owner("me@there", 144))
        state.close()
        sound = self.path.read_bytes()
        for statement in (
            "INSERT INTO meta SELECT * FROM meta",
            "DELETE FROM meta",
            "UPDATE meta SET synced = 1 << 62",
            "UPDATE meta SET synced = -1",
            "UPDATE mailbox SET name = x'00ff'",
            "UPDATE mailbox SET pairs = 1.5",
            "UPDATE mailbox SET synced = 'now'",
            "UPDATE mailbox SET remote_uidvalidity = x'00ff'",
            "UPDATE postponed SET due = 1 << 62",
            "UPDATE postponed SET side = 'here'",
            "UPDATE trouble SET since = 'a'",
            "UPDATE trouble SET since = 1 << 62",
            "UPDATE owner SET side = 'here'",
        ):
            self.path.write_bytes(sound)
            with closing(sqlite3.connect(self.path)) as database, database:
                database.execute(statement)
            error = self.assertRaises(StateDamaged, self.look)
            self.assertIn("Mend it by --repair", str(error), statement)
