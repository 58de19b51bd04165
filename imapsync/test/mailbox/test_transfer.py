"""
Tests for L{imapsync.mailbox.transfer}: runs between two servers in memory.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts import moves
from imapsync.config.request import Request
from imapsync.errors import MassDeletion
from imapsync.mailbox.report import Report
from imapsync.model import Side
from imapsync.test.accounts.test_session import Killed, MortalState
from imapsync.test.fakes.world import World, troubles
from imapsync.testing.accounts import SEEN, Account, mail

LOCAL, REMOTE = Side


def moved(account: Account, source: str, target: str, *uids: int) -> list[int]:
    """
    A user moves messages.

    @return: the new UIDs.
    """
    new = copied(account, source, target, *uids)
    account.folders[source].expunge(*uids)
    return new


def copied(account: Account, source: str, target: str, *uids: int) -> list[int]:
    """
    A user copies messages.
    """
    here, there = account.folders[source], account.folders[target]
    messages = [here.messages[uid] for uid in uids]
    return [there.add(m.body, m.flags, m.date) for m in messages]


class MovesCase(SynchronousTestCase):
    """
    Two accounts with the mailboxes INBOX, A and Z, all known.
    """

    def setUp(self) -> None:
        """
        Make them.
        """
        self.begin()

    def begin(self) -> None:
        """
        Make them anew, with five messages in INBOX and one in A and in Z.
        """
        self.world = World(self.mktemp())
        self.local, self.remote = self.world.local, self.world.remote
        for name in "AZ":
            self.local.make(name).add(mail(name))
        for number in range(1, 6):
            self.local.inbox.add(mail(number, 100 + number), SEEN)
        self.sync()
        self.assertEqual(self.local.content, self.remote.content)

    def tearDown(self) -> None:
        """
        Have errors that nobody took told now.
        """
        gc.collect()

    def eachSide(self) -> Iterator[tuple[Side, Account, Account]]:
        """
        Each side once, and the other one, with new accounts.
        """
        for side in Side:
            self.begin()
            accounts = self.world.accounts
            yield side, accounts[side], accounts[side.other]

    def sync(self, **changes: object) -> Report:
        """
        Sync.
        """
        return self.world.sync(**changes)  # type: ignore[arg-type]

    def assertSettled(self) -> None:
        """
        Both sides are equal, and another run changes nothing and selects no
        mailbox.
        """
        self.assertEqual(self.local.content, self.remote.content)
        report = self.sync()
        self.assertEqual(0, report.changes)
        self.assertEqual({}, report.troubles)
        for account in (self.local, self.remote):
            self.assertEqual(0, account.count("SELECT", "EXAMINE", "APPEND"))

    def count(self, *verbs: str) -> int:
        """
        How many such commands both servers heard in the last run.
        """
        return self.local.count(*verbs) + self.remote.count(*verbs)


class FollowTests(MovesCase):
    """
    Moves that are followed.
    """

    def test_many(self) -> None:
        """
        Any number of messages take one command, on either side, whichever
        mailbox comes first; nothing is sent.
        """
        for target in ("A", "Z"):
            for side, here, there in self.eachSide():
                moved(here, "INBOX", target, 1, 2, 4)
                report = self.sync()
                self.assertEqual({(target, side.other): 3}, report.done("moved"))
                self.assertEqual(3, report.changes)
                self.assertEqual([f"MOVE 1:2,4 {target}"], told(there))
                self.assertEqual(0, self.count("APPEND", "STORE", "EXPUNGE"))
                self.assertSettled()

    def test_severalMailboxes(self) -> None:
        """
        Each pair of mailboxes takes one command, swaps included.
        """
        moved(self.local, "INBOX", "A", 1, 2)
        moved(self.local, "INBOX", "Z", 3)
        moved(self.local, "A", "INBOX", 1)
        moved(self.local, "Z", "A", 1)
        report = self.sync()
        self.assertEqual(
            {("A", REMOTE): 3, ("Z", REMOTE): 1, ("INBOX", REMOTE): 1},
            report.done("moved"),
        )
        self.assertEqual(4, self.remote.count("MOVE"))
        self.assertEqual(0, self.count("APPEND", "EXPUNGE"))
        self.assertSettled()

    def test_bothSides(self) -> None:
        """
        Moves on both sides, at the same time, go over both ways.
        """
        moved(self.local, "INBOX", "A", 1, 2)
        moved(self.remote, "INBOX", "A", 3)
        moved(self.remote, "INBOX", "Z", 4)
        report = self.sync()
        self.assertEqual(
            {("A", REMOTE): 2, ("A", LOCAL): 1, ("Z", LOCAL): 1}, report.done("moved")
        )
        self.assertEqual(0, self.count("APPEND", "EXPUNGE"))
        self.assertSettled()

    def test_newMailbox(self) -> None:
        """
        The target may be a mailbox that was made for it.
        """
        self.local.make("New")
        moved(self.local, "INBOX", "New", 1, 2)
        report = self.sync()
        self.assertEqual({("New", REMOTE): 2}, report.done("moved"))
        self.assertEqual(0, self.count("APPEND"))
        self.assertSettled()

    def test_flags(self) -> None:
        """
        What was flagged, and what was not any more, comes along.
        """
        for side, here, there in self.eachSide():
            one, two = moved(here, "INBOX", "A", 1, 2)
            here.folders["A"].flag(one, "\\Seen", "work")
            here.folders["A"].flag(two)
            report = self.sync()
            self.assertEqual({("A", side.other): 2}, report.done("moved"))
            self.assertEqual(0, self.count("APPEND"))
            flags = [there.folders["A"].messages[uid].flags for uid in (2, 3)]
            self.assertEqual([{"\\Seen", "work"}, set()], flags)
            self.assertSettled()

    def test_flagsOfBoth(self) -> None:
        """
        Flags set on the other side meanwhile are kept.
        """
        [one] = moved(self.local, "INBOX", "A", 1)
        self.local.folders["A"].flag(one, "\\Seen", "work")
        self.remote.inbox.flag(1, "\\Seen", "\\Flagged")
        self.sync()
        self.assertEqual(
            {"\\Seen", "work", "\\Flagged"}, self.local.folders["A"].messages[one].flags
        )
        self.assertEqual(0, self.count("APPEND"))
        self.assertSettled()

    def test_droppedFlags(self) -> None:
        """
        A flag that the server drops on the way is not taken for one that was
        removed there.
        """
        self.local.inbox.flag(1, "work")
        self.sync()
        self.remote.forgets = frozenset(["work"])
        [one] = moved(self.local, "INBOX", "A", 1)
        self.sync()
        self.assertEqual({"work"}, self.local.folders["A"].messages[one].flags)

    def test_withoutMove(self) -> None:
        """
        Where there is no MOVE, the server copies, and then expunges.
        """
        self.remote.capabilities.remove("MOVE")
        moved(self.local, "INBOX", "A", 1, 2)
        report = self.sync()
        self.assertEqual({("A", REMOTE): 2}, report.done("moved"))
        self.assertEqual(["COPY 1:2 A"], told(self.remote))
        self.assertEqual({("INBOX", REMOTE): 2}, report.done("expunged"))
        self.assertEqual(0, self.count("APPEND"))
        self.assertSettled()

    def test_withoutMessageId(self) -> None:
        """
        Messages without a Message-ID are recognised by all that they are.
        """
        plain = b"Subject: x\r\n\r\n%s\r\n"
        for body in (b"a", b"b", b"c", b"d"):
            self.local.inbox.add(plain % body)
        self.sync()
        moved(self.local, "INBOX", "Z", 6, 7, 8)
        self.sync()
        self.assertEqual(["MOVE 6:8 Z"], told(self.remote))
        self.assertEqual(0, self.count("APPEND"))
        self.assertSettled()

    def test_storedAnew(self) -> None:
        """
        One without a Message-ID that was stored anew elsewhere, with a date of
        its own, was not moved.
        """
        body = b"Subject: x\r\n\r\nabc\r\n"
        uid = self.local.inbox.add(body)
        self.sync()
        self.local.inbox.expunge(uid)
        self.local.folders["Z"].add(body, date=" 1-Mar-2021 00:00:00 +0000")
        self.sync()
        self.assertEqual([], told(self.remote))
        self.assertSettled()

    def test_equal(self) -> None:
        """
        Of equal messages, as many are there afterwards as there are to be.
        """
        for name in ("INBOX", "A"):
            for _ in range(3):
                self.local.folders[name].add(mail("same"))
        self.sync()
        moved(self.local, "INBOX", "Z", 6, 7)
        moved(self.local, "A", "Z", 2)
        copied(self.local, "A", "A", 3, 4)
        self.sync()
        self.assertEqual([], told(self.remote))
        self.assertSettled()

    def test_oneOfEqual(self) -> None:
        """
        One of several that are equal can be moved.
        """
        self.local.folders["Z"].add(mail(1, 101))
        self.sync()
        moved(self.local, "INBOX", "A", 1)
        self.sync()
        self.assertEqual(["MOVE 1 A"], told(self.remote))
        self.assertSettled()

    def test_equalButForDate(self) -> None:
        """
        Equal messages of different dates can be told apart.
        """
        for day in range(1, 4):
            self.local.inbox.add(mail(1, 101), date=f"0{day}-Mar-2021 01:02:03 +0000")
        self.sync()
        moved(self.local, "INBOX", "A", 7, 1, 6)
        self.sync()
        self.assertEqual(["MOVE 1,6:7 A"], told(self.remote))
        self.assertEqual(0, self.count("APPEND"))
        self.assertSettled()

    def test_sameHeader(self) -> None:
        """
        Messages of the same header and size are not taken for each other.
        """
        head = b"Message-ID: <x@example>\r\n\r\n"
        for folder in self.local.inbox, self.local.folders["Z"]:
            for body in (b"a", b"b", b"c"):
                folder.add(head + body)
        self.sync()
        moved(self.local, "INBOX", "A", 7, 6)
        self.local.inbox.expunge(8)
        copied(self.local, "Z", "A", 4)
        self.sync()
        self.assertSettled()
        here, there = self.local.folders["A"], self.remote.folders["A"]
        for uid in list(here.messages)[1:]:
            body = here.messages[uid].body
            here.expunge(uid)
            self.sync()
            self.assertNotIn(body, [m.body for m in there.messages.values()])

    def test_alsoDeleted(self) -> None:
        """
        What is gone and nowhere else is expunged; what is new, be it of the
        same size, is copied.
        """
        moved(self.local, "INBOX", "A", 1, 2)
        self.local.inbox.expunge(3)
        self.local.folders["A"].add(mail("new"))
        self.local.folders["A"].add(mail(7, 104))
        report = self.sync()
        self.assertEqual({("A", REMOTE): 2}, report.done("moved"))
        self.assertEqual({("INBOX", REMOTE): 1}, report.done("expunged"))
        self.assertEqual({("A", REMOTE): 2}, report.done("copied"))
        self.assertSettled()

    def test_windows(self) -> None:
        """
        However many there are, all are found.
        """
        self.patch(moves, "WINDOW", 2)
        moved(self.local, "INBOX", "A", 1, 2, 3, 4, 5)
        moved(self.local, "Z", "A", 1)
        report = self.sync()
        self.assertEqual({("A", REMOTE): 6}, report.done("moved"))
        self.assertEqual(0, self.count("APPEND", "EXPUNGE"))
        self.assertSettled()

    def test_unknownSize(self) -> None:
        """
        Pairs of which no size is known are looked for among all new messages.
        """
        with sqlite3.connect(self.world.database) as database:
            database.execute("UPDATE pair SET size = NULL, stamp = NULL")
        database.close()
        moved(self.local, "INBOX", "A", 1, 2)
        report = self.sync()
        self.assertEqual({("A", REMOTE): 2}, report.done("moved"))
        self.assertSettled()

    def test_brake(self) -> None:
        """
        Moving everything away is no removal, with MOVE and without.
        """
        for capable in (True, False):
            self.begin()
            for number in range(200):
                self.local.inbox.add(mail(f"many {number}"))
            self.sync()
            if not capable:
                self.remote.capabilities.remove("MOVE")
            moved(self.local, "INBOX", "A", *list(self.local.inbox.messages))
            report = self.sync()
            self.assertEqual({("A", REMOTE): 205}, report.done("moved"))
            self.assertSettled()

    def test_brakeHolds(self) -> None:
        """
        What was not moved counts as before.
        """
        for number in range(200):
            self.local.inbox.add(mail(f"many {number}"))
        self.sync()
        moved(self.local, "INBOX", "A", *range(1, 50))
        self.local.inbox.expunge(*list(self.local.inbox.messages))
        self.assertRaises(MassDeletion, self.sync)
        self.assertEqual(156, len(self.remote.inbox.messages))


class DoubtTests(MovesCase):
    """
    What is left to the passes.
    """

    def test_ordinary(self) -> None:
        """
        A run in which nothing can have been moved looks into no mailbox
        twice, but where something was copied.
        """
        self.local.inbox.expunge(1)
        self.local.inbox.add(mail("new"))
        self.sync()
        self.assertEqual(0, self.count("COPY", "MOVE"))
        self.assertEqual(3, self.count("SELECT"))
        self.assertEqual(0, sum("HEADER]" in line for line in self.local.heard))
        self.assertSettled()

    def test_expungedThere(self) -> None:
        """
        What was expunged on the other side is not moved, but copied.
        """
        moved(self.local, "INBOX", "A", 1, 2)
        self.remote.inbox.expunge(1)
        report = self.sync()
        self.assertEqual({("A", REMOTE): 1}, report.done("moved"))
        self.assertEqual({("A", REMOTE): 1}, report.done("copied"))
        self.assertSettled()

    def test_expungedMeanwhile(self) -> None:
        """
        What goes just before the MOVE is copied.
        """
        moved(self.local, "INBOX", "A", 1, 2)
        self.remote.before["MOVE"] = lambda: self.remote.inbox.expunge(1)
        report = self.sync()
        self.assertEqual({("A", REMOTE): 1}, report.done("moved"))
        self.assertEqual({("A", REMOTE): 1}, report.done("copied"))
        self.assertSettled()

    def test_movedOnBoth(self) -> None:
        """
        The same move on both sides only has to be paired.
        """
        for account in (self.local, self.remote):
            moved(account, "INBOX", "A", 1, 2)
        report = self.sync()
        self.assertEqual(0, report.changes)
        self.assertEqual({"A": 2}, report.paired)
        self.assertSettled()

    def test_movedApart(self) -> None:
        """
        Where each side has moved it elsewhere, it is in both places.
        """
        moved(self.local, "INBOX", "A", 1)
        moved(self.remote, "INBOX", "Z", 1)
        self.sync()
        self.assertEqual(2, len(self.local.folders["A"].messages))
        self.assertEqual(2, len(self.local.folders["Z"].messages))
        self.assertSettled()

    def test_alreadyThere(self) -> None:
        """
        What the other side has copied there is paired with it.
        """
        moved(self.local, "INBOX", "A", 1)
        copied(self.remote, "INBOX", "A", 1)
        report = self.sync()
        self.assertEqual({}, +report.done("moved"))
        self.assertEqual(2, len(self.local.folders["A"].messages))
        self.assertSettled()

    def test_unreadable(self) -> None:
        """
        Where it cannot be known whether the other side has it there already,
        nothing is moved.
        """
        for unreadable in Side:
            self.begin()
            moved(self.local, "INBOX", "A", 1)
            copied(self.remote, "INBOX", "A", 1)
            account = self.world.accounts[unreadable]
            account.answers["FETCH"] = "NO [SERVERBUG] unreadable"
            report = self.sync()
            self.assertEqual({}, report.done("moved"))
            self.assertEqual({"A"}, {name for name, _ in troubles(report)})
            account.answers.clear()
            self.sync()
            self.assertEqual(2, len(self.local.folders["A"].messages))
            self.assertSettled()

    def test_refused(self) -> None:
        """
        What a server will not move is copied and expunged.
        """
        moved(self.local, "INBOX", "A", 1, 2)
        self.remote.answers["MOVE"] = "NO [OVERQUOTA] full"
        report = self.sync()
        self.assertEqual({("A", REMOTE): 2}, report.done("copied"))
        self.assertEqual({("INBOX", REMOTE): 2}, report.done("expunged"))
        self.assertEqual(1, self.remote.count("MOVE"))
        self.assertSettled()

    def test_untold(self) -> None:
        """
        Without COPYUID, or with one of another mailbox, both sides' messages
        are paired by content.
        """
        for told in (False, "99 1:2 8:9"):
            self.begin()
            self.remote.copyUid = told
            moved(self.local, "INBOX", "A", 1, 2)
            report = self.sync()
            self.assertEqual({"A": 2}, +report.paired)
            self.assertEqual(0, self.count("APPEND", "EXPUNGE"))
            self.assertSettled()

    def test_partlyTold(self) -> None:
        """
        What COPYUID does not name is paired by content.
        """
        validity = self.remote.folders["A"].uidvalidity
        self.remote.copyUid = f"{validity} 1 2"
        moved(self.local, "INBOX", "A", 1, 2)
        report = self.sync()
        self.assertEqual({("A", REMOTE): 1}, report.done("moved"))
        self.assertEqual({"A": 1}, report.paired)
        self.assertSettled()

    def test_wrongUid(self) -> None:
        """
        A COPYUID that names what was there before is a hint that is not taken.
        """
        validity = self.remote.folders["A"].uidvalidity
        self.remote.copyUid = f"{validity} 1 1"
        moved(self.local, "INBOX", "A", 1)
        expected = self.local.content
        report = self.sync()
        self.assertEqual({}, report.troubles)
        self.assertEqual(expected, self.local.content)
        self.assertEqual(0, self.count("APPEND"))
        self.assertSettled()

    def test_readOnly(self) -> None:
        """
        A side that is only read is not made to move anything.
        """
        moved(self.local, "INBOX", "A", 1)
        self.sync(readOnly=(REMOTE,))
        self.assertEqual([], told(self.remote))
        moved(self.remote, "INBOX", "A", 2)
        report = self.sync(readOnly=(REMOTE,))
        self.assertEqual({("A", LOCAL): 1}, report.done("moved"))

    def test_readOnlyMailbox(self) -> None:
        """
        A mailbox that cannot be written is no target, and no source.
        """
        for name in ("INBOX", "A"):
            self.begin()
            self.remote.folders[name].readOnly = True
            moved(self.local, "INBOX", "A", 1)
            report = self.sync()
            self.assertEqual({}, +report.done("moved"))
            self.assertEqual(5, len(self.remote.inbox.messages) + (name == "A"))

    def test_renumbered(self) -> None:
        """
        Where UIDs are new, all is paired by content again; nothing is lost.
        """
        for name in ("INBOX", "A"):
            for account in (0, 1):
                self.begin()
                moved(self.local, "INBOX", "A", 1)
                (self.local, self.remote)[account].folders[name].renumber()
                self.sync()
                self.assertEqual(self.local.content, self.remote.content)

    def test_renumberedMeanwhile(self) -> None:
        """
        A mailbox that becomes another one before the MOVE is left alone.
        """
        moved(self.local, "INBOX", "A", 1)
        seen = self.remote.folders["A"].messages

        def renumber() -> None:
            self.remote.inbox.renumber()

        self.remote.before["SELECT"] = lambda: self.remote.before.update(
            SELECT=lambda: self.remote.before.update(SELECT=renumber)
        )
        report = self.sync()
        self.assertEqual({}, +report.done("moved"))
        self.assertTrue(seen)
        self.assertEqual(self.local.content, self.remote.content)

    def test_falsely(self) -> None:
        """
        A message that is only said to be gone is not moved.
        """
        copied(self.local, "INBOX", "A", 1)
        self.local.inbox.lies = self.local.inbox.lies.of([1])
        self.local.inbox.flag(2)
        report = self.sync()
        self.assertEqual({}, +report.done("moved"))
        self.assertEqual(5, len(self.remote.inbox.messages))


class CopyTests(MovesCase):
    """
    Copies that are followed.
    """

    def test_copies(self) -> None:
        """
        What was copied on one side is copied by the other side's server.
        """
        for target in ("A", "Z", "INBOX"):
            for side, here, there in self.eachSide():
                copied(here, "INBOX", target, 1, 2, 4)
                report = self.sync()
                self.assertEqual({(target, side.other): 3}, report.done("duplicated"))
                self.assertEqual([f"COPY 1:2,4 {target}"], told(there))
                self.assertEqual(0, self.count("APPEND"))
                self.assertSettled()

    def test_newMailbox(self) -> None:
        """
        The target may be a mailbox that was made for it.
        """
        self.local.make("New")
        copied(self.local, "INBOX", "New", 1, 2)
        self.local.folders["New"].add(mail("new"))
        report = self.sync()
        self.assertEqual({("New", REMOTE): 2}, report.done("duplicated"))
        self.assertEqual({("New", REMOTE): 1}, report.done("copied"))
        self.assertSettled()

    def test_flags(self) -> None:
        """
        The copy has the flags that it was given, not those of the original.
        """
        one, two = copied(self.local, "INBOX", "A", 1, 2)
        self.local.folders["A"].flag(one)
        self.local.folders["A"].flag(two, "\\Seen", "work")
        self.sync()
        self.assertEqual(0, self.count("APPEND"))
        flags = [self.remote.folders["A"].messages[uid].flags for uid in (2, 3)]
        self.assertEqual([set(), {"\\Seen", "work"}], flags)
        self.assertSettled()

    def test_flagsOfOriginal(self) -> None:
        """
        What the other side does to the original is not done to the copy.
        """
        [one] = copied(self.local, "INBOX", "A", 1)
        self.remote.inbox.flag(1, "\\Flagged")
        self.sync()
        self.assertEqual(0, self.count("APPEND"))
        for account in (self.local, self.remote):
            self.assertEqual({"\\Flagged"}, account.inbox.messages[1].flags)
            self.assertEqual(SEEN, account.folders["A"].messages[one].flags)
        self.assertSettled()

    def test_thenGone(self) -> None:
        """
        Where the copy is seen before the original is gone, it is a move in two
        steps.
        """
        copied(self.local, "INBOX", "A", 1)
        self.sync()
        self.local.inbox.expunge(1)
        report = self.sync()
        self.assertEqual({("INBOX", REMOTE): 1}, report.done("expunged"))
        self.assertEqual(0, self.count("APPEND"))
        self.assertSettled()

    def test_movedAndCopied(self) -> None:
        """
        A message may be copied to one mailbox and moved to another.
        """
        copied(self.local, "INBOX", "Z", 1)
        moved(self.local, "INBOX", "A", 1)
        report = self.sync()
        self.assertEqual({("INBOX", REMOTE): 1}, report.done("expunged"))
        self.assertSettled()

    def test_ordinary(self) -> None:
        """
        New messages cost their stamps, and nothing when the account is new.
        """
        for number in range(20):
            self.local.inbox.add(mail(f"new {number}"))
        self.sync()
        self.assertEqual(2, self.local.count("FETCH"))
        self.assertEqual(0, sum("HEADER]" in line for line in self.local.heard))
        self.world = World(self.mktemp())
        self.world.fill(mail(1), mail(1), mail(2))
        self.world.local.make("Other").add(mail(1))
        self.sync()
        self.assertEqual(0, sum("HEADER" in line for line in self.world.local.heard))

    def test_refused(self) -> None:
        """
        What a server will not copy is sent.
        """
        copied(self.local, "INBOX", "A", 1, 2)
        self.remote.answers["COPY"] = "NO not today"
        report = self.sync()
        self.assertEqual({("A", REMOTE): 2}, report.done("copied"))
        self.assertEqual(1, self.remote.count("COPY"))
        self.assertSettled()

    def test_originalGone(self) -> None:
        """
        So is what the other side has no more.
        """
        copied(self.local, "INBOX", "A", 1, 2)
        self.remote.inbox.expunge(1)
        self.sync()
        self.assertEqual(2, self.local.count("EXPUNGE") + self.remote.count("COPY"))
        self.assertSettled()

    def test_untold(self) -> None:
        """
        Without COPYUID, both sides' messages are paired by content.
        """
        self.remote.copyUid = False
        copied(self.local, "INBOX", "A", 1, 2)
        report = self.sync()
        self.assertEqual({"A": 2}, +report.paired)
        self.assertEqual(0, self.count("APPEND"))
        self.assertSettled()


class DryRunTests(MovesCase):
    """
    What a dry run says.
    """

    def said(self) -> list[str]:
        """
        Its lines; nothing is changed.
        """
        lines: list[str] = []
        before = self.local.content, self.remote.content
        self.sync(request=Request(dryRun=True), say=lines.append)
        self.assertEqual(before, (self.local.content, self.remote.content))
        self.assertEqual(0, self.count("SELECT", "MOVE", "COPY"))
        return lines

    def test_move(self) -> None:
        """
        A move is told as one, and not as removals and copies.
        """
        moved(self.local, "INBOX", "A", 1, 2)
        self.local.folders["A"].add(mail("new"))
        self.assertEqual(
            [
                "INBOX: move UID 1:2 to A on remote",
                "A: copy UID 4 from local to remote",
            ],
            self.said(),
        )

    def test_copy(self) -> None:
        """
        So is a copy.
        """
        copied(self.remote, "INBOX", "A", 3)
        self.assertEqual(["INBOX: copy UID 3 to A on local"], self.said())

    def test_toBeMade(self) -> None:
        """
        A move to a mailbox that is yet to be made is told as one, too, and what
        else is in there is told to be copied.
        """
        self.local.make("New")
        moved(self.local, "INBOX", "New", 1, 2)
        self.local.folders["New"].add(mail("new"))
        self.assertEqual(
            [
                "New: create on remote",
                "New: subscribe on remote",
                "INBOX: move UID 1:2 to New on remote",
                "New: copy UID 3 from local to remote",
            ],
            self.said(),
        )
        self.sync()
        self.assertEqual(1, self.count("APPEND"))
        self.assertSettled()

    def test_copyToBeMade(self) -> None:
        """
        So is a copy.
        """
        self.remote.make("New")
        copied(self.remote, "INBOX", "New", 3)
        self.assertEqual(
            [
                "New: create on local",
                "New: subscribe on local",
                "INBOX: copy UID 3 to New on local",
            ],
            self.said(),
        )

    def test_brake(self) -> None:
        """
        Moves are no removals.
        """
        for number in range(200):
            self.local.inbox.add(mail(f"many {number}"))
        self.sync()
        moved(self.local, "INBOX", "A", *list(self.local.inbox.messages))
        self.assertEqual(["INBOX: move UID 1:205 to A on remote"], self.said())


class InterruptedTests(MovesCase):
    """
    Runs that are killed.
    """

    def test_everywhere(self) -> None:
        """
        However far it came, the next run makes both sides equal, and nothing
        is lost or doubled.
        """
        for change in (self._move, self._moveWithout, self._copy):
            for left in range(1, 100):
                self.begin()
                change()
                expected = self.local.content
                MortalState.left = left
                try:
                    self.sync(open=MortalState.open)
                    break
                except Killed:
                    pass
                report = self.sync()
                self.assertEqual({}, report.troubles)
                self.assertEqual(expected, self.local.content)
                self.assertEqual(0, self.count("APPEND"))
                self.assertSettled()
            else:
                self.fail("it never came to an end")
            self.assertGreater(left, 10)

    def _move(self) -> None:
        one, two = moved(self.local, "INBOX", "A", 1, 2)
        self.local.folders["A"].flag(one)
        self.local.folders["A"].flag(two, "\\Seen", "work")

    def _moveWithout(self) -> None:
        self._move()
        self.remote.capabilities.remove("MOVE")

    def _copy(self) -> None:
        one, two = copied(self.local, "INBOX", "A", 1, 2)
        self.local.folders["A"].flag(one)
        self.local.folders["A"].flag(two, "\\Seen", "work")


def told(account: Account) -> list[str]:
    """
    The moves and copies that a server was asked for.
    """
    lines = (line.removeprefix("UID ") for line in account.heard)
    return [line for line in lines if line.startswith(("MOVE", "COPY"))]
