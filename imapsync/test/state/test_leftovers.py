"""
Tests for L{imapsync.state.leftovers}.
"""

from __future__ import annotations

from imapsync.model import Flags, Side
from imapsync.test.fakes.databases import ALL, NONE, SEEN, StateTestCase
from imapsync.uidset import UidSet


class LeftoverTests(StateTestCase):
    """
    What is left to the next run.
    """

    def test_postponed(self) -> None:
        """
        What is postponed, on one side of one mailbox, stays so until it is
        settled.
        """
        state, mailbox = self.filled()
        with state.transaction():
            state.addMailbox("Other", True)
            state.postpone(mailbox, Side.LOCAL, UidSet.parse("2:4,9"))
            state.postpone(mailbox, Side.LOCAL, UidSet.parse("4:5"))
        self.assertEqual("2:5,9", str(state.postponed(mailbox, Side.LOCAL)))
        self.assertFalse(state.postponed(mailbox, Side.REMOTE))
        self.assertEqual([True, False], [known.retries for known in state.mailboxes()])
        with state.transaction():
            state.settle(mailbox, Side.REMOTE, ALL)
            state.settle(mailbox, Side.LOCAL, UidSet.parse("1:3"))
        self.assertEqual("4:5,9", str(state.postponed(mailbox, Side.LOCAL)))
        with state.transaction():
            state.settle(mailbox, Side.LOCAL, ALL)
        self.assertFalse(state.mailboxes()[0].retries)

    def test_foretold(self) -> None:
        """
        What is foretold of messages stays until it is forgotten, or UIDs mean
        other ones.
        """
        state, mailbox = self.filled()
        told: dict[int, Flags | None] = {1: SEEN, 2: NONE, 3: None}
        for renumbered in False, True:
            with state.transaction():
                state.foretell(mailbox, Side.LOCAL, {1: NONE})
                state.foretell(mailbox, Side.LOCAL, told)
            self.assertEqual(told, state.foretold(mailbox, Side.LOCAL))
            self.assertEqual({}, state.foretold(mailbox, Side.REMOTE))
            with state.transaction():
                if renumbered:
                    state.forgetPairs(mailbox)
                else:
                    state.forgetForetold(mailbox, Side.LOCAL)
            self.assertEqual({}, state.foretold(mailbox, Side.LOCAL))

    def test_copying(self) -> None:
        """
        Which messages are being copied stays until others are, or UIDs mean other
        ones.
        """
        state, mailbox = self.filled()
        for uids in UidSet.parse("1:3,7"), UidSet.of([2]), UidSet():
            with state.transaction():
                state.setCopying(mailbox, Side.LOCAL, UidSet.parse("1:9"))
                state.setCopying(mailbox, Side.LOCAL, uids)
            self.assertEqual(uids, state.copying(mailbox, Side.LOCAL))
            self.assertFalse(state.copying(mailbox, Side.REMOTE))
        for more, both in ("3:5", "3:5"), ("3:4,9", "3:5,9"), ("1:3", "1:5,9"):
            with state.transaction():
                state.addCopying(mailbox, Side.LOCAL, UidSet.parse(more))
            self.assertEqual(both, str(state.copying(mailbox, Side.LOCAL)))
        with state.transaction():
            state.setCopying(mailbox, Side.LOCAL, UidSet.parse("1:9"))
            state.forgetPairs(mailbox)
        self.assertFalse(state.copying(mailbox, Side.LOCAL))
