"""
Tests for L{imapsync.plan.messages}: what is to be done about messages.
"""

from __future__ import annotations

from itertools import chain

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Pair, Side
from imapsync.plan.flags import Drift
from imapsync.plan.messages import Arrived, Gone, News, Policy, planned
from imapsync.plan.moves import Transfer
from imapsync.plan.operations import (
    AddPairs,
    Copy,
    HandOver,
    Keep,
    Leave,
    Operation,
    Postpone,
    Remove,
    SetFlags,
    Trash,
)
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side
NOTHING: frozenset[str] = frozenset()
SEEN = frozenset(["\\Seen"])
BOTH = SEEN | {"\\Flagged"}
TRASH = Trash("Trash", "INBOX.Trash")


def uids(text: str) -> UidSet:
    """
    A set of UIDs.
    """
    return UidSet.parse(text)


def told(news: News, policy: Policy | None = None) -> list[str]:
    """
    The plan in a dry run's words.
    """
    operations = planned(news, policy or Policy())
    said = chain.from_iterable(one.lines("A") for one in operations)
    return [f"{name}: {text}" for name, text in said]


class PlannedTests(SynchronousTestCase):
    """
    One portion of what was read.
    """

    def plan(self, news: News, policy: Policy | None = None) -> list[Operation]:
        """
        What to do.
        """
        return [*planned(news, policy or Policy())]

    def test_nothing(self) -> None:
        """
        Where there is no news, nothing is to be done.
        """
        self.assertEqual([], self.plan(News()))
        gone = {side: Gone(UidSet()) for side in Side}
        arrived = {side: Arrived(UidSet()) for side in Side}
        self.assertEqual([], self.plan(News(gone=gone, arrived=arrived)))

    def test_equal(self) -> None:
        """
        Equal messages become pairs, which agree on the flags that both have; both
        get those of either.
        """
        pair, other = Pair(1, 2, SEEN), Pair(3, 4, SEEN)
        add, flags = self.plan(News(equal=[(pair, SEEN), (other, NOTHING)]))
        expected = [pair, other._replace(flags=NOTHING)]
        self.assertEqual(AddPairs(expected), add)
        assert isinstance(flags, SetFlags)
        self.assertEqual({4: SEEN}, flags.plan.expected[REMOTE])
        self.assertEqual({}, flags.plan.expected[LOCAL])

    def test_foretold(self) -> None:
        """
        What a server has brought there by itself agrees on what was foretold: what
        differs from it was changed since.
        """
        pair = Pair(1, 2, NOTHING)
        foretold = {LOCAL: {1: SEEN}, REMOTE: {}}
        add, flags = self.plan(News(equal=[(pair, SEEN)], foretold=foretold))
        self.assertEqual(AddPairs([pair._replace(flags=SEEN)]), add)
        assert isinstance(flags, SetFlags)
        self.assertEqual({2: NOTHING}, flags.plan.expected[REMOTE])

    def test_copied(self) -> None:
        """
        What a copy of ours shows, that is found by its content, is its server's
        doing: it gets what the original has.
        """
        pair = Pair(1, 2, NOTHING)
        copied = {LOCAL: uids("1"), REMOTE: UidSet()}
        add, flags = self.plan(News(equal=[(pair, SEEN)], copied=copied))
        self.assertEqual(AddPairs([pair._replace(flags=SEEN)]), add)
        assert isinstance(flags, SetFlags)
        self.assertEqual({2: NOTHING}, flags.plan.expected[REMOTE])
        self.assertEqual({}, flags.plan.expected[LOCAL])

    def test_doubtful(self) -> None:
        """
        What may be on the other side after all is not copied, and named.
        """
        arrived = {LOCAL: Arrived(uids("3"), doubtful="who knows")}
        self.assertEqual(
            [Postpone(LOCAL, uids("3"), "who knows", tried=False)],
            self.plan(News(arrived=arrived)),
        )

    def test_drifts(self) -> None:
        """
        Flags are carried over.
        """
        drift = Drift(NOTHING, SEEN, NOTHING)
        news = News(drifts={drift: [(1, 2)]})
        self.assertEqual(["A: remote: +\\Seen on UID 2"], told(news))

    def test_gone(self) -> None:
        """
        What is gone from one side goes from the other, for good where there is no
        trash.
        """
        news = News(gone={LOCAL: Gone(uids("1:3")), REMOTE: Gone(uids("7"))})
        remove = Remove({}, {LOCAL: uids("1:3"), REMOTE: uids("7")}, UidSet())
        self.assertEqual([remove], self.plan(news))
        self.assertEqual(
            ["A: local: expunge UID 1:3", "A: remote: expunge UID 7"], told(news)
        )

    def test_trash(self) -> None:
        """
        Where there is one, only that goes for good whose like is elsewhere.
        """
        news = News(gone={LOCAL: Gone(uids("1:3"), uids("2"), TRASH)})
        self.assertEqual(
            ["A: local: move UID 1,3 to INBOX.Trash", "A: local: expunge UID 2"],
            told(news),
        )

    def test_goneOnBoth(self) -> None:
        """
        What is gone from both sides is only forgotten.
        """
        [remove] = self.plan(News(goneOnBoth=uids("4")))
        self.assertEqual(Remove({}, {}, uids("4")), remove)
        self.assertEqual([], [*remove.lines("A")])

    def test_readOnly(self) -> None:
        """
        Nothing is changed on a side that is only read.
        """
        news = News(
            gone={REMOTE: Gone(uids("1"))},
            arrived={LOCAL: Arrived(uids("5")), REMOTE: Arrived(uids("6"))},
        )
        policy = Policy(allowed={REMOTE: ()})
        kept = Keep(REMOTE, uids("1"))
        self.assertEqual([kept, Copy(REMOTE, uids("6"))], self.plan(news, policy))
        self.assertEqual([], [*kept.lines("A")])

    def test_order(self) -> None:
        """
        Messages are recognised before flags are set, flags are set before anything
        is removed, and that is done before anything is copied.
        """
        news = News(
            equal=[(Pair(1, 2, NOTHING), NOTHING)],
            drifts={Drift(NOTHING, SEEN, NOTHING): [(3, 4)]},
            gone={LOCAL: Gone(uids("5"))},
            arrived={LOCAL: Arrived(uids("6"))},
        )
        kinds = [type(operation) for operation in self.plan(news)]
        self.assertEqual([AddPairs, SetFlags, Remove, Copy], kinds)

    def test_copies(self) -> None:
        """
        What the server can copy by itself is handed over; what breaks connections
        is postponed, and what may do so goes by itself; what was refused before is
        asked about first.
        """
        twins = {4: Pair(9, 9, NOTHING)}
        transfer = Transfer(REMOTE, "B", "A", twins, gone=False)
        arrived = Arrived(
            uids("1:6"), [transfer], uids("2,6"), uids("3"), careful=uids("5:6")
        )
        self.assertEqual(
            [
                Postpone(
                    *(LOCAL, uids("3"), "not copied: the connection breaks over it"),
                    tried=False,
                ),
                HandOver([transfer]),
                Copy(LOCAL, uids("5:6"), singly=True, careful=True),
                Copy(LOCAL, uids("2"), singly=True),
                Copy(LOCAL, uids("1")),
            ],
            self.plan(News(arrived={LOCAL: arrived})),
        )
        self.assertIn(
            "B: copy UID 9 to A on remote", told(News(arrived={LOCAL: arrived}))
        )

    def test_refused(self) -> None:
        """
        What was refused a moment ago is not tried again, and named as it was then.
        """
        refused = {2: ("NO x", "TOOBIG"), 3: ("NO x", ""), 9: ("NO", "")}
        arrived = Arrived(uids("1:4"), refused=refused)
        self.assertEqual(
            [
                Postpone(LOCAL, uids("2"), "not copied: NO x", "TOOBIG", False),
                Postpone(LOCAL, uids("3"), "not copied: NO x", tried=False),
                Copy(LOCAL, uids("1,4")),
            ],
            self.plan(News(arrived={LOCAL: arrived})),
        )

    def test_obstacles(self) -> None:
        """
        Where nothing can be copied, all is left as it is, and said once.
        """
        for arrived, blame in (
            (Arrived(uids("1"), writable=False), REMOTE),
            (Arrived(uids("1"), proven=False), None),
        ):
            [leave] = self.plan(News(arrived={LOCAL: arrived}))
            assert isinstance(leave, Leave)
            self.assertEqual((LOCAL, blame), (leave.side, leave.blame))
