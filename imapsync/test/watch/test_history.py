"""
Tests for L{imapsync.watch.history}.
"""

from __future__ import annotations

import sys
from time import localtime, mktime

from twisted.trial.unittest import SynchronousTestCase

from imapsync.watch.facts import Amount
from imapsync.watch.history import History

#: Midnight, and the first second of a minute and of a quarter.
_MIDNIGHT = mktime((2026, 11, 30, 0, 0, 0, 0, 0, -1))
_NOON = _MIDNIGHT + 12 * 3600


class HistoryTests(SynchronousTestCase):
    """
    What was done is remembered by the time at which it was.
    """

    def setUp(self) -> None:
        self.history = History()

    def test_nothing(self) -> None:
        """
        Where nothing was done, there are as many minutes and quarters.
        """
        self.assertEqual((Amount(),) * 60, self.history.hour(_NOON))
        self.assertEqual((Amount(),) * 96, self.history.day(_NOON))
        self.assertEqual(Amount(), self.history.today(_NOON))

    def test_added(self) -> None:
        """
        What is done in one minute is added up; the present minute is the last.
        """
        self.history.add(_NOON, Amount(1, 100))
        self.history.add(_NOON + 59, Amount(2, 10))
        self.history.add(_NOON + 61, Amount(4, 1))
        self.assertEqual(
            (Amount(3, 110), Amount(4, 1)), self.history.hour(_NOON + 62)[-2:]
        )
        self.assertEqual(Amount(7, 111), self.history.day(_NOON + 62)[-1])
        self.assertEqual(Amount(7, 111), self.history.today(_NOON + 62))

    def test_passed(self) -> None:
        """
        What is longer ago goes out at the other end, though nothing is done.
        """
        self.history.add(_NOON, Amount(1, 100))
        hour = self.history.hour(_NOON + 59 * 60)
        self.assertEqual(Amount(1, 100), hour[0])
        self.assertEqual(60, len(hour))
        self.assertEqual((Amount(),) * 60, self.history.hour(_NOON + 3600))
        day = self.history.day(_NOON + 3600)
        self.assertEqual((Amount(1, 100), 96), (day[-5], len(day)))
        self.assertEqual((Amount(),) * 96, self.history.day(_NOON + 30 * 86400))

    def test_midnight(self) -> None:
        """
        A day begins at midnight.
        """
        self.history.add(_MIDNIGHT - 1, Amount(1, 100))
        self.assertEqual(Amount(), self.history.today(_MIDNIGHT))
        self.history.add(_MIDNIGHT + 1, Amount(2, 50))
        self.assertEqual(Amount(2, 50), self.history.today(_MIDNIGHT + 2))
        self.assertEqual(0, localtime(_MIDNIGHT).tm_hour)

    def test_setBack(self) -> None:
        """
        Somebody sets the clock back by a few minutes: nothing is lost; by a month: what
        seems to be in the future is not told for a month.
        """
        self.history.add(_NOON, Amount(1, 100))
        self.history.add(_NOON - 120, Amount(2, 10))
        self.assertEqual(Amount(3, 110), self.history.hour(_NOON - 100)[-1])
        before = _NOON - 30 * 86400
        self.history.add(before, Amount(4, 1))
        self.assertEqual(Amount(4, 1), self.history.hour(before)[-1])
        self.assertEqual(4, sum(one.messages for one in self.history.hour(before)))

    def test_small(self) -> None:
        """
        It takes little memory, and next to none where nothing is done.
        """
        history = History()
        self.assertTrue(sys.getsizeof(history) < 100)
        self.history.add(_NOON, Amount(1, 100))
        rings = (self.history._hour, self.history._day)
        size = sum(
            sys.getsizeof(kept)
            for ring in rings
            if ring is not None
            for kept in (ring, ring._messages, ring._octets)
        )
        self.assertTrue(size < 4096, size)
