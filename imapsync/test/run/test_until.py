"""
Tests for L{imapsync.run.until}: one run after the other.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from imapsync.config.limits import Limits
from imapsync.config.request import Request
from imapsync.errors import Distrusted, Lost
from imapsync.run.oneshot import OneShot
from imapsync.run.sharing import Shared
from imapsync.run.until import LONGEST, PAUSE, Repeated
from imapsync.service import Outcome
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import mail

#: When the reactor began to count.
EPOCH = 1.7e9


class RepeatedTests(ServiceCase):
    """
    Tests for L{Repeated<imapsync.run.until.Repeated>}.
    """

    def setUp(self) -> None:
        """
        What a reactor counts is not the time of day.
        """
        super().setUp()
        self.patch(Repeated, "now", lambda _: EPOCH + self.reactor.seconds())

    def begin(self, until: float, **arguments: Any) -> Deferred[Outcome]:
        """
        Start a service that is to go on for so many seconds.
        """
        request = Request(until=EPOCH + self.reactor.seconds() + until)
        return self.start(request, verbose=False, **arguments)

    def go(self, seconds: float) -> None:
        """
        Time passes.
        """
        self.reactor.advance(seconds)
        self.world.pump()

    def count(self) -> int:
        """
        How often the local server was asked for its mailboxes, anew each time.
        """
        return self.local.count("NAMESPACE")

    def test_again(self) -> None:
        """
        What comes between two runs is synced by the next, and by the last, which
        begins when it is time.
        """
        self.world.fill(mail(1))
        finished = self.begin(2.5 * PAUSE)
        for number, pause in enumerate((PAUSE, PAUSE, PAUSE / 2), 2):
            self.assertTrue(self.world.equal)
            self.local.inbox.add(mail(number))
            self.assertNoResult(finished)
            self.go(pause - 1)
            self.assertFalse(self.world.equal)
            self.go(1)
        self.assertEqual(0, self.successResultOf(finished).code)
        self.assertTrue(self.world.equal)
        self.assertClosed()

    def test_refused(self) -> None:
        """
        Something that is refused is tried again at growing distances; the exit code is
        that of the last run.
        """
        self.world.fill(mail(1))
        self.remote.objection = lambda _: "NO [LIMIT] no"
        finished = self.begin(7 * PAUSE)
        runs = self.count()
        for pause in (2 * PAUSE, 4 * PAUSE):
            self.go(pause - 1)
            self.assertEqual(runs, self.count())
            self.go(1)
            self.assertGreater(self.count(), runs)
            runs = self.count()
        self.go(PAUSE)
        self.assertEqual(1, self.successResultOf(finished).code)

    def test_lost(self) -> None:
        """
        A server that cannot be reached is no end before it is time.
        """
        self.world.fill(mail(1))
        self.remote.greeting = "BYE"
        finished = self.begin(3 * LONGEST)
        for _ in range(10):
            self.go(1)
        self.assertNoResult(finished)
        self.remote.greeting = "PREAUTH"
        self.go(2 * PAUSE)
        self.assertTrue(self.world.equal)
        self.remote.greeting = "BYE"
        for _ in range(200):
            self.go(LONGEST / 10)
        self.assertEqual(Lost.code, self.successResultOf(finished).code)
        self.assertClosed()
        self.flushLoggedErrors()

    def test_denied(self) -> None:
        """
        What a server refuses from the beginning will never be different; later it may.
        """
        self.remote.greeting = "OK"
        self.remote.answers["AUTHENTICATE"] = "NO [AUTHENTICATIONFAILED] no"
        outcome = self.successResultOf(self.begin(LONGEST))
        self.assertEqual(Distrusted.code, outcome.code)
        self.remote.answers.clear()
        finished = self.begin(2 * LONGEST)
        self.remote.answers["AUTHENTICATE"] = "NO [AUTHENTICATIONFAILED] no"
        self.go(PAUSE)
        self.remote.answers.clear()
        self.local.inbox.add(mail(1))
        self.go(2 * PAUSE)
        self.assertNoResult(finished)
        self.assertTrue(self.world.equal)
        self.service.stopService()
        self.world.pump()

    def test_stop(self) -> None:
        """
        It may be ended at any time.
        """
        finished = self.begin(LONGEST)
        self.assertNoResult(finished)
        self.service.stopService()
        self.world.pump()
        self.assertEqual(Lost.code, self.successResultOf(finished).code)
        self.assertClosed()

    def test_stopClosing(self) -> None:
        """
        Also while the connections of one run are being closed.
        """
        closing: Deferred[None] = Deferred()
        self.patch(OneShot, "closed", lambda _: closing)
        finished = self.begin(LONGEST)
        self.service.stopService()
        self.assertNoResult(finished)
        closing.callback(None)
        self.assertEqual(Lost.code, self.successResultOf(finished).code)
        self.assertClosed()

    def test_turns(self) -> None:
        """
        Between two runs it is the turn of other accounts.
        """
        shared = Shared(Limits(atWork=1))
        finished = self.begin(1.5 * PAUSE, shared=shared)
        self.assertTrue(shared.beginning.takeNow([""]))
        self.go(PAUSE)
        runs = self.count()
        shared.beginning.give([""])
        self.go(0)
        self.assertEqual(runs + 1, self.count())
        self.go(PAUSE)
        self.assertEqual(0, self.successResultOf(finished).code)
