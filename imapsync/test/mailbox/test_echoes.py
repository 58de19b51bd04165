"""
Tests for L{imapsync.mailbox.echoes}: two live services over the same two accounts,
each with a database of its own.
"""

from __future__ import annotations

import gc
from functools import partial

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.request import Request
from imapsync.plan.growth import ROUNDS
from imapsync.run.heartbeat import SILENCE
from imapsync.service import Outcome, SyncService
from imapsync.test.fakes.world import Reactor, World
from imapsync.testing.accounts import mail

#: So many steps, and whoever still does something does it for ever.
STEPS = 6000


class Paced(World):
    """
    A world in which each service's lines move every so many steps.

    @ivar paces: by service, every how many.
    @ivar moved: by service, how many of its lines' steps brought something.
    """

    def __init__(self, database: str, paces: list[int]) -> None:
        super().__init__(database)
        self.paces = paces
        self._steps = 0

    def step(self) -> bool:
        """
        Let a little happen, on those lines whose turn it is.
        """
        self._steps += 1
        moved = [
            link.move()
            for number, link in enumerate(self.links)
            # Each service has connected to both sides, one after the other.
            if self._steps % self.paces[number // 2 % len(self.paces)] == 0
        ]
        return any([*moved, self._turn()])

    def rests(self) -> bool:
        """
        Let everything happen.

        @return: whether it comes to an end.
        """
        quiet = 0
        for _ in range(STEPS):
            quiet = 0 if self.step() else quiet + 1
            if quiet > 2 * max(self.paces):
                return True
        return False


class EchoCase(SynchronousTestCase):
    """
    Live services over the same two accounts: as on a laptop and on a server.
    """

    def begin(self, *paces: int) -> None:
        """
        Start as many services as there are paces.
        """
        self.world = world = Paced(self.mktemp(), list(paces))
        self.inboxes = [account.inbox for account in world.accounts.values()]
        for account in world.accounts.values():
            account.capabilities |= {"AUTH=PLAIN", "SASL-IR"}
            account.inbox.add(mail("old"))
        self.reactor = Reactor(world)
        self.services = [
            SyncService(
                world.settings(database=self.mktemp()),
                self.reactor,
                Request(live=True),
                verbose=False,
            )
            for _ in paces
        ]
        self.addCleanup(gc.collect)
        for service in self.services:
            self.addCleanup(self.stop, service)
            service.startService()
        self.assertTrue(world.rests())

    def stop(self, service: SyncService) -> None:
        """
        Stop one.
        """
        stopped = service.stopService()
        for _ in range(50):
            self.world.rests()
            if stopped.called:
                break
            self.reactor.advance(0.1)
        self.successResultOf(stopped)

    def ended(self) -> Outcome:
        """
        How the first service has ended.
        """
        return self.successResultOf(self.services[0].whenFinished())

    def assertHolds(self, *counts: int) -> None:
        """
        It comes to rest, both sides are equal, and hold one of these numbers of
        messages besides the old one.
        """
        self.assertTrue(self.world.rests())
        self.assertTrue(self.world.equal)
        self.assertIn(len(self.inboxes[0].messages) - 1, counts)
        for service in self.services:
            self.assertEqual("waiting", service.status.state)


class EchoTests(EchoCase):
    """
    Several services, and new mail.
    """

    def arrive(self, *paces: int) -> None:
        """
        Start services; messages arrive.
        """
        self.begin(*paces)
        for number in range(13):
            self.inboxes[0].add(mail(f"new {number}"))

    def test_sameTime(self) -> None:
        """
        If both copy it at the same time, it is there twice, and no more often.
        """
        with capturedLogs() as events:
            self.arrive(1, 1)
            self.assertHolds(26)
        [told] = {
            formatEvent(one) for one in events if one["log_level"].name == "error"
        }
        self.assertRegex(told, "INBOX: remote: UID .*: another program copied the same")

    def test_almost(self) -> None:
        """
        So it is if one is a little slower.
        """
        self.arrive(2, 3)
        self.assertHolds(13, 26)

    def test_slower(self) -> None:
        """
        If one is slower, it looks before it copies, and finds what is there.
        """
        for paces in ((1, 2), (3, 1)):
            self.arrive(*paces)
            self.assertHolds(13)
            for service in self.services:
                self.stop(service)

    def test_three(self) -> None:
        """
        Three have it be there three times.
        """
        self.arrive(1, 1, 1)
        self.assertHolds(39)

    def test_withoutIdentifier(self) -> None:
        """
        Messages without Message-ID do not multiply either.
        """
        self.begin(1, 1, 1)
        for number in range(13):
            self.inboxes[0].add(b"Subject: none\r\n\r\n%d\r\n" % number)
        self.assertHolds(39)

    def test_left(self) -> None:
        """
        If the other one has gone, it is waited for some minutes, not for ever.
        """
        self.begin(1)
        self.world.remote.before["APPEND"] = partial(self.inboxes[1].add, mail("new"))
        self.inboxes[0].add(mail("new"))
        self.assertTrue(self.world.rests())
        self.world.remote.before.clear()
        self.assertEqual(2, len(self.inboxes[0].messages))
        self.assertEqual(3, len(self.inboxes[1].messages))
        for _ in range(int(SILENCE) + 60):
            self.reactor.advance(1)
            self.world.rests()
        self.assertHolds(2)

    def test_likes(self) -> None:
        """
        Many equal messages, arriving at the same time and on both sides, are no
        echoes for a single one.
        """
        self.begin(1)
        for _ in range(3):
            for number in range(60):
                self.inboxes[number % 2].add(mail("newsletter"))
                self.inboxes[0].add(mail(f"of {number}"))
            self.assertTrue(self.world.rests())
            self.assertTrue(self.world.equal)
        self.assertHolds(3 * (30 + 60))

    def test_withoutUids(self) -> None:
        """
        With servers that do not tell the UIDs of copies, it comes to an end as well, if
        by the brake, which stops all in the middle of it.
        """
        self.begin(1, 1, 1)
        for account in self.world.accounts.values():
            account.appendUid = account.copyUid = False
        for number in range(13):
            self.inboxes[0].add(mail(f"new {number}"))
        self.assertTrue(self.world.rests())
        going = any(one.status.state == "waiting" for one in self.services)
        self.assertTrue(self.world.equal or not going)
        for inbox in self.inboxes:
            self.assertLessEqual(len(inbox.messages), 1 + 15 * 13)


class BrakeTests(EchoCase):
    """
    One service, and something else that copies within a mailbox.
    """

    def setUp(self) -> None:
        """
        A message arrives.
        """
        self.begin(1)
        self.inboxes[0].add(mail("new"))
        self.assertHolds(1)

    def double(self, times: int) -> None:
        """
        Whatever the service copies is doubled there.
        """
        for number in range(times):
            self.inboxes[1 - number % 2].add(mail("new"))
            self.assertTrue(self.world.rests())

    def test_twice(self) -> None:
        """
        A copy beside what has just arrived goes over at once, and so does one of
        that.
        """
        self.double(ROUNDS - 1)
        self.assertHolds(ROUNDS)

    def test_feedback(self) -> None:
        """
        What does not end by itself is stopped, and it is said what to do.
        """
        self.double(ROUNDS)
        outcome = self.ended()
        self.assertEqual(1, outcome.code)
        self.assertRegex(
            outcome.text, "^INBOX: remote: UID 5: went back.* another .* Let only one"
        )
        self.assertEqual(ROUNDS + 1, len(self.inboxes[0].messages))

    def test_dates(self) -> None:
        """
        Equal messages that arrive now here and now there, each at its time, are
        carried over.
        """
        for number in range(4 * ROUNDS):
            date = f"01-Feb-2020 03:05:{number:02} +0000"
            self.inboxes[1 - number % 2].add(mail("new"), date=date)
            self.assertHolds(2 + number)
