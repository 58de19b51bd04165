"""
Tests for L{imapsync.uidset}.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.uidset import MAXIMUM, UidSet, UidSetBuilder, parsed

#: Few enough to touch and to overlap often.
SMALL = st.frozensets(st.integers(1, 40))
UIDS = st.integers(1, MAXIMUM)
RANGES = st.lists(st.tuples(UIDS, UIDS).map(lambda pair: (min(pair), max(pair))))


def normal(uids: UidSet) -> bool:
    """
    Whether the ranges ascend and do not touch.
    """
    ends = [0, *(end for pair in uids.ranges for end in pair)]
    gaps = zip(ends[::2], ends[1::2], strict=False)
    return ends == sorted(ends) and all(
        first > last + 1 or not last for last, first in gaps
    )


class EqualityTests(SynchronousTestCase):
    """
    It is a value.
    """

    def test_equal(self) -> None:
        """
        Sets of the same UIDs are one key; nothing else is equal to them.
        """
        one, other = UidSet.of([1, 2, 5]), UidSet.parse("5,1:2")
        self.assertEqual(one, other)
        self.assertEqual({one}, {other})
        self.assertNotEqual(one, UidSet.of([1, 2]))
        self.assertNotEqual(one, one.ranges)

    def test_repr(self) -> None:
        """
        It is shown as it is written in Python.
        """
        self.assertEqual("UidSet(((1, 2), (5, 5)))", repr(UidSet.of([1, 2, 5])))


class AlgebraTests(SynchronousTestCase):
    """
    It is what a set of Python is.
    """

    @given(ours=SMALL, theirs=SMALL)
    def test_operators(self, ours: frozenset[int], theirs: frozenset[int]) -> None:
        """
        Union, intersection and difference.
        """
        a, b = UidSet.of(ours), UidSet.of(theirs)
        for result, expected in (
            (a | b, ours | theirs),
            (a & b, ours & theirs),
            (a - b, ours - theirs),
        ):
            self.assertEqual(sorted(expected), list(result))
            self.assertEqual(UidSet.of(expected), result)
            self.assertTrue(normal(result))

    @given(uids=SMALL)
    def test_queries(self, uids: frozenset[int]) -> None:
        """
        Length, truth and membership.
        """
        these = UidSet.of(uids)
        self.assertEqual(len(uids), len(these))
        self.assertEqual(bool(uids), bool(these))
        for uid in range(43):
            self.assertEqual(uid in uids, uid in these)
            self.assertEqual({uid, uid + 1} <= uids, these.covers(uid, uid + 1))

    @given(ranges=RANGES, more=RANGES)
    def test_anyRanges(
        self, ranges: list[tuple[int, int]], more: list[tuple[int, int]]
    ) -> None:
        """
        Ranges of any size: nothing is ever counted one by one.
        """
        a, b = UidSet.ofRanges(ranges), UidSet.ofRanges(more)
        both = a & b
        self.assertEqual(len(a) + len(b), len(a | b) + len(both))
        self.assertEqual(a, (a - b) | both)
        self.assertFalse((a - b) & b)
        for result in (a, b, a | b, both, a - b):
            self.assertTrue(normal(result))
        for first, last in ranges:
            self.assertIn(first, a)
            self.assertIn(last, a)

    @given(uids=st.lists(st.integers(1, 30)), rest=SMALL)
    def test_builder(self, uids: list[int], rest: frozenset[int]) -> None:
        """
        A builder takes UIDs in any order, more than once, and whole sets.
        """
        builder = UidSetBuilder()
        for uid in uids:
            builder.add(uid)
        builder.update(UidSet.of(rest))
        self.assertEqual(UidSet.of({*uids, *rest}), builder.build())

    def test_builderIsFrugal(self) -> None:
        """
        Ascending UIDs are one range, as are sets that touch.
        """
        builder = UidSetBuilder()
        for uid in range(1, 1000):
            builder.add(uid)
        self.assertEqual(((1, 999),), builder.build().ranges)

    def test_hashable(self) -> None:
        """
        Equal sets are equal, however they came about.
        """
        self.assertEqual(1, len({UidSet.parse("1:3"), UidSet.of([3, 2, 1])}))


class TextTests(SynchronousTestCase):
    """
    Sets as IMAP writes them.
    """

    @given(ranges=RANGES.filter(bool))
    def test_roundTrip(self, ranges: list[tuple[int, int]]) -> None:
        """
        What is printed reads as the same set.
        """
        uids = UidSet.ofRanges(ranges)
        self.assertEqual(uids, UidSet.parse(str(uids)))
        self.assertEqual(uids, UidSet.parse(str(uids).encode()))

    def test_parse(self) -> None:
        """
        Ranges may be written backwards, overlap, and have one UID.
        """
        self.assertEqual("1:5,7", str(UidSet.parse("4:2,1,7:7,5,3:4")))

    def test_order(self) -> None:
        """
        Where their order means something, ranges are read in that order.
        """
        self.assertEqual([(7, 9), (1, 1), (3, 4)], parsed(b"7:9,1,4:3"))

    def test_nonsense(self) -> None:
        """
        What is no set of UIDs is refused.
        """
        for text in (
            "",
            ",",
            "1,",
            "0",
            "1:0",
            "*",
            "1:*",
            "-1",
            "1 2",
            "1\n",
            "4294967296",
            "1:99999999999",
            "x",
            "1::2",
            "1:2:3",
            "\u0661",
        ):
            self.assertRaises(ValueError, UidSet.parse, text)
            self.assertRaises(ValueError, UidSet.parse, text.encode())

    @given(text=st.binary(max_size=20))
    def test_anyBytes(self, text: bytes) -> None:
        """
        Whatever a server sends, it is a set or a C{ValueError}.
        """
        try:
            uids = UidSet.parse(text)
        except ValueError:
            return
        self.assertTrue(uids)
        self.assertTrue(normal(uids))

    @given(uids=st.frozensets(st.integers(1, 3000)), octets=st.integers(10, 200))
    @settings(max_examples=50)
    def test_printed(self, uids: frozenset[int], octets: int) -> None:
        """
        A set is cut into texts that are short enough and together are all.
        """
        these = UidSet.of(uids)
        texts = list(these.printed(octets))
        for text in texts:
            self.assertLessEqual(len(text), octets)
        parts = [UidSet.parse(text) for text in texts]
        self.assertEqual(len(these), sum(map(len, parts)))
        self.assertEqual(
            these, UidSet.ofRanges(r for part in parts for r in part.ranges)
        )

    def test_printedIsFull(self) -> None:
        """
        No text is cut sooner than it must be.
        """
        self.assertEqual(["1,3,5", "7,9"], list(UidSet.of(range(1, 10, 2)).printed(6)))
        self.assertEqual([], list(UidSet().printed()))

    @given(uids=SMALL, size=st.integers(1, 9))
    def test_split(self, uids: frozenset[int], size: int) -> None:
        """
        A set is cut into sets of so many UIDs, ascending; only the last is
        smaller.
        """
        parts = list(UidSet.of(uids).split(size))
        self.assertEqual(sorted(uids), [uid for part in parts for uid in part])
        for part in parts[:-1]:
            self.assertEqual(size, len(part))
        self.assertTrue(all(parts))

    def test_splitHuge(self) -> None:
        """
        The first part of a huge set costs nothing.
        """
        [first, *_] = [next(UidSet(((1, MAXIMUM),)).split(1000))]
        self.assertEqual(((1, 1000),), first.ranges)
