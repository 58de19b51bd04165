"""
Tests for L{imapsync.watch.memory}.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.mapping import Value
from imapsync.config.settings import Config
from imapsync.model import Refusal, Side
from imapsync.run.lifecycle import Outcome
from imapsync.run.status import Counters, MailboxStatus, SyncState, SyncStatus
from imapsync.test.fakes.fleet import configOf
from imapsync.uidset import UidSet
from imapsync.watch.facts import Amount, Facts, Health, MailboxFacts
from imapsync.watch.memory import Memory, titleOf

#: What the time of day is ahead of the reactor's.
_OFFSET = 1_000_000.0

_REFUSALS = (
    Refusal(Side.REMOTE, UidSet.of([3, 4]), "[LIMIT] Too large", "LIMIT", 100, 2, 500),
    Refusal(None, UidSet(), "the name cannot be carried over", since=100),
)


class MemoryTests(SynchronousTestCase):
    """
    An account is remembered as it was told of.
    """

    def setUp(self) -> None:
        self.memory = Memory(configOf("anna"))
        self.status = SyncStatus()

    def saw(self, **fields: Any) -> Counters:
        self.status = self.status._replace(**fields)
        return self.memory.saw(self.status, _OFFSET)

    def facts(self, paused: bool = False) -> Facts:
        return self.memory.facts("anna", _OFFSET + 50, _OFFSET, paused)

    def test_new(self) -> None:
        """
        Of one that was never told of, only the configuration is known.
        """
        expected = Facts(
            name="anna",
            title="anna@a.example <-> anna@b.example",
            path="the configuration",
            since=_OFFSET,
        )
        self.assertEqual(expected, self.facts())

    def test_times(self) -> None:
        """
        Times are told as the clock on the wall shows them.
        """
        waits = {"error": "No route", "errorAt": 3.0, "until": 60.0}
        self.saw(state=SyncState.BACKING_OFF, since=4.0, synced=2.0, **waits)
        facts = self.facts()
        self.assertEqual(
            [_OFFSET + at for at in (4, 2, 3, 3, 60)],
            [facts.since, facts.synced, facts.errorAt, facts.failing, facts.until],
        )

    def test_notWaiting(self) -> None:
        """
        What it waited for once is not told when it no longer waits.
        """
        self.saw(state=SyncState.CONNECTING, until=60.0)
        self.assertEqual(None, self.facts().until)

    def test_failing(self) -> None:
        """
        It fails from the first failure until a sync succeeds, whatever is tried
        meanwhile; the words of the last failure stay.
        """
        self.saw(state=SyncState.WAITING, synced=1.0)
        self.assertEqual(None, self.facts().failing)
        self.saw(state=SyncState.BACKING_OFF, error="No route", errorAt=3.0)
        self.saw(state=SyncState.CONNECTING)
        self.assertEqual(Health.TROUBLE, self.facts().health)
        self.saw(state=SyncState.BACKING_OFF, error="Still none", errorAt=9.0)
        self.assertEqual(_OFFSET + 3, self.facts().failing)
        self.saw(state=SyncState.WAITING, synced=10.0)
        self.assertEqual(None, self.facts().failing)
        self.assertEqual(Health.OK, self.facts().health)
        self.assertEqual("Still none", self.facts().error)

    def test_failedSince(self) -> None:
        """
        What went wrong before the last success is over; what went wrong after it is
        not, though both are told of at once.
        """
        self.saw(error="No route", errorAt=3.0, synced=4.0)
        self.assertEqual(None, self.facts().failing)
        self.saw(error="No route", errorAt=7.0, synced=6.0)
        self.assertEqual(_OFFSET + 7, self.facts().failing)

    def test_health(self) -> None:
        """
        What it does says how it is.
        """
        found = {}
        for state in SyncState:
            self.saw(state=state)
            found[str(state)] = str(self.facts().health)
        self.assertEqual(
            {
                "new": "working",
                "queued": "working",
                "no place at host": "working",
                "connecting": "working",
                "first sync": "working",
                "tuning in": "working",
                "waiting": "ok",
                "syncing": "working",
                "syncing, again": "working",
                "backing off": "trouble",
                "finishing": "working",
                "stopping": "working",
                "stopped": "ended",
            },
            found,
        )

    def test_paused(self) -> None:
        """
        One that rests is neither in trouble nor ended.
        """
        self.saw(state=SyncState.STOPPED, error="No route", errorAt=3.0)
        self.assertEqual(Health.PAUSED, self.facts(paused=True).health)
        self.assertEqual(Health.TROUBLE, self.facts(paused=False).health)

    def test_ended(self) -> None:
        """
        One that has ended is in trouble, if it has not ended well.
        """
        self.saw(state=SyncState.STOPPED)
        self.memory.ended(Outcome(0), 5.0)
        self.assertEqual(Health.ENDED, self.facts().health)
        self.memory.ended(Outcome(1), 6.0)
        self.assertEqual(Health.TROUBLE, self.facts().health)
        self.assertEqual(_OFFSET + 6, self.facts().failing)

    def test_mailboxes(self) -> None:
        """
        What there is in all mailboxes is added up.
        """
        self.saw(
            state=SyncState.WAITING,
            mailboxes={
                "b": MailboxStatus(3, 7.0),
                "a": MailboxStatus(5, 9.0, "", _REFUSALS),
                "c": MailboxStatus(1),
            },
        )
        facts = self.facts()
        self.assertEqual((3, 9, 3), (facts.mailboxes, facts.messages, facts.refusals))
        self.assertEqual((43.0, 0.0), (facts.lag(_OFFSET + 50), facts.lag(_OFFSET)))
        self.assertEqual(Health.OK, facts.health)
        self.assertEqual(
            (
                MailboxFacts("a", 5, _OFFSET + 9, "", _REFUSALS),
                MailboxFacts("b", 3, _OFFSET + 7),
                MailboxFacts("c", 1),
            ),
            self.memory.mailboxes(_OFFSET),
        )

    def test_stuck(self) -> None:
        """
        An account with a mailbox that cannot be synced is in trouble.
        """
        stuck = {"a": MailboxStatus(5, 9.0, "remote: [NOPERM] No")}
        self.saw(state=SyncState.WAITING, mailboxes=stuck)
        self.assertEqual(Health.TROUBLE, self.facts().health)
        self.assertEqual(None, self.facts().failing)

    def test_counters(self) -> None:
        """
        What services do one after another is added up, as if it were one.
        """
        self.assertEqual(Counters(2, 100), self.saw(counters=Counters(2, 100)))
        self.assertEqual(Counters(1, 50, 1), self.saw(counters=Counters(3, 150, 1)))
        self.memory.began(configOf("anna"))
        self.assertEqual(Counters(), self.saw(counters=Counters()))
        self.assertEqual(Counters(1, 10), self.saw(counters=Counters(1, 10)))
        self.assertEqual(Counters(4, 160, 1), self.facts().counters)
        self.assertEqual(Amount(4, 160), self.facts().today)
        self.assertEqual(Amount(4, 160), self.memory.hour(_OFFSET)[-1])
        self.assertEqual(Amount(4, 160), self.memory.day(_OFFSET)[-1])

    def test_anotherService(self) -> None:
        """
        A new service has never synced; but the account was, and still fails.
        """
        self.saw(synced=2.0, error="No route", errorAt=3.0)
        self.memory.began(configOf("anna"))
        self.status = SyncStatus()
        self.saw(state=SyncState.CONNECTING)
        facts = self.facts()
        self.assertEqual((_OFFSET + 2, _OFFSET + 3), (facts.synced, facts.failing))

    def test_working(self) -> None:
        """
        One that works is to be looked at from time to time.
        """
        self.assertFalse(self.memory.working)
        self.saw(state=SyncState.SYNCING)
        self.assertTrue(self.memory.working)
        self.saw(state=SyncState.WAITING)
        self.assertFalse(self.memory.working)


class TitleTests(SynchronousTestCase):
    """
    An account is called by what people know it by.
    """

    def title(self, local: dict[str, Value], remote: dict[str, Value]) -> str:
        return titleOf(Config.of(database="/nowhere/db", local=local, remote=remote))

    def test_hosts(self) -> None:
        """
        Where two addresses are the same, the hosts tell them apart.
        """
        password: dict[str, Value] = {"password": "secret"}
        self.assertEqual(
            "me@a.example (old.example) <-> me@a.example (new.example)",
            self.title(
                {"host": "old.example", "username": "me@a.example", **password},
                {"host": "new.example", "username": "me@a.example", **password},
            ),
        )

    def test_command(self) -> None:
        """
        Of a command, which may have a password in it, only the name is told, and not
        even that where a shell would have to find it.
        """
        for command, name in (
            ("/usr/bin/ssh -i secret host doveadm exec imap", "ssh"),
            ("IMAP_PASSWORD=secret imap", "command"),
            ("'/my secret/imap'", "command"),
            ("(cd /; imap)", "command"),
        ):
            self.assertEqual(
                f"{name} <-> me@new.example",
                self.title(
                    {"type": "tunnel", "command": command},
                    {"host": "new.example", "username": "me", "password": "secret"},
                ),
            )

    def test_safe(self) -> None:
        """
        What is not seen is shown.
        """
        user = "me\u202e@a.example"
        server: dict[str, Value] = {"host": "old.example", "password": "secret"}
        title = self.title(
            {**server, "username": user}, {**server, "username": "me@b.example"}
        )
        self.assertEqual(r"me\u202e@a.example <-> me@b.example", title)
