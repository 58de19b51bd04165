"""
Tests for L{imapsync.mailbox.unkept}: flags that one side does not keep.
"""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent

from imapsync.model import Side
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import SEEN, mail

LOCAL, REMOTE = Side

WORK = frozenset(["work"])


class UnkeptTests(MailboxCase):
    """
    The remote server keeps no keywords.
    """

    def begin(self) -> None:
        """
        It says so.
        """
        super().begin()
        self.theirs.permanent = r"\Answered \Flagged \Deleted \Seen \Draft"

    def said(self) -> list[str]:
        """
        What a sync says of it.
        """
        with capturedLogs() as events:
            self.assertEqual({}, self.sync().troubles)
        lines = [formatEvent(event) for event in events]
        return [line for line in lines if "does not keep" in line]

    def test_copied(self) -> None:
        """
        The other side has them alone: that is said once, and costs nothing.
        """
        self.ours.add(mail(1), SEEN | WORK)
        self.assertEqual(1, len(self.said()))
        self.assertEqual(SEEN, self.theirs.messages[1].flags)
        for number in range(2, 4):
            self.ours.add(mail(number), WORK)
            self.assertEqual([], self.said())
            self.assertEqual(0, self.remote.count("STORE"))
        self.assertEqual([], self.said())
        self.assertEqual(0, self.remote.count("SELECT", "STORE"))
        self.assertEqual(SEEN | WORK, self.ours.messages[1].flags)

    def test_changed(self) -> None:
        """
        Nor is anything taken away where it is set later, or other flags change.
        """
        self.both(2)
        self.ours.flag(1, "work")
        self.assertEqual(1, len(self.said()))
        self.ours.flag(2, "work", "\\Flagged")
        self.theirs.flag(1, "\\Seen")
        self.assertEqual([], self.said())
        self.assertEqual(SEEN | WORK, self.ours.messages[1].flags)
        self.assertEqual({"\\Flagged"}, self.theirs.messages[2].flags)
        self.ours.flag(1)
        self.assertEqual([], self.said())
        self.assertEqual(frozenset(), self.theirs.messages[1].flags)
        self.assertEqual([], self.said())
        self.assertEqual(0, self.remote.count("SELECT", "STORE"))

    def test_paired(self) -> None:
        """
        The same holds of messages that both sides had.
        """
        self.ours.add(mail(1), WORK)
        self.theirs.add(mail(1), SEEN)
        self.assertEqual(1, len(self.said()))
        self.assertEqual(SEEN | WORK, self.ours.messages[1].flags)
        self.assertEqual([], self.said())

    def test_forgotten(self) -> None:
        """
        A server that keeps them no more takes none from the other side.
        """
        super().begin()
        self.ours.add(mail(1), WORK)
        self.sync()
        self.theirs.permanent = r"\Seen \Deleted"
        self.theirs.flag(1)
        self.sync()
        self.assertEqual(WORK, self.ours.messages[1].flags)

    def test_keptAgain(self) -> None:
        """
        Once it keeps them, and something happens there, it gets them.
        """
        self.ours.add(mail(1), WORK)
        self.sync()
        self.theirs.permanent += r" \*"
        self.ours.add(mail(2))
        self.assertEqual([], self.said())
        self.assertSettled()

    def test_droppedMeanwhile(self) -> None:
        """
        So does it get those that it has dropped when it kept none, though both sides
        had agreed on them; none is taken from the other side.
        """
        for lacking in set[str](), {"QRESYNC"}, {"QRESYNC", "CONDSTORE"}:
            super().begin()
            self.remote.capabilities -= lacking
            self.ours.add(mail(1), WORK)
            self.sync()
            self.theirs.permanent = r"\Seen \Deleted"
            self.theirs.flag(1)
            self.sync()
            self.theirs.permanent += r" \*"
            self.ours.add(mail(2))
            self.ours.flag(1, "work", "\\Seen")
            self.assertEqual({}, self.sync().troubles)
            for folder in self.ours, self.theirs:
                self.assertEqual(SEEN | WORK, folder.messages[1].flags)
            self.assertEqual(0, self.sync().changes)
