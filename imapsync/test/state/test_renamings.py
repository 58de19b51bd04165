"""
Tests for L{imapsync.state.renamings}.
"""

from __future__ import annotations

from imapsync.model import Side
from imapsync.test.fakes.databases import StateTestCase


class RenamingTests(StateTestCase):
    """
    Mailboxes that are about to be renamed.
    """

    def test_kept(self) -> None:
        """
        The latest name is kept for each, until that is over, or the mailbox is
        forgotten.
        """
        state, first = self.filled()
        with state.transaction():
            second = state.addMailbox("Other", True).id
            state.beginRenaming(Side.LOCAL, {first: "A", second: "B"})
            state.beginRenaming(Side.LOCAL, {first: "C"})
            state.beginRenaming(Side.REMOTE, {first: "D"})
        self.assertEqual({first: "C", second: "B"}, state.renamings(Side.LOCAL))
        with state.transaction():
            state.endRenaming(Side.LOCAL, [first])
        self.assertEqual({second: "B"}, state.renamings(Side.LOCAL))
        self.assertEqual({first: "D"}, state.renamings(Side.REMOTE))
        with state.transaction():
            state.removeMailbox(second)
        self.assertEqual({}, state.renamings(Side.LOCAL))
