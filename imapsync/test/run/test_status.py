"""
Tests for L{imapsync.run.status}.
"""

from __future__ import annotations

from typing import NamedTuple

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.mailbox.report import Report
from imapsync.model import Known, Refusal, Side, Trouble
from imapsync.run import status
from imapsync.run.status import (
    Change,
    Counters,
    MailboxStatus,
    Standing,
    SyncState,
    SyncStatus,
)
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side


class Wire(NamedTuple):
    """
    Connections that have carried so much.
    """

    octets: int


def known(name: str, pairs: int = 0) -> Known:
    """
    A mailbox of the database.
    """
    return Known(1, name, {}, {}, True, pairs, False)


class StandingTests(SynchronousTestCase):
    """
    Tests for L{Standing}.
    """

    def setUp(self) -> None:
        """
        Make one.
        """
        self.clock = Clock()
        self.clock.advance(10)
        self.told: list[Change] = []
        self.standing = Standing(self.clock.seconds, self.told.append)

    def test_new(self) -> None:
        """
        At first there is nothing to tell.
        """
        self.assertEqual(SyncStatus(SyncState.NEW, 10), self.standing.status)

    def test_moved(self) -> None:
        """
        Each new state is told, with the one before; the same one again is no
        news.
        """
        self.standing.moved("connecting")
        self.clock.advance(1)
        self.standing.moved("connecting")
        self.standing.moved("first sync")
        connecting = SyncStatus(SyncState.CONNECTING, 10)
        first = SyncStatus(SyncState.FIRST_SYNC, 11)
        self.assertEqual(
            [
                Change(SyncStatus(since=10), connecting, {}),
                Change(connecting, first, {}),
            ],
            self.told,
        )

    def test_texts(self) -> None:
        """
        A state is also the text that people are told.
        """
        for state in SyncState:
            self.assertEqual(state.value, f"{state}")
            self.assertIs(state, SyncState(str(state)))

    def test_failed(self) -> None:
        """
        The last error is kept, with its time.
        """
        self.standing.failed("no way")
        self.clock.advance(1)
        self.standing.moved("backing off")
        [change] = self.told
        self.assertEqual(("no way", 10), (change.after.error, change.after.errorAt))

    def test_mailboxes(self) -> None:
        """
        Of the mailboxes, those are told that are otherwise; what was told before
        stays as it was.
        """
        report = Report()
        self.standing.measured([known("a", 1), known("b", 2)], report)
        self.standing.moved("syncing")
        before = self.told[-1].after
        self.assertEqual(
            {"a": MailboxStatus(1), "b": MailboxStatus(2)}, before.mailboxes
        )
        report.trouble(Trouble("c", "no"))
        self.standing.measured([known("a", 1), known("c", 3)], report)
        self.standing.moved("waiting")
        self.assertEqual(
            {"b": None, "c": MailboxStatus(3, None, "no")}, self.told[-1].mailboxes
        )
        self.assertEqual(["a", "c"], sorted(self.told[-1].after.mailboxes))
        self.assertEqual(["a", "b"], sorted(before.mailboxes))
        self.standing.moved("syncing")
        self.assertEqual({}, self.told[-1].mailboxes)

    def test_refusals(self) -> None:
        """
        What is to be tried again is told of each mailbox, and when it is otherwise.
        """
        refusal = Refusal(LOCAL, UidSet.of([3]), "NO", tries=1)
        for tries in 1, 2:
            refused = {"a": (refusal._replace(tries=tries),)}
            mailboxes = [known("a", 1), known("b")]
            self.standing.measured(mailboxes, Report(), refused)
            self.standing.moved("syncing" if tries == 1 else "waiting")
            self.assertEqual(refused, self.told[-1].after.refusals)
            self.assertIn("a", self.told[-1].mailboxes)
        self.standing.measured(mailboxes, Report())
        self.assertEqual({}, self.standing.status.refusals)

    def test_behind(self) -> None:
        """
        A mailbox is behind from when that was seen until both sides were found
        equal, by a look that began after it.
        """
        self.standing.measured([known("a"), known("b")], Report())
        self.standing.fell("a")
        self.clock.advance(5)
        self.standing.fell("a")
        self.standing.fell("new")
        self.standing.moved("syncing")
        self.assertEqual(10, self.told[-1].mailboxes["a"].behind)  # type: ignore[union-attr]
        self.assertEqual(7, self.standing.status.mailboxes["a"].lag(17))
        self.assertEqual({"a", "new"}, self.standing.fallen)
        self.clock.advance(5)
        self.standing.synced(12, ())
        self.assertEqual({"a": MailboxStatus(0)}, self.told[-1].mailboxes)
        self.assertEqual(20, self.standing.status.synced)
        self.assertEqual({"new"}, self.standing.fallen)
        self.standing.measured([known("new")], Report())
        self.assertEqual(15, self.standing.status.mailboxes["new"].behind)
        self.standing.synced(17, ["new"])
        self.assertEqual({"new"}, self.standing.fallen)

    def test_counters(self) -> None:
        """
        What was done is counted over all runs and connections.
        """
        report, wire = Report(), Wire(100)
        self.standing.counts(report, wire)
        report.did("copied", "a", LOCAL, 2)
        report.did("moved", "a", LOCAL, 3)
        report.did("duplicated", "a", LOCAL, 4)
        report.did("flagged", "a", REMOTE, 5)
        report.did("expunged", "a", REMOTE, 6)
        report.did("moved to the trash", "a", REMOTE, 7)
        once = Counters(9, 100, 5, 13)
        self.assertEqual(once, self.standing.status.counters)
        self.standing.counts(report, Wire(11))
        self.assertEqual(111, self.standing.status.counters.octets)
        after = Report()
        self.standing.counts(after, Wire(22))
        after.did("copied", "b", LOCAL, 1)
        self.standing.counts(after, Wire(1))
        self.assertEqual(
            once.plus(Counters(1, 11 + 22 + 1)), self.standing.status.counters
        )

    def test_retries(self) -> None:
        """
        It is counted how often it connected anew.
        """
        for state in "connecting", "backing off", "connecting", "stopped", "connecting":
            self.standing.moved(state)
        self.assertEqual(1, self.standing.status.counters.retries)

    def test_cost(self) -> None:
        """
        However many mailboxes there are, a change makes no more of their statuses
        than have changed; and none are made when it is asked.
        """
        made = [0]

        def make(*values: object) -> MailboxStatus:
            made[0] += 1
            return MailboxStatus(*values)  # type: ignore[arg-type]

        self.patch(status, "MailboxStatus", make)
        mailboxes = [known(str(number)) for number in range(1000)]
        report = Report()
        self.standing.measured(mailboxes.copy(), report)
        self.assertEqual(1000, made[0])
        for number in range(100):
            self.standing.moved("syncing")
            mailboxes[number] = known(str(number), 1)
            self.standing.measured(mailboxes.copy(), report)
            self.standing.synced(0, ())
            self.assertEqual(1000, len(self.standing.status.mailboxes))
            self.standing.moved("waiting")
        self.assertEqual(1100, made[0])
