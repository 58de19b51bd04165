"""
Tests for L{imapsync.content.matcher}.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.content.digest import KeyDigest
from imapsync.content.matcher import Matcher
from imapsync.errors import StateError
from imapsync.model import Flags, Pair, Side
from imapsync.test.content.test_digest import PLAIN, SINGULAR, digestOf, keyOf
from imapsync.uidset import UidSet

NOTHING: Flags = frozenset()

Account = dict[int, bytes]


class MatcherTests(SynchronousTestCase):
    """
    Pairing what is equal on two sides.
    """

    def setUp(self) -> None:
        """
        Begin with no candidates.
        """
        self.matcher = Matcher()
        self.addCleanup(self.matcher.close)
        self.headers = {Side.LOCAL: UidSet(), Side.REMOTE: UidSet()}
        self.bodies = {Side.LOCAL: UidSet(), Side.REMOTE: UidSet()}

    def match(self, local: Account, remote: Account) -> list[tuple[int, int]]:
        """
        Go through all steps, and remember what had to be fetched.

        @return: UIDs of equal messages.
        """
        matcher = self.matcher
        accounts = {Side.LOCAL: local, Side.REMOTE: remote}
        for side, account in accounts.items():
            matcher.add(side, [(u, len(m), NOTHING) for u, m in account.items()])
        for side, account in accounts.items():
            self.headers[side] = matcher.wanted(side)
            for uid in self.headers[side]:
                digest = KeyDigest()
                digest.write(account[uid].partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
                key = digest.key(len(account[uid]))
                matcher.keyed(side, uid, key, digest.singular, 0)
        for side, account in accounts.items():
            self.bodies[side] = matcher.doubtful(side)
            for uid in self.bodies[side]:
                whole = digestOf(account[uid], len(account[uid]))
                matcher.digested(side, uid, whole)
        return [(pair.local, pair.remote) for pair, _ in matcher.matches()]

    def test_nothing(self) -> None:
        """
        Where one side is empty, nothing is fetched or matched.
        """
        self.assertEqual([], self.match({1: SINGULAR}, {}))
        self.assertFalse(self.headers[Side.LOCAL])
        self.assertEqual(UidSet.of([1]), self.matcher.unmatched(Side.LOCAL))
        self.assertEqual(UidSet(), self.matcher.unmatched(Side.REMOTE))

    def test_headerIsEnough(self) -> None:
        """
        Messages with a Message-ID are matched by their headers alone.
        """
        other = SINGULAR.replace(b"<1@", b"<2@")
        found = self.match({1: SINGULAR, 2: other}, {7: other, 8: SINGULAR})
        self.assertEqual([(1, 8), (2, 7)], found)
        self.assertFalse(self.bodies[Side.LOCAL] or self.bodies[Side.REMOTE])

    def test_sizeIsSieve(self) -> None:
        """
        Only messages whose size occurs on both sides are looked into.
        """
        self.match({1: SINGULAR, 2: SINGULAR + b"a"}, {3: SINGULAR, 4: PLAIN})
        self.assertEqual(UidSet.of([1]), self.headers[Side.LOCAL])
        self.assertEqual(UidSet.of([3]), self.headers[Side.REMOTE])

    def test_sameSize(self) -> None:
        """
        Messages that differ in bytes, not in size, are not matched.
        """
        self.assertEqual([], self.match({1: PLAIN}, {1: PLAIN.replace(b"H", b"J")}))
        self.assertEqual(UidSet.of([1]), self.matcher.unmatched(Side.REMOTE))

    def test_notSingularNeedsBody(self) -> None:
        """
        A message without a Message-ID is fetched whole only where the other
        side has one too, of that size.
        """
        self.match({1: PLAIN, 2: b"a"}, {1: PLAIN, 2: b"Message-ID: <1>\r\n".ljust(9)})
        self.assertEqual(UidSet.of([1]), self.bodies[Side.LOCAL])
        self.assertEqual(UidSet.of([1]), self.bodies[Side.REMOTE])

    def test_sameHeader(self) -> None:
        """
        Where the header leaves it open, the bodies decide.
        """
        other = SINGULAR.replace(b"Hello", b"Howdy")
        found = self.match({1: SINGULAR, 2: other}, {1: other})
        self.assertEqual([(2, 1)], found)
        self.assertEqual(UidSet.of([1, 2]), self.bodies[Side.LOCAL])

    def test_dates(self) -> None:
        """
        Of equal messages, those belong together first that have the same date and
        flags, then those of the same date; the others as they come.
        """
        seen: Flags = frozenset(["\\Seen"])
        local = {1: (5, NOTHING), 2: (6, NOTHING), 3: (6, seen), 4: (9, seen)}
        remote = {1: (6, seen), 2: (6, seen), 3: (5, NOTHING), 4: (8, NOTHING)}
        matcher = self.matcher
        for side, account in zip(Side, (local, remote), strict=True):
            found = [(uid, 40, flags) for uid, (_, flags) in account.items()]
            matcher.add(side, found)
            for uid, (stamp, _) in account.items():
                matcher.keyed(side, uid, b"k", True, stamp)
                matcher.digested(side, uid, b"d")
        pairs = [(pair.local, pair.remote) for pair, _ in matcher.matches()]
        self.assertEqual([(1, 3), (2, 2), (3, 1), (4, 4)], pairs)

    def test_datesOfOne(self) -> None:
        """
        One here and one there of the same date, which had to be read whole, are
        matched once.
        """
        matcher = self.matcher
        for side in Side:
            matcher.add(side, [(1, 40, NOTHING)])
            matcher.keyed(side, 1, b"", False, 5)
            matcher.digested(side, 1, b"d")
        self.assertEqual([1], [pair.local for pair, _ in matcher.matches()])

    def test_duplicates(self) -> None:
        """
        Of equal messages, as many are matched as both sides have, in UID order.
        """
        found = self.match(
            dict.fromkeys([3, 5, 9], SINGULAR), {4: SINGULAR, 2: SINGULAR}
        )
        self.assertEqual([(3, 2), (5, 4)], found)
        self.assertEqual(UidSet.of([9]), self.matcher.unmatched(Side.LOCAL))

    def test_rewritten(self) -> None:
        """
        What a server rewrote is matched all the same.
        """
        here = {1: b"S: \xe9\0" + SINGULAR, 2: b"S: \xe9\0" + PLAIN}
        there = {1: b"S: XX" + SINGULAR, 2: b"S: X\x80" + PLAIN}
        self.assertEqual([(1, 1), (2, 2)], self.match(here, there))

    def test_vanishedMeanwhile(self) -> None:
        """
        A message that was gone before it could be fetched is not matched.
        """
        matcher = self.matcher
        for side in Side:
            matcher.add(side, [(1, 10, NOTHING), (2, 10, NOTHING)])
            matcher.keyed(side, 1, b"k", True, 0)
            matcher.keyed(side, 2, b"k", True, 0)
        matcher.digested(Side.LOCAL, 1, b"d")
        matcher.digested(Side.REMOTE, 2, b"d")
        [(pair, _)] = matcher.matches()
        self.assertEqual((1, 2), (pair.local, pair.remote))
        self.assertEqual(UidSet.of([2]), matcher.unmatched(Side.LOCAL))

    def test_told(self) -> None:
        """
        A match tells each side's flags, the key, the size, and the stamp.
        """
        for side, flag in zip(Side, ["\\Seen", "$a"], strict=True):
            self.matcher.add(side, [(1, 10, frozenset([flag]))])
            self.matcher.keyed(side, 1, b"key", True, 99)
        pair = Pair(1, 1, frozenset(["\\Seen"]), b"key", 10, 99)
        self.assertEqual([(pair, frozenset(["$a"]))], list(self.matcher.matches()))

    def test_otherStamp(self) -> None:
        """
        Where the stamps differ, there is none.
        """
        for side, stamped in zip(Side, [1, 2], strict=True):
            self.matcher.add(side, [(1, 10, NOTHING)])
            self.matcher.keyed(side, 1, b"key", True, stamped)
        [(pair, _)] = self.matcher.matches()
        self.assertEqual(0, pair.stamp)

    def test_keyOfWhole(self) -> None:
        """
        The key of a message without a Message-ID is that of its whole.
        """
        self.match({1: PLAIN}, {1: PLAIN})
        [(pair, _)] = self.matcher.matches()
        self.assertEqual(keyOf(PLAIN, size=len(PLAIN)), pair.key)

    def test_diskFull(self) -> None:
        """
        A full disk is an error that says where room is needed.
        """
        self.matcher._scratch._database.execute("PRAGMA max_page_count = 20")
        found = ((uid, uid, frozenset(["\\Seen"])) for uid in range(1, 100_000))
        error = self.assertRaises(StateError, self.matcher.add, Side.LOCAL, found)
        self.assertIn("TMPDIR", str(error))

    pool = st.sampled_from(
        [
            SINGULAR,
            SINGULAR.replace(b"<1@", b"<2@"),
            SINGULAR.replace(b"From", b"To"),
            PLAIN,
            PLAIN.replace(b"Hello", b"Howdy"),
            PLAIN + b".",
        ]
    )
    accounts = st.dictionaries(st.integers(1, 40), pool, max_size=14)

    @given(accounts, accounts)
    def test_multisets(self, local: Account, remote: Account) -> None:
        """
        Exactly what both sides have in common is matched, and nothing wrongly.
        """
        self.checkExact(local, remote)

    twins = st.sampled_from([SINGULAR, SINGULAR.replace(b"Hello", b"Howdy")])

    @given(
        st.dictionaries(st.integers(1, 9), twins, min_size=2),
        st.dictionaries(st.integers(1, 9), twins),
    )
    def test_sameHeaders(self, local: Account, remote: Account) -> None:
        """
        So it is where one header is on several messages that differ.
        """
        self.checkExact(local, remote)

    def checkExact(self, local: Account, remote: Account) -> None:
        """
        Check that what both sides have in common is matched, nothing else.
        """
        self.setUp()
        found = self.match(local, remote)
        for ours, theirs in found:
            self.assertEqual(local[ours], remote[theirs])
        self.assertEqual(
            Counter(local.values()) & Counter(remote.values()),
            Counter(local[ours] for ours, _ in found),
        )
        self.assertEqual(
            UidSet.of(local) - UidSet.of(ours for ours, _ in found),
            self.matcher.unmatched(Side.LOCAL),
        )
        self.assertEqual(
            UidSet.of(remote) - UidSet.of(theirs for _, theirs in found),
            self.matcher.unmatched(Side.REMOTE),
        )
