"""
Tests for L{imapsync.mailbox.course}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.mailbox.course import Course, Flow
from imapsync.mailbox.queue import Queue
from imapsync.model import Side
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side


class CourseTests(SynchronousTestCase):
    """
    Tests for L{Course}.
    """

    def setUp(self) -> None:
        """
        Two mailboxes are to be worked on.
        """
        self.course = Course()
        news = {"a": {LOCAL: 10, REMOTE: 0}, "b": {LOCAL: 5, REMOTE: 3}}
        self.course.plans(news)

    def flows(self) -> tuple[Flow, Flow]:
        """
        What there is, either way.
        """
        return self.course.flow(LOCAL), self.course.flow(REMOTE)

    def test_planned(self) -> None:
        """
        What is new on one side goes to the other; where both have news, some of that
        may be equal.
        """
        self.assertEqual((Flow(left=3), Flow(left=15)), self.flows())
        self.assertEqual((0, 2), (self.course.over, self.course.ahead))
        self.assertTrue(self.course.vague)

    def test_certain(self) -> None:
        """
        When it is known what was equal, there is less to do.
        """
        self.course.begins("b", "comparing")
        self.course.copies("b", {LOCAL: 1, REMOTE: 3})
        self.assertEqual((Flow(left=1), Flow(left=13)), self.flows())
        self.assertEqual({"b": "copying"}, self.course.going)
        self.assertFalse(self.course.vague)

    def test_nothing(self) -> None:
        """
        If nothing is to be copied, nothing is said to be.
        """
        self.course.begins("b", "comparing")
        self.course.copies("b", {LOCAL: 0, REMOTE: 0})
        self.assertEqual({"b": "comparing"}, self.course.going)

    def test_done(self) -> None:
        """
        What was done is not to be done any more, and counts with its octets.  More may
        be done than was planned.
        """
        self.course.did("a", REMOTE, 4, 400)
        self.assertEqual((Flow(left=3), Flow(4, 400, 11)), self.flows())
        self.course.did("a", REMOTE, 8, 800)
        self.assertEqual((Flow(left=3), Flow(12, 1200, 5)), self.flows())

    def test_underWay(self) -> None:
        """
        What was sent counts, and once only when it is done with; what is sent again
        does not.
        """
        queue = Queue(lambda _: None)
        self.course.did("a", REMOTE, 2, 20)
        self.course.sends("a", REMOTE, queue)
        for uid in range(1, 4):
            queue.sends(UidSet.of([uid]), 100)
        self.assertEqual(Flow(5, 320, 10), self.course.flow(REMOTE))
        self.course.did("a", REMOTE, 2, 200)
        self.assertEqual(Flow(5, 320, 10), self.course.flow(REMOTE))
        for uid in range(4, 30):
            queue.sends(UidSet.of([uid]), 100)
        messages, _, left = self.course.flow(REMOTE)
        self.assertEqual((10, 5), (messages, left))
        self.course.sent("a", REMOTE)
        self.assertEqual(Flow(4, 220, 11), self.course.flow(REMOTE))

    def test_ended(self) -> None:
        """
        What was not done of a mailbox in the end is not to be done any more.
        """
        self.course.begins("b")
        self.course.ended("b")
        self.assertEqual((Flow(), Flow(left=10)), self.flows())
        self.assertEqual((1, 1), (self.course.over, self.course.ahead))
        self.assertEqual({}, self.course.going)
        self.assertFalse(self.course.vague)

    def test_again(self) -> None:
        """
        A new plan replaces the one before; what was done stays done.
        """
        self.course.begins("a")
        self.course.did("a", REMOTE, 4, 400)
        self.course.ended("a")
        self.course.begins("b")
        self.course.plans({"b": {LOCAL: 0, REMOTE: 1}})
        self.assertEqual((Flow(left=1), Flow(4, 400, 0)), self.flows())
        self.assertEqual((1, 1), (self.course.over, self.course.ahead))
        self.assertEqual({}, self.course.going)

    def test_barred(self) -> None:
        """
        Nothing goes to a side that is only read.
        """
        self.course.plans({"a": {LOCAL: 2, REMOTE: 3}}, [REMOTE])
        self.assertEqual((Flow(left=3), Flow()), self.flows())

    def test_reading(self) -> None:
        """
        Where all is read, each side has its own; nothing is doubtful.
        """
        self.course.reading = True
        self.course.plans({"a": {LOCAL: 2, REMOTE: 3}}, [REMOTE])
        self.course.begins("a", "comparing")
        self.course.copies("a", {LOCAL: 4})
        self.course.did("a", LOCAL, 1, 10)
        self.assertEqual((Flow(1, 10, 3), Flow(left=3)), self.flows())
        self.assertEqual({"a": "comparing"}, self.course.going)
        self.assertFalse(self.course.vague)
