"""
Tests for L{imapsync.accounts.takeover}: what interimap knew, taken over between two
servers in memory.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from itertools import product
from pathlib import Path

from twisted.internet.error import ConnectionDone
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts.takeover import Import
from imapsync.config.request import Request
from imapsync.errors import Lost, NotFound, StateUnavailable
from imapsync.mailbox.context import Records
from imapsync.mailbox.notes import Notes
from imapsync.mailbox.report import Report
from imapsync.mailbox.suspects import Suspects
from imapsync.model import Mark, Pair, Side
from imapsync.plan.brake import Brake
from imapsync.plan.growth import Growth
from imapsync.test.accounts.test_session import Killed, MortalState
from imapsync.test.fakes import interimap
from imapsync.test.fakes.interimap import Box
from imapsync.test.fakes.world import QuickState, World, troubles
from imapsync.testing.accounts import SEEN, Account, mail

LOCAL, REMOTE = Side


class BrokenState(QuickState):
    """
    The connections are lost just before pairs of the second mailbox are kept.
    """

    _left = 1

    def addPairs(self, mailbox: int, pairs: Iterable[Pair]) -> None:
        """
        Keep them, or not.
        """
        self._left -= 1
        if self._left == -1:
            raise Lost("gone")
        super().addPairs(mailbox, pairs)


class DeadState(MortalState):
    """
    One that does nothing any more once it is dead.
    """

    @classmethod
    def step(cls) -> None:
        """
        Live on, or not.
        """
        cls.left -= 1
        if cls.left <= 0:
            raise Killed


class ImportCase(SynchronousTestCase):
    """
    Two accounts that interimap has kept equal, and then kept no more.

    @ivar said: what a dry run said.
    """

    def setUp(self) -> None:
        """
        Make them.
        """
        self.begin(Account(), Account(first=1007))

    def begin(self, local: Account, remote: Account) -> None:
        """
        Fill them, and have them be equal.
        """
        self.world = World(self.mktemp(), local, remote)
        self.local, self.remote = local, remote
        local.make("Work")
        for number in range(1, 9):
            local.inbox.add(mail(number), SEEN if number % 2 else frozenset())
        for number in range(20, 24):
            local.folders["Work"].add(mail(number))
        self.world.sync()
        self.assertTrue(self.world.equal)
        self.theirs = self.mktemp()
        self.boxes = interimap.knowing(self.world.database)
        Path(self.world.database).unlink()
        self.said: list[str] = []

    def take(
        self,
        *mailboxes: str,
        dryRun: bool = False,
        boxes: list[Box] | None = None,
        kind: type[QuickState] = QuickState,
    ) -> Report:
        """
        Take over what interimap knows.

        @param boxes: that; by default, what it should.
        @param kind: of our database.
        """
        if not Path(self.theirs).exists():
            interimap.made(self.theirs, self.boxes if boxes is None else boxes)
        request = Request(mailboxes, dryRun=dryRun, interimap=self.theirs)
        state = kind.open(self.world.database, readOnly=dryRun)
        report = Report()
        brake, notes = Brake(state.totalPairs, lifted=False), Notes(acquainted=False)
        records = Records(brake, report, notes, Suspects(), Growth())
        try:
            config = self.world.settings()
            work = Import(
                *(self.theirs, config, request, state, records),
                lambda name, text: self.said.append(f"{name}: {text}"),
            )
            clients = {side: self.world.connect(side) for side in Side}
            with contextlib.suppress(Lost):
                self.world.run(work.run(clients))
            self.world.run(work.run(clients))  # what is done is not done again
        finally:
            state.close()
            for link in self.world.links:
                link.end(ConnectionDone())
            self.world.links.clear()
        return report

    def assertTakes(self, report: Report, **counts: int) -> None:
        """
        So many messages of these mailboxes were taken over, and nothing else.
        """
        expected = {
            name: [f"{count} message{'s' * (count != 1)} taken over"]
            for name, count in counts.items()
        }
        self.assertEqual(expected, report.steps)

    def assertGoesOn(self, copied: int, expunged: int) -> Report:
        """
        A sync does just that, and no other does anything.
        """
        report = self.world.sync()
        self.assertEqual({}, report.troubles)
        self.assertTrue(self.world.equal, self.local.content)
        self.assertEqual(copied, report.done("copied").total())
        self.assertEqual(expunged, report.done("expunged").total())
        self.assertEqual({}, report.paired)
        again = self.world.sync()
        self.assertEqual((0, {}), (again.changes, again.troubles))
        for account in self.world.accounts.values():
            self.assertEqual(0, account.count("SELECT", "EXAMINE", "STORE", "APPEND"))
        return report

    def shown(self, account: Account, uid: int) -> frozenset[str]:
        """
        The flags of a message in INBOX.
        """
        return account.inbox.messages[uid].flags


class SinceTests(ImportCase):
    """
    What has happened since interimap ran.
    """

    def test_nothing(self) -> None:
        """
        Nothing: then nothing is done, nor is a mailbox opened.
        """
        self.assertTakes(self.take(), INBOX=8, Work=4)
        self.world.sync()
        for account in self.world.accounts.values():
            self.assertEqual(0, account.count("SELECT", "EXAMINE"))
        self.assertGoesOn(0, 0)

    def test_flags(self) -> None:
        """
        Flags that were set or removed on one side are on the other; of a message that
        changed on both, none is removed.
        """
        here, there = self.local.inbox, self.remote.inbox
        first, *_ = there.messages
        here.flag(1)
        here.flag(2, "\\Flagged")
        there.flag(first + 2)
        there.flag(first + 3, "Blue")
        here.flag(5)
        there.flag(first + 4, "\\Seen", "\\Draft")
        self.take()
        self.assertGoesOn(0, 0)
        flags = [self.shown(self.local, uid) for uid in range(1, 6)]
        self.assertEqual(
            [set(), {"\\Flagged"}, set(), {"Blue"}, {"\\Seen", "\\Draft"}], flags
        )

    def test_messages(self) -> None:
        """
        What was expunged on one side is expunged on the other; what is new is copied.
        """
        here, there = self.local.inbox, self.remote.inbox
        first, *_ = there.messages
        here.expunge(1, 2)
        there.expunge(first + 1, first + 5)
        here.add(mail(50))
        there.add(mail(51))
        self.assertTakes(self.take(), INBOX=7, Work=4)
        self.assertGoesOn(2, 2)

    def test_moved(self) -> None:
        """
        What was moved is moved on the other side, not sent again.
        """
        message = self.local.inbox.messages[3]
        self.local.folders["Work"].add(message.body, message.flags, message.date)
        self.local.inbox.expunge(3)
        self.take()
        report = self.assertGoesOn(0, 0)
        self.assertEqual(1, report.done("moved").total())

    def test_meanwhile(self) -> None:
        """
        It makes no difference whether it was before, or after all was taken over.
        """
        first, *_ = self.remote.inbox.messages
        self.take()
        self.local.inbox.flag(1)
        self.remote.inbox.flag(first + 1, "Blue")
        self.remote.inbox.expunge(first + 2)
        self.assertGoesOn(0, 1)
        flags = self.shown(self.local, 1), self.shown(self.local, 2)
        self.assertEqual((set(), {"Blue"}), flags)

    def test_untracked(self) -> None:
        """
        A side that tells no mod-sequences any more, of a mailbox or of any, may have
        changed any flag: those of the other side that have changed are added, none is
        removed for them.
        """
        for side, whole in product(Side, (True, False)):
            self.begin(Account(), Account(first=1007))
            account = self.world.accounts[side]
            account.inbox.noModseq = True
            if whole:
                account.capabilities -= {"QRESYNC", "CONDSTORE", "ENABLE"}
            here, there = self.local.inbox, self.remote.inbox
            uid, *_ = there.messages
            here.flag(1)
            there.flag(uid + 1, "Blue")
            here.flag(3, "\\Seen", "\\Flagged")
            there.flag(uid + 2)
            there.expunge(uid + 3)
            here.add(mail(50))
            self.assertTakes(self.take(), INBOX=8, Work=4)
            report = self.world.sync()
            self.assertEqual({}, report.troubles)
            self.assertTrue(self.world.equal, self.local.content)
            done = report.done("copied").total(), report.done("expunged").total()
            self.assertEqual((1, 1), done)
            flags = [self.shown(self.local, uid) for uid in (1, 2, 3)]
            seen = set() if side is LOCAL else {"\\Seen"}
            self.assertEqual([seen, {"Blue"}, {"\\Seen", "\\Flagged"}], flags)
            self.assertEqual(0, self.world.sync().changes)

    def test_renumbered(self) -> None:
        """
        UIDs that mean other messages now are not believed: that is named, and the next
        sync pairs by content.
        """
        self.remote.inbox.renumber()
        report = self.take()
        self.assertTakes(report, Work=4)
        text = (
            "remote: not taken over: its UIDVALIDITY has changed; to be paired by"
            " content"
        )
        self.assertEqual([("INBOX", text)], troubles(report))
        report = self.world.sync()
        self.assertTrue(self.world.equal)
        self.assertEqual((0, 8), (report.changes, report.paired["INBOX"]))

    def test_restored(self) -> None:
        """
        Nor are they if they begin anew.
        """
        self.local.inbox.uidnext = 5
        self.assertTakes(self.take(), Work=4)

    def test_deleted(self) -> None:
        """
        A mailbox that is not on both sides any more is named, and left to the next
        sync: nothing is deleted for it.
        """
        del self.remote.folders["Work"]
        report = self.take()
        self.assertTakes(report, INBOX=8)
        text = "remote: not taken over: it is not there; to be paired by content"
        self.assertEqual([("Work", text)], troubles(report))
        report = self.world.sync()
        self.assertTrue(self.world.equal)
        self.assertEqual(4, report.done("copied").total())


class NamesTests(ImportCase):
    """
    What servers call the mailboxes.
    """

    def test_reference(self) -> None:
        """
        Those below a C{list-reference} have names without it, INBOX too; and each
        server has its own separator.
        """
        local = Account()
        local.make("perso/INBOX")
        local.make("perso/Work/Deep")
        for name in "perso/INBOX", "perso/Work/Deep":
            local.folders[name].add(mail(len(name)))
        self.world = World(self.mktemp(), local, Account(separator=".", first=1007))
        self.world.options[Side.LOCAL] = {"listReference": "perso"}
        self.world.sync()
        self.boxes = interimap.knowing(self.world.database)
        Path(self.world.database).unlink()
        report = self.take()
        self.assertEqual({}, report.troubles)
        self.assertEqual({"INBOX", "Work/Deep"}, {*report.steps})
        report = self.world.sync()
        self.assertEqual((0, {}), (report.changes, report.paired))

    def test_elsewhere(self) -> None:
        """
        Those that are not below it are named, and left out.
        """
        self.world.options[Side.LOCAL] = {"listReference": "perso"}
        report = self.take()
        self.assertTakes(report)
        told = [text for _, text in troubles(report)]
        text = "local: not taken over: it is not there; to be paired by content"
        self.assertEqual([text, text], told)

    def test_prefix(self) -> None:
        """
        Where a server puts a prefix before names, and the other one does not,
        interimap has paired what has other names here: that is left out.
        """
        local, remote = Account(separator="."), Account(first=1007)
        local.namespaces = '(("INBOX." ".")) NIL NIL'
        local.make("INBOX.Work")
        remote.make("INBOX/Work")
        self.world = World(self.mktemp(), local, remote)
        marks = {side: Mark(5, 2, 2) for side in Side}
        report = self.take(boxes=[Box("INBOX/Work", marks, [(1, 1)])])
        self.assertTakes(report)
        [(_, text)] = troubles(report)
        self.assertIn('it is "Work" on local, and "INBOX/Work" on remote', text)

    def test_older(self) -> None:
        """
        The tables of before have names as the servers have them.
        """
        interimap.made(self.theirs, self.boxes, version=0)
        self.assertTakes(self.take(), INBOX=8, Work=4)


class OthersTests(ImportCase):
    """
    Accounts that interimap did not know.
    """

    def others(self) -> None:
        """
        The remote account is another one, which has as many messages by chance, with
        the same UIDVALIDITYs.
        """
        for name, first in ("INBOX", 200), ("Work", 300):
            folder = self.remote.folders[name]
            for number, message in enumerate(folder.messages.values(), first):
                message.body = mail(number, 10 * number)

    def test_others(self) -> None:
        """
        Nothing is believed of another account, so that nothing is removed.
        """
        self.others()
        report = self.take()
        self.assertTakes(report)
        why = "its messages are others than those that were paired"
        text = f"not taken over: {why}; to be paired by content"
        self.assertEqual([("INBOX", text), ("Work", text)], troubles(report))
        report = self.world.sync()
        self.assertTrue(self.world.equal)
        self.assertEqual(0, report.done("expunged").total())

    def test_killed(self) -> None:
        """
        Nor is it where the process is killed before all of a mailbox was seen, and a
        sync follows.
        """
        steps = 0
        killed = True
        while killed:
            steps += 1
            self.begin(Account(), Account(first=1007))
            self.others()
            for account in self.world.accounts.values():
                account.inbox.expunge(*[*account.inbox.messages][2:4])
            self.remote.inbox.expunge([*self.remote.inbox.messages][-1])
            DeadState.left = steps
            killed = False
            try:
                self.take(kind=DeadState)
            except Killed:
                killed = True
            report = self.world.sync()
            self.assertTrue(self.world.equal)
            self.assertEqual(0, report.done("expunged").total(), steps)
        self.assertGreater(steps, 5)

    def test_missing(self) -> None:
        """
        Nor is it if there is nothing left in it.
        """
        for folder in self.remote.folders.values():
            folder.expunge(*folder.messages)
        report = self.take()
        self.assertTakes(report)
        self.assertEqual(["INBOX", "Work"], [name for name, _ in troubles(report)])
        self.assertIn("nothing says that it is the mailbox", troubles(report)[0][1])
        report = self.world.sync()
        self.assertTrue(self.world.equal)
        self.assertEqual(0, report.done("expunged").total())

    def test_emptied(self) -> None:
        """
        One that was emptied is believed to have been, if another mailbox proves whose
        all of it is, whatever their order.
        """
        for name in "INBOX", "Work":
            self.begin(Account(), Account(first=1007))
            folder = self.remote.folders[name]
            folder.expunge(*folder.messages)
            count = len(self.local.folders[name].messages)
            report = self.take()
            self.assertTakes(report, INBOX=8, Work=4)
            self.assertEqual({}, report.troubles)
            self.assertGoesOn(0, count)

    def test_one(self) -> None:
        """
        A single pair of two messages is not taken over; the rest is.
        """
        self.local.inbox.messages[3].body += b"more"
        self.assertTakes(self.take(), INBOX=7, Work=4)
        report = self.world.sync()
        self.assertTrue(self.world.equal)
        self.assertEqual(2, report.done("copied").total())


class InterruptedTests(ImportCase):
    """
    What interimap was not done with.
    """

    def test_copying(self) -> None:
        """
        Pairs that its marks have not passed are pairs; what it has not paired is
        paired by content.
        """
        inbox, work = self.boxes
        marks = {
            side: Mark(mark.uidvalidity, mark.uidnext - 4, 3)
            for side, mark in inbox.marks.items()
        }
        boxes = [inbox._replace(marks=marks, pairs=[*inbox.pairs][:6]), work]
        self.local.inbox.flag(6, "\\Seen", "\\Flagged")
        self.assertTakes(self.take(boxes=boxes), INBOX=6, Work=4)
        report = self.world.sync()
        self.assertTrue(self.world.equal)
        self.assertEqual((1, 2), (report.changes, report.paired["INBOX"]))

    def test_never(self) -> None:
        """
        A mailbox that it was never done with.
        """
        inbox, work = self.boxes
        marks = {side: Mark(m.uidvalidity, 0, 0) for side, m in inbox.marks.items()}
        boxes = [inbox._replace(marks=marks, pairs=[]), work._replace(marks={})]
        report = self.take(boxes=boxes)
        self.assertTakes(report, INBOX=0)
        [(name, text)] = troubles(report)
        self.assertEqual("Work", name)
        self.assertIn("interimap has never synced it", text)
        report = self.world.sync()
        self.assertTrue(self.world.equal)
        self.assertEqual({"INBOX": 8, "Work": 4}, report.paired)

    def test_forgotten(self) -> None:
        """
        Messages that its marks have passed, and that it has not paired.
        """
        inbox, work = self.boxes
        boxes = [inbox._replace(pairs=[*inbox.pairs][2:]), work]
        self.take(boxes=boxes)
        self.local.inbox.add(mail(60))
        report = self.world.sync()
        self.assertTrue(self.world.equal)
        self.assertEqual((1, 2), (report.changes, report.paired["INBOX"]))

    def test_differing(self) -> None:
        """
        Flags that differ, though nothing has changed since.
        """
        first, *_ = self.remote.inbox.messages
        self.remote.inbox.messages[first].flags = frozenset(["Odd"])
        self.take()
        self.assertGoesOn(0, 0)
        self.assertEqual({"\\Seen", "Odd"}, self.shown(self.local, 1))

    def test_nowhere(self) -> None:
        """
        Pairs of messages that are on neither side any more are none.
        """
        first, *_ = self.remote.inbox.messages
        self.local.inbox.expunge(1)
        self.remote.inbox.expunge(first)
        self.assertTakes(self.take(), INBOX=7, Work=4)
        self.assertGoesOn(0, 0)


class OrderTests(ImportCase):
    """
    What may be asked for.
    """

    def test_broken(self) -> None:
        """
        Where connections are lost, it goes on with the mailbox that it was at.
        """
        report = self.take(kind=BrokenState)
        self.assertEqual({}, report.troubles)
        self.assertTakes(report, INBOX=8, Work=4)
        self.assertGoesOn(0, 0)

    def test_dryRun(self) -> None:
        """
        A dry run says what there is, and keeps nothing.
        """
        report = self.take(dryRun=True)
        expected = ["INBOX: take over 8 messages", "Work: take over 4 messages"]
        self.assertEqual(expected, self.said)
        self.assertEqual(0, report.changes)
        self.assertFalse(Path(self.world.database).exists())

    def test_named(self) -> None:
        """
        Only the mailboxes that were named are taken over.
        """
        self.assertTakes(self.take("Work"), Work=4)

    def test_unselected(self) -> None:
        """
        What interimap has kept equal, and the configuration leaves out, is named.
        """
        for account in self.world.accounts.values():
            account.folders["Work"].subscribed = False
        inbox, work = self.boxes
        boxes = [inbox._replace(subscribed=False), work._replace(subscribed=False)]
        with capturedLogs() as events:
            self.take(boxes=boxes)
        [warning] = [formatEvent(e) for e in events if e["log_level"].name == "warn"]
        self.assertIn('not synced by this configuration: "Work"; see', warning)
        self.world.sync()
        self.assertEqual(0, self.local.count("STORE", "APPEND"))

    def test_unknown(self) -> None:
        """
        One that a server has and interimap does not know is an error, as is one that
        is nowhere.
        """
        self.local.make("New")
        with self.assertRaises(NotFound) as raised:
            self.take("New")
        self.assertEqual(
            'interimap does not know the mailbox "New"', str(raised.exception)
        )
        self.assertRaises(NotFound, self.take, "Nowhere")

    def test_known(self) -> None:
        """
        What is known already is not added to.
        """
        self.take()
        error = self.assertRaises(StateUnavailable, self.take)
        self.assertIn("knows mailboxes already", str(error))

    def test_damaged(self) -> None:
        """
        A mailbox of which one message is paired with two is named, and nothing of it
        is kept.
        """
        interimap.made(self.theirs, self.boxes)
        with closing(sqlite3.connect(self.theirs)) as database, database:
            database.execute("CREATE TABLE other AS SELECT * FROM mapping")
            database.execute("DROP TABLE mapping")
            database.execute("ALTER TABLE other RENAME TO mapping")
            database.execute("UPDATE mapping SET rUID = 1 WHERE idx = 1 AND rUID = 2")
        self.local.inbox.expunge(1, 2)
        report = self.take()
        self.assertTakes(report, Work=4)
        [(name, text)] = troubles(report)
        self.assertEqual("INBOX", name)
        self.assertIn("paired twice", text)
        state = QuickState.open(self.world.database)
        self.addCleanup(state.close)
        self.assertEqual(["Work"], [known.name for known in state.mailboxes()])
