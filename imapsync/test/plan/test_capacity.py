"""
Tests for L{imapsync.plan.capacity}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.plan.capacity import Fit, Limit, Size, coming, fit, limits, total

STORAGE = Limit("", "STORAGE", 1024, 4096)
MESSAGES = Limit("", "MESSAGE", 5, 8)


class CapacityTests(SynchronousTestCase):
    """
    Whether there is room.
    """

    def test_limits(self) -> None:
        """
        Octets are octets; all else is counted as it is.
        """
        told = {"STORAGE": (1, 4), "MESSAGE": (5, 8)}
        self.assertEqual([STORAGE, MESSAGES], [*limits("", told)])
        self.assertEqual(3072, STORAGE.free)
        self.assertEqual(0, STORAGE._replace(used=9999).free)

    def test_total(self) -> None:
        """
        One that is not known makes the sum unknown; messages are known.
        """
        self.assertEqual(Size(0, 0), total([]))
        self.assertEqual(Size(3, 30), total([Size(1, 10), Size(2, 20)]))
        self.assertEqual(Size(3, None), total([Size(1, 10), Size(2, None)]))

    def test_coming(self) -> None:
        """
        What a mailbox holds more than its counterpart is to come; what it holds less
        makes no room for others.
        """
        source = {"a": Size(5, 50), "b": Size(1, 10), "c": Size(2, 20)}
        target = {"a": Size(3, 45), "b": Size(9, 90), "d": Size(7, 70)}
        self.assertEqual(Size(4, 25), coming(source, target))
        self.assertEqual(Size(0, 0), coming(source, source))

    def test_comingUnknown(self) -> None:
        """
        Where one server does not tell octets, those to come are unknown, if any are.
        """
        told, untold = {"a": Size(5, 50)}, {"a": Size(5, None)}
        self.assertEqual(Size(0, 0), coming(untold, told))
        self.assertEqual(Size(5, None), coming(untold, {}))
        self.assertEqual(Size(3, None), coming(told, {"a": Size(2, None)}))

    def test_larger(self) -> None:
        """
        Fewer octets in more messages take no room away.
        """
        self.assertEqual(Size(1, 0), coming({"a": Size(2, 5)}, {"a": Size(1, 9)}))

    def test_fit(self) -> None:
        """
        All limits count, of octets and of messages, but no others.
        """
        other = Limit("", "MAILBOX", 9, 9)
        for size, quotas, verdict in (
            (Size(3, 3072), [STORAGE, MESSAGES], Fit(True, MESSAGES)),
            (Size(3, 3072), [STORAGE, other], Fit(True, STORAGE)),
            (Size(3, 3073), [MESSAGES, STORAGE], Fit(False, STORAGE)),
            (Size(4, 1), [STORAGE, MESSAGES], Fit(False, MESSAGES)),
            (Size(4, None), [STORAGE, MESSAGES], Fit(False, MESSAGES)),
            (Size(3, None), [STORAGE, MESSAGES], Fit(None, STORAGE)),
            (Size(3, None), [MESSAGES], Fit(True, MESSAGES)),
            (Size(3, 9), [other], Fit(True)),
            (Size(3, 9), [], Fit(True)),
            (Size(3, 9), None, Fit(None)),
            (Size(0, 0), None, Fit(True)),
            (Size(0, 0), [STORAGE._replace(most=0)], Fit(True)),
        ):
            self.assertEqual(verdict, fit(size, quotas), size)
