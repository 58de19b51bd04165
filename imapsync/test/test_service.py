"""
Tests for L{imapsync.service}: the whole of it, but on servers in memory.
"""

from __future__ import annotations

import gc
import sqlite3
from contextlib import closing
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync import errors
from imapsync.accounts import workers
from imapsync.config.request import Request
from imapsync.model import Known, Side
from imapsync.run.status import Change, MailboxStatus, SyncState
from imapsync.service import Outcome, SyncService
from imapsync.state.store import Store
from imapsync.test.fakes.world import Reactor, World
from imapsync.testing.accounts import BODY_FIRST, Account, Offer, mail

LOCAL, REMOTE = Side


class ServiceCase(SynchronousTestCase):
    """
    A service between two accounts.
    """

    def setUp(self) -> None:
        """
        Make the accounts.
        """
        self.world = World(self.mktemp())
        self.local, self.remote = self.world.local, self.world.remote
        for account in (self.local, self.remote):
            account.capabilities |= {"AUTH=PLAIN", "SASL-IR"}
        self.reactor = Reactor(self.world)
        self.logged: list[str] = []

    def tearDown(self) -> None:
        """
        Have errors that nobody took told now.
        """
        gc.collect()

    def start(
        self, request: Request | None = None, **arguments: Any
    ) -> Deferred[Outcome]:
        """
        Start a service.
        """
        changes = arguments.pop("changes", {})
        self.service = SyncService(
            self.world.settings(**changes),
            self.reactor,
            request or Request(),
            **arguments,
        )
        self.service.startService()
        self.world.pump()
        return self.service.whenFinished()

    def serve(self, request: Request | None = None, **arguments: Any) -> Outcome:
        """
        Run a service to its end.
        """
        with capturedLogs() as events:
            finished = self.start(request, **arguments)
            for _ in range(60):
                if finished.called:
                    break
                self.reactor.advance(1)
                self.world.pump()
        self.events = events
        self.logged = [
            f"{event['log_level'].name}: {formatEvent(event)}"
            for event in events
            if event["log_namespace"].startswith("imapsync.")
        ]
        return self.successResultOf(finished)

    def assertClosed(self) -> None:
        """
        No connection is left open, nor the database.
        """
        self.world.pump()
        self.assertEqual([], [link for link in self.world.links if link.open])
        self.assertEqual([], self.reactor.getDelayedCalls())
        Store.open(self.world.database).close()


class RunTests(ServiceCase):
    """
    Runs that nothing disturbs.
    """

    def test_equal(self) -> None:
        """
        It connects, makes both sides equal, logs out, and ends with 0.
        """
        self.world.fill(mail(1), mail(2))
        self.assertEqual(Outcome(0), self.serve())
        self.assertTrue(self.world.equal)
        self.assertEqual(1, self.local.count("LOGOUT"))
        self.assertEqual(1, self.remote.count("LOGOUT"))
        self.assertClosed()

    def test_trickled(self) -> None:
        """
        If everything arrives octet by octet, that changes nothing.
        """
        self.world.fill(mail(1), mail(2))
        self.remote.make("Work").add(mail(3))
        for account in (self.local, self.remote):
            account.chunk = account.window = 1
        self.assertEqual(Outcome(0), self.serve())
        self.assertTrue(self.world.equal)
        self.assertClosed()

    def test_summary(self) -> None:
        """
        It sums up what was done, in how many octets and how long.
        """
        self.world.fill(mail(1), mail(2))
        self.serve()
        self.assertEqual(
            [
                "info: INBOX: 2 copied local to remote",
                "info: Total: 2 copied, 0 moved, 0 duplicated, 0 flagged, 0 expunged",
            ],
            self.logged[:-1],
        )
        self.assertRegex(self.logged[-1], r"^info: \d{4} octets in 0\.0 s\.$")

    def test_quiet(self) -> None:
        """
        A quiet one says nothing when all is well.
        """
        self.world.fill(mail(1))
        self.assertEqual(Outcome(0), self.serve(verbose=False))
        self.assertEqual([], self.logged)

    def test_trouble(self) -> None:
        """
        What cannot be synced is told when it is met and at the end, and the
        code is 1.
        """
        self.remote.objection = lambda _: "NO [OVERQUOTA] full"
        self.world.fill(mail(1))
        outcome = self.serve(verbose=False)
        self.assertEqual(1, outcome.code)
        self.assertEqual(2, len(self.logged))
        self.assertIn("[OVERQUOTA] full", self.logged[0])
        self.assertEqual("warn: INBOX: not fully synced, see above.", self.logged[1])
        self.assertClosed()

    def test_dryRun(self) -> None:
        """
        A dry run says what would be done, and makes no database.
        """
        self.world.fill(mail(1))
        said: list[str] = []
        self.assertEqual(Outcome(0), self.serve(Request(dryRun=True), say=said.append))
        self.assertEqual(["INBOX: copy UID 1 from local to remote"], said)
        self.assertEqual({}, self.remote.inbox.messages)
        self.assertFalse(Path(self.world.database).exists())

    def test_warnings(self) -> None:
        """
        What the configuration warns of is logged.
        """
        self.serve(changes={"warnings": ("mind the gap",)}, verbose=False)
        self.assertEqual(["warn: mind the gap"], self.logged)

    def test_status(self) -> None:
        """
        Its status tells how things stand, all through, and what it has done; and
        what it has done before it was started again.
        """
        told: list[Change] = []
        self.world.fill(mail(1), mail(2))
        service = SyncService(self.world.settings(), self.reactor, verbose=False)
        service.observe(told.append)
        self.assertIs(SyncState.NEW, service.status.state)
        self.remote.before["LIST"] = partial(setattr, self.remote, "downLeft", 1)
        for _ in range(2):
            service.startService()
            for _ in range(20):
                self.world.pump()
                self.reactor.advance(1)
            self.successResultOf(service.whenFinished())
        states = [str(change.after.state) for change in told]
        self.assertEqual(
            ["connecting", "syncing", "backing off"]
            + 2 * ["connecting", "syncing", "syncing", "stopped"],
            states,
        )
        status = service.status
        self.assertEqual(told[-1].after, status)
        self.assertEqual({"INBOX": MailboxStatus(2)}, status.mailboxes)
        self.assertIn("remote", status.error)
        self.assertEqual((0, 20), (status.errorAt, status.synced))
        messages, octets, *others = status.counters
        self.assertEqual((2, [0, 0, 1]), (messages, others))
        self.assertGreater(octets, 1000)

    def test_statusOfFailure(self) -> None:
        """
        What ended it is told as its last error.
        """
        told: list[Change] = []
        Path(self.world.database).mkdir()
        service = SyncService(self.world.settings(), self.reactor)
        service.observe(told.append)
        service.startService()
        [change] = told
        self.assertEqual(SyncState.STOPPED, change.after.state)
        self.assertIn("database", change.after.error)

    def test_trace(self) -> None:
        """
        A trace shows the traffic, but no credentials unless asked twice.
        """
        for trace, shown in ((1, False), (2, True)):
            self.local.greeting = "OK"
            self.world.fill(mail("trace"))
            self.assertEqual(Outcome(0), self.serve(trace=trace))
            text = "\n".join(self.logged)
            self.assertIn("LIST", text)
            self.assertEqual(shown, "AG1lAHNlY3JldA==" in text)
            self.assertNotIn("<trace@example>", text)


class EndTests(ServiceCase):
    """
    Runs that come to a bad end: each has its code and one line.
    """

    def assertEnds(self, error: type[errors.ImapSyncError], words: str) -> None:
        """
        It ends like this, with all closed.
        """
        outcome = self.serve(verbose=False)
        self.assertEqual(error.code, outcome.code)
        self.assertIn(words, outcome.text)
        self.assertEqual(1, len(outcome.text.splitlines()))
        self.assertEqual([], [link for link in self.world.links if link.open])

    def test_notFound(self) -> None:
        """
        A mailbox that nobody has.
        """
        outcome = self.serve(Request(("Nowhere",)))
        self.assertEqual(66, outcome.code)
        self.assertIn('"Nowhere"', outcome.text)
        self.assertClosed()

    def test_capability(self) -> None:
        """
        A server that does not speak IMAP4rev1.
        """
        self.remote.capabilities.remove("IMAP4rev1")
        self.assertEnds(errors.MissingCapability, "lacks IMAP4REV1")

    def test_notEnabled(self) -> None:
        """
        One that has QRESYNC, and does not enable it, though much has been asked of it
        before it says so, is followed in another way; so is one without.
        """
        self.remote.inbox.add(mail("new"))
        for number in range(2):
            self.remote.answers["ENABLE"] = "NO broken"
            if number:
                self.remote.capabilities.remove("QRESYNC")
            self.local.inbox.add(mail(number))
            self.assertEqual(0, self.serve(Request()).code)
            self.assertTrue(self.world.equal)
            self.assertClosed()

    def test_login(self) -> None:
        """
        A wrong password: the other side is not left connected.
        """
        self.remote.greeting = "OK"
        self.remote.answers["AUTHENTICATE"] = "NO [AUTHENTICATIONFAILED] no"
        self.assertEnds(errors.Distrusted, "login was refused")
        self.assertEqual(2, len(self.world.links))
        self.assertClosed()

    def test_otherIsSilent(self) -> None:
        """
        Such an end does not wait for the other side.
        """
        self.remote.capabilities.remove("IMAP4rev1")

        def pause() -> None:
            self.world.links[0].pauseProducing()

        self.local.before["ENABLE"] = pause
        finished = self.start(verbose=False)
        self.assertEqual(69, self.successResultOf(finished).code)
        self.assertClosed()

    def test_nonsense(self) -> None:
        """
        A server that breaks the protocol.
        """
        self.remote.answers["LIST"] = "PERHAPS"
        self.assertEnds(errors.ProtocolViolation, "remote (imap://127.0.0.1:2)")

    def test_refused(self) -> None:
        """
        A server that refuses to list its mailboxes.
        """
        self.remote.answers["LIST"] = "NO [NOPERM] no"
        self.assertEnds(errors.Refused, "NO [NOPERM] no")

    def test_deletions(self) -> None:
        """
        Too much would be removed.
        """
        self.world.fill(*map(mail, range(100)))
        self.serve()
        self.local.inbox.expunge(*range(1, 100))
        self.assertEnds(errors.MassDeletion, "99 of 100")
        self.assertEqual(100, len(self.remote.inbox.messages))

    def test_databaseInUse(self) -> None:
        """
        A database that another instance holds: nobody is connected to.
        """
        state = Store.open(self.world.database)
        self.addCleanup(state.close)
        self.assertEnds(errors.StateUnavailable, "in use")
        self.assertEqual([], self.world.links)

    def test_noDatabase(self) -> None:
        """
        A file that is no database.
        """
        Path(self.world.database).write_text("something else altogether")
        self.assertEnds(errors.StateDamaged, "no database of imapsync")

    def test_oddDatabase(self) -> None:
        """
        What comes of a value that cannot be in the database is no mistake of ours.
        """
        self.world.fill(mail(1), mail(2))
        self.serve()
        with closing(sqlite3.connect(self.world.database)) as database, database:
            database.execute("UPDATE pair SET remote = 'x' WHERE local = 1")
        self.world.local.inbox.flag(1, "\\Seen")
        self.assertEnds(errors.StateDamaged, "in pair, it has no UIDs")

    def test_impossibleUid(self) -> None:
        """
        A UID that no server can tell is none of ours.
        """
        self.world.fill(mail(1))
        self.serve()
        with closing(sqlite3.connect(self.world.database)) as database, database:
            database.execute(
                "INSERT INTO postponed (mailbox, side, uid)"
                " SELECT id, 'local', 4611686018427387904 FROM mailbox"
            )
        self.assertEnds(errors.StateDamaged, "it has UIDs that are none. Mend it by")

    def test_lostEntries(self) -> None:
        """
        Where the database has lost entries, nothing is copied for that.
        """
        self.world.fill(mail(1), mail(2), mail(3))
        self.serve()
        with closing(sqlite3.connect(self.world.database)) as database, database:
            database.execute("DELETE FROM pair")
            database.execute("UPDATE mailbox SET pairs = 0")
        self.world.local.inbox.flag(3, "\\Seen")
        self.assertEqual(0, self.serve().code)
        self.assertEqual(3, len(self.world.remote.inbox.messages))
        self.assertEqual(3, len(self.world.local.inbox.messages))

    def test_damagedIndex(self) -> None:
        """
        Where a server seems to have other messages than are known, it is looked
        whether the database is damaged: an index may tell something else than the
        table.
        """
        self.world.fill(*map(mail, range(9)))
        self.serve()
        with closing(sqlite3.connect(self.world.database)) as database, database:
            database.execute("PRAGMA writable_schema = ON")
            database.execute(
                "UPDATE sqlite_master SET sql = replace(sql, '(mailbox, remote)',"
                " '(mailbox, remote DESC)') WHERE name = 'pair_remote'"
            )
        self.world.remote.inbox.messages.pop(4)
        self.world.remote.inbox.add(mail("new"))
        self.assertEnds(errors.StateDamaged, "pair_remote")

    def test_oddDatabaseMeasured(self) -> None:
        """
        Nor is what comes of one when it is told how the mailboxes are.
        """
        self.world.fill(mail(1))
        self.serve()
        with closing(sqlite3.connect(self.world.database)) as database, database:
            database.execute(
                "INSERT INTO postponed (mailbox, side, uid) SELECT id, 'here', 1"
                " FROM mailbox"
            )
        self.assertEnds(errors.StateDamaged, "in postponed, it is no message")

    def test_bug(self) -> None:
        """
        A mistake of ours is told as such, in one line, and where it was is
        kept.
        """

        def say(_: str) -> None:
            raise ZeroDivisionError("oh\nno")

        self.world.fill(mail(1))
        outcome = self.serve(Request(dryRun=True), say=say)
        self.assertEqual(70, outcome.code)
        self.assertIn("internal error: ZeroDivisionError", outcome.text)
        self.assertIsNotNone(outcome.failure)
        self.assertClosed()


class OrderTests(ServiceCase):
    """
    Services that are started and stopped at any time.
    """

    def hold(self) -> None:
        """
        Have both servers say no more once they are asked for their mailboxes.
        """

        def pause() -> None:
            for link in self.world.links:
                link.pauseProducing()

        self.remote.before = {"LIST": pause}

    def elapse(self, seconds: float = 5) -> None:
        """
        Let time go by.
        """
        for _ in range(int(10 * seconds)):
            self.reactor.advance(0.1)
            self.world.pump()

    def test_restart(self) -> None:
        """
        Started before it has stopped, it has two runs, one after the other.
        """
        self.world.fill(mail(1))
        for live in (False, True):
            self.hold()
            first = self.start(Request(live=live), verbose=False)
            stopped = self.service.stopService()
            self.service.startService()
            second = self.service.whenFinished()
            self.assertNoResult(stopped)
            self.elapse()
            self.successResultOf(stopped)
            self.assertEqual(0 if live else 75, self.successResultOf(first).code)
            self.assertTrue(self.world.equal)
            ended = self.service.stopService()
            self.elapse()
            self.successResultOf(ended)
            self.assertEqual(Outcome(0), self.successResultOf(second))
            self.assertClosed()

    def test_again(self) -> None:
        """
        One that has ended by itself can be started again, by whoever is told of
        that.
        """
        self.remote.greeting = "BYE"
        again: list[Deferred[Outcome]] = []

        def ended(outcome: Outcome) -> None:
            self.assertEqual(75, outcome.code)
            self.remote.greeting = "PREAUTH"
            self.service.startService()
            again.append(self.service.whenFinished())

        self.start(verbose=False).addCallback(ended)
        self.elapse()
        self.assertEqual(Outcome(0), self.successResultOf(again[0]))
        self.assertClosed()

    def test_observerStarts(self) -> None:
        """
        So it can by an observer, who is told that it has stopped.
        """
        self.remote.greeting = "BYE"

        def changed(change: Change) -> None:
            if change.after.state is SyncState.STOPPED:
                self.remote.greeting = "PREAUTH"
                self.service.unobserve(changed)
                self.service.startService()

        finished = self.start(verbose=False)
        self.service.observe(changed)
        self.elapse()
        self.assertEqual(75, self.successResultOf(finished).code)
        again = self.service.whenFinished()
        self.assertEqual(Outcome(0), self.successResultOf(again))

    def test_diskFails(self) -> None:
        """
        A database that cannot even be read any more is closed all the same: the
        next run can open it.
        """

        whole, failing = Store.mailboxes, [False]

        def mailboxes(state: Store) -> list[Known]:
            if failing[0]:
                raise errors.StateError("the disk fails")
            return whole(state)

        self.patch(Store, "mailboxes", mailboxes)
        for live in (False, True):
            self.remote.before["LIST"] = lambda: failing.insert(0, True)
            finished = self.start(Request(live=live), verbose=False)
            self.elapse()
            self.assertEqual(74, self.successResultOf(finished).code)
            failing.insert(0, False)
            self.assertClosed()


class ConnectionsTests(ServiceCase):
    """
    More than one pair of connections.
    """

    def setUp(self) -> None:
        """
        Have something in many mailboxes.
        """
        super().setUp()
        self.patch(workers, "MAILBOXES", 1)
        for number in range(6):
            self.local.make(f"Box {number}").add(mail(number))

    def assertMany(self, pairs: int) -> None:
        """
        All was done, over so many pairs of connections.
        """
        self.assertEqual(Outcome(0), self.serve(changes={"connections": 3}))
        self.assertTrue(self.world.equal)
        self.assertEqual(2 * pairs, len(self.world.links))
        self.assertClosed()

    def test_many(self) -> None:
        """
        They share the work, and all log out.
        """
        self.assertMany(3)
        self.assertEqual(3, self.remote.count("LOGOUT"))
        self.assertIn("info: Total: 6 copied", self.logged[-2])

    def test_dryRun(self) -> None:
        """
        A dry run needs one.
        """
        request = Request(dryRun=True)
        self.serve(request, changes={"connections": 3}, say=self.logged.append)
        self.assertEqual(2, len(self.world.links))

    def test_lost(self) -> None:
        """
        When a further one goes, the others do its work.
        """

        def cut() -> None:
            self.world.links[-1].end(ConnectionLost())

        self.remote.before["APPEND"] = cut
        self.assertMany(3)
        self.assertEqual(1, sum("fewer connections" in line for line in self.logged))

    def test_stopped(self) -> None:
        """
        They are all closed when it is stopped.
        """

        def pause() -> None:
            for link in self.world.links:
                link.pauseProducing()

        self.remote.before["APPEND"] = pause
        finished = self.start(changes={"connections": 3}, verbose=False)
        self.assertNoResult(finished)
        stopped = self.service.stopService()
        self.world.pump()
        self.successResultOf(stopped)
        self.assertEqual(75, self.successResultOf(finished).code)
        self.assertEqual(6, len(self.world.links))
        self.assertClosed()


def objecting(answer: str, offer: Offer) -> str:
    """
    Object to a large message, once it is there.
    """
    return answer if b"large" in offer.body else ""


class LostTests(ServiceCase):
    """
    Connections that go.
    """

    def cutNext(self) -> None:
        """
        Cut the remote connection when LIST is asked for.
        """
        self.remote.before["LIST"] = self.cut

    def cut(self) -> None:
        """
        Cut it now.
        """
        self.remote.downLeft = 1

    def test_again(self) -> None:
        """
        A lost connection is made again, and so is the other one.
        """
        self.world.fill(mail(1))
        self.cutNext()
        self.assertEqual(Outcome(0), self.serve(verbose=False))
        self.assertTrue(self.world.equal)
        self.assertEqual(4, len(self.world.links))
        [line] = self.logged
        self.assertRegex(line, "^warn: remote .*lost.*trying again in 1 s")
        self.assertClosed()

    def test_refusedAgainAndAgain(self) -> None:
        """
        After three attempts it ends; nobody is left connected.
        """
        self.remote.greeting = "BYE"
        outcome = self.serve(verbose=False)
        self.assertEqual(75, outcome.code)
        self.assertIn("turned us away", outcome.text)
        self.assertEqual(6, len(self.world.links))
        self.assertEqual(2, len(self.logged))
        self.assertClosed()

    def test_progress(self) -> None:
        """
        As long as each attempt gets further, there are more.
        """
        self.remote.capabilities.remove("MULTIAPPEND")
        self.remote.window = 100
        self.world.fill(*map(mail, range(7)))
        taken = self.remote.inbox.messages

        def cut() -> None:
            self.remote.before["APPEND"] = cut
            if len(taken) % 2:
                self.remote.downLeft = 60

        self.remote.before["APPEND"] = cut
        outcome = self.serve()
        self.assertEqual(Outcome(0), outcome)
        self.assertGreater(len(self.world.links), 6)
        self.assertEqual(7, len(taken))
        self.assertEqual(self.local.inbox.content, self.remote.inbox.content)

    def test_diesOfMany(self) -> None:
        """
        A server that cannot bear several messages at once is given those, over
        which it went, one by one.
        """
        self.world.fill(*map(mail, range(7)))
        self.remote.dies = lambda offers: len(offers) > 1
        self.assertEqual(Outcome(0), self.serve())
        self.assertEqual(7, len(self.remote.inbox.messages))
        self.assertEqual(4, len(self.world.links))
        # It may have taken them nevertheless, and not show them yet.
        self.assertEqual(1, sum("trying again in 5 s" in line for line in self.logged))

    def test_diesOfOne(self) -> None:
        """
        A message over which a server goes is left out in the end, and named;
        all others are copied.
        """

        def dies(poison: bytes, offers: list[Offer]) -> bool:
            return poison in [offer.body for offer in offers]

        for poison in 0, 3, 6:
            self.setUp()
            self.world.fill(*map(mail, range(7)))
            body = mail(poison)
            self.remote.dies = partial(dies, body)
            self.assertEqual(Outcome(1), self.serve())
            self.assertEqual(6, len(self.remote.inbox.messages))
            said = f"UID {poison + 1}: not copied: the connection breaks over it"
            self.assertEqual(1, sum(said in line for line in self.logged), self.logged)

    def test_tooLarge(self) -> None:
        """
        A message that a server will not have, and hangs up for, is found and named;
        all before and behind it, and in other mailboxes, are copied.  Whatever it says,
        and if it hangs up even where it was asked.
        """
        for code, impatient, multiple in product(
            ("[TOOBIG]", "", "[OVERQUOTA]"), (False, True), (False, True)
        ):
            self.setUp()
            if not multiple:
                self.remote.capabilities.remove("MULTIAPPEND")
            self.world.fill(mail(1), mail(2), mail("large", 900), mail(4), mail(5, 800))
            self.local.make("Work").add(mail(6))
            self.local.folders["Work"].add(mail("large too", 300_000))
            self.remote.impatient = impatient
            if code == "[TOOBIG]":
                self.remote.largest = 900
            else:
                self.remote.objection = partial(objecting, f"NO {code}")
                self.remote.impatient = True
            outcome = self.serve()
            self.assertEqual(1, outcome.code, (code, impatient, multiple, self.logged))
            self.assertEqual(4, len(self.remote.inbox.messages))
            self.assertEqual(1, len(self.remote.folders["Work"].messages))
            for name, uid in ("INBOX", 3), ("Work", 2):
                said = f"{name}: local: UID {uid}: not copied: APPEND was refused: NO"
                self.assertEqual(1, sum(said in x for x in self.logged), self.logged)
            self.assertEqual(1, self.serve().code)
            self.assertLessEqual(len(self.logged), 8, self.logged)

    def test_limitTold(self) -> None:
        """
        A server that says how large a message may be is not sent a larger one; nor is
        that fetched over and over.
        """
        for word in "APPENDLIMIT=900", "APPENDLIMIT":
            for order in (), BODY_FIRST:
                self.setUp()
                self.remote.capabilities.add(word)
                self.remote.largest, self.local.order = 900, order
                large = mail("large", 500_000), mail("larger", 1000), mail(5, 800)
                self.world.fill(mail(1), *large, mail(4))
                self.assertEqual(1, self.serve().code)
                self.assertEqual(3, len(self.remote.inbox.messages))
                self.assertEqual(2, len(self.world.links))
                said = "UID 2: not copied: it has 500049 octets, 900 are allowed"
                self.assertEqual(1, sum(said in x for x in self.logged), self.logged)
                self.assertEqual(1, self.serve().code)
                [line] = [x for x in self.local.heard if "BODY.PEEK[]" in x] or [""]
                self.assertNotIn("UID FETCH 2", line)
                self.assertEqual(1, sum(said in x for x in self.logged), self.logged)
                self.assertLess(self.world.links[-2].passed["down"][-1], 10_000)

    def test_misread(self) -> None:
        """
        A message that a server takes for commands is left out, and named; never
        again, not by another run either, is it sent without the server's leave.
        """
        evil = b"Subject: x\r\n\r\nx1 DELETE Precious\r\n" + b"x" * 99
        precious = [account.make("Precious") for account in (self.local, self.remote)]
        self.world.fill(mail(1), mail(2), evil, mail(4))
        self.remote.misreads = lambda offer: "BAD" if offer.size == len(evil) else ""
        self.remote.window = 20
        for more in range(5, 7):
            self.assertEqual(1, self.serve().code)
            self.assertEqual(more - 2, len(self.remote.inbox.messages))
            said = "UID 3: not copied: APPEND was refused: BAD"
            self.assertEqual(1, sum(said in line for line in self.logged), self.logged)
            for account in (self.local, self.remote):
                self.assertIn(account.folders.get("Precious"), precious)
            self.world.fill(mail(more))
        named = [line for line in self.logged if "taken for commands" in line]
        self.assertEqual([], named)

    def test_stopped(self) -> None:
        """
        Stopping closes all, and is told as an interruption.
        """
        self.world.fill(*map(mail, range(5)))
        for verb in ("ENABLE", "LIST", "SELECT", "FETCH", "APPEND"):
            self.remote.answers = {}
            self.hold(verb)
            finished = self.start(verbose=False)
            self.assertNoResult(finished)
            stopped = self.service.stopService()
            self.world.pump()
            self.successResultOf(stopped)
            outcome = self.successResultOf(finished)
            self.assertEqual(75, outcome.code)
            self.assertIn("interrupted", outcome.text)
            self.assertClosed()
        self.assertEqual([], self.flushLoggedErrors())

    def hold(self, verb: str) -> None:
        """
        Have a server say no more from that command on.
        """

        def pause() -> None:
            self.world.links[-1].pauseProducing()
            self.world.links[-2].pauseProducing()

        for account in (self.local, self.remote):
            account.before = {verb: pause}

    def test_stoppedBetween(self) -> None:
        """
        Nor does it wait for its next attempt when it is stopped.
        """
        self.remote.greeting = "BYE"
        finished = self.start(verbose=False)
        self.assertNoResult(finished)
        self.successResultOf(self.service.stopService())
        self.assertEqual(75, self.successResultOf(finished).code)
        self.assertClosed()

    def test_stoppedLate(self) -> None:
        """
        Stopping what has ended does nothing.
        """
        finished = self.start()
        self.assertEqual(Outcome(0), self.successResultOf(finished))
        self.successResultOf(self.service.stopService())

    def test_silence(self) -> None:
        """
        A server that owes an answer for long is given up.
        """
        self.hold("LIST")
        finished = self.start(verbose=False)
        for _ in range(6):
            self.hold("LIST")
            self.reactor.advance(301)
            self.world.pump()
        outcome = self.successResultOf(finished)
        self.assertEqual(75, outcome.code)
        self.assertIn("no answer for 300 seconds", outcome.text)
        self.assertClosed()

    def test_silentInMessage(self) -> None:
        """
        A server that stops in the middle of a message is given up like any
        that is silent; nothing is kept of the message.
        """
        self.world.fill(b"x" * 1_000_000)
        self.local.before["FETCH"] = lambda: setattr(self.local, "downLeft", 500_000)
        self.stall(self.local, "local .*no answer for 300 seconds to UID FETCH")

    def test_takesNothing(self) -> None:
        """
        A server that takes no more of what it is sent is given up as well, and
        what it is to be sent does not pile up.
        """
        self.world.fill(*(mail(number) + b"x" * 300_000 for number in range(5)))
        self.local.before["FETCH"] = lambda: setattr(self.remote, "upLeft", 400_000)
        self.stall(self.remote, "remote .*no answer for 300 seconds to APPEND")

    def stall(self, account: Account, told: str) -> None:
        """
        Run until nothing moves on C{account}, which is told in time; then it is
        whole again, and all is done by the next attempt.
        """
        account.stalls = True
        with capturedLogs() as events:
            finished = self.start(verbose=False)
            self.assertNoResult(finished)
            self.assertLess(max(link.peak for link in self.world.links), 300_000)
            self.reactor.advance(299)
            self.world.pump()
            self.assertNoResult(finished)
            account.upLeft = account.downLeft = None
            for _ in range(7):
                self.reactor.advance(1)
                self.world.pump()
        self.assertEqual(Outcome(0), self.successResultOf(finished))
        self.assertRegex(str(formatEvent(events[-1])), f"{told}; trying again")
        self.assertTrue(self.world.equal)
        self.assertClosed()

    def test_noTracebacks(self) -> None:
        """
        Wherever a connection goes, nothing is logged but warnings.
        """
        verbs: list[str] = ["ENABLE", "LIST", "NAMESPACE", "CREATE", "SUBSCRIBE"]
        verbs += ["SELECT", "FETCH", "APPEND", "STORE", "EXPUNGE", "SEARCH", "STATUS"]

        def end() -> None:
            for link in self.world.links[-2:]:
                link.end(ConnectionLost())

        for verb in verbs:
            for account in (self.local, self.remote):
                self.world.fill(mail(verb), mail(verb * 2))
                self.remote.inbox.add(mail((verb, 3)))
                self.local.make(f"{verb}{account is self.local}")
                if self.local.inbox.modseq > 20:
                    self.local.inbox.expunge(max(self.remote.inbox.messages) - 2)
                    self.local.inbox.flag(min(self.local.inbox.messages), verb)
                account.before = {verb: end}
                outcome = self.serve(verbose=False)
                self.assertEqual(0, outcome.code, (verb, outcome))
                self.assertEqual([], self.flushLoggedErrors())
                for event in self.events:
                    self.assertLessEqual(event["log_level"], LogLevel.warn)
                self.assertTrue(self.world.equal)
