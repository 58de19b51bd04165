"""
Tests for L{imapsync.mailbox.dates}: when the dates of copies are looked at.
"""

from __future__ import annotations

from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import mail

OTHER = "05-May-2005 05:05:05 +0000"


class DatesTests(MailboxCase):
    """
    The first message that is copied in a run.
    """

    def test_along(self) -> None:
        """
        It is looked at along with what became of it, and not waited for.
        """
        self.ours.add(mail(1))
        self.sync()
        heard = [line.split(" [")[0] for line in self.remote.heard]
        at = heard.index("SELECT INBOX", heard.index("SELECT INBOX") + 1)
        self.assertEqual(["UID FETCH 1"], heard[at + 1 : at + 2])
        self.assertNotIn("NOOP", heard)
        self.assertSettled()

    def test_another(self) -> None:
        """
        Where another message has got its UID, it is looked at all the same.
        """
        self.ours.add(mail(1))
        self.remote.before["APPEND"] = lambda: self.theirs.add(mail(2))
        self.remote.bends = lambda _: OTHER
        [trouble] = self.sync().troubles
        self.assertIn("has changed its INTERNALDATE", trouble.text)
        self.assertEqual("1", str(trouble.uids))
