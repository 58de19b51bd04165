"""
Tests for L{imapsync.mailbox.bothsides}: what is read of a mailbox, and how far its
marks may move.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Displaced, Lost, MailboxError
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.context import Context, Records
from imapsync.mailbox.notes import Notes
from imapsync.mailbox.report import Report
from imapsync.mailbox.suspects import Suspects
from imapsync.model import Known, Mark, Pair, Side
from imapsync.plan.brake import Brake
from imapsync.plan.growth import Growth
from imapsync.plan.messages import Policy
from imapsync.test.fakes.world import QuickState, World, troubles
from imapsync.testing.accounts import NOTHING, SEEN, mail
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side


class ViewCase(SynchronousTestCase):
    """
    An INBOX with three messages that are known on both sides.
    """

    def setUp(self) -> None:
        """
        Make it.
        """
        self.world = World("")
        self.ours, self.theirs = self.world.local.inbox, self.world.remote.inbox
        self.state = QuickState.open(self.mktemp())
        self.addCleanup(self.state.close)
        with self.state.transaction():
            mailbox = self.state.addMailbox("INBOX", True).id
            for number in range(1, 4):
                self.ours.add(mail(number))
                self.theirs.add(mail(number))
                self.state.addPairs(mailbox, [Pair(number, number, NOTHING)])
            for side, folder in ((LOCAL, self.ours), (REMOTE, self.theirs)):
                mark = Mark(folder.uidvalidity, folder.uidnext, folder.modseq)
                self.state.setMark(mailbox, side, mark)
        self.report = Report()
        self.notes = Notes(acquainted=True)
        self.name = "INBOX"

    def tearDown(self) -> None:
        """
        Close all connections.
        """
        for link in self.world.links:
            link.end(ConnectionLost())

    @property
    def known(self) -> Known:
        """
        What the database knows.
        """
        known = self.state.mailbox(self.name)
        assert known is not None
        return known

    def view(self, again: bool = True, **policy: Any) -> BothSides:
        """
        A view that is not read yet.
        """
        context = Context(
            {side: self.world.connect(side) for side in Side},
            dict.fromkeys(Side, self.name),
            self.state,
            Policy(**policy),
            Records(
                Brake(lambda: 3, lifted=True),
                self.report,
                self.notes,
                Suspects(),
                Growth(),
            ),
        )
        return BothSides(self.known, context, again)

    def read(self, **policy: Any) -> BothSides:
        """
        A view that was read.
        """
        view = self.view(**policy)
        self.assertTrue(self.world.run(view.read()))
        return view

    def now(self, side: Side) -> Mark:
        """
        The mark that a mailbox has at present.
        """
        folder = self.world.accounts[side].inbox
        return Mark(folder.uidvalidity, folder.uidnext, folder.modseq)


class ViewTests(ViewCase):
    """
    What is read of it.
    """

    def test_nothing(self) -> None:
        """
        A mailbox without news costs one command on each side.
        """
        view = self.read()
        for side in Side:
            self.assertFalse(view.sides[side].changes)
            self.assertFalse(view.sides[side].whole)
            self.assertEqual(2, len(self.world.accounts[side].heard))

    def test_changes(self) -> None:
        """
        Both sides' changes are read, what is gone is asked for again.
        """
        self.ours.flag(1, "\\Seen")
        self.theirs.add(mail(4))
        self.theirs.expunge(2)
        view = self.read()
        self.assertEqual({1: SEEN}, view.sides[LOCAL].changes.flags)
        self.assertEqual("4", str(view.sides[REMOTE].changes.new))
        self.assertEqual("2", str(view.doomed(LOCAL)))
        self.assertFalse(view.doomed(REMOTE))
        self.assertEqual(1, self.world.remote.count("SEARCH"))
        self.assertEqual(1, self.world.remote.count("STATUS"))
        self.assertEqual(0, self.world.local.count("SEARCH", "STATUS"))

    def test_doomedOnBoth(self) -> None:
        """
        What is gone on both sides is not to be expunged anywhere.
        """
        self.ours.expunge(1, 2)
        self.theirs.expunge(2, 3)
        view = self.read()
        self.assertEqual("3", str(view.doomed(LOCAL)))
        self.assertEqual("1", str(view.doomed(REMOTE)))

    def test_doomedReadOnly(self) -> None:
        """
        On a side that is read-only nothing is to be expunged.
        """
        self.ours.expunge(1)
        self.theirs.expunge(2)
        view = self.read(allowed={REMOTE: ()})
        self.assertFalse(view.doomed(REMOTE))
        self.assertEqual("2", str(view.doomed(LOCAL)))
        self.assertEqual(1, self.world.remote.count("EXAMINE"))
        self.assertEqual(1, self.world.local.count("SELECT"))

    def test_commit(self) -> None:
        """
        The marks move to where the mailbox was when it was selected, not to
        what came later.
        """
        self.ours.add(mail(4))
        marks = {side: self.now(side) for side in Side}
        view = self.read()
        self.theirs.add(mail(5))
        view.commit()
        self.assertEqual(marks, self.known.marks)

    def test_undone(self) -> None:
        """
        Where something was left undone the mark stays, and what was to be
        tried again still is; but not flags, which are not left.
        """
        before = self.known.marks
        with self.state.transaction():
            for side in Side:
                self.state.postpone(self.known.id, side, UidSet.of([2, 4]))
        self.ours.add(mail(4))
        self.theirs.add(mail(5))
        view = self.read(again=True)
        view.sides[LOCAL].undone = True
        view.commit()
        self.assertEqual(before[LOCAL], self.known.marks[LOCAL])
        self.assertEqual(self.now(REMOTE), self.known.marks[REMOTE])
        self.assertEqual("4", str(self.state.postponed(self.known.id, LOCAL)))
        self.assertEqual("", str(self.state.postponed(self.known.id, REMOTE)))

    def test_partial(self) -> None:
        """
        So does the mark of a side of which not all was taken up.
        """
        before = self.known.marks
        self.ours.add(mail(4))
        view = self.read()
        view.sides[LOCAL].reading.partial = True
        view.commit()
        self.assertEqual(before, self.known.marks)

    def test_postpone(self) -> None:
        """
        What is postponed is tried again though the mark has passed it.
        """
        view = self.read()
        view.postpone(LOCAL, UidSet.of([2]), "refused")
        view.commit()
        self.assertTrue(self.known.retries)
        self.assertEqual("2", str(self.state.postponed(self.known.id, LOCAL)))
        self.assertEqual([("INBOX", "local: UID 2: refused")], troubles(self.report))
        self.read(again=True)
        self.assertIn("UID FETCH 2 ['FLAGS']", self.world.local.heard)

    def test_falselyGone(self) -> None:
        """
        What is said to be gone, and is there, is not gone; the mark stays.
        """
        before = self.known.marks
        self.theirs.lies = UidSet.of([1, 2])
        self.theirs.expunge(2)
        view = self.read()
        self.assertEqual("2", str(view.doomed(LOCAL)))
        view.commit()
        self.assertEqual(before[REMOTE], self.known.marks[REMOTE])

    def test_renumbered(self) -> None:
        """
        With another UIDVALIDITY, or a UIDNEXT that went back, all pairs are
        forgotten, and nothing is read; but that happens only once in a run.
        """
        for number, (name, value) in enumerate([("uidvalidity", 99), ("uidnext", 2)]):
            self.notes = Notes(acquainted=True)
            if number:
                self.tearDown()
                self.setUp()
            setattr(self.theirs, name, value)
            self.theirs.expunge(1)
            self.assertFalse(self.world.run(self.view().read()))
            self.assertEqual(0, self.known.pairs)
            self.assertEqual({}, self.known.marks)
            view = self.view()
            self.assertTrue(self.world.run(view.read()))
            self.assertFalse(view.doomed(LOCAL))
            self.assertTrue(view.sides[LOCAL].whole)
            self.assertEqual("2:3", str(view.sides[REMOTE].changes.new))
            setattr(self.theirs, name, 1)
            if name == "uidvalidity":
                again = self.view().read()
                error = self.assertRaises(MailboxError, self.world.run, again)
                self.assertIn("all the time", str(error))

    def test_start(self) -> None:
        """
        Before any pair is stored, it is stored which UIDVALIDITY its UIDs
        belong to: after a crash, another is noticed.
        """
        with self.state.transaction():
            self.state.forgetPairs(self.known.id)
        self.read()
        for side, account in self.world.accounts.items():
            start = Mark(account.inbox.uidvalidity, 1, 0)
            self.assertEqual(start, self.known.marks[side])
        self.theirs.renumber()
        self.assertFalse(self.world.run(self.view().read()))

    def test_modseqBack(self) -> None:
        """
        A mod-sequence that went back has everything compared.
        """
        self.theirs.flag(2, "\\Seen")
        self.theirs.modseq = 2
        view = self.read()
        self.assertTrue(view.sides[REMOTE].whole)
        self.assertFalse(view.sides[LOCAL].whole)
        self.assertEqual({2: SEEN}, view.sides[REMOTE].changes.flags)

    def test_identity(self) -> None:
        """
        The identity of a mailbox is remembered.
        """
        self.theirs.codes.append("MAILBOXID (F42)")
        self.read().commit()
        self.assertEqual({LOCAL: "", REMOTE: "F42"}, self.known.identities)
        self.theirs.codes.clear()
        self.read().commit()
        self.assertEqual("F42", self.known.identities[REMOTE])

    def test_replaced(self) -> None:
        """
        With another identity it is another mailbox, whatever its UIDVALIDITY is:
        INBOX, which never has another name, is paired anew.
        """
        for account in (self.world.local, self.world.remote):
            account.capabilities.add("OBJECTID")
        self.read().commit()
        self.theirs.identity = "another"
        self.assertFalse(self.world.run(self.view().read()))
        self.assertEqual(0, self.known.pairs)

    def test_displaced(self) -> None:
        """
        Any other mailbox has to be looked for elsewhere; so has one that is not
        there.
        """
        for account in (self.world.local, self.world.remote):
            account.capabilities.add("OBJECTID")
            account.folders["A"] = account.inbox
        with self.state.transaction():
            self.state.rename({self.known.id: "A"})
        self.name = "A"
        self.read().commit()
        self.theirs.identity = "another"
        self.assertRaises(Displaced, self.world.run, self.view().read())
        self.assertEqual(3, self.known.pairs)
        del self.world.remote.folders["A"]
        self.assertRaises(Displaced, self.world.run, self.view().read())

    def test_oneSideFails(self) -> None:
        """
        Whichever side cannot be selected is named.
        """
        self.world.remote.answers["SELECT"] = "NO [NOPERM] no"
        error = self.assertRaises(MailboxError, self.world.run, self.view().read())
        self.assertIn("remote: SELECT was refused: NO [NOPERM] no", str(error))

    def test_lostWhileAsking(self) -> None:
        """
        A connection that goes between two questions leaves nothing behind.
        """
        self.theirs.expunge(1)
        for verb in ("SEARCH", "STATUS"):
            self.world.remote.before[verb] = lambda: setattr(
                self.world.remote, "downLeft", 1
            )
            with self.assertRaises(Lost):
                self.world.run(self.view().read())
            gc.collect()
            self.assertEqual([], self.flushLoggedErrors())

    def test_trouble(self) -> None:
        """
        A trouble is told once in a run.
        """
        first, second = self.read(), self.read()
        first.trouble("no room")
        second.trouble("no room")
        self.assertEqual([("INBOX", "no room")], troubles(self.report))
