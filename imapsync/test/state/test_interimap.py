"""
Tests for L{imapsync.state.interimap}.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import (
    ImapSyncError,
    NotFound,
    StateDamaged,
    StateError,
    StateUnavailable,
)
from imapsync.model import Mark, Side
from imapsync.state import interimap
from imapsync.state.interimap import Foreign
from imapsync.state.store import Store
from imapsync.test.fakes.interimap import Box, made

_MARKS = {Side.LOCAL: Mark(3, 40, 500), Side.REMOTE: Mark(4, 1040, 1)}

_INBOX = Box("INBOX", _MARKS, [(7, 1001), (8, 1003), (9, 1002)])


class ForeignTests(SynchronousTestCase):
    """
    What interimap knew.
    """

    def setUp(self) -> None:
        """
        Name a file.
        """
        self.path = self.mktemp()

    def execute(self, *statements: str) -> None:
        """
        Change the database.
        """
        with closing(sqlite3.connect(self.path)) as database, database:
            for statement in statements:
                database.execute(statement)

    def refused(self, kind: type[ImapSyncError], *words: str) -> None:
        """
        It cannot be read, and that is told in words.
        """
        with self.assertRaises(kind) as raised, interimap.opened(self.path) as foreign:
            for one in foreign.mailboxes():
                [*foreign.pairs(one.id, 2)]
        self.assertIs(kind, type(raised.exception))
        for word in (self.path, *words):
            self.assertIn(word, str(raised.exception))

    def names(self, separator: str, reference: str = "") -> Sequence[str]:
        """
        What a server with that separator calls the mailboxes.
        """
        with interimap.opened(self.path) as foreign:
            return [b.spelled(separator, reference) for b in foreign.mailboxes()]

    def test_mailboxes(self) -> None:
        """
        Mailboxes, with their marks and pairs.
        """
        work = Box("Work/Été", {}, subscribed=False)
        made(self.path, [_INBOX, work])
        with interimap.opened(self.path) as foreign:
            first, second = foreign.mailboxes()
            pairs = [*foreign.pairs(first.id, 2)]
            none = [*foreign.pairs(second.id, 2)]
        self.assertEqual(("INBOX", True, _MARKS), first[1:])
        self.assertEqual(("Work\0Été", False, {}), second[1:])
        self.assertEqual([[(7, 1001), (8, 1003)], [(9, 1002)]], pairs)
        self.assertEqual([], none)

    def test_names(self) -> None:
        """
        Each server has its own separator, and its own reference.
        """
        made(self.path, [Box("Work/Deep/R&D", _MARKS)])
        self.assertEqual(["Work.Deep.R&D"], self.names("."))
        self.assertEqual(["mine/Work/Deep/R&D"], self.names("/", "mine/"))

    def test_older(self) -> None:
        """
        The tables of before have names as the servers have them.
        """
        made(self.path, [Box("Work.Été", _MARKS)], version=0)
        self.assertEqual(["Work.Été"], self.names("."))

    def test_untouched(self) -> None:
        """
        It is not written, nor is anything put beside it.
        """
        made(self.path, [_INBOX])
        before = Path(self.path).read_bytes()
        with interimap.opened(self.path) as foreign:
            foreign.mailboxes()
        self.assertEqual(before, Path(self.path).read_bytes())
        beside = [p.name for p in Path(self.path).parent.iterdir()]
        self.assertEqual([Path(self.path).name], beside)

    def test_missing(self) -> None:
        """
        There is none.
        """
        self.refused(NotFound, "No such file", "~/.local/share/interimap")

    def test_directory(self) -> None:
        """
        It is a directory.
        """
        Path(self.path).mkdir()
        self.refused(NotFound, "Is a directory")

    def test_other(self) -> None:
        """
        Another kind of file, another program's database, and one of ours.
        """
        for content in (b"", b"SQLite format 2", b"SQLite format 3\0" + bytes(90)):
            Path(self.path).write_bytes(content)
            kind = StateDamaged
            self.refused(kind)
        Path(self.path).unlink()
        self.execute("CREATE TABLE mapping (idx INTEGER)")
        self.refused(StateDamaged, "no database of interimap", "HOST.db")
        self.path = self.mktemp()
        Store.open(self.path).close()
        self.refused(StateDamaged, "no database of interimap")

    def test_columns(self) -> None:
        """
        Tables of the same names, and other columns.
        """
        made(self.path, [])
        self.execute("ALTER TABLE mailboxes RENAME mailbox TO name")
        self.refused(StateDamaged, "no database of interimap")

    def test_newer(self) -> None:
        """
        Of a version that is not known.
        """
        made(self.path, [], version=2)
        self.refused(StateDamaged, "newer interimap", "version 2")

    def test_running(self) -> None:
        """
        Interimap is using it.
        """
        self.patch(interimap, "PATIENCE", 0.0)
        made(self.path, [_INBOX])
        with closing(sqlite3.connect(self.path, isolation_level=None)) as database:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM mailboxes").fetchall()
            self.refused(StateUnavailable, "in use by interimap")

    def test_excludes(self) -> None:
        """
        Interimap cannot use it meanwhile.
        """
        made(self.path, [_INBOX])
        with (
            interimap.opened(self.path),
            closing(sqlite3.connect(self.path, 0.0)) as database,
        ):
            query = "SELECT count(*) FROM mailboxes"
            self.assertRaises(sqlite3.OperationalError, database.execute, query)

    def test_damaged(self) -> None:
        """
        Numbers that are none.
        """
        made(self.path, [_INBOX])
        for statement in (
            "UPDATE local SET UIDNEXT = 4294967297",
            "UPDATE local SET UIDNEXT = 40, HIGHESTMODSEQ = -1",
            "UPDATE local SET HIGHESTMODSEQ = 'many'",
        ):
            self.execute(statement)
            self.refused(StateDamaged, "--repair")
        self.execute(
            "UPDATE local SET HIGHESTMODSEQ = 5",
            "UPDATE mapping SET lUID = 4294967296 WHERE lUID = 9",
        )
        self.refused(StateDamaged, "4294967296")

    def test_readOnly(self) -> None:
        """
        One that cannot be written can be read.
        """
        made(self.path, [_INBOX])
        self.patch(interimap, "_MODES", ("ro",))
        self.assertEqual(["INBOX"], self.names("/"))

    def test_journal(self) -> None:
        """
        It cannot be read where SQLite would have to write beside it: then a copy can.
        """

        def fail(_: str) -> sqlite3.Connection:
            raise sqlite3.OperationalError("attempt to write a readonly database")

        made(self.path, [_INBOX])
        self.patch(interimap, "_connected", fail)
        self.refused(StateError, "readonly", "copy it elsewhere")

    def test_failing(self) -> None:
        """
        What goes wrong otherwise is told as it is.
        """
        made(self.path, [_INBOX])
        with closing(sqlite3.connect(self.path)) as database:
            foreign = Foreign(self.path, database)
            database.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
            error = self.assertRaises(StateError, foreign.mailboxes)
        self.assertIn("failed" if type(error) is StateError else "damaged", str(error))
