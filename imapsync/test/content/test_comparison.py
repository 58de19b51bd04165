"""
Tests for L{imapsync.content.comparison}.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from imapsync.content.comparison import Comparison, Difference, Found
from imapsync.errors import StateError
from imapsync.model import Flags, Side
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side
NONE: Flags = frozenset()
SEEN: Flags = frozenset(["\\Seen"])

#: Message after message: flags, date, key, Message-ID.
Messages = Iterable[tuple[Flags, int, bytes, bytes]]


class ComparisonCase(SynchronousTestCase):
    """
    A mailbox that is compared.
    """

    def setUp(self) -> None:
        """
        Begin.
        """
        self.comparison = Comparison()
        self.addCleanup(self.comparison.close)

    def add(
        self,
        side: Side,
        uid: int,
        key: bytes = b"k",
        flags: Flags = NONE,
        date: int = 1,
        name: bytes = b"",
        late: bool = False,
        size: int = 9,
    ) -> None:
        """
        There is a message.
        """
        found = Found(uid, size, date, flags)
        self.comparison.add(1, side, found, key, name, late)

    def differing(self) -> list[tuple[tuple[str, ...], int, int]]:
        """
        In what which messages differ; 0 for none.
        """
        self.comparison.settle(1)
        return [
            (
                each.differs,
                each.local.uid if each.local else 0,
                each.remote.uid if each.remote else 0,
            )
            for each in self.comparison.differences(1)
        ]


class MatchTests(ComparisonCase):
    """
    Which message is which.
    """

    def test_best(self) -> None:
        """
        Of equal ones, those with the same date and flags belong together, then those
        with the same date, then those with the same flags, then any.
        """
        for uid, flags, date in (1, SEEN, 1), (2, NONE, 1), (3, SEEN, 2), (4, NONE, 3):
            self.add(LOCAL, uid, flags=flags, date=date)
        for uid, flags, date in (5, NONE, 4), (6, SEEN, 1), (7, NONE, 2), (8, NONE, 1):
            self.add(REMOTE, uid, flags=flags, date=date)
        self.assertEqual([(("flags",), 3, 7), (("date",), 4, 5)], self.differing())

    def test_sameName(self) -> None:
        """
        What has the same Message-ID is the same message, if its content is not that of
        another.
        """
        self.add(LOCAL, 1, b"a", name=b"<1>")
        self.add(LOCAL, 2, b"b", name=b"<1>")
        self.add(REMOTE, 3, b"b", name=b"<1>")
        self.add(REMOTE, 4, b"c", name=b"<1>", size=10)
        self.assertEqual([(("size",), 1, 4)], self.differing())

    def test_nameless(self) -> None:
        """
        Messages without one are not.
        """
        self.add(LOCAL, 1, b"a")
        self.add(REMOTE, 1, b"b")
        self.assertEqual([(("missing",), 1, 0), (("missing",), 0, 1)], self.differing())

    def test_late(self) -> None:
        """
        What has just come is equal to what was there, or else to nothing yet; then it
        does not count.
        """
        self.add(LOCAL, 1, b"a")
        self.add(REMOTE, 5, b"a", SEEN, late=True)
        self.add(REMOTE, 6, b"b", late=True)
        self.add(LOCAL, 2, b"c")
        self.assertEqual([(("missing",), 2, 0)], self.differing())
        self.assertEqual(UidSet.of([5]), self.comparison.uids(1, REMOTE))

    def test_changes(self) -> None:
        """
        Messages may go, and flags change, before it is settled again.
        """
        self.add(LOCAL, 1, b"a")
        self.add(LOCAL, 2, b"b")
        self.add(REMOTE, 1, b"a", SEEN)
        self.assertEqual([(("flags",), 1, 1), (("missing",), 2, 0)], self.differing())
        self.comparison.flag(1, LOCAL, 1, SEEN)
        self.comparison.remove(1, LOCAL, UidSet.of([2, 7]))
        self.assertEqual([], self.differing())

    def test_apart(self) -> None:
        """
        Mailboxes have nothing to do with each other.
        """
        self.add(LOCAL, 1)
        self.comparison.add(2, REMOTE, Found(1, 9, 1, NONE), b"k", b"")
        self.assertEqual([(("missing",), 1, 0)], self.differing())
        self.comparison.forget(1)
        self.assertEqual([], self.differing())
        self.comparison.settle(2)
        [found] = self.comparison.differences(2)
        self.assertEqual(Difference(("missing",), None, Found(1, 9, 1, NONE)), found)

    def test_toldTwice(self) -> None:
        """
        A message that a server sends twice is one.
        """
        self.add(LOCAL, 1)
        self.add(LOCAL, 1)
        self.add(REMOTE, 1)
        self.assertEqual([], self.differing())

    def test_noRoom(self) -> None:
        """
        If there is no room for it, that is said.
        """
        database = self.comparison._scratch._database
        database.execute("PRAGMA max_page_count = 20")

        def fill() -> None:
            for uid in range(1, 10_000):
                self.add(LOCAL, uid)

        error = self.assertRaises(StateError, fill)
        self.assertIn("TMPDIR", str(error))


_MESSAGES = some.lists(
    some.tuples(
        some.sampled_from([NONE, SEEN, frozenset(["\\seen"]), frozenset(["a", "B"])]),
        some.integers(1, 2),
        some.sampled_from([b"a", b"b", b"c"]),
        some.sampled_from([b"", b"<1>", b"<2>"]),
    ),
    max_size=8,
)


class AnyTests(ComparisonCase):
    """
    Whatever there is.
    """

    @given(_MESSAGES, _MESSAGES)
    def test_any(self, ours: Messages, theirs: Messages) -> None:
        """
        Nothing differs if, and only if, both sides hold the same; so it is with
        digests.  Each message differs once at the most, and what is equal does not.
        """
        self.comparison.forget(1)
        held = {}
        for side, messages in (LOCAL, ours), (REMOTE, theirs):
            held[side] = Counter[tuple[frozenset[str], int, bytes]]()
            for uid, (flags, date, key, name) in enumerate(messages, 1):
                # Where a header is the same, so is the Message-ID in it.
                self.add(side, uid, key, flags, date, key if name else b"")
                held[side][frozenset(map(str.lower, flags)), date, key] += 1
        found = self.differing()
        self.assertEqual(held[LOCAL] != held[REMOTE], bool(found))
        tallies = [self.comparison.tally(1, side) for side in Side]
        self.assertEqual(held[LOCAL] == held[REMOTE], tallies[0] == tallies[1])
        for at, side in enumerate(Side, 1):
            uids = [one[at] for one in found if one[at]]
            self.assertEqual(len(uids), len(set(uids)))
            self.assertEqual((held[side] - held[side.other]).total(), len(uids))
