"""
Tests for L{imapsync.mailbox.bothsides}: what servers do not tell, and only the number
of messages shows.
"""

from __future__ import annotations

from imapsync.errors import MassDeletion
from imapsync.model import Side
from imapsync.test.fakes.world import troubles
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import DATE, NOTHING, SEEN, Folder, Message, mail

LOCAL, REMOTE = Side


def vanish(folder: Folder, *uids: int) -> None:
    """
    Messages go, and no mod-sequence tells of it.
    """
    for uid in uids:
        del folder.messages[uid]


def appear(folder: Folder, uid: int, body: bytes) -> None:
    """
    A message is there with a UID that others have passed long ago.
    """
    folder.messages[uid] = Message(body, NOTHING, DATE, 0)
    folder.messages = dict(sorted(folder.messages.items()))


class UntoldTests(MailboxCase):
    """
    All UIDs are read where there are other messages than it seems, and only there.
    """

    def looks(self) -> int:
        """
        How often all messages were looked at.
        """
        return sum(
            line.startswith("UID FETCH 1:*")
            for account in (self.local, self.remote)
            for line in account.heard
        )

    def test_expunged(self) -> None:
        """
        An expunge that is not told is carried over, whether anything else is told
        or not.
        """
        for arrives in False, True:
            for side in Side:
                self.begin()
                self.both(5)
                folder = self.world.accounts[side].inbox
                vanish(folder, 2, 3)
                if arrives:
                    folder.add(mail("new"))
                    folder.flag(1, "\\Seen")
                report = self.sync()
                self.assertEqual(2, sum(report.done("expunged").values()))
                self.assertEqual(1, self.looks())
                self.assertEqual(3 + arrives, len(self.ours.messages))
                self.assertSettled()

    def test_rebuilt(self) -> None:
        """
        An index is built anew: mod-sequences start again, and have passed the mark
        when it is looked.
        """
        self.both(5)
        vanish(self.theirs, 4)
        self.theirs.modseq += 100
        self.theirs.expunged.clear()
        self.sync()
        self.assertEqual([1, 2, 3, 5], [*self.ours.messages])
        self.assertSettled()

    def test_flagsForgotten(self) -> None:
        """
        Flags that such a server has forgotten are not taken away on the other side.
        """
        self.ours.add(mail(1), SEEN)
        self.ours.add(mail(2), SEEN)
        self.sync()
        vanish(self.theirs, 1)
        self.theirs.messages[2].flags = NOTHING
        self.sync()
        self.assertEqual(SEEN, self.ours.messages[2].flags)
        self.assertEqual(SEEN, self.theirs.messages[2].flags)
        self.assertSettled()

    def test_lowerUid(self) -> None:
        """
        A message with a UID below those that were dealt with is copied; but first it
        is looked whether the other side has it, and only its entry was lost.
        """
        self.both(3)
        self.theirs.expunge(2)
        self.sync()
        appear(self.theirs, 2, mail("late"))
        report = self.sync()
        self.assertEqual(1, sum(report.done("copied").values()))
        self.assertEqual(2, self.looks())
        self.assertSettled()

    def test_ordinary(self) -> None:
        """
        What is told, and what we do ourselves, costs none; nor does a first sync, in
        which a search finds all.
        """
        self.ours.add(mail(1))
        self.theirs.add(mail(2))
        self.sync()
        self.assertEqual(0, self.looks())
        for _ in range(2):
            self.ours.add(mail("a"))
            self.theirs.add(mail("b"), SEEN)
            self.ours.expunge(1) if 1 in self.ours.messages else None
            self.theirs.flag(1, "\\Flagged") if 1 in self.theirs.messages else None
            self.sync()
            self.assertEqual(0, self.looks())
            self.assertSettled()

    def test_brake(self) -> None:
        """
        What is not told may be too much to be true, like anything else.
        """
        self.both(120)
        vanish(self.theirs, *range(1, 111))
        with self.assertRaises(MassDeletion):
            self.sync()
        self.assertEqual(120, len(self.ours.messages))

    def test_refused(self) -> None:
        """
        Messages that are on one side only, because they are refused, cost no such
        look; nor do flags that are; until more has happened.
        """
        self.both(3)
        self.remote.objection = lambda offer: (
            "NO [LIMIT] no" if b"bad" in offer.body else ""
        )
        self.ours.add(mail("bad"))
        self.remote.forgets = frozenset(["odd"])
        self.ours.flag(1, "odd")
        for _ in range(3):
            report = self.sync()
            self.assertEqual(2, len(troubles(report)))
            self.assertEqual(0, self.looks())
        vanish(self.ours, 2)
        self.sync()
        self.assertEqual(1, self.looks())
        self.assertEqual(2, len(self.theirs.messages))
        self.ours.expunge(4)
        self.sync()
        self.assertEqual(0, self.looks())
        self.sync()
        self.assertEqual(0, self.looks())

    def test_readOnly(self) -> None:
        """
        Nor do those of a side that has more than the one that is never written, and
        fewer.
        """
        self.both(4)
        for number in range(2):
            self.theirs.add(mail(f"more {number}"))
            self.theirs.expunge(number + 1)
            for _ in range(2):
                self.sync(readOnly=[LOCAL])
                self.assertEqual(0, self.looks())
        vanish(self.ours, 3)
        self.sync(readOnly=[LOCAL])
        self.assertEqual(1, self.looks())
        self.assertNotIn(3, self.theirs.messages)
        self.sync(readOnly=[LOCAL])
        self.assertEqual(0, self.looks())

    def test_miscounted(self) -> None:
        """
        A server that tells another number than it has is looked at once, and again
        when that changes.
        """
        self.both(3)
        for wrong in 1, 2, -1:
            self.theirs.miscounts = wrong
            self.sync()
            self.assertEqual(1, self.looks())
            for _ in range(2):
                self.sync()
                self.assertEqual(0, self.looks())
        self.assertEqual(3, len(self.ours.messages))
        self.ours.add(mail(9))
        self.theirs.add(mail(10))
        self.sync()
        self.assertEqual(0, self.looks())
        self.assertEqualNow()
