"""
Tests for L{imapsync.watch.watch}.
"""

from __future__ import annotations

from twisted.logger import LogPublisher
from twisted.trial.unittest import SynchronousTestCase

from imapsync.log import Log
from imapsync.run.lifecycle import Outcome
from imapsync.run.progress import Progress
from imapsync.run.status import Counters, MailboxStatus, SyncState
from imapsync.test.fakes.fleet import Fleet, configOf
from imapsync.watch.facts import Amount, Health
from imapsync.watch.watch import PERIOD, Watch

_START = 1_000_000.0


class WatchTests(SynchronousTestCase):
    """
    What becomes of accounts is remembered and told.
    """

    def setUp(self) -> None:
        self.fleet = Fleet("anna", "ben")
        self.clock = self.fleet.clock
        self.set = 0.0
        self.publisher = LogPublisher()
        self.watch = Watch(self.fleet, self.clock, self.now, self.publisher)
        self.watch.startService()
        self.told: list[str] = []
        self.watch.subscribe(self.told.append)
        self.fleet.looked.clear()

    def now(self) -> float:
        return _START + self.set + self.clock.seconds()

    def test_accounts(self) -> None:
        """
        All that are there are known at once.
        """
        self.assertEqual(["anna", "ben"], [one.name for one in self.watch.accounts()])

    def test_changed(self) -> None:
        """
        Of a change it is told, and whose it is; nobody else is looked at.
        """
        self.clock.advance(5)
        self.fleet.becomes("ben", state=SyncState.WAITING, synced=5.0)
        self.assertEqual(["ben"], self.told)
        self.assertEqual([], self.fleet.looked)
        ben = self.watch.facts("ben")
        self.assertEqual((_START + 5, Health.OK), (ben.synced, ben.health))

    def test_unsubscribed(self) -> None:
        """
        Who does not want to know any more is told no more.
        """
        self.watch.unsubscribe(self.told.append)
        self.fleet.becomes("ben", state=SyncState.WAITING)
        self.assertEqual([], self.told)

    def test_subscriberFails(self) -> None:
        """
        One who cannot bear to be told does no harm to others.
        """
        told: list[str] = []
        self.watch.subscribe(told.remove)
        self.watch.subscribe(told.append)
        self.fleet.becomes("ben", state=SyncState.WAITING)
        self.assertEqual(["ben"], told)
        self.assertEqual(1, len(self.flushLoggedErrors(ValueError)))

    def test_came(self) -> None:
        """
        One that comes is known; one that is replaced keeps what it did.
        """
        self.fleet.add("carl")
        self.assertEqual(["carl"], self.told)
        self.fleet.becomes("carl", counters=Counters(2, 100))
        self.fleet.add("carl", configOf("other"))
        carl = self.watch.facts("carl")
        self.assertEqual("other@a.example <-> other@b.example", carl.title)
        self.assertEqual(
            (Counters(2, 100), Amount(2, 100)), (carl.counters, carl.today)
        )

    def test_went(self) -> None:
        """
        One that goes is forgotten, but not what it did.
        """
        self.fleet.becomes("anna", state=SyncState.SYNCING, counters=Counters(2, 100))
        self.fleet.remove("anna")
        self.assertEqual(["anna", "anna"], self.told)
        self.assertEqual(["ben"], [one.name for one in self.watch.accounts()])
        self.assertRaises(KeyError, self.watch.facts, "anna")
        self.assertRaises(KeyError, self.watch.account, "anna")
        self.assertEqual(Counters(2, 100), self.watch.total)
        self.clock.advance(PERIOD)
        self.assertEqual([], self.fleet.looked)

    def test_ended(self) -> None:
        """
        How a run ended is known.
        """
        self.fleet.becomes("anna", state=SyncState.STOPPED)
        self.fleet.end("anna", Outcome(77, "Login failed"))
        self.assertEqual(Health.TROUBLE, self.watch.facts("anna").health)
        self.assertEqual(["anna", "anna"], self.told)

    def test_paused(self) -> None:
        """
        Whether one rests is known at once.
        """
        self.fleet.pause("anna")
        self.assertEqual(Health.PAUSED, self.watch.facts("anna").health)
        self.assertEqual(["anna"], self.told)

    def test_working(self) -> None:
        """
        Those that work are looked at from time to time: nobody tells what they do
        between two changes of their state.
        """
        self.fleet.becomes("anna", state=SyncState.SYNCING)
        self.fleet.becomes("ben", state=SyncState.WAITING)
        self.fleet.quietly("anna", counters=Counters(2, 100))
        self.told.clear()
        self.clock.advance(PERIOD)
        self.assertEqual((["anna"], ["anna"]), (self.fleet.looked, self.told))
        self.assertEqual(Amount(2, 100), self.watch.facts("anna").today)
        self.clock.advance(PERIOD)
        self.assertEqual(["anna"], self.told)  # as before
        self.fleet.becomes("anna", state=SyncState.WAITING)
        self.fleet.looked.clear()
        self.clock.advance(PERIOD)
        self.assertEqual([], self.fleet.looked)

    def test_manyWorking(self) -> None:
        """
        However many work, only so many are looked at at once, each in its turn.
        """
        fleet = Fleet(*(f"u{number}" for number in range(120)))
        watch = Watch(fleet, fleet.clock, self.now, self.publisher)
        watch.startService()
        for name in fleet.configs:
            fleet.becomes(name, state=SyncState.SYNCING)
        fleet.looked.clear()
        fleet.clock.advance(PERIOD)
        self.assertEqual(50, len(fleet.looked))
        fleet.clock.pump([PERIOD] * 5)
        self.assertEqual(fleet.configs.keys(), {*fleet.looked})

    def test_detail(self) -> None:
        """
        All that is known of one is as it is just now.
        """
        Log("imapsync.run.live", None, self.publisher, "ben").info("Copied 1.")
        progress = Progress(mailboxes=(("Work/\u0000", "copying"),))
        self.fleet.quietly(
            "ben",
            counters=Counters(1, 100),
            mailboxes={"INBOX": MailboxStatus(3)},
            progress=progress,
        )
        detail = self.watch.account("ben")
        self.assertEqual(["INBOX"], [one.shown for one in detail.mailboxes])
        self.assertEqual((("Work/\\u0000", "copying"),), detail.doing)
        self.assertEqual(["Copied 1."], [one.text for one in detail.log])
        self.assertEqual((60, 96), (len(detail.hour), len(detail.day)))
        self.assertEqual(detail.hour[-1], detail.facts.today)

    def test_clockSet(self) -> None:
        """
        Times are the same from one moment to the next; when the clock is set, all are
        told by what it shows.
        """
        self.fleet.becomes("ben", state=SyncState.WAITING)
        first = self.watch.facts("ben").since
        self.set = 0.1
        self.assertEqual(first, self.watch.facts("ben").since)
        self.set = 3600.0
        self.assertEqual(first + 3600, self.watch.facts("ben").since)

    def test_stopped(self) -> None:
        """
        When nobody watches any more, nothing is done.
        """
        self.watch.stopService()
        self.fleet.becomes("ben", state=SyncState.SYNCING)
        self.assertEqual([], self.told)
        self.assertEqual([], self.clock.getDelayedCalls())
        Log("imapsync.run.live", None, self.publisher, "ben").info("Copied 1.")
        self.assertEqual((), self.watch.account("ben").log)
