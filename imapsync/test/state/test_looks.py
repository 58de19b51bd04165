"""
Tests for L{imapsync.state.looks}.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from twisted.internet.task import Clock

from imapsync.errors import StateError
from imapsync.model import Mark, Pair, Side, Trouble
from imapsync.state.store import Store
from imapsync.test.fakes.databases import NONE, StateTestCase
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side

#: What is left to the next run.
LEFT: tuple[Callable[[Store, int], object], ...] = (
    lambda state, box: state.postpone(box, LOCAL, UidSet.of([1])),
    lambda state, box: state.foretell(box, LOCAL, {1: None}),
    lambda state, box: state.addCopying(box, REMOTE, UidSet.of([1])),
    lambda state, box: state.doubt(box, REMOTE, UidSet.of([1])),
    lambda state, box: state.beginRenaming(LOCAL, {box: "New"}),
    lambda state, box: state.noteTroubles([Trouble("New", "no such name")]),
    lambda state, box: state.setStrays(box, LOCAL, 1),
    lambda state, box: state.setStrays(box, REMOTE, -1),
)


class LookTests(StateTestCase):
    """
    What was seen.
    """

    def seen(self) -> tuple[Store, int]:
        """
        Open the database; a run has ended clean.
        """
        state, mailbox = self.filled(Pair(1, 2, NONE))
        state.proveWritable()
        with state.transaction():
            state.setMark(mailbox, LOCAL, Mark(7, 8, 9))
            state.noteCleanLook(b"seen")
        return state, mailbox

    def test_kept(self) -> None:
        """
        It is there for the next run, which can look at it without changing anything.
        """
        state = self.opened()
        self.assertEqual(b"", state.cleanLook)
        state.close()
        self.path.unlink()
        self.seen()[0].close()
        for readOnly in True, False, False:
            with closing(self.opened(readOnly=readOnly)) as state:
                self.assertEqual(b"seen", state.cleanLook)

    def test_forgotten(self) -> None:
        """
        It is forgotten, for good, when a run begins that may write, though that is
        killed at once.
        """
        state, _ = self.seen()
        state.proveWritable()
        self.assertEqual(b"", state.cleanLook)
        copy = self.path.with_name("copy.db")
        shutil.copyfile(self.path, copy)  # without the journal
        with closing(Store.open(str(copy))) as state:
            self.assertEqual(b"", state.cleanLook)

    def test_left(self) -> None:
        """
        It is not kept where anything is left to the next run.
        """
        for leave in LEFT:
            self.path = Path(self.mktemp()).absolute() / "a.db"
            state, mailbox = self.filled()
            with state.transaction():
                leave(state, mailbox)
                state.noteCleanLook(b"seen")
            self.assertEqual(b"", state.cleanLook)

    def test_stillEqual(self) -> None:
        """
        A run that need not be done leaves it, and is noted as one that was.
        """
        clock = Clock()
        self.patch(Store, "clock", staticmethod(clock.seconds))
        state, _ = self.seen()
        clock.advance(1000)
        before = [*state._one("SELECT runs FROM meta")]
        state.stillEqual()
        self.assertEqual(b"seen", state.cleanLook)
        self.assertEqual(0, state.sinceSynced())
        self.assertEqual([before[0] + 1], [*state._one("SELECT runs FROM meta")])

    def test_full(self) -> None:
        """
        It shows then as well that the disk is full.
        """
        self.seen()[0].close()
        state = self.opened()
        self.limit(1000)
        self.assertRaises(StateError, state.stillEqual)

    def test_flushed(self) -> None:
        """
        What was noted can be brought to the disk before the end, if that takes it;
        else that turns out when there is more to note.
        """
        state, mailbox = self.seen()
        with state.transaction():
            state.setMark(mailbox, LOCAL, Mark(7, 80, 90))
        address = f"file:{self.path}?immutable=1"

        def marked() -> bool:
            with closing(sqlite3.connect(address, uri=True)) as database:
                rows = database.execute("SELECT * FROM mailbox").fetchall()
            return any(80 in row for row in rows)

        self.assertFalse(marked())
        state.flush()
        self.assertTrue(marked())
        state.close()
        state.flush()

    def test_restored(self) -> None:
        """
        In a database that is restored are what was seen and the marks of one moment.
        """
        state, mailbox = self.seen()
        state.close()
        copy = self.path.read_bytes()
        state = self.opened()
        state.proveWritable()
        with state.transaction():
            state.setMark(mailbox, LOCAL, Mark(7, 80, 90))
            state.noteCleanLook(b"other")
        state.close()
        self.path.write_bytes(copy)
        state = self.opened()
        [known] = state.mailboxes()
        self.assertEqual(
            (b"seen", Mark(7, 8, 9)), (state.cleanLook, known.marks[LOCAL])
        )

    def test_damaged(self) -> None:
        """
        What is no octets was not seen.
        """
        state, _ = self.seen()
        state._query("UPDATE meta SET clean_look = 'seen'")
        self.assertEqual(b"", state.cleanLook)
        state.scrub()
        self.assertEqual([(b"",)], state._query("SELECT clean_look FROM meta"))
