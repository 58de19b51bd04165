"""
Tests for L{imapsync.several.openfiles}.
"""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.several.openfiles import allow


class AllowTests(SynchronousTestCase):
    """
    Tests for L{allow}.
    """

    def setUp(self) -> None:
        """
        Have the system allow so many, and no more if it is asked.
        """
        self.limits = (1024, 4096)
        self.refused = False

    def get(self, _: int) -> tuple[int, int]:
        """
        What it allows.
        """
        return self.limits

    def set(self, _: int, limits: tuple[int, int]) -> None:
        """
        Ask it for another limit.
        """
        if self.refused:
            raise ValueError("not allowed to raise maximum limit")
        self.limits = limits

    def warnings(self, accounts: int) -> list[str | None]:
        """
        What is said of so many accounts.
        """
        with capturedLogs() as events:
            allow(accounts, self.get, self.set)
        return [formatEvent(event) for event in events]

    def test_enough(self) -> None:
        """
        Where there are enough, nothing changes.
        """
        self.assertEqual([], self.warnings(50))
        self.assertEqual((1024, 4096), self.limits)

    def test_raised(self) -> None:
        """
        Where there are not, the system is asked for as many as are needed.
        """
        self.assertEqual([], self.warnings(200))
        self.assertEqual((2100, 4096), self.limits)
        self.limits = (1024, -1)
        self.assertEqual([], self.warnings(1000))
        self.assertEqual((10100, -1), self.limits)
        self.limits = (-1, -1)
        self.assertEqual([], self.warnings(1000))
        self.assertEqual((-1, -1), self.limits)

    def test_tooFew(self) -> None:
        """
        Where it does not allow them, there is a warning that says what to do.
        """
        [warning] = self.warnings(1000)
        self.assertEqual((4096, 4096), self.limits)
        self.assertEqual(
            "1000 accounts may need 10100 open files, and the system allows 4096: raise"
            " that limit (LimitNOFILE= of a systemd unit, ulimit -Hn of a shell), or"
            " some cannot connect",
            warning,
        )

    def test_refused(self) -> None:
        """
        So it is where it allows nothing else.
        """
        self.refused = True
        [warning] = self.warnings(200)
        self.assertIn("may need 2100 open files, and the system allows 1024:", warning)
