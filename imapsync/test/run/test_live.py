"""
Tests for L{imapsync.run.live}: live mode, but on servers in memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import provider

from imapsync.config.request import Request
from imapsync.errors import Distrusted, MassDeletion, StateError
from imapsync.model import Side
from imapsync.plan.brake import WINDOW
from imapsync.run.bridge import PROOF
from imapsync.run.heartbeat import BEAT, LATE, SILENCE
from imapsync.run.live import STEADY
from imapsync.run.status import Change
from imapsync.service import SyncService
from imapsync.state import sqlitefile
from imapsync.state.store import Store
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import SEEN, Account, Folder, Offer, mail

LOCAL, REMOTE = Side

#: Longer than the first pause before connections are made again.
PAUSE = 6

#: So long may a server be silent while it owes an answer.
OWED = 300

#: What a look sends.
LOOK = "LIST"


class FollowingCase(ServiceCase):
    """
    A live service between two accounts.
    """

    def setUp(self) -> None:
        """
        Fill them a little.
        """
        super().setUp()
        self.world.fill(mail(1), mail(2))
        self.remote.inbox.add(mail(3))
        self.accounts = (self.local, self.remote)

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            if event["log_namespace"].startswith("imapsync"):
                self.logged.append(f"{event['log_level'].name}: {formatEvent(event)}")

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def follow(self, **arguments: Any) -> None:
        """
        Start the service; it comes to rest.
        """
        request = Request(live=True, **arguments.pop("request", {}))
        self.finished = self.start(request, **arguments)
        self.addCleanup(self.stop)
        self.forget()

    def said(self, level: str) -> list[str]:
        """
        What was logged at a level.
        """
        return [line for line in self.logged if line.startswith(level)]

    def stop(self) -> None:
        """
        Stop it; all is closed within five seconds.
        """
        stopped = self.service.stopService()
        for _ in range(50):
            self.world.pump()
            if stopped.called:
                break
            self.reactor.advance(0.1)
        self.successResultOf(stopped)
        self.assertClosed()

    def wait(self, seconds: float) -> None:
        """
        Let time go by.
        """
        while seconds > 0:
            self.reactor.advance(min(seconds, 1))
            self.world.pump()
            seconds -= 1

    def silence(self) -> None:
        """
        Have no server say anything more on the present connections.
        """
        for link in self.world.links:
            link.pauseProducing()

    def forget(self) -> None:
        """
        Forget what the servers heard.
        """
        for account in self.accounts:
            account.heard.clear()

    def assertRests(self, state: str = "waiting") -> None:
        """
        Both sides are equal; and nothing more is sent for a while.
        """
        self.world.pump()
        self.assertEqual(state, self.service.status.state)
        self.assertTrue(self.world.equal)
        self.forget()
        self.wait(SILENCE / 2)
        self.assertEqual(([], []), (self.local.heard, self.remote.heard))


class PushTests(FollowingCase):
    """
    Servers that tell of changes.
    """

    def test_first(self) -> None:
        """
        Both sides become equal, then it waits.
        """
        self.follow()
        self.assertRests()

    def test_flushed(self) -> None:
        """
        What was noted is on the disk after a minute of rest, and not all at the end.
        """
        flushed: list[float] = []
        self.patch(Store, "flush", lambda _: flushed.append(self.reactor.seconds()))
        self.follow()
        began = self.reactor.seconds()
        self.wait(STEADY - 1)
        self.local.inbox.add(mail(4))
        self.world.pump()
        self.wait(STEADY - 1)
        self.assertEqual([], flushed)
        self.wait(2 * STEADY)
        self.assertEqual([began + 2 * STEADY - 1], flushed)

    def test_changes(self) -> None:
        """
        Whatever changes, on either side, goes over at once; what comes back of
        it does nothing.
        """
        self.follow()
        for account in self.accounts:
            name = f"of {account is self.local}"
            inbox = account.inbox
            inbox.add(mail(name))
            self.assertRests()
            inbox.flag(max(inbox.messages), "\\Seen")
            self.assertRests()
            inbox.expunge(min(inbox.messages))
            self.assertRests()
            folder = account.make(name)
            self.assertRests()
            folder.add(mail("inside"), SEEN)
            self.assertRests()
            for subscribed in (False, True):
                folder.subscribed = subscribed
                self.assertRests()

    def test_swapped(self) -> None:
        """
        Mailboxes that change their names with each other are followed.
        """
        for name in ("One", "Other"):
            self.local.make(name).add(mail(name))
        self.follow()
        folders = self.local.folders
        folders["One"], folders["Other"] = folders["Other"], folders["One"]
        self.world.pump()
        [message] = self.remote.folders["One"].messages.values()
        self.assertEqual(mail("Other"), message.body)
        self.assertRests()

    def test_named(self) -> None:
        """
        One that was named on the command line is followed when it is renamed,
        and deleted, and made again; and so are the others that were.
        """
        for name in ("One", "Other"):
            self.local.make(name)
        self.follow(request={"mailboxes": ("One", "Other")})
        self.local.rename("One", "Two")
        self.world.pump()
        self.local.folders["Two"].add(mail("renamed"))
        self.world.pump()
        self.assertEqual(1, len(self.remote.folders["Two"].messages))
        self.world.links[-1].end(ConnectionLost())
        self.wait(PAUSE)
        self.remote.delete("Two")
        self.world.pump()
        self.assertNotIn("Two", self.local.folders)
        self.world.links[-1].end(ConnectionLost())
        self.wait(PAUSE)
        for name in ("Two", "Other"):
            folder = self.local.folders.get(name) or self.local.make(name)
            folder.add(mail("again"))
            self.world.pump()
            self.assertEqual(1, len(self.remote.folders[name].messages))

    def test_amongOurs(self) -> None:
        """
        What others do in a mailbox while something is carried into it is carried as
        well, though a server keeps silent about it.
        """
        for number in range(3):
            self.local.inbox.add(mail(number))
        self.follow()
        ours, theirs = self.local.inbox, self.remote.inbox
        self.remote.before["STORE"] = lambda: theirs.flag(2, "\\Draft")
        ours.flag(1, "\\Seen")
        self.assertRests()
        self.remote.before["EXPUNGE"] = lambda: theirs.flag(2, "\\Answered")
        ours.expunge(3)
        self.assertRests()
        self.assertEqual({}, self.remote.before)
        self.assertEqual(frozenset(["\\Answered"]), theirs.messages[2].flags)

    def test_echo(self) -> None:
        """
        A change costs two looks: one that finds it, and one that finds nothing
        more.
        """
        self.follow()
        self.local.inbox.add(mail("new"))
        self.world.pump()
        self.assertEqual((2, 2), tuple(one.count(LOOK) for one in self.accounts))
        self.assertRests()

    def test_nothingSelected(self) -> None:
        """
        When it waits, no mailbox is selected: servers may not tell what happens
        in one that is.
        """
        self.follow()
        self.local.inbox.add(mail("new"))
        self.world.pump()
        for account in self.accounts:
            last = [x for x in account.heard if x.startswith(("SELECT", "UNSELECT"))]
            self.assertEqual("UNSELECT", last[-1])

    def test_outOfScope(self) -> None:
        """
        What happens in a mailbox that is not synced is nothing to look at.
        """
        other = self.local.make("Other", subscribed=False)
        self.follow()
        other.add(mail("new"))
        self.world.pump()
        self.assertEqual((0, 0), tuple(one.count(LOOK) for one in self.accounts))

    def test_meanwhile(self) -> None:
        """
        What changes at any moment of a sync, in the mailbox that is worked on
        or in another, is not missed.
        """
        other = self.local.make("Other")
        self.follow()
        for source, target in (self.accounts, self.accounts[::-1]):
            for acting in self.accounts:
                for name in ("INBOX", "Other"):
                    folder = acting.folders[name]
                    for account, verbs in (
                        (source, ["LIST", "SELECT", "FETCH", "UNSELECT"]),
                        (target, ["LIST", "APPEND", "STORE", "EXPUNGE", "SELECT"]),
                    ):
                        for verb in verbs:
                            self.meanwhile(account, verb, folder, source.inbox)
        self.assertGreater(len(other.messages), 20)

    def meanwhile(
        self, account: Account, verb: str, folder: Folder, inbox: Folder
    ) -> None:
        """
        Change something in C{folder} when C{account} is to do something about
        what was changed in C{inbox}.
        """
        unique = f"{verb} {folder.modseq} {inbox.modseq}"

        def change() -> None:
            folder.add(mail(f"meanwhile {unique}"))
            folder.flag(min(folder.messages), unique.replace(" ", ""))

        account.before[verb] = change
        inbox.add(mail(unique))
        inbox.flag(min(inbox.messages), f"first{inbox.modseq}")
        inbox.expunge(sorted(inbox.messages)[1])
        self.world.pump()
        self.assertEqual({}, account.before)
        self.assertRests()

    def test_overflow(self) -> None:
        """
        A server that had too much to tell is asked to go on; after it had
        several times, it is asked now and then.
        """
        self.follow()
        for n in range(3):
            self.remote.overflows = True
            self.remote.inbox.add(mail(("over", n)))
            self.assertRests() if n < 2 else self.wait(61)
            self.assertTrue(self.world.equal)
        self.forget()
        self.remote.inbox.add(mail("late"))
        self.wait(61)
        self.assertTrue(self.world.equal)
        self.assertEqual(0, self.remote.count("NOTIFY"))


class PoorTests(FollowingCase):
    """
    Servers that tell little or nothing.
    """

    def test_idle(self) -> None:
        """
        A server without NOTIFY tells at least of INBOX; it is asked now and
        then for the rest, and that is said once.
        """
        self.remote.capabilities.remove("NOTIFY")
        work = self.remote.make("Work")
        self.follow(request={"watch": 10})
        self.assertEqual("IDLE", self.remote.heard[-1] if self.remote.heard else "IDLE")
        self.remote.inbox.add(mail("new"))
        self.remote.inbox.flag(1, "\\Seen")
        self.world.pump()
        self.assertTrue(self.world.equal)
        self.local.inbox.expunge(1)
        self.world.pump()
        self.assertTrue(self.world.equal)
        work.add(mail("work"))
        self.world.pump()
        self.assertFalse(self.world.equal)
        self.wait(11)
        self.assertTrue(self.world.equal)
        self.wait(1000)
        [notice] = [line for line in self.said("info") if "NOTIFY" in line]
        self.assertIn("every 10 s", notice)

    def test_busiest(self) -> None:
        """
        It listens to the mailbox in which most is going on.
        """
        self.remote.capabilities.remove("NOTIFY")
        work = self.remote.make("Work")
        self.follow(request={"watch": 10})
        for n in range(3):
            work.add(mail(("work", n)))
            self.wait(11)
        work.add(mail("at once"))
        self.world.pump()
        self.assertTrue(self.world.equal)

    def test_betweenLookAndIdle(self) -> None:
        """
        What changes in INBOX after the last look and before IDLE is found.
        """
        self.remote.capabilities.remove("NOTIFY")
        self.follow(request={"watch": 1000})
        self.remote.before["EXAMINE"] = lambda: self.remote.inbox.add(mail("late"))
        self.local.inbox.add(mail("new"))
        self.world.pump()
        self.assertEqual({}, self.remote.before)
        self.assertTrue(self.world.equal)

    def test_flagBetweenLookAndIdle(self) -> None:
        """
        So is a flag, where there are no mod-sequences to show that it has changed; one
        that cannot be stored on the other side is not looked for again and again.
        """
        self.remote.capabilities -= {"NOTIFY", "QRESYNC", "CONDSTORE"}
        self.follow(request={"watch": 1000})

        def flag() -> None:
            self.remote.inbox.flag(1, "\\Flagged")

        self.remote.before["EXAMINE"] = flag
        self.local.inbox.add(mail("new"))
        self.world.pump()
        self.assertEqual({}, self.remote.before)
        self.assertTrue(self.world.equal)
        self.local.answers["UID STORE"] = self.local.answers["STORE"] = "NO not now"
        self.remote.inbox.flag(1, "\\Seen")
        self.world.pump()
        self.assertFalse(self.world.equal)
        self.forget()
        self.wait(900)
        self.assertGreaterEqual(1, self.remote.count("IDLE"))

    def test_poll(self) -> None:
        """
        A server that tells nothing at all is asked.
        """
        for account in self.accounts:
            account.capabilities -= {"NOTIFY", "IDLE", "UNSELECT"}
        self.follow()
        self.remote.inbox.add(mail("new"))
        self.world.pump()
        self.assertFalse(self.world.equal)
        self.wait(61)
        self.assertTrue(self.world.equal)

    def test_refused(self) -> None:
        """
        One that offers NOTIFY and then refuses it is like one that does not.
        """
        self.remote.answers["NOTIFY"] = "NO [BADEVENT (MessageNew)] not today"
        self.follow()
        self.remote.inbox.add(mail("new"))
        self.world.pump()
        self.assertTrue(self.world.equal)
        self.assertEqual(0, self.remote.count("NOTIFY"))


class LossTests(FollowingCase):
    """
    Connections that go.
    """

    def end(self) -> None:
        """
        Lose the latest of them.
        """
        self.world.links[-1].end(ConnectionLost())

    def test_everywhere(self) -> None:
        """
        Wherever a connection goes, both are made again, and nothing is lost.
        """
        self.follow()
        for account, verb in (
            (self.remote, "LIST"),
            (self.local, "LIST"),
            (self.remote, "SELECT"),
            (self.local, "FETCH"),
            (self.remote, "APPEND"),
            (self.local, "UNSELECT"),
        ):
            account.before[verb] = self.end
            self.local.inbox.add(mail((verb, account is self.local)))
            self.world.pump()
            self.assertEqual({}, account.before)
            self.wait(PAUSE)
            self.assertRests()
        for verb in ("ENABLE", "NAMESPACE", "NOTIFY"):
            self.end()
            self.remote.before[verb] = self.end
            self.local.inbox.add(mail(verb))
            self.wait(3 * PAUSE)
            self.assertEqual({}, self.remote.before)
            self.assertRests()
        self.assertNoResult(self.finished)
        self.assertEqual(12, len(self.said("warn")))

    def test_soonLost(self) -> None:
        """
        A server that lets us in and soon hangs up, each time, is not asked every
        second; one that does so once in a while is.
        """
        self.follow()
        for n in range(6):
            self.end()
            self.wait(2 * 2**n)
            self.assertEqual("waiting", self.service.status.state)
        self.end()
        self.wait(2)
        self.assertEqual("backing off", self.service.status.state)
        self.wait(STEADY + 200)
        self.end()
        self.wait(PAUSE)
        self.assertEqual("waiting", self.service.status.state)

    def test_waiting(self) -> None:
        """
        So are those that go while nothing happens, and what was missed is
        found.
        """
        self.follow()
        self.world.links[0].dialogue.bye("for maintenance")
        self.world.pump()
        self.remote.inbox.add(mail("missed"))
        self.local.inbox.expunge(1)
        self.assertEqual("backing off", self.service.status.state)
        self.assertIn("for maintenance", self.service.status.error)
        self.wait(PAUSE)
        self.assertRests()
        [line] = self.said("warn")
        self.assertIn("for maintenance; trying again in 1 s", line)

    def test_down(self) -> None:
        """
        A server that is down for long is tried ever more rarely, however often
        that is in vain.
        """
        self.remote.greeting = "BYE"
        self.follow()
        self.wait(3600)
        attempts = len(self.world.links) // 2
        self.assertTrue(15 < attempts < 30, attempts)
        self.assertEqual("backing off", self.service.status.state)
        self.remote.greeting = "PREAUTH"
        self.wait(301)
        self.assertRests()

    def test_nonsense(self) -> None:
        """
        One that breaks the protocol is tried again, too, and never at once.
        """
        self.follow()
        self.remote.answers["SELECT"] = "PERHAPS"
        self.remote.inbox.add(mail("new"))
        self.wait(60)
        self.assertTrue(4 < len(self.world.links) < 20)
        del self.remote.answers["SELECT"]
        self.wait(100)
        self.assertRests()

    def test_locked(self) -> None:
        """
        A database that another program holds for a while is waited for.
        """
        self.patch(sqlitefile, "PATIENCE", 0.0)
        self.follow()
        with closing(sqlite3.connect(self.world.database)) as other:
            other.execute("BEGIN IMMEDIATE")
            self.remote.inbox.add(mail("new"))
            self.wait(60)
            other.execute("ROLLBACK")
        self.assertNoResult(self.finished)
        self.assertIn("locked", self.service.status.error)
        self.wait(100)
        self.assertRests()
        self.assertEqual(3 + 1, len(self.local.inbox.messages))

    def failDisk(self) -> Callable[[], None]:
        """
        Have the disk fail when the next pair is to be stored, and from then on
        whatever is asked of it.

        @return: mends it.
        """

        def fail(*_: object) -> None:
            patched.append(self.patch(Store, "_query", fail))
            raise StateError("the disk failed")

        def mend() -> None:
            for one in reversed(patched):
                one.restore()

        patched = [self.patch(Store, "_countPairs", fail)]
        return mend

    def test_diskFails(self) -> None:
        """
        A disk that cannot even be read any more ends it; the database is let go
        of, and it can be started again.
        """
        self.follow()
        mend = self.failDisk()
        self.remote.inbox.add(mail("new"))
        self.world.pump()
        outcome = self.successResultOf(self.finished)
        self.assertEqual((74, "the disk failed"), (outcome.code, outcome.text))
        self.assertEqual("stopped", self.service.status.state)
        mend()
        self.assertClosed()
        self.service.startService()
        self.assertRests()

    def test_diskFailsAtTheEnd(self) -> None:
        """
        Nor does it keep a service from being stopped.
        """
        self.follow()
        stopping: list[Deferred[Any]] = []
        mend = self.failDisk()
        self.local.before["APPEND"] = lambda: stopping.append(
            self.service.stopService()
        )
        self.remote.inbox.add(mail("new"))
        self.world.pump()
        mend()
        self.successResultOf(stopping[0])
        self.assertIn(self.successResultOf(self.finished).code, (0, 74))
        self.assertClosed()


class DeniedTests(FollowingCase):
    """
    A server that does not let us in.
    """

    def setUp(self) -> None:
        """
        Have remote want a login.
        """
        super().setUp()
        self.remote.greeting = "OK"

    def deny(self, answer: str = "NO [AUTHENTICATIONFAILED] no") -> None:
        """
        Have it refuse every login.
        """
        self.remote.answers["AUTHENTICATE"] = answer

    def end(self) -> None:
        """
        Lose a connection.
        """
        self.world.links[-1].end(ConnectionLost())
        self.wait(PAUSE)

    def assertDenied(self, words: str) -> None:
        """
        It waits for things to change.
        """
        self.assertNoResult(self.finished)
        self.assertEqual("backing off", self.service.status.state)
        self.assertIn(words, self.service.status.error)
        self.assertIn(words, self.said("warn")[-1])
        self.assertRegex(self.said("warn")[-1], "; trying again in [6-9][0-9] s")

    def assertEnds(self, code: int, words: str) -> None:
        """
        It has ended.
        """
        outcome = self.successResultOf(self.finished)
        self.assertEqual(code, outcome.code)
        self.assertIn(words, outcome.text)
        self.assertClosed()

    def assertBack(self) -> None:
        """
        All is well again.
        """
        self.assertEqual("waiting", self.service.status.state)
        self.assertTrue(self.world.equal)

    def attempts(self, seconds: float) -> int:
        """
        How often it connects in that time.
        """
        before = len(self.world.links)
        self.wait(seconds)
        return (len(self.world.links) - before) // 2

    def test_start(self) -> None:
        """
        A password that is wrong from the start ends it.
        """
        self.deny()
        self.follow()
        self.assertEnds(Distrusted.code, "login was refused")

    def test_neverBefore(self) -> None:
        """
        So does one of a server that could not be reached before.
        """
        self.deny()
        self.remote.greeting = "BYE"
        self.follow()
        self.wait(60)
        self.assertNoResult(self.finished)
        self.remote.greeting = "OK"
        self.wait(60)
        self.assertEnds(Distrusted.code, "login was refused")

    def test_later(self) -> None:
        """
        One that was right before is tried again, ever more rarely, so that nobody is
        locked out, for as long as it takes.
        """
        self.follow()
        for answer in ("NO [AUTHENTICATIONFAILED] no", "NO Login failed: generic"):
            self.deny(answer)
            self.end()
            self.assertDenied("the login was refused")
            self.assertTrue(3 <= self.attempts(900) <= 4)
            self.assertTrue(10 < self.attempts(86400) < 30)
            del self.remote.answers["AUTHENTICATE"]
            self.remote.inbox.add(mail(answer))
            self.wait(5400)
            self.assertBack()

    def test_again(self) -> None:
        """
        Pauses are short again when both sides were equal in between.
        """
        self.follow()
        for _ in range(2):
            self.deny()
            self.end()
            self.wait(1000)
            del self.remote.answers["AUTHENTICATE"]
            self.wait(2000)
            self.assertBack()
        self.deny()
        self.end()
        self.assertDenied("login was refused")

    def test_asked(self) -> None:
        """
        It is tried at once when that is asked for.
        """
        self.follow()
        self.deny()
        self.end()
        self.wait(5000)
        del self.remote.answers["AUTHENTICATE"]
        self.remote.inbox.add(mail("meanwhile"))
        asked = self.service.syncNow()
        self.world.pump()
        self.successResultOf(asked)
        self.assertBack()

    def test_troubled(self) -> None:
        """
        That something else is in the way as well does not make it hasten.
        """
        self.remote.objection = lambda _: "NO [OVERQUOTA] full"
        self.local.inbox.add(mail("long"))
        self.follow()
        self.deny()
        self.end()
        self.wait(8000)
        self.assertTrue(10 < self.attempts(86400) < 30)

    def test_stopped(self) -> None:
        """
        If it is stopped meanwhile, it says by its exit code what was in the way.
        """
        self.follow()
        self.deny()
        self.end()
        asked = self.service.syncNow()
        self.wait(100)
        self.assertNoResult(asked)
        self.stop()
        self.assertEnds(Distrusted.code, "login was refused")
        self.failureResultOf(asked)

    def test_stoppedLater(self) -> None:
        """
        It says so only as long as it is in the way.
        """
        self.follow()
        self.deny()
        self.end()
        del self.remote.answers["AUTHENTICATE"]
        self.wait(100)
        self.stop()
        self.assertEqual(0, self.successResultOf(self.finished).code)

    def test_capability(self) -> None:
        """
        A server that lacks what is needed ends it, if it did so from the start.
        """
        self.lack()
        self.follow()
        self.assertEnds(69, "IMAP4REV1")

    def test_capabilityLater(self) -> None:
        """
        If it did not, things may change again.
        """
        self.follow()
        self.lack()
        self.end()
        self.assertDenied("IMAP4REV1")
        self.assertTrue(3 <= self.attempts(900) <= 4)
        self.remote.capabilities.add("IMAP4rev1")
        self.remote.inbox.add(mail("new"))
        self.wait(2000)
        self.assertBack()

    def lack(self) -> None:
        """
        Have what is required not be offered.
        """
        self.remote.capabilities.remove("IMAP4rev1")


class BrakeTests(FollowingCase):
    """
    How much goes from a side.
    """

    def fill(self, count: int) -> None:
        """
        Have both sides hold so many messages.
        """
        self.world.fill(*map(mail, range(10, 7 + count)))
        self.follow()

    def expunge(self, count: int) -> None:
        """
        Remove so many of the messages that are left.
        """
        self.local.inbox.expunge(*list(self.local.inbox.messages)[:count])
        self.wait(1)

    def assertBrakes(self, words: str) -> None:
        """
        It has ended for that.
        """
        outcome = self.successResultOf(self.finished)
        self.assertEqual(MassDeletion.code, outcome.code)
        self.assertIn(words, outcome.text)
        self.assertClosed()

    def test_emptied(self) -> None:
        """
        An emptied server ends it, before anything is removed.
        """
        self.fill(200)
        self.expunge(200)
        self.assertBrakes("200 of 200 known messages would be removed from remote")
        self.assertEqual(200, len(self.remote.inbox.messages))

    def test_bitByBit(self) -> None:
        """
        So it does if it is emptied bit by bit, while others come.
        """
        self.fill(1003)
        for _ in range(9):
            self.expunge(int(len(self.local.inbox.messages) * 0.45) + 1)
            self.local.inbox.add(mail(("new", self.local.inbox.uidnext)))
        self.assertBrakes("701 of 1003 known messages would be removed")
        self.assertGreater(len(self.remote.inbox.messages), 500)

    def test_oneByOne(self) -> None:
        """
        And if each goes by itself, also over other connections.
        """
        self.fill(120)
        for _ in range(60):
            self.expunge(1)
            self.assertTrue(self.world.equal)
            self.world.links[-1].end(ConnectionLost())
            self.wait(PAUSE)
        self.expunge(1)
        self.assertBrakes("61 of 120 ")

    def test_unheard(self) -> None:
        """
        And if no answer comes to what was removed.
        """
        self.fill(120)
        for _ in range(5):
            self.remote.before["EXPUNGE"] = self.cut
            self.expunge(20)
            self.wait(PAUSE)
        self.assertBrakes(" of 120 ")

    def cut(self) -> None:
        """
        Cut the connection before the answer.
        """
        self.remote.downLeft = 1

    def test_slowly(self) -> None:
        """
        Slowly, as much may go as one likes.
        """
        self.fill(200)
        while len(self.local.inbox.messages) > 10:
            self.expunge(len(self.local.inbox.messages) // 2)
            self.assertTrue(self.world.equal)
            self.wait(WINDOW + 60)

    def test_allowed(self) -> None:
        """
        What is allowed at the beginning does not count later, and is not allowed
        later.
        """
        self.fill(300)
        self.stop()
        self.expunge(200)
        self.follow(request={"allowMassDelete": True})
        self.assertTrue(self.world.equal)
        self.expunge(50)
        self.assertTrue(self.world.equal)
        self.expunge(1)
        self.assertBrakes("51 of 100 ")

    def test_moved(self) -> None:
        """
        What is moved is not gone.
        """
        other = self.local.make("Other")
        self.fill(150)
        for name in ("", "MOVE"):
            self.remote.capabilities.discard(name)
            for message in list(self.local.inbox.messages.values())[:70]:
                other.add(message.body)
            self.expunge(70)
            self.assertTrue(self.world.equal)
        self.assertEqual(140, len(self.remote.folders["Other"].messages))


class TimeTests(FollowingCase):
    """
    Time that goes by.
    """

    def test_silence(self) -> None:
        """
        After a quarter of an hour in which nothing was sent, something is; and
        what a server has not told of is found.
        """
        self.follow()
        self.wait(SILENCE + BEAT)
        for account in self.accounts:
            self.assertEqual(["NOOP", LOOK], [x.split()[0] for x in account.heard])

    def test_silentIdle(self) -> None:
        """
        It idles on after that.
        """
        self.remote.capabilities.remove("NOTIFY")
        self.follow(request={"watch": 10_000})
        self.wait(SILENCE + BEAT)
        heard = [line.split()[0] for line in self.remote.heard]
        self.assertEqual(["NOOP", "UNSELECT", LOOK, "EXAMINE", "IDLE"], heard)
        self.remote.inbox.add(mail("new"))
        self.world.pump()
        self.assertTrue(self.world.equal)

    def test_suspended(self) -> None:
        """
        After a suspension it looks at once, and gives up a server that does not
        answer soon.
        """
        self.follow()
        self.reactor.advance(BEAT + LATE + 1)
        self.world.pump()
        self.assertEqual((1, 1), tuple(one.count(LOOK) for one in self.accounts))
        for link in self.world.links:
            link.pauseProducing()
        self.reactor.advance(3600)
        self.world.pump()
        self.wait(PROOF + PAUSE + 1)
        self.assertEqual(4, len(self.world.links))
        self.assertRests()

    def test_blackHole(self) -> None:
        """
        A server that swallows everything is given up five minutes after it was
        asked something, also in the midst of a sync.
        """
        self.follow()
        for verb in ("LIST", "SELECT", "APPEND"):
            self.remote.before[verb] = self.silence
            self.local.inbox.add(mail(verb))
            self.world.pump()
            self.wait(OWED - 1)
            self.assertEqual("syncing", self.service.status.state)
            self.wait(2)
            self.assertEqual("backing off", self.service.status.state)
            self.wait(PAUSE)
            self.assertRests()

    def test_quietBlackHole(self) -> None:
        """
        One that is asked nothing is asked each quarter of an hour.
        """
        self.follow()
        self.silence()
        self.remote.inbox.add(mail("unheard"))
        self.wait(SILENCE + BEAT + OWED - 1)
        self.assertEqual("waiting", self.service.status.state)
        self.wait(PAUSE + BEAT)
        self.assertRests()

    def test_suspendedInAPause(self) -> None:
        """
        When the network may be back, the end of the pause is not waited for.
        """
        self.remote.greeting = "BYE"
        self.follow()
        self.wait(600)
        self.remote.greeting = "PREAUTH"
        self.reactor.advance(BEAT + LATE + 1)
        self.assertRests()


class TroubleTests(FollowingCase):
    """
    What cannot be synced.
    """

    def refuse(self, text: str) -> None:
        """
        Have remote take no message that is long.
        """
        self.remote.objection = lambda offer: text if offer.size > 500 else ""

    def test_once(self) -> None:
        """
        A trouble is told once, and does not keep the rest from being synced;
        when it is gone, that is told once, too.
        """
        self.refuse("NO [OVERQUOTA] full")
        self.local.inbox.add(mail("long", size=1000))
        self.follow()
        for n in range(3):
            self.local.inbox.add(mail(("short", n)))
            self.remote.make(f"box {n}")
            self.world.pump()
        self.assertEqual(1, len(self.said("error")))
        self.assertIn("OVERQUOTA", self.said("error")[0])
        self.assertIn("OVERQUOTA", self.service.status.mailboxes["INBOX"].trouble)
        self.assertIsNotNone(self.service.status.mailboxes["INBOX"].behind)
        self.assertIsNone(self.service.status.mailboxes["box 0"].behind)
        self.remote.objection = lambda _: ""
        self.wait(SILENCE + BEAT)
        self.assertTrue(self.world.equal)
        [line] = [line for line in self.said("info") if "again" in line]
        self.assertEqual("info: INBOX: synced again.", line)
        self.assertEqual("", self.service.status.mailboxes["INBOX"].trouble)

    def test_waits(self) -> None:
        """
        It is tried at growing distances; the status tells how often it was, and why
        it was in vain.  Whoever asks for it need not wait.
        """
        self.patch(Store, "clock", staticmethod(self.reactor.seconds))
        self.refuse("NO [TOOBIG] no")
        self.local.inbox.add(mail("long", size=1000))
        self.follow()
        tries = 1
        for quarters, more in (4, 3), (3, 0), (2, 1), (90, 0), (7, 1):
            for _ in range(quarters):
                self.wait(SILENCE)
            tries += more
            [refusal] = self.service.status.mailboxes["INBOX"].refusals
            self.assertEqual(("TOOBIG", tries), (refusal.code, refusal.tries))
        self.assertEqual({"INBOX": (refusal,)}, self.service.status.refusals)
        self.assertIsNotNone(self.service.status.mailboxes["INBOX"].behind)
        self.assertEqual(1, len(self.said("error")))
        self.remote.objection = lambda _: ""
        self.successResultOf(self.now())
        self.assertTrue(self.world.equal)
        self.assertEqual({}, self.service.status.refusals)

    def test_cameAllTheSame(self) -> None:
        """
        What comes to the other side in another way, long after it was refused, is
        recognised, and not copied back.
        """
        self.refuse("NO [TOOBIG] no")
        self.local.inbox.add(mail("long", size=1000))
        self.follow()
        self.remote.inbox.add(mail("long", size=1000))
        self.world.pump()
        self.assertTrue(self.world.equal)
        self.assertEqual(4, len(self.local.inbox.messages))
        self.assertEqual({}, self.service.status.refusals)

    def test_flags(self) -> None:
        """
        Flags that were refused are not tried, nor even read, with each change in
        their mailbox; they are forgotten as soon as nobody wants them any more.
        """
        self.follow()
        self.remote.answers["STORE"] = "NO [CANNOT] no"
        self.local.inbox.flag(1, "Odd")
        self.world.pump()
        [refusal] = self.service.status.mailboxes["INBOX"].refusals
        self.assertEqual("1", str(refusal.uids))
        for number in range(3):
            self.forget()
            self.local.inbox.add(mail(("other", number)))
            self.world.pump()
            self.assertEqual(0, self.remote.count("STORE"))
            self.assertEqual((refusal,), self.service.status.refusals["INBOX"])
        self.local.inbox.flag(1)
        self.world.pump()
        self.assertEqual({}, self.service.status.refusals)

    def test_restarted(self) -> None:
        """
        What waits since an earlier run is named once, too.
        """
        self.patch(Store, "clock", staticmethod(self.reactor.seconds))
        self.refuse("NO [TOOBIG] no")
        self.local.inbox.add(mail("long", size=1000))
        for _ in range(4):
            self.world.sync()
        self.logged.clear()
        self.follow()
        self.local.inbox.add(mail("short"))
        self.world.pump()
        self.assertEqual(1, len(self.service.status.refusals))
        [line] = self.said("error")
        self.assertIn("TOOBIG", line)
        self.assertIn("tried 4 times", line)
        self.assertIn("TOOBIG", self.service.status.mailboxes["INBOX"].trouble)

    def test_notAtEachLook(self) -> None:
        """
        What was refused is not sent again with each other change, but when it
        is asked for.
        """
        self.refuse("NO [OVERQUOTA] full")
        self.local.inbox.add(mail("long", size=1000))
        self.follow()
        for n in range(3):
            self.local.inbox.add(mail(("short", n)))
            self.world.pump()
        self.assertEqual(3, self.remote.count("APPEND"))
        self.remote.objection = lambda _: ""
        self.successResultOf(self.now())
        self.assertTrue(self.world.equal)

    def now(self) -> Deferred[None]:
        """
        Sync now.
        """
        done = self.service.syncNow()
        self.world.pump()
        return done

    def test_hopeless(self) -> None:
        """
        A mailbox that cannot be synced at all does not keep it busy.
        """
        odd = self.remote.make("Odd")
        odd.codes.append("UIDNOTSTICKY")
        self.follow()
        odd.add(mail("odd"))
        self.world.pump()
        self.forget()
        self.wait(SILENCE / 2)
        self.assertEqual(([], []), (self.local.heard, self.remote.heard))
        self.assertEqual(1, len(self.said("error")))

    def test_notCreated(self) -> None:
        """
        Nor does one that cannot be made.
        """
        self.local.answers["CREATE"] = "NO [CANNOT] no such name"
        self.remote.make("Odd")
        self.follow()
        self.remote.inbox.add(mail("other"))
        self.world.pump()
        self.assertEqual(0, self.local.count("CREATE"))
        self.assertEqual(self.local.inbox.content, self.remote.inbox.content)
        self.assertEqual(1, len(self.said("error")), self.said("error"))
        del self.local.answers["CREATE"]
        self.successResultOf(self.now())
        self.assertRests()


class SuspectTests(FollowingCase):
    """
    A message over which connections break.
    """

    def setUp(self) -> None:
        """
        Have remote hang up on one.
        """
        super().setUp()
        self.tries = 0
        self.remote.dies = self.dies
        self.local.inbox.add(mail("poison"))
        self.local.inbox.add(mail("other"))
        self.follow()
        self.assertTries(1)

    def dies(self, offers: list[Offer]) -> bool:
        """
        Whether it hangs up.
        """
        found = mail("poison") in [offer.body for offer in offers]
        self.tries += found
        return found

    def assertTries(self, count: int) -> None:
        """
        It is tried so often soon; then all else is there, and the rest goes on.
        """
        self.tries = 0
        self.wait(60)
        self.assertEqual(count, self.tries)
        self.assertEqual("waiting", self.service.status.state)
        inboxes = [len(account.inbox.messages) for account in self.accounts]
        self.assertEqual(1, inboxes[0] - inboxes[1])
        self.assertIn("breaks", self.service.status.mailboxes["INBOX"].trouble)

    def test_growing(self) -> None:
        """
        It is tried again after an hour, and after a day; until it is taken.
        """
        for hours in (1, 24):
            self.tries = 0
            self.wait(3600 * hours - 2 * SILENCE)
            self.assertEqual(0, self.tries)
            self.wait(3 * SILENCE)
            self.assertEqual(1, self.tries)
            self.local.inbox.add(mail(hours))
            self.assertTries(0)
        self.assertEqual(1, len(self.said("error")))
        self.remote.dies = lambda _: False
        self.wait(3600 * 24)
        self.assertTrue(self.world.equal)

    def test_asked(self) -> None:
        """
        It is tried at once when that is asked for.
        """
        for _ in range(3):
            self.service.syncNow()
            self.assertTries(1)
        self.remote.dies = lambda _: False
        self.service.syncNow()
        self.assertRests()

    def test_other(self) -> None:
        """
        One that has its UID, in another mailbox of that name, is no suspect.
        """
        self.local.inbox.renumber()
        self.local.inbox.uidnext = 1
        self.local.inbox.messages.clear()
        for number in range(1, 6):
            self.local.inbox.add(mail(("again", number)))
        self.wait(SILENCE)
        self.assertTrue(self.world.equal)


class OwnerTests(FollowingCase):
    """
    What the owner of a service can do with it.
    """

    def test_stop(self) -> None:
        """
        Stopping it takes leave of both servers, and is no failure.
        """
        self.follow()
        self.stop()
        self.assertEqual(0, self.successResultOf(self.finished).code)
        self.assertEqual((1, 1), tuple(one.count("LOGOUT") for one in self.accounts))
        self.assertEqual("stopped", self.service.status.state)

    def test_stopAnywhere(self) -> None:
        """
        Whatever it is waiting for, it ends within five seconds, with all
        closed, and the next one takes it up.
        """
        for verb in ("ENABLE", "LIST", "NOTIFY", "SELECT", "FETCH", "APPEND", "LOGOUT"):
            for account in self.accounts:
                account.before = {verb: self.silence}
            self.local.inbox.add(mail(verb))
            self.follow()
            self.stop()
            outcome = self.successResultOf(self.finished)
            self.assertEqual(0, outcome.code, (verb, outcome.text))
            for account in self.accounts:
                account.before = {}
        self.follow()
        self.assertRests()

    def test_stopWhileSyncing(self) -> None:
        """
        A sync that is nearly at its end comes to it.
        """
        self.follow()
        stopping: list[Deferred[Any]] = []

        def stop() -> None:
            stopping.append(self.service.stopService())

        self.remote.before["APPEND"] = stop
        self.local.inbox.add(mail("new"))
        self.world.pump()
        self.successResultOf(stopping[0])
        self.assertTrue(self.world.equal)
        self.assertEqual(0, self.successResultOf(self.finished).code)

    def test_again(self) -> None:
        """
        It can be started again.
        """
        self.follow()
        self.stop()
        self.local.inbox.add(mail("between"))
        self.service.startService()
        self.assertRests()
        self.assertNoResult(self.service.whenFinished())

    def test_syncNow(self) -> None:
        """
        A sync that was asked for is told when it is over: one that began
        later, not one that goes on already.
        """
        self.follow()
        asked: list[Deferred[None]] = []
        self.remote.before["APPEND"] = lambda: asked.append(self.service.syncNow())
        self.local.inbox.add(mail("new"))
        self.world.pump()
        self.successResultOf(asked[0])
        # Two for the message, one for the one that was asked for.
        self.assertEqual(3, self.local.count(LOOK))
        self.assertRests()

    def test_syncNowLate(self) -> None:
        """
        If there is none any more, that is told, too.
        """
        self.remote.greeting = "BYE"
        self.follow()
        asked = self.service.syncNow()
        self.stop()
        self.failureResultOf(asked, CancelledError)
        self.failureResultOf(self.service.syncNow(), CancelledError)

    def test_syncNowConnects(self) -> None:
        """
        It need not wait for the end of a pause.
        """
        self.remote.greeting = "BYE"
        self.follow()
        self.wait(600)
        self.remote.greeting = "PREAUTH"
        asked = self.service.syncNow()
        self.world.pump()
        self.successResultOf(asked)
        self.assertRests()

    def test_status(self) -> None:
        """
        Observers are told all that happens, until they want to hear no more.
        """
        told: list[Change] = []
        self.reactor.advance(100)
        self.service = SyncService(
            self.world.settings(), self.reactor, Request(live=True)
        )
        self.service.observe(told.append)
        self.addCleanup(self.stop)
        self.service.startService()
        self.world.pump()
        states = list(dict.fromkeys(str(one.after.state) for one in told))
        self.assertEqual(
            ["connecting", "first sync", "tuning in", "syncing", "waiting"], states
        )
        last = told[-1].after
        self.assertEqual((100, 100, ""), (last.since, last.synced, last.error))
        self.assertEqual(3, last.mailboxes["INBOX"].messages)
        self.assertEqual(0, last.mailboxes["INBOX"].lag(200))
        self.reactor.advance(5)
        self.remote.before["SELECT"] = self.silence
        self.local.inbox.add(mail("new"))
        self.world.pump()
        last = told[-1].after
        self.assertEqual(("syncing", 105), (last.state, last.since))
        self.assertEqual(7, last.mailboxes["INBOX"].lag(112))
        self.assertEqual({"INBOX": last.mailboxes["INBOX"]}, told[-1].mailboxes)
        self.service.unobserve(told.append)
        count = len(told)
        self.stop()
        self.assertEqual(count, len(told))
