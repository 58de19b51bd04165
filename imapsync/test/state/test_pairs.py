"""
Tests for L{imapsync.state.pairs}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imapsync.model import Pair, Side
from imapsync.state.store import Store
from imapsync.test.fakes.databases import ALL, NONE, SEEN, StateTestCase
from imapsync.uidset import UidSet


class PairTests(StateTestCase):
    """
    What is known of messages.
    """

    def test_keyAndFlags(self) -> None:
        """
        Keys, and flags in their spelling, come back as they were.
        """
        pairs = [
            Pair(1, 9, frozenset(["\\Seen", "$Junk", "$junk"]), b"\0" * 16),
            Pair(2, 8, NONE),
        ]
        state, mailbox = self.filled(*pairs)
        self.assertEqual(pairs, list(state.pairs(mailbox, Side.LOCAL, ALL)))

    def test_stamps(self) -> None:
        """
        Pairs are found by their stamps, whatever mailbox they are in.
        """
        one, other = Pair(1, 9, SEEN, b"k", 10, 77), Pair(2, 8, NONE, b"l", 20, 2**62)
        state, mailbox = self.filled(one, other, Pair(3, 7, NONE))
        with state.transaction():
            second = state.addMailbox("Second", subscribed=False)
            state.addPairs(second.id, [one])
        self.assertEqual([one, other], list(state.pairs(mailbox, Side.LOCAL, ALL))[:2])
        name = next(m.name for m in state.mailboxes() if m.id == mailbox)
        self.assertEqual({name, "Second"}, {where for where, _ in state.stamped(77)})
        self.assertEqual([(name, other)], state.stamped(2**62))
        self.assertEqual([], state.stamped(78))

    def test_ascending(self) -> None:
        """
        Pairs come by their UIDs on the side that was asked.
        """
        state, mailbox = self.filled(
            Pair(1, 9, NONE), Pair(2, 8, NONE), Pair(3, 10, NONE)
        )
        for side, expected in (Side.LOCAL, [1, 2, 3]), (Side.REMOTE, [8, 9, 10]):
            found = [pair.uid(side) for pair in state.pairs(mailbox, side, ALL)]
            self.assertEqual(expected, found)

    def test_byFlags(self) -> None:
        """
        They can be had by the flags that are agreed, and these by themselves.
        """
        state, mailbox = self.filled(
            Pair(1, 9, SEEN),
            Pair(2, 8, NONE),
            Pair(3, 7, SEEN | {"a"}),
            Pair(4, 6, SEEN),
        )
        for side, uids in (Side.LOCAL, [1, 2, 3, 4]), (Side.REMOTE, [9, 8, 7, 6]):
            found = state.byFlags(mailbox, side)
            one, two, three, four = uids
            expected = {SEEN: [one, four], NONE: [two], SEEN | {"a"}: [three]}
            self.assertEqual(expected, {f: [*some] for f, some in found.items()})
        self.assertEqual(SEEN | {"a"}, state.flagsIn(mailbox))
        self.assertEqual(NONE, state.flagsIn(mailbox + 1))

    def test_some(self) -> None:
        """
        Only pairs of the UIDs that were asked for come.
        """
        state, mailbox = self.filled(*(Pair(n, n + 100, NONE) for n in range(1, 10)))
        wanted = UidSet.parse("102,105:107,109:110,4000")
        found = [p.local for p in state.pairs(mailbox, Side.REMOTE, wanted)]
        self.assertEqual([2, 5, 6, 7, 9], found)
        for side, uids in (Side.LOCAL, "2,5:7,9"), (Side.REMOTE, "102,105:107,109"):
            partners = state.partners(mailbox, Side.REMOTE, wanted, side)
            self.assertEqual(UidSet.parse(uids), partners)

    def test_partners(self) -> None:
        """
        Those of a range are found in whatever order the other side has them, with what
        is between them, or is not.
        """
        state, mailbox = self.filled(
            *(Pair(n, 400 + n, NONE) for n in range(1, 100)),
            *(Pair(n, 400 - n, NONE) for n in range(200, 300)),
            *(Pair(n, 2 * n, NONE) for n in range(300, 350)),
        )
        for uids, partners in (
            ("1:100", "401:499"),
            ("200:299", "101:200"),
            ("250:299,1:3", "101:150,401:403"),
            ("300:309", ",".join(map(str, range(600, 620, 2)))),
            ("1:299", "101:200,401:499"),
            ("100:199", None),
            ("4294967295", None),
        ):
            wanted = UidSet.parse(partners) if partners else UidSet()
            found = state.partners(mailbox, Side.LOCAL, UidSet.parse(uids), Side.REMOTE)
            self.assertEqual(wanted, found, uids)
            back = state.partners(mailbox, Side.REMOTE, wanted, Side.LOCAL)
            there = state.partners(mailbox, Side.LOCAL, UidSet.parse(uids), Side.LOCAL)
            self.assertEqual(there, back, uids)

    def test_scattered(self) -> None:
        """
        Many small ranges are found and removed, between wide ones, too.
        """
        state, mailbox = self.filled(*(Pair(n, n + 9, NONE) for n in range(1, 9001)))
        wanted = UidSet.of(range(10, 6000, 2)) | UidSet.parse("6500:8800,9000:9100")
        found = [pair.remote for pair in state.pairs(mailbox, Side.REMOTE, wanted)]
        self.assertEqual([uid for uid in wanted if uid < 9010], found)
        with state.transaction():
            state.removePairs(mailbox, Side.REMOTE, wanted)
        left = UidSet.parse("10:9009") - wanted
        self.assertEqual(left, state.paired(mailbox, Side.REMOTE))
        self.assertEqual(len(left), state.totalPairs())

    def test_many(self) -> None:
        """
        More than are held at a time come all the same, once each, though the
        database is changed meanwhile.
        """
        state, mailbox = self.filled(*(Pair(n, n, NONE) for n in range(1, 8001)))
        seen = []
        for pair in state.pairs(mailbox, Side.REMOTE, ALL):
            seen.append(pair.remote)
            if pair.remote % 1000 == 0:
                with state.transaction():
                    state.removePairs(mailbox, Side.LOCAL, UidSet.of([pair.local]))
        self.assertEqual(list(range(1, 8001)), seen)
        self.assertEqual(7992, state.totalPairs())

    def test_pairedTwice(self) -> None:
        """
        A message cannot have two pairs; nothing of that transaction stays.
        """
        state, mailbox = self.filled(Pair(1, 11, NONE))
        for wrong in Pair(1, 12, NONE), Pair(2, 11, NONE):
            with self.assertRaises(ValueError), state.transaction():
                state.addPairs(mailbox, [Pair(3, 13, NONE), wrong])
            self.assertEqual(1, state.totalPairs())
            self.assertEqual(UidSet.of([1]), state.paired(mailbox, Side.LOCAL))

    def test_removed(self) -> None:
        """
        Removing counts only what was there.
        """
        state, mailbox = self.filled(*(Pair(n, n + 10, NONE) for n in range(1, 6)))
        with state.transaction():
            state.removePairs(mailbox, Side.REMOTE, UidSet.parse("2:12,15:99"))
            state.removePairs(mailbox, Side.LOCAL, UidSet())
        self.assertEqual(UidSet.parse("3:4"), state.paired(mailbox, Side.LOCAL))
        self.assertEqual(UidSet.parse("13:14"), state.paired(mailbox, Side.REMOTE))
        self.assertEqual(2, state.mailboxes()[0].pairs)

    def test_setFlags(self) -> None:
        """
        Agreed flags are set by the UIDs of either side.
        """
        state, mailbox = self.filled(Pair(1, 9, NONE), Pair(2, 8, NONE))
        with state.transaction():
            state.setFlags(mailbox, Side.REMOTE, {8: SEEN, 77: SEEN})
        found = [pair.flags for pair in state.pairs(mailbox, Side.LOCAL, ALL)]
        self.assertEqual([NONE, SEEN], found)

    def test_mailboxesApart(self) -> None:
        """
        The same UIDs in another mailbox are other messages.
        """
        state, mailbox = self.filled(Pair(1, 2, NONE))
        with state.transaction():
            other = state.addMailbox("Other", True).id
            state.addPairs(other, [Pair(1, 2, SEEN)])
            state.removePairs(mailbox, Side.LOCAL, ALL)
        self.assertEqual([Pair(1, 2, SEEN)], list(state.pairs(other, Side.LOCAL, ALL)))
        self.assertEqual(1, state.totalPairs())

    @given(
        st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=20),
        st.sets(st.integers(1, 30)),
    )
    def test_model(self, wanted: list[tuple[int, int]], gone: set[int]) -> None:
        """
        Adding, finding and removing do what a plain dictionary would.
        """
        byRemote = {remote: local for local, remote in wanted}
        byLocal = {local: remote for remote, local in byRemote.items()}
        state = Store.open(str(self.path), readOnly=True)
        with state.transaction():
            mailbox = state.addMailbox("INBOX", True).id
            state.addPairs(mailbox, [Pair(a, b, NONE) for a, b in byLocal.items()])
            state.removePairs(mailbox, Side.REMOTE, UidSet.of(gone))
        left = sorted((a, b) for a, b in byLocal.items() if b not in gone)
        found = [(p.local, p.remote) for p in state.pairs(mailbox, Side.LOCAL, ALL)]
        self.assertEqual(left, found)
        self.assertEqual(
            UidSet.of(b for _, b in left), state.paired(mailbox, Side.REMOTE)
        )
        self.assertEqual(len(left), state.totalPairs())
        state.close()
