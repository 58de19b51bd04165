"""
Tests for L{imapsync.imap.allowance}.
"""

from __future__ import annotations

from collections.abc import Iterable

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ProtocolViolation
from imapsync.imap.allowance import Allowance
from imapsync.imap.wire.responses import Row
from imapsync.uidset import UidSet


def rows(uids: Iterable[int]) -> list[Row]:
    """
    Rows of these messages.
    """
    return [Row(uid) for uid in uids]


class MessagesTests(SynchronousTestCase):
    """
    What is told of messages fits their number.
    """

    def setUp(self) -> None:
        """
        A mailbox with some.
        """
        self.allowance = Allowance()
        self.allowance.exists(5000)

    def told(self, uids: range, size: int = 100) -> int:
        """
        How many rows of C{uids} may be told, in batches of C{size}.
        """
        for at in range(0, len(uids), size):
            try:
                self.allowance.rows(rows(uids[at : at + size]))
            except ProtocolViolation:
                return at
        return len(uids)

    def test_all(self) -> None:
        """
        All of them, with gaps between, in any order, and again.
        """
        for uids in range(1, 5001), range(2, 10001, 2), range(10000, 0, -2):
            self.allowance.answered()
            for _ in range(3):
                self.assertEqual(5000, self.told(uids))

    def test_endless(self) -> None:
        """
        Not many more, in whatever order and pieces they come.
        """
        for uids in (
            range(1, 2**32),
            range(1, 2**32, 7),
            range(2**32 - 1, 0, -3),
        ):
            for size in 1, 100, 4096:
                self.allowance.answered()
                self.assertLess(self.told(uids, size), 20_000)

    def test_reason(self) -> None:
        """
        It is said what was exceeded.
        """
        with self.assertRaises(ProtocolViolation) as caught:
            self.allowance.rows(rows(range(1, 6001)))
            self.allowance.rows(rows(range(6001, 20001)))
        self.assertIn("EXISTS is 5000", str(caught.exception))

    def test_arrivals(self) -> None:
        """
        New messages may arrive all the time, and others go.
        """
        for uid in range(5001, 30001):
            self.allowance.exists(5001)
            self.allowance.rows(rows([uid]))
            self.allowance.vanished(UidSet.of([uid]), earlier=False)

    def test_again(self) -> None:
        """
        The same may be told often, but not for ever.
        """
        self.allowance.selected()
        self.allowance.exists(3)
        few = rows([1, 2, 3] * 100)
        for _ in range(1000):
            self.allowance.rows(few)
        with self.assertRaises(ProtocolViolation) as caught:
            for _ in range(3000):
                self.allowance.rows(few)
        self.assertIn("again and again", str(caught.exception))

    def test_untold(self) -> None:
        """
        While EXISTS was not told, as little is known of how many there are; and of
        another mailbox nothing is.
        """
        self.allowance.selected()
        self.assertEqual(50_000, self.told(range(1, 50_001)))
        self.allowance.exists(60_000)
        self.assertEqual(10_000, self.told(range(50_001, 60_001)))

    def test_untoldEndless(self) -> None:
        """
        Even so, they are not without end.
        """
        allowance = Allowance(responses=1000)
        allowance.rows(rows(range(1, 1001)))
        with self.assertRaises(ProtocolViolation):
            allowance.rows(rows([1001]))

    def test_answers(self) -> None:
        """
        Each answer is counted by itself.
        """
        for _ in range(20):
            self.assertEqual(5000, self.told(range(1, 5001)))
            self.allowance.answered()


class RangesTests(SynchronousTestCase):
    """
    UIDs are kept as ranges: so those are counted.
    """

    def setUp(self) -> None:
        """
        A little is allowed.
        """
        self.allowance = Allowance(ranges=1000)

    def test_rows(self) -> None:
        """
        Any number of rows without gaps, but not too many gaps, though there are as
        many messages as there can be.
        """
        self.allowance.exists(2**32 - 1)
        for at in range(1, 100_001, 100):
            self.allowance.rows(rows(range(at, at + 100)))
        with self.assertRaises(ProtocolViolation) as caught:
            for at in range(200_000, 300_000, 200):
                self.allowance.rows(rows(range(at, at + 200, 2)))
        self.assertIn("1000 ranges of UIDs", str(caught.exception))

    def test_singly(self) -> None:
        """
        In whatever pieces they arrive.
        """
        self.allowance.exists(10_000)
        for uid in range(1, 10_001):
            self.allowance.rows(rows([uid]))

    def test_vanished(self) -> None:
        """
        So it is with what vanished; a range of all UIDs is but one.
        """
        for _ in range(900):
            self.allowance.vanished(UidSet(((1, 2**32 - 1),)), earlier=True)
        sparse = UidSet(tuple((uid, uid) for uid in range(1, 100, 2)))
        with self.assertRaises(ProtocolViolation):
            for _ in range(3):
                self.allowance.vanished(sparse, earlier=True)
        self.allowance.answered()
        self.allowance.vanished(sparse, earlier=True)


class ResponsesTests(SynchronousTestCase):
    """
    No answer goes on for ever.
    """

    def test_responses(self) -> None:
        """
        Whatever it is made of.
        """
        allowance = Allowance(responses=10)
        for _ in range(10):
            allowance.response()
        with self.assertRaises(ProtocolViolation) as caught:
            allowance.response()
        self.assertIn("more than 10 responses", str(caught.exception))
        allowance.answered()
        allowance.response()
