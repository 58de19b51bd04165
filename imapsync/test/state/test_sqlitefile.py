"""
Tests for L{imapsync.state.sqlitefile}.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from errno import EIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import StateDamaged, StateError, StateUnavailable
from imapsync.state.sqlitefile import APPLICATION_ID, explained, opened
from imapsync.test import children


def mode(path: Path) -> int:
    """
    The permissions of a file.
    """
    return stat.S_IMODE(path.stat().st_mode)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """
    All that is in a folder, and when it was last changed.
    """
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}


class OpenedTests(SynchronousTestCase):
    """
    Opening a database file.
    """

    def setUp(self) -> None:
        """
        Name a file in a folder of our own.
        """
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "a.db"

    def fill(self) -> None:
        """
        Make a database of ours that holds the number 1.
        """
        with opened(str(self.path)) as database:
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("CREATE TABLE number (value)")
            database.execute("INSERT INTO number VALUES (1)")

    def numbers(self, *, readOnly: bool = False) -> list[int]:
        """
        What the database holds.
        """
        with opened(str(self.path), readOnly=readOnly) as database:
            return [value for (value,) in database.execute("SELECT * FROM number")]

    def refused(self, kind: type[StateError], *, readOnly: bool = False) -> str:
        """
        Check that the file is refused as it is, and not changed.

        @return: what the user reads.
        """
        before = contents(self.folder)
        with self.assertRaises(StateError) as caught:
            self.numbers(readOnly=readOnly)
        self.assertIs(kind, type(caught.exception))
        self.assertEqual(before, contents(self.folder))
        self.assertIn(str(self.path), str(caught.exception))
        return str(caught.exception)

    def test_made(self) -> None:
        """
        Neither the file nor the folders made for it are for others to see,
        whatever the umask.
        """
        self.addCleanup(os.umask, os.umask(0))
        self.path = self.folder / "b" / "c" / "a.db"
        self.fill()
        for folder in self.path.parent, self.path.parent.parent:
            self.assertEqual(0o700, mode(folder))
        with opened(str(self.path)) as database:
            database.execute("INSERT INTO number VALUES (2)")
            for path in self.path.parent.iterdir():
                self.assertEqual(0o600, mode(path), path)

    def test_nothingElseStays(self) -> None:
        """
        After the end there is one file.
        """
        self.fill()
        self.assertEqual([self.path], list(self.folder.iterdir()))
        self.assertEqual([1], self.numbers())

    def test_inUse(self) -> None:
        """
        What one holds another cannot have, until the first is done.
        """
        self.fill()
        with opened(str(self.path)):
            error = self.assertRaises(StateUnavailable, self.numbers)
        self.assertIn("in use", str(error))
        self.assertEqual([1], self.numbers())

    def test_inUseThoughDeleted(self) -> None:
        """
        The lock outlasts the file.
        """
        with opened(str(self.path)):
            self.path.unlink()
            self.assertRaises(StateUnavailable, self.numbers)

    def test_killed(self) -> None:
        """
        A holder that is killed frees the lock, and what it wrote is there; a
        private copy sees it too.
        """
        self.fill()
        script = (
            "import os, signal, sys\n"
            "from imapsync.state.sqlitefile import opened\n"
            "with opened(sys.argv[1]) as database:\n"
            "    database.execute('INSERT INTO number VALUES (2)')\n"
            "    os.kill(os.getpid(), signal.SIGKILL)"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = children.done(
            [sys.executable, "-c", script, self.path], env=environment, check=False
        )
        self.assertEqual(-9, process.returncode)
        self.assertTrue(Path(f"{self.path}-wal").exists())
        self.assertEqual([1, 2], self.numbers(readOnly=True))
        self.assertEqual([1, 2], self.numbers())
        self.assertEqual([self.path], list(self.folder.iterdir()))

    def test_lockNotFound(self) -> None:
        """
        A disk that fails just when the lock was got does not keep it.
        """
        self.fill()

        def fail(*_: object) -> None:
            raise OSError(EIO, "Input/output error")

        failing = self.patch(os.path, "samestat", fail)
        error = self.assertRaises(StateError, self.numbers)
        self.assertIn("Input/output error", str(error))
        failing.restore()
        self.assertEqual([1], self.numbers())

    def test_notClosed(self) -> None:
        """
        Nor does one that fails at the end.
        """
        self.fill()

        def fail(descriptor: int) -> None:
            close(descriptor)
            raise OSError(EIO, "Input/output error")

        close = os.close
        with opened(str(self.path)):
            failing = self.patch(os, "close", fail)
        failing.restore()
        self.assertEqual([1], self.numbers())

    def test_lockReplaced(self) -> None:
        """
        A lock that somebody put in the place of ours is left alone.
        """
        lock = Path(f"{self.path}.lock")
        with opened(str(self.path)):
            lock.unlink()
            lock.touch()
        self.assertTrue(lock.exists())

    def test_empty(self) -> None:
        """
        An empty file is as good as none.
        """
        self.path.touch()
        self.fill()
        self.assertEqual([1], self.numbers())

    def test_leftJournal(self) -> None:
        """
        A journal whose database was deleted does not get into the new one.
        """
        self.fill()
        with opened(str(self.path)) as database:
            database.execute("INSERT INTO number VALUES (2)")
            self.path.unlink()
        self.assertTrue(Path(f"{self.path}-wal").stat().st_size)
        self.fill()
        self.assertEqual([1], self.numbers())

    def test_text(self) -> None:
        """
        A file of another kind is refused, and not changed.
        """
        self.path.write_text("Dear diary, " * 20)
        self.assertIn("Move it away", self.refused(StateDamaged))
        self.refused(StateDamaged, readOnly=True)

    def test_otherProgram(self) -> None:
        """
        A database of another program is refused, and not changed.
        """
        database = sqlite3.connect(self.path)
        database.execute("CREATE TABLE number (value)")
        database.close()
        self.assertIn("no database of imapsync", self.refused(StateDamaged))

    def test_truncated(self) -> None:
        """
        A database that was cut short is refused.
        """
        self.fill()
        for length in 70, 4096:
            os.truncate(self.path, length)
            with self.assertRaises(StateDamaged), explained(str(self.path)):
                self.numbers()

    def test_folder(self) -> None:
        """
        A folder in the place of the file is refused.
        """
        self.path.mkdir()
        for readOnly in False, True:
            with self.assertRaises(StateUnavailable):
                self.numbers(readOnly=readOnly)

    def test_pipe(self) -> None:
        """
        What is no plain file is refused, and not waited for.
        """
        os.mkfifo(self.path)
        for readOnly in False, True:
            with self.assertRaises(StateUnavailable):
                self.numbers(readOnly=readOnly)

    def test_noFolder(self) -> None:
        """
        Where no folder can be made, there can be no database.
        """
        self.path.touch()
        self.path = self.path / "b" / "a.db"
        error = self.assertRaises(StateUnavailable, self.numbers)
        self.assertIn("cannot be made", str(error))

    def test_readOnlyNothing(self) -> None:
        """
        A private copy of nothing is empty, and makes nothing.
        """
        self.path = self.folder / "b" / "a.db"
        with opened(str(self.path), readOnly=True) as database:
            database.execute("CREATE TABLE number (value)")
        self.assertEqual([], list(self.folder.iterdir()))

    def test_readOnly(self) -> None:
        """
        A private copy may be changed; the file and its folder stay.
        """
        self.fill()
        before = contents(self.folder)
        with opened(str(self.path), readOnly=True) as database:
            database.execute("INSERT INTO number VALUES (2)")
            self.assertEqual(before, contents(self.folder))
        self.assertEqual([1], self.numbers(readOnly=True))
        self.assertEqual(before, contents(self.folder))

    def test_readOnlyInUse(self) -> None:
        """
        A private copy of a database in use has the latest changes.
        """
        self.fill()
        with opened(str(self.path)) as database:
            database.execute("INSERT INTO number VALUES (2)")
            self.assertEqual([1, 2], self.numbers(readOnly=True))

    def test_oddName(self) -> None:
        """
        A name that means something in an address is only a name.
        """
        self.path = self.folder / "a?mode=rw#%20 \xe9 \udcff b.db"
        self.fill()
        self.assertEqual([1], self.numbers(readOnly=True))


class ExplainedTests(SynchronousTestCase):
    """
    SQLite's errors in the user's words.
    """

    def explain(self, error: sqlite3.Error) -> None:
        """
        Let SQLite fail.
        """
        with explained("/a.db"):
            raise error

    def test_codes(self) -> None:
        """
        Each grade of error has its own exit code.
        """
        for code, error in (
            (74, sqlite3.OperationalError("disk I/O error")),
            (74, sqlite3.OperationalError("database or disk is full")),
            (73, sqlite3.OperationalError("database is locked")),
            (65, sqlite3.DatabaseError("database disk image is malformed")),
            (65, sqlite3.OperationalError("no such column: stamp")),
            (65, sqlite3.OperationalError("no such table: pair")),
            (65, sqlite3.OperationalError("table pair has no column named stamp")),
            (65, sqlite3.OperationalError("table meta already exists")),
            (65, sqlite3.OperationalError("duplicate column name: reason")),
            (65, sqlite3.OperationalError("cannot modify meta because it is a view")),
        ):
            explanation = self.assertRaises(StateError, self.explain, error)
            self.assertEqual(code, explanation.code)
            self.assertIs(error, explanation.__cause__)
            self.assertIn("/a.db", str(explanation))

    def test_contradiction(self) -> None:
        """
        A change that contradicts the database is a bug, not the user's matter.
        """
        error = sqlite3.IntegrityError("UNIQUE constraint failed")
        self.assertRaises(ValueError, self.explain, error)
