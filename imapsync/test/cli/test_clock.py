"""
Tests for L{imapsync.cli.clock}.
"""

from __future__ import annotations

from twisted.internet.base import ReactorBase
from twisted.internet.task import LoopingCall
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.clock import steady


class Bare(ReactorBase):
    """
    A reactor that waits for nothing but time.

    @ivar wall: the time of day.
    """

    wall = 1_700_000_000.0

    def seconds(self) -> float:
        """
        As of any reactor of Twisted's.
        """
        return self.wall

    def installWaker(self) -> None:
        """
        There are no threads.
        """

    def wait(self) -> float:
        """
        How long it would wait now.
        """
        self.runUntilCurrent()
        seconds = self.timeout()
        assert seconds is not None
        return seconds


class SteadyTests(SynchronousTestCase):
    """
    A clock that was set back by two hours.
    """

    def setUp(self) -> None:
        """
        Have a reactor, in which something is to be done.
        """
        self.reactor = Bare()
        self.done: list[str] = []
        self.reactor.callLater(50, self.done.append, "early")

    def test_wall(self) -> None:
        """
        By itself, a reactor waits for the time to come again.
        """
        self.reactor.wall -= 7200
        self.assertEqual(7250, self.reactor.wait())

    def test_steady(self) -> None:
        """
        Then it makes no difference, neither to what was to be done before nor to
        what is now.
        """
        steady(self.reactor)
        self.reactor.wall -= 7200
        self.assertTrue(49 < self.reactor.wait() <= 50)
        call = self.reactor.callLater(40, self.done.append, "late")
        self.assertTrue(39 < self.reactor.wait() <= 40)
        call.reset(30)
        self.assertTrue(29 < self.reactor.wait() <= 30)
        self.reactor.callLater(0, self.done.append, "now")
        self.reactor.wait()
        self.assertEqual(["now"], self.done)

    def test_overdue(self) -> None:
        """
        What is due already is done.
        """
        self.reactor.wall += 60
        steady(self.reactor)
        self.reactor.callLater(10, self.done.append, "late")
        self.reactor.wait()
        self.assertEqual(["early"], self.done)

    def test_again(self) -> None:
        """
        Nothing changes when it is done twice.
        """
        steady(self.reactor)
        steady(self.reactor)
        self.assertTrue(49 < self.reactor.wait() <= 50)

    def test_looping(self) -> None:
        """
        What is done again and again is, too.
        """
        steady(self.reactor)
        looping = LoopingCall(self.done.append, "again")
        looping.clock = self.reactor
        self.addCleanup(looping.stop)
        looping.start(10)
        self.reactor.wall -= 7200
        self.assertTrue(9 < self.reactor.wait() <= 10)
