"""
Tests for L{imapsync.mailbox.sizes}: a server that estimates RFC822.SIZE.
"""

from __future__ import annotations

from imapsync.model import Side
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import mail

LOCAL, REMOTE = Side


class EstimateTests(MailboxCase):
    """
    The remote server does.
    """

    def begin(self) -> None:
        """
        By some formula; or it tells nothing of use.
        """
        super().begin()
        self.remote.estimates = lambda body: len(body) * 3 // 2

    def test_filled(self) -> None:
        """
        Two filled accounts are paired.
        """
        for estimate in self.remote.estimates, lambda _: 0:
            self.begin()
            self.remote.estimates = estimate
            for number in range(5):
                self.ours.add(mail(number, 10 * number))
                self.theirs.add(mail(number, 10 * number))
            self.assertEqual({}, self.sync().troubles)
            self.assertEqual(5, len(self.theirs.messages))
            self.assertSettled()

    def test_copied(self) -> None:
        """
        It is learned when messages are copied: then a lost database doubles nothing,
        and nobody is told that something came short.
        """
        for side in Side:
            self.begin()
            self.world.accounts[side].inbox.add(mail(1, 100))
            self.assertEqual({}, self.sync().troubles)
            self.assertSettled()
            self.world.database = self.mktemp()
            self.assertEqual({}, self.sync().troubles)
            self.assertSettled()
            self.assertEqual(1, len(self.ours.messages))

    def test_moved(self) -> None:
        """
        What is moved is moved, and not sent again.
        """
        for account in self.local, self.remote:
            account.make("Work")
        for number in range(4):
            self.theirs.add(mail(number, 50))
        self.sync()
        self.ours.add(mail("new"))
        self.sync()
        one = self.ours.messages[5]
        self.ours.expunge(5)
        self.local.folders["Work"].add(one.body, one.flags, one.date)
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(1, len(self.remote.folders["Work"].messages))
        self.assertEqual(0, self.remote.count("APPEND"))
        self.assertSettled()

    def test_withoutUidPlus(self) -> None:
        """
        Copies are found without.
        """
        for account in self.local, self.remote:
            account.capabilities -= {"UIDPLUS"}
        self.world.fill(*map(mail, range(5)))
        for _ in range(3):
            self.theirs.add(mail(f"new {_}", 20))
            self.assertEqual({}, self.sync().troubles)
            self.assertEqual(len(self.ours.messages), len(self.theirs.messages))
        self.assertEqual(8, len(self.ours.messages))
        self.assertSettled()

    def test_refusedAndStored(self) -> None:
        """
        Nor is a message sent again that was refused, and stored all the same.
        """
        self.local.estimates = self.remote.estimates
        refused = iter(["NO [SERVERBUG] sorry"])
        self.remote.grudges = lambda _: next(refused, "")
        self.world.fill(mail(1, 100))
        self.sync()
        self.assertEqual(1, len(self.theirs.messages))
        self.assertSettled()
