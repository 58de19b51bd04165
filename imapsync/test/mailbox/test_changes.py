"""
Tests for L{imapsync.mailbox.changes}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.wire.responses import Row
from imapsync.mailbox.changes import CHANGES, Reading
from imapsync.model import Changes, Flags, Mark, Pair, Side
from imapsync.test.fakes.world import QuickState
from imapsync.testing.accounts import NOTHING, SEEN
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side
DRAFT: Flags = frozenset(["\\Draft"])


class ReadingCase(SynchronousTestCase):
    """
    A database with a mailbox whose remote UIDs 1 to 9 are known and seen.
    """

    def setUp(self) -> None:
        """
        Make it.
        """
        self.state = QuickState.open(self.mktemp())
        self.addCleanup(self.state.close)
        with self.state.transaction():
            self.mailbox = self.state.addMailbox("INBOX", True).id
            pairs = (Pair(uid + 100, uid, SEEN) for uid in range(1, 10))
            self.state.addPairs(self.mailbox, pairs)

    def reading(self, marked: bool = True) -> Reading:
        """
        One that knows all below UID 20.
        """
        mark = Mark(1, 20, 30) if marked else None
        return Reading(self.state, self.mailbox, REMOTE, mark)


class ChangesTests(ReadingCase):
    """
    What is taken for a change.
    """

    def test_flags(self) -> None:
        """
        Flags that are not the agreed ones are changes; the last word counts,
        and case does not.
        """
        heard = self.reading()
        heard.rowsReceived([Row(1, SEEN), Row(2, DRAFT), Row(3, NOTHING)])
        heard.rowsReceived([Row(3, frozenset(["\\seen"])), Row(4, DRAFT)])
        heard.rowsReceived([Row(4, NOTHING)])
        changes = heard.take()
        self.assertEqual({2: DRAFT, 4: NOTHING}, changes.flags)
        self.assertEqual({2: (102, 2, SEEN), 4: (104, 4, SEEN)}, changes.agreed)

    def test_new(self) -> None:
        """
        What has no pair and is above the mark is new; what is below was dealt
        with.
        """
        heard = self.reading()
        heard.rowsReceived([Row(uid, NOTHING) for uid in (12, 19, 20, 25)])
        self.assertEqual(Changes(new=UidSet.of([20, 25])), heard.take())

    def test_neverSeen(self) -> None:
        """
        Without a mark all that has no pair is new.
        """
        heard = self.reading(marked=False)
        heard.rowsReceived([Row(1, SEEN), Row(12, NOTHING)])
        self.assertEqual(Changes(new=UidSet.of([12])), heard.take())

    def test_echo(self) -> None:
        """
        Our own copy, reported as new, has its pair already.
        """
        with self.state.transaction():
            self.state.addPairs(self.mailbox, [Pair(500, 40, DRAFT)])
        heard = self.reading()
        heard.rowsReceived([Row(40, DRAFT)])
        self.assertFalse(heard.take())

    def test_again(self) -> None:
        """
        What the mark has passed is looked at once more, when asked to.
        """
        for new in "12", "":
            heard = self.reading()
            heard.again = UidSet.parse(new) if new else UidSet()
            heard.rowsReceived([Row(12, NOTHING), Row(13, NOTHING)])
            self.assertEqual(new, str(heard.take().new))

    def test_vanished(self) -> None:
        """
        What vanished and was known is gone; what was not known was never
        there, even if it was told a moment ago.
        """
        heard = self.reading()
        heard.rowsReceived([Row(20, NOTHING), Row(21, NOTHING)])
        heard.vanished(UidSet.parse("3:4,15,21:4294967295"), earlier=True)
        self.assertEqual(
            Changes(new=UidSet.of([20]), gone=UidSet.of([3, 4])), heard.take()
        )

    def test_vanishedLater(self) -> None:
        """
        What vanishes after the messages were counted is gone as well.
        """
        heard = self.reading()
        heard.vanished(UidSet.of([3, 15]), earlier=True)
        self.assertEqual(-1, heard.difference)
        self.assertEqual(-1, heard.difference)
        heard.vanished(UidSet.of([4]), earlier=False)
        self.assertEqual(-2, heard.difference)
        heard.vanished(UidSet.of([5]), earlier=False)
        self.assertEqual("3:5", str(heard.take().gone))

    def test_all(self) -> None:
        """
        When every message is told, a known one that is not is gone.
        """
        heard = self.reading()
        heard.rowsReceived([Row(1, DRAFT)])
        heard.listAll()
        heard.rowsReceived([Row(uid, SEEN) for uid in (1, 2, 3, 5, 6)])
        heard.rowsReceived([Row(uid, SEEN) for uid in (8, 20)])
        expected = Changes(new=UidSet.of([20]), gone=UidSet.of([4, 7, 9]))
        self.assertEqual(expected, heard.take())

    def test_allOfNone(self) -> None:
        """
        An empty mailbox tells nothing: all is gone.
        """
        heard = self.reading()
        heard.listAll()
        self.assertEqual("1:9", str(heard.take().gone))

    def test_incomplete(self) -> None:
        """
        Rows without a UID or without flags tell nothing.
        """
        heard = self.reading()
        heard.rowsReceived([Row(0, DRAFT), Row(1), Row(20), Row(2, None, 77)])
        heard.existsReceived(5)
        self.assertFalse(heard.take())

    def test_tooMany(self) -> None:
        """
        More changes than fit are left for the next pass, and it is said so.
        """
        number = CHANGES + 10
        with self.state.transaction():
            self.state.forgetPairs(self.mailbox)
            pairs = (Pair(uid, uid, NOTHING) for uid in range(1, number + 1))
            self.state.addPairs(self.mailbox, pairs)
        heard = self.reading()
        for start in range(1, number, 1000):
            heard.rowsReceived([Row(start + n, SEEN) for n in range(1000)])
        self.assertTrue(heard.partial)
        heard.rowsReceived([Row(1, DRAFT), Row(number, NOTHING)])
        changes = heard.take()
        self.assertEqual(CHANGES, len(changes.flags))
        self.assertEqual(changes.flags.keys(), changes.agreed.keys())
        self.assertEqual(DRAFT, changes.flags[1])

    def test_found(self) -> None:
        """
        Messages may be found otherwise; one that is gone meanwhile is none.
        """
        heard = Reading(*(self.state, self.mailbox, REMOTE, None))
        heard.listAll()
        heard.found(UidSet(((30, 40),)))
        heard.vanished(UidSet.of([35]), earlier=False)
        self.assertEqual(UidSet(((30, 34), (36, 40))), heard.listed)
        self.assertEqual(UidSet(((30, 34), (36, 40))), heard.take().new)

    def test_told(self) -> None:
        """
        It knows how far it was told what has changed, unless all is told anyway.
        """
        heard = self.reading()
        heard.rowsReceived([Row(1, SEEN, 7), Row(2, SEEN, 5)])
        heard.rowsReceived([Row(3, SEEN, 6)])
        self.assertEqual(7, heard.told)
        heard.listAll()
        heard.rowsReceived([Row(3, SEEN, 9)])
        self.assertEqual(7, heard.told)

    def test_late(self) -> None:
        """
        What had changed by then and is told afterwards is late; not what has changed
        since, what is no news, or what was expected.
        """
        heard = self.reading()
        heard.rowsReceived([Row(3, DRAFT, 30)])
        heard.take(30)
        heard.expect({5})
        for uid, modseq in (1, 31), (2, 30), (3, 30), (4, 0), (5, 29), (12, 30):
            heard.rowsReceived([Row(uid, DRAFT, modseq)])
        heard.rowsReceived([Row(6, SEEN, 30)])
        self.assertEqual("2", str(heard.late.build()))

    def test_listed(self) -> None:
        """
        Those messages are listed that are there still.
        """
        heard = self.reading()
        self.assertIsNone(heard.listed)
        heard.listAll()
        heard.existsReceived(4)
        heard.rowsReceived([Row(uid, SEEN) for uid in (1, 2, 3, 4)])
        heard.vanished(UidSet.of([9]), earlier=True)
        heard.vanished(UidSet.of([2]), earlier=False)
        self.assertEqual(("1,3:4", 3), (str(heard.listed), heard.exists))


class HeardTests(ReadingCase):
    """
    What is heard after the changes were taken.
    """

    def test_heard(self) -> None:
        """
        Flags that are expected are heard, the last word counts; others are
        not kept, lest memory grow.
        """
        heard = self.reading()
        heard.rowsReceived([Row(1, DRAFT)])
        changes = heard.take()
        heard.rowsReceived([Row(1, NOTHING)])
        self.assertEqual({}, heard.heard)
        heard.expect({1, 2})
        heard.rowsReceived([Row(1, SEEN), Row(2, DRAFT), Row(3, DRAFT), Row(2, SEEN)])
        self.assertEqual({1: SEEN, 2: SEEN}, heard.heard)
        self.assertEqual({1: DRAFT}, changes.flags)

    def test_disturbed(self) -> None:
        """
        What happens to other messages than those that are to change is noticed,
        and how far the mailbox has come.
        """
        heard = self.reading()
        heard.rowsReceived([Row(5, DRAFT, 77)])
        heard.modseqReceived(78)
        heard.take()
        self.assertEqual(0, heard.reached)
        heard.expect({1, 2}, UidSet.of([2, 3]))
        heard.rowsReceived([Row(1, DRAFT, 81), Row(2, SEEN, 80)])
        heard.vanished(UidSet.of([3]), earlier=False)
        self.assertEqual(81, heard.reached)
        heard.modseqReceived(82)
        self.assertEqual(82, heard.reached)
        self.assertFalse(heard.disturbed)
        for rows, gone in (
            ([Row(1, DRAFT), Row(4, DRAFT)], []),
            ([Row(1, None, 90)], []),
            ([], [1]),
        ):
            other = self.reading()
            other.take()
            other.expect({1, 2}, UidSet.of([2, 3]))
            other.rowsReceived(rows)
            other.vanished(UidSet.of(gone), earlier=False)
            self.assertTrue(other.disturbed)

    def test_expunged(self) -> None:
        """
        What vanishes from then on is kept apart.
        """
        heard = self.reading()
        heard.vanished(UidSet.of([1]), earlier=True)
        self.assertEqual("1", str(heard.take().gone))
        heard.vanished(UidSet.of([2]), earlier=False)
        self.assertEqual("2", str(heard.expunged.build()))
