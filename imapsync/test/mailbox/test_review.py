"""
Tests for L{imapsync.mailbox.review}.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Refused
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.changes import Reading
from imapsync.mailbox.review import Review
from imapsync.model import Mark, Pair, Side
from imapsync.test.fakes.world import QuickState, troubles
from imapsync.test.mailbox.test_sync import KEYWORD, MailboxCase
from imapsync.testing.accounts import NOTHING, SEEN, Offer, mail
from imapsync.uidset import UidSet

SINCE = Mark(1, 5, 7)
THEN = Mark(1, 7, 9)
COPIES = UidSet.of([5, 6])


class ReviewTests(SynchronousTestCase):
    """
    A mailbox to which two messages were copied.
    """

    def setUp(self) -> None:
        """
        Begin.
        """
        self.state = QuickState.open(self.mktemp())
        self.addCleanup(self.state.close)
        with self.state.transaction():
            self.mailbox = self.state.addMailbox("INBOX", True).id
            pairs = [Pair(n, n, SEEN, b"", 0, 0) for n in (1, 5, 6)]
            self.state.addPairs(self.mailbox, pairs)

    def review(
        self, *rows: Row, mark: Mark = THEN, gone: UidSet | None = None
    ) -> Mark | None:
        """
        Look.

        @param gone: what is told to be gone.
        @return: the mark that comes of it.
        """
        reading = Reading(self.state, self.mailbox, Side.REMOTE, SINCE)
        selecting: Deferred[Selected] = Deferred()
        review = Review(SINCE, reading, selecting)
        marking = Deferred.fromCoroutine(review.mark(COPIES))
        self.assertNoResult(marking)
        reading.rowsReceived(list(rows))
        if gone is not None:
            reading.vanished(gone, earlier=True)
        selecting.callback(Selected("INBOX", mark))
        return self.successResultOf(marking)

    def test_asMade(self) -> None:
        """
        All of them show as they were made, and nothing else has happened; or what
        happened was done by us.
        """
        copies = Row(5, SEEN, 8), Row(6, SEEN, 9)
        self.assertEqual(THEN, self.review(*copies))
        self.assertEqual(THEN, self.review(*copies, Row(1, SEEN, 8)))
        self.assertEqual(THEN, self.review(*copies, gone=UidSet.of([2])))

    def test_otherwise(self) -> None:
        """
        One does not show, or with other flags; there is another message, a change, or
        an expunge; not all was told that has changed; it is another mailbox.
        """
        one, two = Row(5, SEEN, 8), Row(6, SEEN, 9)
        for rows in (
            [one],
            [one, Row(6, NOTHING, 9)],
            [one, two, Row(7, SEEN, 9)],
            [one, two, Row(1, NOTHING, 9)],
            [one, two._replace(modseq=8)],
        ):
            self.assertIsNone(self.review(*rows))
        self.assertIsNone(self.review(one, two, gone=UidSet.of([1])))
        for mark in Mark(2, 7, 9), Mark(1, 4, 9), Mark(1, 7, 6):
            self.assertIsNone(self.review(one, two, mark=mark))

    def test_refused(self) -> None:
        """
        It may come to nothing.
        """
        reading = Reading(self.state, self.mailbox, Side.REMOTE, SINCE)
        selecting: Deferred[Selected] = Deferred()
        review = Review(SINCE, reading, selecting)
        selecting.errback(Refused("SELECT", "NO", "", "no"))
        marking = Deferred.fromCoroutine(review.mark(COPIES))
        self.assertIsNone(self.successResultOf(marking))


class ReleasedTests(MailboxCase):
    """
    Several mailboxes are copied one after the other, and none waits for the answers
    about the one before.
    """

    def begin(self) -> None:
        """
        Make them.
        """
        super().begin()
        self.ours.add(mail("first"))
        for name in "abc":
            folder = self.local.make(name)
            for number in range(3):
                folder.add(mail(f"{name}{number}"), SEEN | KEYWORD)

    def whenSaid(self, start: str, act: Callable[[], object]) -> None:
        """
        Have something happen just before a command is done.

        @param start: what it begins with.
        """
        acts = [act]

        def heard(line: str) -> str:
            if line.startswith(start) and acts:
                acts.pop()()
            return ""

        self.remote.refusal = heard

    def looks(self, *, atA: int = 2) -> None:
        """
        Sync.  Each mailbox is looked at before and behind the copies.

        @param atA: how often I{a} is looked at.
        """
        self.sync()
        for name in "abc":
            start = f"SELECT {name}"
            looks = [one for one in self.remote.heard if one.startswith(start)]
            self.assertEqual(atA if name == "a" else 2, len(looks), name)

    def test_pipelined(self) -> None:
        """
        The next mailbox is selected before the copies are stored; the next LIST shows
        that no more is to be done.
        """
        order: list[str] = []

        def heard(line: str) -> str:
            if line.startswith(("SELECT", "APPEND", "LIST")):
                order.append(" ".join(line.split()[:2]))
            return ""

        def heardHere(line: str) -> str:
            order.append(f"({line[:8]})")
            return ""

        self.remote.window = 100
        self.local.refusal, self.remote.refusal = heardHere, heard
        self.looks()
        self.assertLess(order.index("(SELECT b)"), order.index("APPEND a"))
        self.assertSettled()

    def test_meanwhile(self) -> None:
        """
        What others do to the copies at that very moment, or right after it, is
        followed in the same run.
        """
        for moment in "SELECT a ['QRESYNC'", "SELECT b":
            for act in (
                lambda: self.remote.folders["a"].flag(2),
                lambda: self.remote.folders["a"].expunge(2),
                lambda: self.remote.folders["a"].add(mail("new")),
                lambda: self.local.folders["a"].flag(2),
                lambda: self.local.folders["a"].expunge(2),
                lambda: self.local.folders["a"].add(mail("new")),
            ):
                self.begin()
                self.whenSaid(moment, act)
                self.sync()
                self.assertSettled()

    def test_keywordDropped(self) -> None:
        """
        A keyword that the server does not keep, although it says so, stays on the
        other side.
        """
        self.remote.forgets = KEYWORD
        for _ in range(3):
            self.sync()
            for folders, flags in (
                (self.local.folders, SEEN | KEYWORD),
                (self.remote.folders, SEEN),
            ):
                messages = folders["a"].messages.values()
                self.assertEqual([flags] * 3, [one.flags for one in messages])

    def test_withoutUids(self) -> None:
        """
        Where the server does not tell the UIDs of copies, it is looked again.
        """

        def keepSilent() -> None:
            self.remote.appendUid = False

        self.whenSaid("APPEND a", keepSilent)
        self.sync()
        self.assertSettled()

    def test_refused(self) -> None:
        """
        Where the server refuses one of the messages, the others are copied in the same
        run; what it stores even so is there once.
        """

        def objection(offer: Offer) -> str:
            return "NO [CANNOT] not that" if offer.body == mail("a1") else ""

        self.remote.grudges = lambda body: "NO no" if body == mail("b1") else ""
        self.remote.objection = objection
        self.assertIn("not that", str(troubles(self.sync())))
        self.remote.objection = lambda _: ""
        self.sync()
        self.assertSettled()

    def test_notSelected(self) -> None:
        """
        A mailbox that cannot be selected at that moment is looked at once more, and
        the next one is not confused with it.
        """
        waiting = ["SELECT a ['QRESYNC'"]

        def heard(line: str) -> str:
            if waiting and line.startswith(waiting[0]):
                waiting.clear()
                return "NO [INUSE] not now"
            return ""

        self.remote.refusal = heard
        self.looks(atA=3)
        self.assertSettled()
