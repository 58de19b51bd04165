"""
Tests for L{imapsync.run.budget}, and for runs that may not use more than so much.
"""

from __future__ import annotations

import time

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.request import Request
from imapsync.errors import Later, Lost
from imapsync.model import Side
from imapsync.run.budget import Budget
from imapsync.state.store import Store
from imapsync.test.fakes.world import World
from imapsync.test.run.test_live import FollowingCase
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import mail

DAY = 86400


class BudgetTests(SynchronousTestCase):
    """
    Counting.
    """

    def setUp(self) -> None:
        """
        Have three megabytes for the remote side.
        """
        world = World(self.mktemp())
        world.options[Side.REMOTE]["octetsPerDay"] = 3_000_000
        self.servers = world.settings().servers
        self.path = world.database
        self.clock = Clock()
        self.clock.advance(10 * DAY + 3600)
        self.budget = self.open()

    def open(self) -> Budget:
        """
        Begin a run.
        """
        self.store = Store.open(self.path)
        self.addCleanup(self.store.close)
        return Budget(self.servers, self.store, self.clock.seconds)

    def spend(self, octets: int) -> None:
        """
        So much.
        """
        meter = self.budget.meter(Side.REMOTE)
        assert meter is not None
        meter(octets, 0)

    def test_unlimited(self) -> None:
        """
        Where there is no limit, nothing is counted.
        """
        self.assertIsNone(self.budget.meter(Side.LOCAL))
        self.budget.check(Side.LOCAL)

    def test_used(self) -> None:
        """
        When all is used up, it is said when it can go on.
        """
        self.spend(2_999_999)
        error = self.assertRaises(Later, self.spend, 1)
        self.assertEqual(DAY - 3600, error.seconds)
        self.assertIn("max-octets-per-day (3000000) are used up", str(error))
        self.assertIn("from 1970-01-12 00:00 UTC", str(error))
        self.assertRaises(Later, self.budget.check, Side.REMOTE)

    def test_nextDay(self) -> None:
        """
        On the next day there is as much again.
        """
        self.assertRaises(Later, self.spend, 4_000_000)
        self.clock.advance(DAY - 3600)
        self.budget.check(Side.REMOTE)
        self.spend(2_000_000)
        self.assertRaises(Later, self.spend, 2_000_000)

    def test_kept(self) -> None:
        """
        The next run knows of it, even if this one has no time to say more.
        """
        self.spend(2_500_000)
        self.store.close()
        self.budget = self.open()
        self.spend(300_000)
        self.budget.keep()
        self.store.close()
        self.budget = self.open()
        self.assertRaises(Later, self.spend, 200_000)

    def test_otherDay(self) -> None:
        """
        What was counted on another day, were it one to come, is of no concern.
        """
        self.spend(2_900_000)
        self.budget.keep()
        self.store.close()
        for days in -1, 2:
            self.clock.advance(days * DAY)
            self.budget = self.open()
            self.spend(2_000_000)
            self.store.close()


class HostTests(SynchronousTestCase):
    """
    Hosts that are known for a limit.
    """

    def setUp(self) -> None:
        """
        Have one of them be remote.
        """
        self.world = World(self.mktemp())
        self.world.options[Side.REMOTE]["host"] = "imap.gmail.com"
        self.path = self.world.database

    def open(self) -> Budget:
        """
        Begin a run, half a day after 1970.
        """
        self.store = Store.open(self.path)
        self.addCleanup(self.store.close)
        return Budget(self.world.settings().servers, self.store, lambda: DAY / 2)

    def test_ways(self) -> None:
        """
        Less may be sent than received; both are kept for the next run.
        """
        for octets, word in (
            ((2_000_000_000, 0), "received"),
            ((0, 470_000_000), "sent"),
        ):
            self.path = self.mktemp()
            budget = self.open()
            self.assertIsNone(budget.meter(Side.LOCAL))
            meter = budget.meter(Side.REMOTE)
            assert meter is not None
            meter(*octets)
            budget.keep()
            self.store.close()
            meter = self.open().meter(Side.REMOTE)
            assert meter is not None
            error = self.assertRaises(Later, meter, *octets)
            self.assertEqual(DAY / 2, error.seconds)
            text = (
                rf"the \d+ {word} of the octets that Gmail allows on one day are used"
            )
            self.assertRegex(str(error), text)

    def test_configured(self) -> None:
        """
        The configuration knows better.
        """
        self.world.options[Side.REMOTE]["octetsPerDay"] = 10_000_000_000
        meter = self.open().meter(Side.REMOTE)
        assert meter is not None
        meter(3_000_000_000, 3_000_000_000)
        self.assertRaises(Later, meter, 4_000_000_000, 0)

    def test_tunnel(self) -> None:
        """
        What is behind a command, nobody knows.
        """
        self.world.options[Side.REMOTE]["command"] = "x"
        self.assertIsNone(self.open().meter(Side.REMOTE))


class RunTests(ServiceCase):
    """
    Runs that come to the end of it.
    """

    def setUp(self) -> None:
        """
        Have more to copy than may go there on one day.
        """
        super().setUp()
        self.patch(time, "time", self.reactor.seconds)
        self.world.options[Side.REMOTE]["octetsPerDay"] = 150_000
        self.remote.capabilities.remove("MULTIAPPEND")
        self.world.fill(*(mail(number, 20_000) for number in range(20)))

    def test_days(self) -> None:
        """
        A run ends with what it has done; the next one on that day asks nothing of that
        server, and those on other days go on, until all is done, nothing twice.
        """
        before = 0
        for day in range(9):
            outcome = self.serve(Request(patience=0), verbose=False)
            there = len(self.remote.inbox.messages)
            if not outcome.code:
                break
            self.assertEqual(Lost.code, outcome.code)
            self.assertIn("max-octets-per-day (150000) are used up", outcome.text)
            self.assertIn(f"from 1970-01-0{day + 2} 00:00 UTC", outcome.text)
            self.assertGreater(there, before)
            self.remote.heard.clear()
            self.serve(Request(patience=0), verbose=False)
            self.assertEqual([], self.remote.heard)
            self.assertClosed()
            before = there
            self.reactor.advance(DAY - self.reactor.seconds() % DAY)
        self.assertGreater(day, 1)
        self.assertTrue(self.world.equal)
        self.assertEqual(20, len(self.remote.inbox.messages))


class FollowTests(FollowingCase):
    """
    Live mode.
    """

    def test_waits(self) -> None:
        """
        It waits for the next day.
        """
        self.patch(time, "time", self.reactor.seconds)
        self.world.options[Side.REMOTE]["octetsPerDay"] = 50_000
        self.follow()
        for number in range(4):
            self.local.inbox.add(mail(number, 20_000))
            self.world.pump()
        status = self.service.status
        self.assertEqual("backing off", status.state)
        self.assertIn("max-octets-per-day", status.error)
        self.assertEqual(DAY, status.until)
        self.forget()
        self.wait(3600)
        self.assertEqual([], self.remote.heard)
        self.reactor.advance(DAY)
        self.world.pump()
        self.assertRests()
