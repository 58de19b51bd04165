"""
Tests for L{imapsync.plan.growth}.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Feedback
from imapsync.model import Pair, Side
from imapsync.plan.growth import ROUNDS, WINDOW, Growth
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side


class GrowthTests(SynchronousTestCase):
    """
    One mailbox, whose messages have the UIDs 1 and so on.
    """

    def setUp(self) -> None:
        """
        Nothing was copied.
        """
        self.clock = Clock()
        self.growth = Growth(self.clock.seconds)

    def copy(self, local: int, remote: int, side: Side = REMOTE) -> None:
        """
        Copy a message to C{side}, where there was none with its UID, or a higher
        one, when it was looked.
        """
        pair = Pair(local, remote, frozenset())
        self.growth.begin(1, side, pair.uid(side))
        self.growth.copied(1, side, [pair])

    def late(self, *uids: int, side: Side = REMOTE) -> list[int]:
        """
        What may be an echo.
        """
        return [*self.growth.late(1, side, UidSet.of(uids))]

    def waiting(
        self, late: Sequence[int], own: Sequence[int], side: Side = REMOTE
    ) -> list[int]:
        """
        What is waited for.
        """
        return [*self.growth.waiting("INBOX", 1, side, [(late, own)])]

    def test_nothing(self) -> None:
        """
        Where nothing was copied, there is no echo; nor where nothing is new.
        """
        self.assertEqual([], self.late(1, 2))
        self.growth.begin(1, REMOTE, 1)
        self.assertEqual([], self.late(1, 2))
        self.growth.copied(1, REMOTE, [])
        self.assertEqual([], self.late(1, 2))
        self.copy(1, 3)
        self.assertEqual([], self.late())

    def test_late(self) -> None:
        """
        An echo has come since the look before the copy; to the same side of the same
        mailbox.
        """
        self.growth.begin(1, REMOTE, 5)
        self.growth.copied(1, REMOTE, [Pair(1, 7, frozenset())])
        self.assertEqual([5, 6, 8], self.late(1, 4, 5, 6, 8))
        self.assertEqual([], self.late(1, 4))
        self.assertEqual([], self.late(5, 6, 8, side=LOCAL))
        self.assertEqual([], [*self.growth.late(2, REMOTE, UidSet.of([5, 6, 8]))])
        self.assertEqual([7], [*self.growth.own(1, REMOTE)])

    def test_unannounced(self) -> None:
        """
        What a server copied by itself may have echoes, too.
        """
        self.growth.copied(1, REMOTE, [Pair(1, 7, frozenset())])
        self.assertEqual([8], self.late(6, 8))

    def test_window(self) -> None:
        """
        After some minutes, what arrives is no echo.
        """
        self.copy(1, 5)
        self.clock.advance(WINDOW - 1)
        self.assertEqual([6], self.late(6))
        self.clock.advance(1)
        self.assertEqual([], self.late(6))
        self.assertEqual([], [*self.growth.own(1, REMOTE)])

    def test_long(self) -> None:
        """
        All copies of one pass count, however long that takes, but none from before.
        """
        self.copy(1, 5)
        self.clock.advance(WINDOW / 2)
        self.copy(2, 6)
        self.clock.advance(WINDOW / 2)
        for uid in range(7, 20):
            if uid == 7:
                self.copy(uid, uid)
            self.growth.copied(1, REMOTE, [Pair(uid, uid, frozenset())])
            self.clock.advance(WINDOW / 2)
        self.assertEqual([*range(6, 20)], [*self.growth.own(1, REMOTE)])

    def test_lower(self) -> None:
        """
        Whoever has the lower UID copies what the others made, and they wait.
        """
        self.copy(1, 5)
        self.assertEqual([], self.waiting([6, 7], [5]))
        self.assertEqual([4, 6], self.waiting([4, 6], [5]))

    def test_others(self) -> None:
        """
        Each message is judged by itself.
        """
        waiting = self.growth.waiting("INBOX", 1, REMOTE, [([5], [6]), ([8], [7])])
        self.assertEqual([5], [*waiting])

    def test_feedback(self) -> None:
        """
        What goes back and forth is stopped.
        """
        self.copy(1, 1)
        side, uid = REMOTE, 1
        for _ in range(ROUNDS - 1):
            self.assertEqual([], self.waiting([uid + 1], [uid], side))
            side, uid = side.other, uid + 1
            self.copy(uid, uid, side)
        with self.assertRaises(Feedback) as raised:
            self.waiting([uid + 1], [uid], side)
        self.assertIn(f"INBOX: {side}: UID {uid + 1}: ", str(raised.exception))
        self.assertEqual(1, raised.exception.code)

    def test_slowly(self) -> None:
        """
        Who copies a message within a mailbox, now here and now there, over hours,
        may do so.
        """
        self.copy(1, 1)
        side, uid = REMOTE, 1
        for _ in range(2 * ROUNDS):
            self.clock.advance(WINDOW)
            own = [*self.growth.own(1, side)]
            self.assertEqual([], own)
            side, uid = side.other, uid + 1
            self.copy(uid, uid, side)

    def test_recognised(self) -> None:
        """
        What was paired by content, since no server told of the copy, counts as one.
        """
        self.growth.begin(1, REMOTE, 5)
        self.growth.recognised(1, [Pair(n, n, frozenset()) for n in (4, 5, 6)])
        self.assertEqual([5, 6], [*self.growth.own(1, REMOTE)])
        self.assertEqual([], [*self.growth.own(1, LOCAL)])

    def test_oneWay(self) -> None:
        """
        Any number of equal messages may go one way.
        """
        for uid in range(1, 100):
            self.copy(uid, uid)
        own = [*self.growth.own(1, REMOTE)]
        for uid in range(100, 200):
            self.assertEqual([], self.waiting([uid], own))
