"""
Tests for L{imapsync.state.shortfalls}.
"""

from __future__ import annotations

from imapsync.model import Pair, Side
from imapsync.test.fakes.databases import StateTestCase
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side


class ShortfallTests(StateTestCase):
    """
    What servers fall short of.
    """

    def test_sent(self) -> None:
        """
        The latest counts.
        """
        state, first = self.filled()
        self.assertEqual(0, state.sentFrom(first, LOCAL))
        with state.transaction():
            state.noteSent(first, LOCAL, 5)
            state.noteSent(first, LOCAL, 7)
        self.assertEqual(7, state.sentFrom(first, LOCAL))
        self.assertEqual(0, state.sentFrom(first, REMOTE))

    def test_spared(self) -> None:
        """
        They are those of one UIDVALIDITY.
        """
        state, first = self.filled()
        with state.transaction():
            state.spare(first, LOCAL, 7, UidSet.of([3, 4]))
            state.spare(first, LOCAL, 7, UidSet.of([4, 9]))
        self.assertEqual(UidSet.of([3, 4, 9]), state.spared(first, LOCAL, 7))
        self.assertEqual(UidSet(), state.spared(first, LOCAL, 8))
        with state.transaction():
            state.spareNoMore(first, LOCAL)
        self.assertEqual(UidSet(), state.spared(first, LOCAL, 7))

    def test_bins(self) -> None:
        """
        More may be moved to one.
        """
        state, _ = self.filled()
        with state.transaction():
            state.noteBin(LOCAL, "x", 2)
            state.noteBin(LOCAL, "x", 3)
        self.assertEqual({"x": 5}, state.bins(LOCAL))
        with state.transaction():
            state.forgetBin(LOCAL, "x")
        self.assertEqual({}, state.bins(LOCAL))

    def test_unkept(self) -> None:
        """
        Flags of a mailbox, or of any.
        """
        state, first = self.filled()
        with state.transaction():
            second = state.addMailbox("Other", True).id
            state.noteUnkept(first, LOCAL, ["a", "b"])
            state.noteUnkept(second, LOCAL, ["b", "c"])
            state.noteKept(first, LOCAL, ["a"])
        self.assertEqual({"b"}, state.unkeptFlags(LOCAL, first))
        self.assertEqual({"b", "c"}, state.unkeptFlags(LOCAL))
        self.assertEqual(frozenset(), state.unkeptFlags(REMOTE))

    def test_folded(self) -> None:
        """
        One is folded into a pair as long as that is there.
        """
        state, first = self.filled()
        with state.transaction():
            state.addPairs(first, [Pair(1001, 1002, frozenset())])
            state.fold(first, LOCAL, {2001: 1001})
        self.assertEqual(UidSet.of([2001]), state.folded(first, LOCAL))
        self.assertEqual(UidSet(), state.unfolded(first, LOCAL))
        with state.transaction():
            state.removePairs(first, REMOTE, UidSet.of([1002]))
        self.assertEqual(UidSet.of([2001]), state.unfolded(first, LOCAL))
        with state.transaction():
            state.foldNoMore(first, LOCAL, UidSet.of([2001]))
        self.assertEqual(UidSet(), state.folded(first, LOCAL))

    def test_sizes(self) -> None:
        """
        Where they are estimates, what pairs are recognised by is forgotten.
        """
        state, first = self.filled()
        self.assertIsNone(state.sizesExact(LOCAL))
        with state.transaction():
            state.addPairs(first, [Pair(1001, 1002, frozenset(), b"k" * 16, 9, 8)])
            state.noteSizes(LOCAL, True)
        uids = UidSet.of([1001])
        [pair] = state.pairs(first, LOCAL, uids)
        self.assertEqual(b"k" * 16, pair.key)
        with state.transaction():
            state.noteSizes(LOCAL, False)
        self.assertIs(False, state.sizesExact(LOCAL))
        self.assertEqual(
            [Pair(1001, 1002, frozenset())], [*state.pairs(first, LOCAL, uids)]
        )
        self.assertEqual([], state.stamped(8))
