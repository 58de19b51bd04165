"""
Tests for L{imapsync.plan.brake}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import MassDeletion
from imapsync.model import Side
from imapsync.plan.brake import LEAST, Brake

LOCAL, REMOTE = Side


def remove(brake: Brake, counts: dict[Side, int]) -> None:
    """
    Remove messages, if the brake lets us.
    """
    brake.check(counts)
    for side, count in counts.items():
        brake.removed(side, count)


class BrakeTests(SynchronousTestCase):
    """
    How much may go.
    """

    def test_half(self) -> None:
        """
        Half of all messages may go from a side, in any portions; no more.
        """
        brake = Brake(LEAST, lifted=False)
        remove(brake, {LOCAL: 30, REMOTE: 50})
        remove(brake, {LOCAL: 0, REMOTE: 0})
        remove(brake, {LOCAL: 20})
        self.assertTrue(brake.trips({LOCAL: 1}))
        error = self.assertRaises(MassDeletion, brake.check, {LOCAL: 1})
        self.assertIn("51 of 100", str(error))
        self.assertIn("from local", str(error))
        self.assertIn("--allow-mass-delete", str(error))
        self.assertEqual(1, error.code)

    def test_forgiven(self) -> None:
        """
        What was moved may go in addition.
        """
        brake = Brake(LEAST, lifted=False)
        brake.forgive(REMOTE, 30)
        remove(brake, {LOCAL: 50, REMOTE: 80})
        self.assertTrue(brake.trips({REMOTE: 1}))

    def test_due(self) -> None:
        """
        What is being removed counts as if it were; what then was not, does not.
        """
        brake = Brake(LEAST, lifted=False)
        with brake.due({LOCAL: 30}) as removed:
            self.assertRaises(MassDeletion, brake.check, {LOCAL: 21})
            removed[LOCAL] += 10
            self.assertRaises(MassDeletion, brake.due({LOCAL: 21}).__enter__)
        brake.check({LOCAL: 40})
        self.assertTrue(brake.trips({LOCAL: 41}))

    def test_refusedIsNotCounted(self) -> None:
        """
        What may not go is not counted as gone.
        """
        brake = Brake(LEAST, lifted=False)
        self.assertRaises(MassDeletion, brake.check, {LOCAL: 50, REMOTE: 90})
        remove(brake, {LOCAL: 50})

    def test_trips(self) -> None:
        """
        Asking removes nothing.
        """
        brake = Brake(101, lifted=False)
        self.assertFalse(brake.trips({LOCAL: 50}))
        self.assertFalse(brake.trips({LOCAL: 50, REMOTE: 50}))
        self.assertTrue(brake.trips({LOCAL: 1, REMOTE: 51}))

    def test_lifted(self) -> None:
        """
        The user can lift it.
        """
        brake = Brake(1000, lifted=True)
        self.assertFalse(brake.trips({LOCAL: 1000}))
        remove(brake, {LOCAL: 1000})

    def test_small(self) -> None:
        """
        Small accounts have none.
        """
        remove(Brake(LEAST - 1, lifted=False), {LOCAL: LEAST - 1})
        remove(Brake(0, lifted=False), {LOCAL: 0})
