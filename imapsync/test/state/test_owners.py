"""
Tests for L{imapsync.state.owners}.
"""

from __future__ import annotations

from imapsync.model import Owner, Pair, Side
from imapsync.test.fakes.databases import SEEN, StateTestCase


class OwnerTests(StateTestCase):
    """
    Whose the database is.
    """

    def test_reference(self) -> None:
        """
        All is forgotten when other mailboxes are meant; but not by what was
        stored before references were.
        """
        state, _ = self.filled(Pair(1, 2, SEEN))
        noted = []
        for reference in ("", "", "A/"):
            with state.transaction():
                noted.append(state.noteReference(Side.LOCAL, reference))
                noted.append(state.noteReference(Side.REMOTE, "B/"))
            noted.append(state.totalPairs() == 1)
        self.assertEqual([False, False, True] * 2 + [True, False, False], noted)

    def test_owners(self) -> None:
        """
        Whose it is, is known once it was noted.
        """
        state = self.opened()
        self.assertEqual({}, state.owners())
        ours, theirs = Owner("me@a"), Owner("tunnel x", 9, "hello")
        with state.transaction():
            state.noteOwner(Side.LOCAL, ours)
            state.noteOwner(Side.REMOTE, ours)
            state.noteOwner(Side.REMOTE, theirs)
        self.assertEqual({Side.LOCAL: ours, Side.REMOTE: theirs}, state.owners())
