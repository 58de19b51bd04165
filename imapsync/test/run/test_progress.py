"""
Tests for L{imapsync.run.progress}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.request import Depth, Request
from imapsync.mailbox.course import Course, Flow
from imapsync.model import Side
from imapsync.run.progress import Pace, Paces, Progress
from imapsync.run.status import SyncState
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import mail

LOCAL, REMOTE = Side


class ProgressTests(SynchronousTestCase):
    """
    Tests for L{Progress}.
    """

    def test_new(self) -> None:
        """
        At first there is nothing, and no share of it is done.
        """
        self.assertEqual(Progress(), Progress.of(Course()))
        self.assertIsNone(Progress().share)

    def test_taken(self) -> None:
        """
        It stays as it was, whatever is done after that.
        """
        course = Course()
        course.plans({"a": {LOCAL: 4, REMOTE: 0}, "b": {}})
        course.begins("a")
        course.did("a", REMOTE, 1, 10)
        found = Progress.of(course)
        course.ended("a")
        expected = Progress((("a", "looking at"),), 0, 2, Flow(), Flow(1, 10, 3))
        self.assertEqual(expected, found)
        self.assertEqual(Flow(1, 10, 3), found.both)
        self.assertEqual([Flow(), Flow(1, 10, 3)], [found.flow(side) for side in Side])

    def test_share(self) -> None:
        """
        Messages count, and so does a mailbox in which there are none; where it is not
        known what is to be done, nothing does.
        """
        progress = Progress(over=1, ahead=3, remote=Flow(2, 10, 6))
        self.assertEqual(0.25, progress.share)
        self.assertEqual(0.5, progress._replace(remote=Flow(2, 10, 0)).share)
        self.assertEqual(0.25, progress._replace(remote=Flow()).share)
        self.assertIsNone(progress._replace(vague=True).share)


class ServiceTests(ServiceCase):
    """
    What a service tells.
    """

    def setUp(self) -> None:
        """
        There is something to be copied, either way.
        """
        super().setUp()
        for number in range(3):
            self.local.inbox.add(mail(number))
        work = self.remote.make("Work")
        for number in range(5):
            work.add(mail(10 + number))
        self.octets = 3 * len(mail(1)), sum(len(mail(10 + n)) for n in range(5))

    def test_synced(self) -> None:
        """
        After a sync, it is told how far it came; that is a part of the status.
        """
        self.assertEqual(0, self.serve().code)
        progress = self.service.progress
        there, here = self.octets
        expected = Progress((), 2, 0, Flow(5, here), Flow(3, there))
        self.assertEqual(expected, progress)
        self.assertEqual(progress, self.service.status.progress)
        self.assertIs(SyncState.STOPPED, self.service.state)

    def test_dryRun(self) -> None:
        """
        In a dry run, nothing is copied, nor is anything about to be.
        """
        outcome = self.serve(Request(dryRun=True), say=lambda _: None)
        self.assertEqual(0, outcome.code)
        self.assertEqual(Progress((), 2, 0), self.service.progress)

    def test_verified(self) -> None:
        """
        A verification reads on both sides.
        """
        self.assertEqual(0, self.serve().code)
        outcome = self.serve(Request(verify=Depth.HEADER), say=lambda _: None)
        self.assertEqual(0, outcome.code)
        flow = Flow(8, sum(self.octets))
        expected = Progress((), 2, 0, flow, flow, reading=True)
        self.assertEqual(expected, self.service.progress)

    def test_repaired(self) -> None:
        """
        A repair looks at all mailboxes.
        """
        self.assertEqual(0, self.serve().code)
        outcome = self.serve(Request(repair=True), say=lambda _: None)
        self.assertEqual(0, outcome.code)
        self.assertEqual(Progress((), 2, 0), self.service.progress)

    def test_interrupted(self) -> None:
        """
        While messages are copied, those that were sent count.
        """
        found: list[Progress] = []
        self.remote.before["APPEND"] = lambda: found.append(self.service.progress)
        self.assertEqual(0, self.serve().code)
        self.assertEqual([("INBOX", "copying")], [*found[0].mailboxes])
        self.assertFalse(found[0].vague)
        messages, _, left = found[0].remote
        self.assertEqual(3, messages + left)
        self.assertLess(0, messages)


class PacesTests(SynchronousTestCase):
    """
    Tests for L{Paces}.
    """

    def setUp(self) -> None:
        """
        Make one.
        """
        self.clock = Clock()
        self.paces = Paces()

    def take(self, seconds: float, done: int, left: int, vague: bool = False) -> Pace:
        """
        After some seconds, so many messages of 100 octets are done.
        """
        self.clock.advance(seconds)
        progress = Progress(remote=Flow(done, done * 100, left), vague=vague)
        return self.paces.take(self.clock.seconds(), progress)

    def test_first(self) -> None:
        """
        At first, nobody can tell.
        """
        self.assertEqual(Pace(), self.take(1, 5, 995))

    def test_steady(self) -> None:
        """
        Where as much is done in each second, it is known how long it takes.
        """
        self.take(1, 0, 1000)
        for second in range(1, 6):
            pace = self.take(1, 10 * second, 1000 - 10 * second)
        self.assertEqual(Pace(10, 1000), pace)
        self.assertEqual(Pace(10, 1000, 94), self.take(1, 60, 940))

    def test_late(self) -> None:
        """
        How long it took until the first message was done does not count.
        """
        self.take(1, 0, 1000)
        self.take(20, 0, 1000)
        self.take(1, 10, 990)
        for second in range(2, 41):
            pace = self.take(1, 10 * second, 1000 - 10 * second)
        self.assertEqual(Pace(10, 1000, 60), pace)

    def test_few(self) -> None:
        """
        A few messages tell nothing of the others.
        """
        self.take(1, 1, 1000)
        self.assertIsNone(self.take(10, 5, 1000).left)

    def test_jump(self) -> None:
        """
        Nor do many that are done at once.
        """
        self.take(1, 1, 1000)
        self.take(10, 1, 1000)
        self.assertEqual(None, self.take(1, 500, 500).left)

    def test_stalled(self) -> None:
        """
        Where nothing is done for long, nobody can tell; nor can anybody soon after it
        has become much faster.
        """
        for second in range(60):
            self.take(1, 10 * second, 10_000 - 10 * second)
        pace = self.take(31, 590, 9410)
        self.assertEqual(Pace(), self.take(1, 590, 9410))
        self.assertIsNone(pace.left)
        self.assertIsNone(self.take(5, 5000, 5000).left)

    def test_vague(self) -> None:
        """
        Nor if it is not known what is to be done.
        """
        self.take(1, 10, 1000, vague=True)
        self.assertIsNone(self.take(10, 100, 900, vague=True).left)

    def test_done(self) -> None:
        """
        Nothing is left when all is done.
        """
        self.take(1, 10, 90)
        self.assertIsNone(self.take(10, 100, 0).left)

    def test_anew(self) -> None:
        """
        When another run counts, all begins anew.
        """
        for second in range(1, 9):
            self.take(1, 10 * second, 1000 - 10 * second)
        self.assertEqual(Pace(), self.take(1, 0, 50))
