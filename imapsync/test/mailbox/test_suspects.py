"""
Tests for L{imapsync.mailbox.suspects}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.mailbox.suspects import PAUSES, REMEMBERED, Place, Suspects
from imapsync.model import Side
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side

#: Where the messages are.
HERE, THERE = Place(1, LOCAL, 7), Place(1, REMOTE, 7)

NONE: set[int] = set()


class SuspectsTests(SynchronousTestCase):
    """
    Messages over which connections were lost.
    """

    def setUp(self) -> None:
        """
        None yet.
        """
        self.clock = Clock()
        self.suspects = Suspects(self.clock.seconds)

    def assertSuspected(
        self, alone: set[int], leftOut: set[int], place: Place = HERE
    ) -> None:
        """
        These are to be tried by themselves, and these not to be tried.
        """
        self.assertEqual(alone, set(self.suspects.alone(place)))
        self.assertEqual(leftOut, set(self.suspects.leftOut(place)))

    def test_once(self) -> None:
        """
        One of several may have been the reason: each is tried by itself.
        """
        self.assertSuspected(NONE, NONE)
        self.suspects.brokeOver(HERE, [3, 4])
        self.assertSuspected({3, 4}, NONE)

    def test_growing(self) -> None:
        """
        One that was by itself is tried again after an hour, then after a day, and
        each day.
        """
        self.suspects.brokeOver(HERE, [3, 4])
        for seconds in (3600, 86400, 86400):
            self.suspects.brokeOver(HERE, [3])
            self.assertSuspected({4}, {3})
            self.clock.advance(seconds - 1)
            self.assertSuspected({4}, {3})
            self.clock.advance(1)
            self.assertSuspected({3, 4}, NONE)

    def test_forgiven(self) -> None:
        """
        Whoever asks for it need not wait; then it begins with an hour again.
        """
        for _ in range(4):
            self.suspects.brokeOver(HERE, [3])
        self.assertSuspected(NONE, {3})
        self.suspects.forgive()
        self.assertSuspected({3}, NONE)
        self.suspects.brokeOver(HERE, [3])
        self.assertSuspected(NONE, {3})
        self.clock.advance(PAUSES[1])
        self.assertSuspected({3}, NONE)

    def test_passed(self) -> None:
        """
        One that got through is none any more.
        """
        self.suspects.passed(HERE, [3])
        self.suspects.brokeOver(HERE, [3, 4, 5])
        self.suspects.brokeOver(HERE, [5])
        self.suspects.passed(HERE, [3, 5, 6])
        self.assertSuspected({4}, NONE)

    def test_place(self) -> None:
        """
        Nothing is said of messages with the same UID elsewhere, or of those that
        have it since UIDVALIDITY changed.
        """
        self.suspects.brokeOver(HERE, [3])
        for place in (Place(2, LOCAL, 7), Place(1, REMOTE, 7), Place(1, LOCAL, 8)):
            self.assertSuspected(NONE, NONE, place)

    def test_breaks(self) -> None:
        """
        It counts the connections that may have brought messages.
        """
        self.suspects.brokeOver(HERE, [3, 4])
        self.suspects.brokeOver(HERE, [])
        self.suspects.brokeOver(HERE, [4])
        self.assertEqual(2, self.suspects.breaks)

    def test_refused(self) -> None:
        """
        A refusal is remembered for a while, or until all is forgiven; each is a lesson
        once, and so is each doubt.
        """
        self.suspects.refused(HERE, 3, "NO", "LIMIT")
        self.suspects.refused(HERE, 4, "NO way")
        self.suspects.refused(THERE, 3, "BAD")
        self.assertEqual(
            {3: ("NO", "LIMIT"), 4: ("NO way", "")}, self.suspects.refusals(HERE)
        )
        self.clock.advance(REMEMBERED / 2)
        self.suspects.refused(HERE, 4, "NO longer")
        self.assertEqual(4, self.suspects.lessons)
        self.clock.advance(REMEMBERED / 2)
        self.assertEqual({4: ("NO longer", "")}, self.suspects.refusals(HERE))
        self.suspects.forgive()
        self.assertEqual({}, self.suspects.refusals(HERE))

    def test_askedFirst(self) -> None:
        """
        So is what is to be asked about first, for good.
        """
        for uids in [1, 2], [2], [2, 3]:
            self.suspects.askFirst(HERE, uids)
        self.assertEqual(UidSet.of([1, 2, 3]), self.suspects.careful(HERE))
        self.assertEqual(UidSet(), self.suspects.careful(THERE))
        self.assertEqual(2, self.suspects.lessons)
