"""
Tests for L{imapsync.state.doubts}.
"""

from __future__ import annotations

from imapsync.model import Doubt, Side
from imapsync.state.doubts import DAY, DoubtTable
from imapsync.test.fakes.databases import SEEN, StateTestCase
from imapsync.uidset import UidSet


class DoubtTests(StateTestCase):
    """
    APPENDs that were not answered.
    """

    def test_kept(self) -> None:
        """
        Each is kept, of the same message as well, with what is learned of it, until
        it is resolved.
        """
        state, mailbox = self.filled()
        with state.transaction():
            state.doubt(mailbox, Side.LOCAL, UidSet.parse("3:4"))
            state.doubt(mailbox, Side.LOCAL, UidSet.of([3]))
        doubts = state.doubts(mailbox, Side.LOCAL)
        self.assertEqual([3, 4, 3], [one.uid for one in doubts])
        self.assertEqual([], state.doubts(mailbox, Side.REMOTE))
        first, second, third = (one.id for one in doubts)
        with state.transaction():
            state.noteGiven({first: SEEN})
            state.noteCopies({second: 77})
            state.resolve([third])
        expected = [Doubt(first, 3, SEEN), Doubt(second, 4, copy=77)]
        self.assertEqual(expected, state.doubts(mailbox, Side.LOCAL))

    def test_renumbered(self) -> None:
        """
        UIDs that mean other messages are in no doubt.
        """
        state, mailbox = self.filled()
        with state.transaction():
            state.doubt(mailbox, Side.LOCAL, UidSet.of([3]))
            state.forgetPairs(mailbox)
        self.assertEqual([], state.doubts(mailbox, Side.LOCAL))

    def test_time(self) -> None:
        """
        They are kept for a day, and not longer because a clock was set back.
        """
        now = [1_000_000.0]
        self.patch(DoubtTable, "now", staticmethod(lambda: now[0]))
        state, mailbox = self.filled()
        for seconds, kept in (DAY, 1), (DAY + 1, 0), (-DAY, 1), (-DAY - 1, 0):
            with state.transaction():
                state.doubt(mailbox, Side.LOCAL, UidSet.of([3]))
            now[0] += seconds
            self.assertEqual(kept, len(state.doubts(mailbox, Side.LOCAL)))
            with state.transaction():
                state.forgetDoubts()
            [(count,)] = state._query("SELECT count(*) FROM doubt")
            self.assertEqual(kept, count)
            with state.transaction():
                state.resolve(one.id for one in state.doubts(mailbox, Side.LOCAL))
