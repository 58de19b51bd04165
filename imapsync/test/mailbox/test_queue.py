"""
Tests for L{imapsync.mailbox.queue}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.mailbox.queue import NEXT, Queue
from imapsync.uidset import UidSet


class QueueTests(SynchronousTestCase):
    """
    Messages that are sent next.
    """

    def test_inTime(self) -> None:
        """
        They are said before they are sent, many at a time, and each once.
        """
        said: list[UidSet] = []
        queue = Queue(said.append)
        queue.extend(UidSet(((1, 3 * NEXT),)))
        for uid in range(1, NEXT + 2):
            queue.sends(UidSet.of([uid]), 10)
            self.assertTrue(any(uid in some for some in said))
        queue.sends(UidSet.of([1]), 10)  # in another manner
        self.assertEqual([f"1:{NEXT}", f"{NEXT + 1}:{2 * NEXT}"], [*map(str, said)])
        self.assertEqual(f"{NEXT + 2}:{2 * NEXT}", str(queue.unsent))

    def test_many(self) -> None:
        """
        All of many are said before the first of them is sent.
        """
        said: list[UidSet] = []
        queue = Queue(said.append)
        queue.extend(UidSet(((1, 3 * NEXT),)))
        queue.sends(UidSet(((5, NEXT + 1),)), 10)
        self.assertEqual([f"1:{NEXT}", f"{NEXT + 1}:{2 * NEXT}"], [*map(str, said)])
        self.assertEqual(f"1:4,{NEXT + 2}:{2 * NEXT}", str(queue.unsent))

    def test_anyOrder(self) -> None:
        """
        So they are if a server sends them in another order.
        """
        said: list[UidSet] = []
        queue = Queue(said.append)
        queue.extend(UidSet(((1, 3 * NEXT),)))
        queue.sends(UidSet.of([2 * NEXT + 5]), 10)
        self.assertEqual(3, len(said))
        self.assertEqual(3 * NEXT - 1, len(queue.unsent))
