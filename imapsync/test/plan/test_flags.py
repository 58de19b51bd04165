"""
Tests for L{imapsync.plan.flags}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Flags, Side
from imapsync.plan.flags import (
    Drift,
    FlagPlan,
    Store,
    common,
    joined,
    merged,
    on,
    planFlags,
    same,
    settled,
    without,
)
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side
NEVER: frozenset[Side] = frozenset()

#: The same flags in several spellings.
FLAGS = st.lists(
    st.sampled_from(["\\Seen", "\\Draft", "work", "Work", "WORK", "play", "Play"]),
    max_size=5,
).map(lambda flags: frozenset({flag.lower(): flag for flag in flags}.values()))

Shown = dict[Side, Flags]


def fold(flags: Flags) -> frozenset[str]:
    """
    Flags as they are compared.
    """
    return frozenset(flag.lower() for flag in flags)


def flags(text: str) -> Flags:
    """
    The flags in C{text}.
    """
    return frozenset(text.split())


class SetTests(SynchronousTestCase):
    """
    Sets of flags, which have no case.
    """

    @given(ours=FLAGS, theirs=FLAGS)
    def test_operators(self, ours: Flags, theirs: Flags) -> None:
        """
        They are as the operators of sets, but for case; spellings are kept.
        """
        a, b = fold(ours), fold(theirs)
        self.assertEqual(a == b, same(ours, theirs))
        self.assertEqual(a - b, fold(without(ours, theirs)))
        self.assertEqual(a & b, fold(common(ours, theirs)))
        self.assertEqual(a | b, fold(joined(ours, theirs)))
        self.assertLessEqual(common(ours, theirs), ours)
        self.assertLessEqual(without(ours, theirs), ours)
        self.assertLessEqual(ours, joined(ours, theirs))
        self.assertEqual(len(a | b), len(joined(ours, theirs)))

    @given(base=FLAGS, ours=FLAGS, theirs=FLAGS)
    def test_merged(self, base: Flags, ours: Flags, theirs: Flags) -> None:
        """
        Each flag that changed on either side takes its new value.
        """
        result = fold(merged(base, ours, theirs))
        for flag in fold(base | ours | theirs):
            before, here, there = (flag in fold(x) for x in (base, ours, theirs))
            self.assertEqual(here if here != before else there, flag in result)
        self.assertEqual(len(result), len(merged(base, ours, theirs)))

    @given(base=FLAGS, ours=FLAGS, theirs=FLAGS)
    def test_settled(self, base: Flags, ours: Flags, theirs: Flags) -> None:
        """
        What both sides show is agreed; where they differ, it stays as it was,
        so that whoever changed it still differs from it.
        """
        result = fold(settled(base, ours, theirs))
        for flag in fold(base | ours | theirs):
            before, here, there = (flag in fold(x) for x in (base, ours, theirs))
            self.assertEqual(here if here == there else before, flag in result)

    def test_examples(self) -> None:
        """
        The same in words.
        """
        self.assertEqual(flags("a"), merged(flags("b"), flags("a b"), flags("")))
        self.assertEqual(flags("Work"), merged(flags(""), flags("Work"), flags("work")))
        self.assertEqual(flags("x"), settled(flags("x"), flags("x y"), flags("")))


#: One message.
ONE = (1, 10)


def drift(base: Flags, shown: Shown, fresh: bool = False) -> Drift:
    """
    What has become of flags on which both sides agreed.
    """
    return Drift(base, shown[LOCAL], shown[REMOTE], fresh)


def moved(one: Drift) -> bool:
    """
    Whether there is anything to be carried.
    """
    shown = map(one.shows, Side)
    return one.fresh or not all(same(one.agreed, now) for now in shown)


def planned(one: Drift, merge: bool, readOnly: frozenset[Side] = NEVER) -> FlagPlan:
    """
    What is to be done for one message.
    """
    return planFlags({one: [ONE]}, merge, readOnly)


def perform(plan: FlagPlan, shown: Shown) -> Shown:
    """
    What both sides show once they have done what was planned.
    """
    after = dict(shown)
    for store in plan.stores:
        if on(store.side, [ONE])[0] in store.uids:
            one = frozenset([store.flag])
            now = without(after[store.side], one)
            after[store.side] = now | one if store.sign == "+" else now
    return after


class PlanTests(SynchronousTestCase):
    """
    What is to be stored.
    """

    @given(
        base=FLAGS, ours=FLAGS, theirs=FLAGS, merge=st.booleans(), fresh=st.booleans()
    )
    def test_converges(
        self, base: Flags, ours: Flags, theirs: Flags, merge: bool, fresh: bool
    ) -> None:
        """
        Once done, both sides show the same, as expected; and there is nothing
        left to do.
        """
        shown = {LOCAL: ours, REMOTE: theirs}
        one = drift(base, shown, fresh)
        if not moved(one):
            return
        plan = planned(one, merge)
        after = perform(plan, shown)
        self.assertTrue(same(after[LOCAL], after[REMOTE]))
        for side in Side:
            [uid] = on(side, [ONE])
            expected = plan.expected[side].get(uid, shown[side])
            self.assertTrue(same(expected, after[side]))
        agreed = settled(base, after[LOCAL], after[REMOTE])
        again = drift(agreed, after)
        self.assertFalse(moved(again))
        self.assertEqual([], planned(again, merge).stores)

    @given(base=FLAGS, ours=FLAGS, theirs=FLAGS, merge=st.booleans())
    def test_onlyWhatChanged(
        self, base: Flags, ours: Flags, theirs: Flags, merge: bool
    ) -> None:
        """
        A flag that neither side changed is never touched.
        """
        one = drift(base, {LOCAL: ours, REMOTE: theirs})
        changed = fold(ours) ^ fold(base) | fold(theirs) ^ fold(base)
        for store in planned(one, merge).stores:
            self.assertIn(store.flag.lower(), changed)

    @given(
        base=FLAGS, ours=FLAGS, theirs=FLAGS, merge=st.booleans(), fresh=st.booleans()
    )
    def test_readOnly(
        self, base: Flags, ours: Flags, theirs: Flags, merge: bool, fresh: bool
    ) -> None:
        """
        A side that is read-only is not written; what it changed is carried,
        and what only the other side changed stays there.
        """
        if fresh:
            base = common(ours, theirs)
        shown = {LOCAL: ours, REMOTE: theirs}
        one = drift(base, shown, fresh)
        plan = planned(one, merge, frozenset([REMOTE]))
        self.assertEqual({}, plan.expected[REMOTE])
        after = perform(plan, shown)
        self.assertEqual(theirs, after[REMOTE])
        for flag in fold(base | ours | theirs):
            before, here, there = (flag in fold(x) for x in (base, ours, theirs))
            wanted = there if there != before else here
            self.assertEqual(wanted, flag in fold(after[LOCAL]))

    def test_union(self) -> None:
        """
        Flags that changed on both sides are joined, which is a conflict; not
        so if they became the same, or were never agreed on.
        """
        shown = {LOCAL: flags("a"), REMOTE: flags("b")}
        one = drift(flags("c"), shown)
        plan = planned(one, False)
        self.assertEqual([ONE], plan.conflicts)
        self.assertEqual(
            [
                Store(LOCAL, "+", "b", UidSet.of([1])),
                Store(REMOTE, "+", "a", UidSet.of([10])),
            ],
            plan.stores,
        )
        equal = drift(flags("c"), {LOCAL: flags("a"), REMOTE: flags("A")})
        self.assertEqual([], planned(equal, False).conflicts)
        fresh = one._replace(fresh=True)
        self.assertEqual([], planned(fresh, False).conflicts)

    def test_mergeIsNoConflict(self) -> None:
        """
        Nor if they are to be merged one by one.
        """
        one = drift(flags("c"), {LOCAL: flags("a"), REMOTE: flags("b")})
        plan = planned(one, True)
        self.assertEqual([], plan.conflicts)
        self.assertEqual({1: flags("a b")}, plan.expected[LOCAL])

    def test_noConflictWithReadOnly(self) -> None:
        """
        Nor if one side is never written.
        """
        one = drift(flags("c"), {LOCAL: flags("a"), REMOTE: flags("b")})
        self.assertEqual([], planned(one, False, frozenset([LOCAL])).conflicts)

    def test_oneStoreForMany(self) -> None:
        """
        There is one command for each flag, whatever the number of messages
        and of combinations.
        """
        many = {
            Drift(flags(""), flags(text), flags("")): [
                (n, n + 100) for n in range(start, 51, 2)
            ]
            for start, text in ((1, "a b"), (2, "a"))
        }
        plan = planFlags(many, False, NEVER)
        self.assertEqual(
            [
                Store(REMOTE, "+", "a", UidSet.of(range(101, 151))),
                Store(REMOTE, "+", "b", UidSet.of(range(101, 151, 2))),
            ],
            plan.stores,
        )
