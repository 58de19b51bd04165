"""
Tests for L{imapsync.mailbox.merging}: a server that keeps equal messages once.
"""

from __future__ import annotations

from imapsync.model import Side
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import mail

LOCAL, REMOTE = Side


class MergingTests(MailboxCase):
    """
    The remote server does.
    """

    def begin(self) -> None:
        """
        As Gmail.
        """
        super().begin()
        self.remote.merges = True

    def idle(self) -> None:
        """
        Nothing is left to do.
        """
        report = self.sync()
        self.assertEqual((0, {}), (report.changes, report.troubles))
        self.assertEqual(0, self.remote.count("APPEND", "SELECT"))

    def test_twice(self) -> None:
        """
        The second of two equal messages is left alone, and stays where it is.
        """
        self.both(1)
        self.world.fill(mail(1), mail(2))
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(2, len(self.theirs.messages))
        self.assertEqual(3, len(self.ours.messages))
        self.idle()

    def test_atOnce(self) -> None:
        """
        So is one of two that are new.
        """
        self.world.fill(mail(1), mail(1), mail(2))
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(2, len(self.theirs.messages))
        self.assertEqual(3, len(self.ours.messages))
        self.idle()

    def test_firstGoes(self) -> None:
        """
        If the first goes, the other side has the second in its place.
        """
        self.both(1)
        self.world.fill(mail(1))
        self.sync()
        self.ours.expunge(1)
        for _ in range(2):
            self.assertEqual({}, self.sync().troubles)
        self.assertEqual(1, len(self.theirs.messages))
        self.assertEqual([2], [*self.ours.messages])
        self.idle()

    def test_secondGoes(self) -> None:
        """
        If the second goes, nothing changes there.
        """
        self.both(1)
        self.world.fill(mail(1))
        self.sync()
        self.ours.expunge(2)
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(1, len(self.theirs.messages))
        self.assertSettled()
