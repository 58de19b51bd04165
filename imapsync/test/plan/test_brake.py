"""
Tests for L{imapsync.plan.brake}.
"""

from __future__ import annotations

import contextlib

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Lost, MailboxError, MassDeletion
from imapsync.model import Side
from imapsync.plan.brake import LEAST, WINDOW, Brake

LOCAL, REMOTE = Side


class BrakeCase(SynchronousTestCase):
    """
    An account with some known messages, and the brake on it.
    """

    def make(
        self, known: int, lifted: bool = False, clock: Clock | None = None
    ) -> None:
        """
        Begin anew, with so many.
        """
        self.known = known
        self.brake = Brake(lambda: self.known, lifted, clock.seconds if clock else None)

    def remove(self, counts: dict[Side, int]) -> None:
        """
        Remove messages, if the brake lets us.
        """
        with self.brake.due(counts) as removed:
            removed.update(counts)
            self.known -= sum(counts.values())

    def cut(self, counts: dict[Side, int], error: Exception) -> None:
        """
        Begin to remove messages, and hear nothing of what becomes of it.
        """
        with contextlib.suppress(type(error)), self.brake.due(counts):
            raise error

    def assertTrips(self, count: int, side: Side = LOCAL) -> None:
        """
        So many, but not less, are too many.
        """
        self.assertFalse(self.brake.trips({side: count - 1}))
        self.assertTrue(self.brake.trips({side: count}))
        self.assertRaises(MassDeletion, self.brake.check, {side: count})


class RunTests(BrakeCase):
    """
    How much may go in one run.
    """

    def test_half(self) -> None:
        """
        Half of all messages may go from a side, in any portions; no more.
        """
        self.make(LEAST)
        self.remove({LOCAL: 20, REMOTE: 30})
        self.remove({LOCAL: 0, REMOTE: 0})
        self.remove({LOCAL: 30})
        self.assertTrips(1)
        error = self.assertRaises(MassDeletion, self.brake.check, {LOCAL: 1})
        self.assertIn("51 of 100 known messages would be removed", str(error))
        self.assertIn("from local, which", str(error))
        self.assertIn("--allow-mass-delete", str(error))
        self.assertEqual(1, error.code)

    def test_beginning(self) -> None:
        """
        It is half of what was known when the run began, not of what is left; also
        if messages went from both sides by themselves.
        """
        self.make(2 * LEAST)
        self.remove({REMOTE: 60})
        self.known -= 90
        self.assertTrips(41, REMOTE)

    def test_grown(self) -> None:
        """
        What was copied meanwhile is known as well.
        """
        self.make(0)
        self.known = 300
        self.assertTrips(151)

    def test_added(self) -> None:
        """
        What is added while others go counts with those.
        """
        self.make(LEAST)
        self.remove({LOCAL: 40})
        self.known += 60
        self.assertTrips(41)

    def test_forgiven(self) -> None:
        """
        What was moved may go in addition.
        """
        self.make(LEAST)
        self.known += 30
        self.brake.forgive(REMOTE, 30)
        self.remove({REMOTE: 80})
        self.assertTrips(1, REMOTE)

    def test_due(self) -> None:
        """
        What is being removed counts as if it were; what then was not, does not.
        """
        self.make(LEAST)
        with self.brake.due({LOCAL: 30}) as removed:
            self.assertRaises(MassDeletion, self.brake.check, {LOCAL: 21})
            removed[LOCAL] += 10
            self.known -= 10
            self.assertRaises(MassDeletion, self.brake.due({LOCAL: 21}).__enter__)
        self.assertTrips(41)

    def test_refusedIsNotCounted(self) -> None:
        """
        What may not go is not counted as gone.
        """
        self.make(LEAST)
        self.assertRaises(MassDeletion, self.brake.check, {LOCAL: 50, REMOTE: 90})
        self.remove({LOCAL: 50})

    def test_sides(self) -> None:
        """
        Each side is counted by itself; asking removes nothing.
        """
        self.make(101)
        self.assertFalse(self.brake.trips({LOCAL: 50}))
        self.assertFalse(self.brake.trips({LOCAL: 50, REMOTE: 50}))
        self.assertTrue(self.brake.trips({LOCAL: 1, REMOTE: 51}))

    def test_deleted(self) -> None:
        """
        A mailbox that was deleted counts, also before its messages are forgotten.
        """
        self.make(LEAST)
        self.brake.removed(LOCAL, 40)
        self.known -= 40
        self.assertTrips(11)

    def test_lifted(self) -> None:
        """
        The user can lift it.
        """
        self.make(1000, lifted=True)
        self.assertFalse(self.brake.trips({LOCAL: 1000}))
        self.remove({LOCAL: 1000})

    def test_small(self) -> None:
        """
        Small accounts have none.
        """
        for number in LEAST - 1, 0:
            self.make(number)
            self.assertFalse(self.brake.trips({LOCAL: number}))
            self.remove({LOCAL: number})

    def test_becomesSmall(self) -> None:
        """
        An account is not small because most of it is gone.
        """
        self.make(LEAST)
        self.remove({LOCAL: 45})
        self.assertTrips(6)


class CutTests(BrakeCase):
    """
    Removals of which nobody has heard whether they were made.
    """

    def test_made(self) -> None:
        """
        They count when the messages turn out to be gone.
        """
        self.make(LEAST)
        self.cut({LOCAL: 30}, Lost("gone"))
        self.assertTrips(51)
        self.known -= 30
        self.assertTrips(21)
        self.known -= 30
        self.assertTrips(21)

    def test_fewer(self) -> None:
        """
        They count at once if they can't be among those that are to be removed now.
        """
        self.make(LEAST)
        self.cut({LOCAL: 45}, Lost("gone"))
        self.assertFalse(self.brake.trips({LOCAL: 45}))
        self.assertTrips(6)
        self.remove({LOCAL: 45})
        self.assertTrips(6)

    def test_madeWhenMoreGo(self) -> None:
        """
        It makes no difference if that is seen when others are removed.
        """
        self.make(LEAST)
        self.cut({LOCAL: 30}, Lost("gone"))
        with self.brake.due({LOCAL: 10}) as removed:
            removed[LOCAL] += 10
            self.known -= 40
        self.assertTrips(11)

    def test_notMade(self) -> None:
        """
        They do not if they have to be made again.
        """
        self.make(LEAST)
        self.cut({LOCAL: 30}, Lost("gone"))
        self.remove({LOCAL: 30})
        self.known -= 30
        self.assertTrips(21)

    def test_refused(self) -> None:
        """
        Nor do those that were refused.
        """
        self.make(LEAST)
        self.cut({LOCAL: 30}, MailboxError("no"))
        self.known -= 30
        self.assertTrips(51)


class WindowTests(BrakeCase):
    """
    How much may go where there is no end to a run.
    """

    def setUp(self) -> None:
        """
        Make a clock.
        """
        self.clock = Clock()
        self.clock.advance(1e6)

    def test_emptied(self) -> None:
        """
        What goes in many portions is too much as soon as it is more than half of
        what was there.
        """
        self.make(1003, clock=self.clock)
        self.remove({LOCAL: 451})
        self.clock.advance(1)
        error = self.assertRaises(MassDeletion, self.remove, {LOCAL: 248})
        self.assertIn("699 of 1003 known messages", str(error))
        self.assertIn("from local within an hour, which", str(error))
        self.assertEqual(552, self.known)

    def test_within(self) -> None:
        """
        All counts for an hour.
        """
        self.make(1000, clock=self.clock)
        for _ in range(50):
            self.remove({LOCAL: 10})
            self.clock.advance(WINDOW / 50 - 1)
        self.assertRaises(MassDeletion, self.remove, {LOCAL: 1})

    def test_over(self) -> None:
        """
        What is longer ago does not: then it is half of what was left.
        """
        self.make(1000, clock=self.clock)
        self.remove({LOCAL: 500})
        self.clock.advance(WINDOW - 1)
        self.assertTrips(1)
        self.clock.advance(120)
        self.assertTrips(251)

    def test_slowly(self) -> None:
        """
        An account may be emptied slowly.
        """
        self.make(1000, clock=self.clock)
        for _ in range(90):
            self.clock.advance(WINDOW / 4)
            self.brake.look()
            self.remove({REMOTE: min(self.known // 10, 50)})
        self.assertLess(self.known, LEAST)

    def test_highest(self) -> None:
        """
        It is half of all that were known within the hour.
        """
        self.make(300, clock=self.clock)
        self.clock.advance(WINDOW / 2)
        self.known = 200
        self.assertTrips(151)
        self.clock.advance(WINDOW / 2 + 120)
        self.assertTrips(101)

    def test_busy(self) -> None:
        """
        Where as much comes as goes, what came counts as known too.
        """
        self.make(1000, clock=self.clock)
        for _ in range(200):
            self.clock.advance(60)
            self.known += 12
            self.brake.look()
            self.remove({LOCAL: 12})
        self.assertEqual(1000, self.known)
