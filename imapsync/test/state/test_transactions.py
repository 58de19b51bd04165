"""
Tests for L{imapsync.state.transactions}.
"""

from __future__ import annotations

from imapsync.errors import StateDamaged, StateError
from imapsync.model import EVERYTHING, Pair, Side
from imapsync.state.store import Store
from imapsync.test.fakes.databases import ALL, NONE, SEEN, Killed, StateTestCase, die
from imapsync.uidset import UidSet


class MortalState(Store):
    """
    A database whose process ends at a commit.
    """

    before = after = False

    def _commit(self) -> None:
        if self.before:
            die()
        super()._commit()
        if self.after:
            die()


class TransactionTests(StateTestCase):
    """
    All or nothing.
    """

    def test_notUndone(self) -> None:
        """
        Where the disk fails so that nothing can be taken back either, the first
        reason is what is told, nothing that was not written is believed, and the
        file is let go of.
        """
        state, mailbox = self.filled(Pair(1, 1, NONE))
        before = state.mailboxes()
        with self.assertRaises(Killed), state.transaction():
            state.addPairs(mailbox, [Pair(2, 2, SEEN)])
            self.assertNotEqual(before, state.mailboxes())
            state._database.set_progress_handler(lambda: 1, 1)
            die()
        state._database.set_progress_handler(None, 1)
        self.assertRaises(StateError, state.transaction().__enter__)
        state.close()
        state = self.opened()
        self.assertEqual(before, state.mailboxes())
        self.assertEqual(UidSet.of([1]), state.paired(mailbox, Side.LOCAL))

    def test_lineMissing(self) -> None:
        """
        A database without a line that every sound one has is damaged.
        """
        state, mailbox = self.filled(Pair(1, 1, SEEN))
        state._query("PRAGMA foreign_keys = OFF")
        with state.transaction():
            state._query("DELETE FROM flags")
            state._query("DELETE FROM meta")
        state.close()
        state = self.opened()
        with self.assertRaises(StateDamaged):
            list(state.pairs(mailbox, Side.LOCAL, ALL))
        with self.assertRaises(StateDamaged), state.transaction():
            state.noteAllowed(dict.fromkeys(Side, EVERYTHING))
        with self.assertRaises(StateDamaged), state.transaction():
            state.noteReference(Side.LOCAL, "")

    def test_outside(self) -> None:
        """
        A change outside of a transaction is a bug.
        """
        state, mailbox = self.filled()
        self.assertRaises(RuntimeError, state.setSubscribed, mailbox, False)

    def test_undone(self) -> None:
        """
        An exception undoes the changes, and the flags first met in them are
        not taken for known.
        """
        state, mailbox = self.filled()
        with self.assertRaises(Killed), state.transaction():
            state.addPairs(mailbox, [Pair(1, 1, SEEN)])
            list(state.pairs(mailbox, Side.LOCAL, ALL))
            die()
        with state.transaction():
            state.addPairs(mailbox, [Pair(1, 1, NONE), Pair(2, 2, SEEN)])
        self.assertEqual(
            [Pair(1, 1, NONE), Pair(2, 2, SEEN)],
            list(state.pairs(mailbox, Side.LOCAL, ALL)),
        )
        self.assertEqual(2, state.totalPairs())

    def test_mortal(self) -> None:
        """
        Killed before a commit it is as if nothing was written; killed after
        it, everything was.
        """
        for before, expected in (True, 0), (False, 1):
            state = self.opened(MortalState)
            assert isinstance(state, MortalState)
            state.before, state.after = before, not before
            with self.assertRaises(Killed), state.transaction():
                state.addMailbox("INBOX", True)
            state.close()
            state = self.opened()
            self.assertEqual(expected, len(state.mailboxes()))
            state.close()
