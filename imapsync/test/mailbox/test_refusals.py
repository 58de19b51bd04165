"""
Tests for L{imapsync.mailbox.refusals}, in runs between two servers in memory: what is
refused, remembered, named, tried again, and forgotten.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.request import Request
from imapsync.mailbox.report import Report
from imapsync.model import Refusal, Side
from imapsync.state.store import Store
from imapsync.state.survey import Survey, survey
from imapsync.test.fakes.world import QuickState, World, troubles
from imapsync.testing.accounts import NOTHING, SEEN, Offer, mail

HOUR, DAY = 3600, 86400
LOCAL, REMOTE = Side

#: So often it is tried in each run.
TRIES = 4


class RefusalsCase(SynchronousTestCase):
    """
    Two accounts with an INBOX, of which the remote one does not take the second
    message.
    """

    reply = "NO [TOOBIG] no"

    def setUp(self) -> None:
        """
        Make them.
        """
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.patch(Store, "clock", staticmethod(self.clock.seconds))
        self.world = World(self.mktemp())
        self.local, self.remote = self.world.local, self.world.remote
        self.ours, self.theirs = self.local.inbox, self.remote.inbox
        self.remote.objection = self.objection
        self.world.fill(mail(1), mail(2), mail(3))

    def objection(self, offer: Offer) -> str:
        """
        What the remote server says to a message.
        """
        return self.reply if offer.body == mail(2) else ""

    def sync(self, *mailboxes: str) -> Report:
        """
        Run once.
        """
        return self.world.sync(Request(mailboxes))

    def assertTried(self, times: int, *mailboxes: str) -> None:
        """
        In the next run the message is sent so many times, and named.
        """
        [(name, text)] = troubles(self.sync(*mailboxes))
        self.assertEqual("INBOX", name)
        self.assertIn("local: UID 2: not copied: ", text)
        self.assertIn(self.reply, text)
        self.assertEqual(times, self.remote.count("APPEND"), text)
        self.assertEqual(not times, "; again from " in text)

    def wait(self) -> None:
        """
        Run until it is no longer tried in each run.
        """
        for _ in range(TRIES):
            self.sync()
        self.assertTried(0)

    @property
    def refusals(self) -> list[Refusal]:
        """
        What the database knows of INBOX.
        """
        state = QuickState.open(self.world.database, readOnly=True)
        try:
            known = state.mailbox("INBOX")
            return state.refusals(known.id) if known else []
        finally:
            state.close()

    def assertForgotten(self) -> None:
        """
        Nothing is in the way any more: one run makes both sides equal, another does
        nothing.
        """
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(self.local.content, self.remote.content)
        self.assertEqual([], self.refusals)
        report = self.sync()
        self.assertEqual((0, {}), (report.changes, report.troubles))
        for account in self.local, self.remote:
            self.assertEqual(0, account.count("SELECT", "EXAMINE", "APPEND"))


class DistanceTests(RefusalsCase):
    """
    When it is tried.
    """

    def test_growing(self) -> None:
        """
        A message is tried in each of the first runs, then after an hour, a day, and
        each week; it is named in each run, and where nothing is due, the mailbox is
        not even selected.
        """
        self.sync()
        for _ in range(TRIES - 1):
            self.assertTried(1)
        for pause in HOUR, DAY, 7 * DAY, 7 * DAY:
            self.assertTried(0)
            for account in self.local, self.remote:
                self.assertEqual(0, account.count("SELECT", "EXAMINE"))
            self.clock.advance(pause - 1)
            self.assertTried(0)
            self.clock.advance(1)
            self.assertTried(1)
        [refusal] = self.refusals
        self.assertEqual(
            (LOCAL, "2", "TOOBIG", 1_000_000, TRIES + 4),
            (
                *(refusal.side, str(refusal.uids), refusal.code),
                *(refusal.since, refusal.tries),
            ),
        )

    def test_quota(self) -> None:
        """
        What is refused for want of room is tried each hour at least.
        """
        self.reply = "NO [OVERQUOTA] full"
        self.wait()
        for _ in range(5):
            self.clock.advance(HOUR)
            self.assertTried(1)
            self.assertTried(0)
        self.reply = ""
        self.clock.advance(HOUR)
        self.assertForgotten()

    def test_asked(self) -> None:
        """
        Whoever names the mailbox need not wait.
        """
        self.wait()
        self.assertTried(1, "INBOX")
        self.reply = ""
        self.assertEqual({}, self.sync("INBOX").troubles)
        self.assertForgotten()

    def test_others(self) -> None:
        """
        While it waits, all else goes on.
        """
        self.wait()
        self.ours.add(mail(4))
        self.theirs.add(mail(5))
        self.theirs.flag(1, "\\Seen")
        self.assertIn("; again from ", str(troubles(self.sync())))
        self.assertEqual(4, len(self.theirs.messages))
        self.assertEqual(5, len(self.ours.messages))
        self.assertEqual(SEEN, self.ours.messages[1].flags)
        self.assertEqual(TRIES, self.refusals[0].tries)
        self.reply = ""
        self.clock.advance(HOUR)
        self.assertForgotten()

    def test_dryRun(self) -> None:
        """
        A dry run names it, too.
        """
        self.wait()
        said: list[str] = []
        report = self.world.sync(Request(dryRun=True), said.append)
        self.assertEqual(1, len(report.troubles))
        self.assertEqual([], said)


class NotedTests(RefusalsCase):
    """
    What a run leaves to be seen from outside.
    """

    def look(self) -> Survey:
        """
        Look.
        """
        return survey(self.world.database)

    def test_synced(self) -> None:
        """
        When both sides were equal last, and when each mailbox was, after work on it.
        """
        self.local.make("Other")
        self.remote.make("Other")
        first = int(self.clock.seconds())
        self.sync()
        told = self.look()
        self.assertEqual(0, told.synced)
        self.assertEqual(
            [("INBOX", 0), ("Other", first)],
            [(one.name, one.synced) for one in told.mailboxes],
        )
        self.reply = ""
        for _ in range(2):
            self.clock.advance(1000)
            self.sync()
            self.assertEqual(self.clock.seconds(), self.look().synced)
        inbox, other = self.look().mailboxes
        self.assertEqual((first + 1000, first), (inbox.synced, other.synced))
        self.clock.advance(1000)
        self.sync("INBOX")
        self.assertEqual(first + 2000, self.look().synced)

    def test_mailboxes(self) -> None:
        """
        What is wrong with mailboxes as a whole, until it is mended.
        """
        self.reply = ""
        self.remote.answers["CREATE"] = "NO [CANNOT] no such name"
        self.local.make("Odd")
        self.sync()
        [refusal] = self.look().mailboxes[1].refusals
        self.assertEqual((REMOTE, "CANNOT"), (refusal.side, refusal.code))
        self.assertIn("no such name", refusal.reason)
        self.remote.answers.clear()
        self.sync()
        self.assertEqual([], self.look().mailboxes[1].refusals)


class ForgottenTests(RefusalsCase):
    """
    When it is named no more, though it was not tried.
    """

    def test_expunged(self) -> None:
        """
        It is gone.
        """
        self.wait()
        self.ours.expunge(2)
        self.assertForgotten()

    def test_arrived(self) -> None:
        """
        It has come to the other side in another way: it is not copied back.
        """
        self.wait()
        self.theirs.add(mail(2))
        self.assertForgotten()
        self.assertEqual(3, len(self.ours.messages))
        self.assertEqual(3, len(self.theirs.messages))

    def test_storedAllTheSame(self) -> None:
        """
        So it is where it comes there in the same run.
        """
        self.theirs.add(mail(7))
        self.sync()
        self.ours.add(mail(8))
        self.theirs.add(mail(2))
        self.sync()
        self.assertForgotten()
        self.assertEqual(5, len(self.ours.messages))

    def test_amongOthers(self) -> None:
        """
        It is taken, or its flags are, in a pass that leaves something else to the
        next one.
        """
        self.reply = "NO [TOOBIG] no"
        self.local.make("Old").add(mail(9))
        self.remote.make("Old").add(mail(9))
        self.remote.answers["STORE"] = "NO [CANNOT] no"
        self.sync()
        self.ours.flag(1, "Odd")
        self.sync()
        self.assertEqual(2, len(self.refusals))
        self.reply = ""
        self.remote.answers.clear()
        self.ours.add(mail(9))  # which the server can copy by itself
        self.assertForgotten()

    def test_renumbered(self) -> None:
        """
        Its UID means another message now: all is tried.
        """
        self.wait()
        self.reply = ""
        self.ours.uidvalidity += 1
        self.assertForgotten()


class FlagTests(RefusalsCase):
    """
    Flags that are refused.
    """

    reply = ""

    def setUp(self) -> None:
        """
        Have a keyword that the remote server does not take.
        """
        super().setUp()
        self.sync()
        self.remote.answers["STORE"] = "NO [CANNOT] no"
        self.ours.flag(2, "Odd")

    def test_remembered(self) -> None:
        """
        They are remembered with the response code, named in each run, and tried at
        the same distances.
        """
        for tries in range(1, TRIES + 1):
            self.assertIn("CANNOT", str(troubles(self.sync())))
            [refusal] = self.refusals
            self.assertEqual(("CANNOT", tries), (refusal.code, refusal.tries))
        [(_, text)] = troubles(self.sync())
        self.assertIn("local: UID 2: remote would not change Odd (tried 4 times", text)
        self.assertEqual(0, self.remote.count("SELECT"))
        self.remote.answers.clear()
        self.clock.advance(HOUR)
        self.assertForgotten()

    def test_takenAway(self) -> None:
        """
        They are forgotten when nobody wants them any more, and when they are taken
        while the mailbox is looked into for something else.
        """
        for taken in False, True:
            for _ in range(TRIES + 1):
                self.sync()
            self.remote.answers.clear()
            if taken:
                self.ours.flag(3, "\\Seen")
            else:
                self.ours.flag(2)
            self.assertForgotten()
            self.remote.answers["STORE"] = "NO [CANNOT] no"
            self.ours.flag(2, "Odder")

    def test_gone(self) -> None:
        """
        They go with their message, whichever side it is expunged on.
        """
        for mailbox, uid in (self.ours, 2), (self.theirs, 3):
            self.ours.flag(uid, "Odd")
            self.remote.answers["STORE"] = "NO [CANNOT] no"
            for _ in range(TRIES + 1):
                self.sync()
            self.assertEqual([str(uid)], [str(one.uids) for one in self.refusals])
            mailbox.expunge(uid)
            self.remote.answers.clear()
            self.assertForgotten()

    def test_unreadable(self) -> None:
        """
        A server that will not tell of refused messages is no obstacle.
        """
        self.sync()
        self.remote.answers.clear()
        self.local.answers["FETCH"] = "NO [SERVERBUG] broken"
        self.theirs.flag(1, "\\Seen")
        self.sync()
        self.assertEqual(SEEN, self.ours.messages[1].flags)
        self.assertEqual(1, len(self.refusals))
        self.local.answers.clear()
        self.assertForgotten()
        self.assertNotEqual(NOTHING, self.theirs.messages[2].flags)
