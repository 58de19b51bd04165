"""
Tests for L{imapsync.plan.places}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Flags
from imapsync.plan.places import EVERY, Expected, agree, placed
from imapsync.uidset import UidSet

UIDS = st.integers(1, 4)
FLAGS = st.frozensets(st.sampled_from(["\\Seen", "a", "A", "b"]), max_size=2)
MESSAGES = st.dictionaries(UIDS, FLAGS)
EITHER = st.sampled_from([frozenset[str](), frozenset(["B"])])


def folded(flags: Flags, ignored: Flags = frozenset()) -> set[str]:
    """
    Flags, regardless of case.
    """
    return {f.lower() for f in flags} - {f.lower() for f in ignored}


class AgreeTests(SynchronousTestCase):
    """
    Tests for L{agree}.
    """

    def agree(
        self,
        pairs: dict[int, Flags],
        messages: dict[int, Flags],
        ignored: Flags,
        uidnext: int,
        strays: int,
    ) -> bool:
        """
        Whether messages are as they are known.
        """
        agreed: dict[Flags, list[int]] = {}
        for uid, flags in pairs.items():
            agreed.setdefault(flags, []).append(uid)
        places = {
            flag: UidSet.of(u for u, f in messages.items() if flag in folded(f))
            for flag in ("\\seen", "a", "b")
        }
        expected = Expected(placed(agreed), ignored, uidnext, len(pairs) + strays)
        return agree(expected, {EVERY: UidSet.of(messages), **places})

    @given(MESSAGES, MESSAGES, EITHER, st.integers(1, 6), st.integers(0, 1))
    def test_agree(
        self,
        pairs: dict[int, Flags],
        messages: dict[int, Flags],
        ignored: Flags,
        uidnext: int,
        strays: int,
    ) -> None:
        """
        They do exactly if all that has a pair is there, with its flags, and so many are
        that have none, and are known to.
        """
        alone = messages.keys() - pairs.keys()
        same = (
            pairs.keys() <= messages.keys()
            and len(alone) == strays
            and all(uid < uidnext for uid in alone)
            and all(
                folded(flags, ignored) == folded(messages[uid], ignored)
                for uid, flags in pairs.items()
            )
        )
        told = self.agree(pairs, messages, ignored, uidnext, strays)
        self.assertEqual(same, told)

    @given(MESSAGES, EITHER)
    def test_same(self, messages: dict[int, Flags], ignored: Flags) -> None:
        """
        What is as it is known is.
        """
        self.assertTrue(self.agree(messages, messages, ignored, 9, 0))

    def test_unasked(self) -> None:
        """
        A flag that nobody looked for is not there.
        """
        expected = Expected(placed({frozenset(["x"]): [1]}), frozenset(), 9, 1)
        self.assertFalse(agree(expected, {EVERY: UidSet.of([1])}))
