"""
Tests for L{imapsync.mailbox.copies} and L{imapsync.plan.late}: messages that a server
stores after the connection that brought them is gone, in whole syncs.

C{IMAPSYNC_DOUBTS} says how many courses of events are tried.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable
from random import Random

from imapsync.config.request import Request
from imapsync.errors import Lost
from imapsync.mailbox.report import Report
from imapsync.model import Side
from imapsync.state.doubts import DAY, DoubtTable
from imapsync.state.store import Store
from imapsync.test.accounts.test_session import Killed, MortalState
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import NOTHING, SEEN, Offer, mail

LOCAL, REMOTE = Side

#: So many courses of events are tried.
SEEDS = int(os.environ.get("IMAPSYNC_DOUBTS", "5"))

_OTHER_DATE = "02-Feb-2020 03:04:05 +0000"


class LateCase(MailboxCase):
    """
    Servers that store messages later than they should.
    """

    def begin(self) -> None:
        """
        Make them anew.
        """
        super().begin()
        self.held: list[Offer] = []

    def cut(self, *bodies: bytes, times: int = 1) -> None:
        """
        New local messages are sent so often, and each time the connection is gone
        before the server has stored them.
        """
        self.world.fill(*bodies)

        def dies(offers: list[Offer]) -> bool:
            self.held += offers
            return True

        self.remote.dies = dies
        for _ in range(times):
            self.assertRaises(Lost, self.sync)
        self.remote.dies = lambda _: False

    def store(self) -> list[int]:
        """
        The server stores what it was sent then.

        @return: the UIDs.
        """
        held, self.held = self.held, []
        return [self.theirs.add(one.body, one.flags, one.date) for one in held]

    def doubts(self) -> int:
        """
        How many APPENDs are in doubt, as the database has it.
        """
        state = Store.open(self.world.database)
        try:
            [(count,)] = state._query("SELECT count(*) FROM doubt")
            return int(count)
        finally:
            state.close()

    def copiedBack(self, report: Report, count: int = 1) -> None:
        """
        What came was taken for a user's own.
        """
        came = report.done("copied") + report.done("duplicated")
        self.assertEqual({("INBOX", LOCAL): count}, came)
        self.assertSettled()


class LateTests(LateCase):
    """
    Copies of ours that show up late are known as ours.
    """

    def test_removed(self) -> None:
        """
        A message that was sent once more meanwhile is there once in the end, and
        what came late is removed, and nothing is told but that.
        """
        self.cut(mail(1), mail(2))
        self.sync()
        self.store()
        report = self.sync()
        self.assertEqual(0, report.changes)
        self.assertEqual({}, report.troubles)
        self.assertEqual(2, len(self.theirs.messages))
        self.assertEqual(2, len(self.ours.messages))
        self.assertEqual(0, self.doubts())
        self.assertSettled()

    def test_toTheLocalSide(self) -> None:
        """
        So it is on the other side.
        """
        self.theirs.add(mail(1))

        def dies(offers: list[Offer]) -> bool:
            self.held += offers
            return True

        self.local.dies = dies
        self.assertRaises(Lost, self.sync)
        self.local.dies = lambda _: False
        self.sync()
        for one in self.held:
            self.ours.add(one.body, one.flags, one.date)
        self.sync()
        self.assertEqual(1, len(self.ours.messages))
        self.assertSettled()

    def test_beforeTheNextLook(self) -> None:
        """
        What shows before it is sent again is paired.
        """
        self.cut(mail(1))
        self.store()
        report = self.sync()
        self.assertEqual({}, report.done("copied"))
        self.assertEqual(0, self.doubts())
        self.assertSettled()

    def test_whileSentAgain(self) -> None:
        """
        What shows while it is sent again, with a lower UID, is removed in that run.
        """
        self.cut(mail(1))
        self.remote.before["APPEND"] = self.store
        report = self.sync()
        self.assertEqual({}, report.troubles)
        self.assertEqual(1, len(self.theirs.messages))
        self.assertSettled()

    def test_givenUpMeanwhile(self) -> None:
        """
        So may one that was given up for a run in between, in which nothing was sent.
        """
        self.cut(mail(1), times=2)
        self.local.chokes = lambda _: "NO [SERVERBUG] not now"
        self.sync()
        self.local.chokes = lambda _: ""
        self.sync()
        self.store()
        self.sync()
        self.assertEqual(1, len(self.theirs.messages))
        self.assertSettled()

    def test_severalTimes(self) -> None:
        """
        One that was sent three times in vain may come three times, all at once or one
        after another; a fourth one is somebody else's.
        """
        for atOnce in True, False:
            self.begin()
            self.cut(mail(1), times=3)
            self.assertEqual(3, len(self.held))
            self.sync()
            while self.held:
                if atOnce:
                    self.store()
                else:
                    one = self.held.pop()
                    self.theirs.add(one.body, one.flags, one.date)
                self.sync()
                self.assertEqual(1, len(self.theirs.messages))
            self.theirs.add(mail(1))
            self.copiedBack(self.sync())

    def test_oneIsPaired(self) -> None:
        """
        Where several have come before the message was acknowledged once, one is
        paired, and the others are removed.
        """
        self.cut(mail(1), times=3)
        self.store()
        report = self.sync()
        self.assertEqual({}, report.done("copied"))
        self.assertEqual(1, len(self.theirs.messages))
        self.assertSettled()

    def test_twins(self) -> None:
        """
        Two equal messages are there twice in the end.
        """
        self.cut(mail(1), mail(1))
        self.sync()
        self.store()
        self.sync()
        self.assertEqual(2, len(self.theirs.messages))
        self.assertSettled()

    def test_originalChanges(self) -> None:
        """
        What a user does to the message later does not matter.
        """
        self.cut(mail(1))
        self.sync()
        self.ours.flag(1, "\\Seen")
        self.sync()
        self.store()
        self.sync()
        self.assertEqual([SEEN], [one.flags for one in self.theirs.messages.values()])
        self.assertSettled()

    def test_expungedMeanwhile(self) -> None:
        """
        Nor that it is expunged in the same moment.
        """
        self.cut(mail(1))
        self.sync()
        self.store()
        self.ours.expunge(1)
        self.sync()
        self.assertEqual({}, self.ours.messages)
        self.assertSettled()

    def test_bentDates(self) -> None:
        """
        Where the server does not keep dates, they are not asked for.
        """
        self.remote.bends = lambda _: _OTHER_DATE
        self.cut(mail(1))
        self.sync()
        self.store()
        self.sync()
        self.assertEqual(1, len(self.theirs.messages))

    def test_withoutDate(self) -> None:
        """
        Nor does it matter if the server took the second one only without its date.
        """
        self.ours.add(mail(1), date=_OTHER_DATE)
        self.cut()
        self.remote.objection = lambda offer: "NO no dates" if offer.date else ""
        self.sync()
        self.store()
        self.assertEqual(0, self.sync().changes)
        self.assertEqual(1, len(self.theirs.messages))
        self.assertEqual(1, len(self.ours.messages))

    def test_killed(self) -> None:
        """
        So it is where the process was killed, at any commit: of those that the
        server has, and that it will have.
        """
        for left in range(1, 40):
            self.begin()
            self.both()
            self.world.fill(mail("new"), mail("newer"))

            def hold(offers: list[Offer]) -> bool:
                self.held += offers
                return False

            self.remote.dies = hold
            MortalState.left = left
            try:
                self.sync(open=MortalState.open)
            except Killed:
                pass
            else:
                break
            self.remote.dies = lambda _: False
            took = len(self.theirs.messages) > 3
            self.sync()
            if not took:
                self.store()
            self.sync()
            self.assertEqual(5, len(self.theirs.messages), left)
            self.assertSettled()
        self.assertGreater(left, 5)

    def test_killedInRemoval(self) -> None:
        """
        Killed while it removes its copies, it removes no more than those in the end.
        """
        for left in range(1, 40):
            self.begin()
            self.cut(mail(1), mail(2))
            self.sync()
            self.store()
            MortalState.left = left
            try:
                self.sync(open=MortalState.open)
            except Killed:
                self.sync()
            else:
                break
            self.assertEqual(2, len(self.theirs.messages))
            self.assertEqual(0, self.doubts())
            self.theirs.add(mail(1))
            self.copiedBack(self.sync())
        self.assertGreater(left, 3)

    def test_dryRun(self) -> None:
        """
        A dry run says what would be removed, and leaves it.
        """
        self.cut(mail(1))
        self.sync()
        [uid] = self.store()
        said: list[str] = []
        self.sync(request=Request(dryRun=True), say=said.append)
        [line] = said
        self.assertIn(f"INBOX: remote: expunge UID {uid}", line)
        self.assertEqual(2, len(self.theirs.messages))

    def test_trash(self) -> None:
        """
        It does not go to the trash.
        """
        self.remote.make("Trash")
        self.cut(mail(1))
        self.sync(trash={REMOTE: "Trash"})
        self.store()
        self.sync(trash={REMOTE: "Trash"})
        self.assertEqual({}, self.remote.folders["Trash"].messages)
        self.assertSettled()

    def test_stays(self) -> None:
        """
        A server that does not expunge it is named; it is not copied.
        """
        self.cut(mail(1))
        self.sync()
        [uid] = self.store()
        self.remote.deaf.add("EXPUNGE")
        report = self.sync()
        [trouble] = report.troubles
        self.assertIn(f"would not expunge UID {uid}", str(trouble))
        self.assertEqual(1, len(self.ours.messages))
        self.remote.deaf.clear()
        self.sync()
        self.assertEqual(1, len(self.theirs.messages))
        self.assertSettled()


class ForeignTests(LateCase):
    """
    What may be somebody else's stays, and is copied.
    """

    def late(self) -> None:
        """
        A message was sent twice, and is there once.
        """
        self.begin()
        self.cut(mail(1))
        self.sync()

    def test_withoutDoubt(self) -> None:
        """
        A duplicate of a message that was acknowledged at once.
        """
        self.both(1)
        self.theirs.add(mail(1))
        self.copiedBack(self.sync())

    def test_settled(self) -> None:
        """
        Of one that was refused, and was taken later.
        """
        self.remote.objection = lambda _: "NO [OVERQUOTA] full"
        self.world.fill(mail(1))
        self.sync()
        self.remote.objection = lambda _: ""
        self.sync()
        self.assertEqual(0, self.doubts())
        self.theirs.add(mail(1))
        self.copiedBack(self.sync())

    def test_neverSent(self) -> None:
        """
        Of one that was to be sent behind those that were under way.
        """
        self.world.fill(mail(1, 5_000_000), mail(2))
        self.remote.upLeft = 100_000
        self.assertRaises(Lost, self.sync)
        self.sync()
        self.assertEqual(1, self.doubts())
        self.theirs.add(mail(2))
        self.copiedBack(self.sync())

    def test_otherContent(self) -> None:
        """
        One of which any octet differs, though header and size are the same.
        """
        self.cut(b"Subject: 1\r\n\r\nx\r\n")
        self.sync()
        [one] = self.held
        self.theirs.add(one.body.replace(b"x", b"y"), one.flags, one.date)
        self.copiedBack(self.sync())

    def test_otherOctets(self) -> None:
        """
        Nor does it matter that some servers change that octet.
        """
        self.cut(b"Subject: 1\r\n\r\nX\r\n")
        self.sync()
        [one] = self.held
        self.theirs.add(one.body.replace(b"X", b"\xe4"), one.flags, one.date)
        self.copiedBack(self.sync())

    def test_otherFlags(self) -> None:
        """
        One whose flags are others.
        """
        self.late()
        [one] = self.held
        self.theirs.add(one.body, SEEN, one.date)
        self.copiedBack(self.sync())

    def test_otherDate(self) -> None:
        """
        One that arrived at another time, where the server keeps dates.
        """
        self.late()
        [one] = self.held
        self.theirs.add(one.body, one.flags, _OTHER_DATE)
        self.copiedBack(self.sync())

    def test_oneTooMany(self) -> None:
        """
        One more than were in doubt: whichever goes, one stays.
        """
        self.late()
        [one] = self.held
        self.theirs.add(one.body, one.flags, one.date)
        self.store()
        self.copiedBack(self.sync())
        self.assertEqual(2, len(self.theirs.messages))

    def test_unpaired(self) -> None:
        """
        The only one that there is.
        """
        self.late()
        self.ours.expunge(1)
        self.sync()
        self.assertEqual({}, self.theirs.messages)
        self.store()
        self.copiedBack(self.sync())

    def test_otherMailbox(self) -> None:
        """
        One in another mailbox.
        """
        self.late()
        other = self.remote.make("Other")
        [one] = self.held
        other.add(one.body, one.flags, one.date)
        self.sync()
        self.assertEqual(1, len(other.messages))
        self.assertSettled()

    def test_renumbered(self) -> None:
        """
        One in a mailbox whose UIDs are others now.
        """
        self.late()
        self.theirs.renumber()
        self.sync()
        self.store()
        self.copiedBack(self.sync())

    def test_dayAfter(self) -> None:
        """
        One that comes a day later, or once the clock was set back; and then
        nothing is left in the database.
        """
        now = [1_000_000.0]
        self.patch(DoubtTable, "now", staticmethod(lambda: now[0]))
        for later in DAY + 1, -DAY - 1:
            self.late()
            self.assertEqual(1, self.doubts())
            now[0] += later
            self.store()
            self.copiedBack(self.sync())
            self.assertEqual(0, self.doubts())

    def test_withinTheDay(self) -> None:
        """
        Until then, the doubt is kept, whatever else happens.
        """
        now = [1_000_000.0]
        self.patch(DoubtTable, "now", staticmethod(lambda: now[0]))
        self.late()
        for number in range(2, 5):
            now[0] += DAY / 5
            self.world.fill(mail(number))
            self.sync()
        self.store()
        self.sync()
        self.assertEqual(4, len(self.theirs.messages))
        self.assertSettled()


class AnyTests(LateCase):
    """
    Whatever happens, and in whatever order.
    """

    def test_any(self) -> None:
        """
        Messages and duplicates arrive on both sides, connections are cut, processes
        are killed, and what was sent comes late, or never: in the end, there is what
        users have put there.
        """
        for seed in range(SEEDS):
            self.begin()
            rng = Random(seed)
            self.put: Counter[bytes] = Counter()
            for _ in range(12):
                self.happen(rng)
            while self.held:
                self.come(rng)
                self.sync()
            self.sync()
            for folder in self.ours, self.theirs:
                # What is paired by content keeps its date.
                found = Counter(one.body for one in folder.messages.values())
                self.assertEqual(self.put, found, seed)
            self.assertEqual(0, self.sync().changes)

    def happen(self, rng: Random) -> None:
        """
        Something happens.
        """
        folder = self.ours
        if alone := not rng.randrange(3):
            # Or they would be paired with what is to be copied.
            self.sync()
            folder = self.theirs
        for _ in range(rng.randrange(3)):
            # Two are never alike in all, or nobody could say whose they are.
            number = self.put.total()
            body = mail(number)
            if alone and self.put:
                body = rng.choice([*self.put])
            date = f"01-Feb-2020 {number // 60:02}:{number % 60:02}:00 +0000"
            flags = rng.choice((NOTHING, SEEN))
            folder.add(body, flags, date)
            self.put[body] += 1
        if self.held and rng.randrange(2):
            self.come(rng)
        if alone:
            self.sync()
        self.remote.dies = self.dying(rng.choice((0, 0, 1, 2)))
        MortalState.left = rng.choice((0, 0, rng.randrange(1, 20)))
        with contextlib.suppress(Lost, Killed):
            self.sync(open=MortalState.open)
        self.remote.dies = self.dying(0)

    def come(self, rng: Random) -> None:
        """
        One APPEND comes late, or never.
        """
        one = self.held.pop(rng.randrange(len(self.held)))
        if rng.randrange(4):
            self.theirs.add(one.body, one.flags, one.date)

    def dying(self, times: int) -> Callable[[list[Offer]], bool]:
        """
        The server hangs up on so many APPENDs.
        """

        def dies(offers: list[Offer]) -> bool:
            nonlocal times
            times -= 1
            if times >= 0:
                self.held += offers
            return times >= 0

        return dies
