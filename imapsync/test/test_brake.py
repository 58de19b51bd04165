"""
Tests for L{imapsync.brake}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.brake import LEAST, Brake
from imapsync.errors import MassDeletion


class BrakeTests(SynchronousTestCase):
    """
    How much may go.
    """

    def test_half(self) -> None:
        """
        Half of all messages may go, in any portions; no more.
        """
        brake = Brake(LEAST, lifted=False)
        brake.remove(30)
        brake.remove(0)
        brake.remove(20)
        self.assertTrue(brake.trips(1))
        error = self.assertRaises(MassDeletion, brake.remove, 1)
        self.assertIn("51 of 100", str(error))
        self.assertIn("--allow-mass-delete", str(error))
        self.assertEqual(1, error.code)

    def test_refusedIsNotCounted(self) -> None:
        """
        What may not go is not counted as gone.
        """
        brake = Brake(LEAST, lifted=False)
        self.assertRaises(MassDeletion, brake.remove, 90)
        brake.remove(50)

    def test_trips(self) -> None:
        """
        Asking removes nothing.
        """
        brake = Brake(101, lifted=False)
        self.assertFalse(brake.trips(50))
        self.assertFalse(brake.trips(50))
        self.assertTrue(brake.trips(51))

    def test_lifted(self) -> None:
        """
        The user can lift it.
        """
        brake = Brake(1000, lifted=True)
        self.assertFalse(brake.trips(1000))
        brake.remove(1000)

    def test_small(self) -> None:
        """
        Small accounts have none.
        """
        Brake(LEAST - 1, lifted=False).remove(LEAST - 1)
        Brake(0, lifted=False).remove(0)
