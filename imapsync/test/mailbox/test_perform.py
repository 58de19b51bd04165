"""
Tests for L{imapsync.mailbox.perform}: what a copy is told to lack.
"""

from __future__ import annotations

from imapsync.mailbox.report import Report
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import DATE, NOTHING, mail

FUTURE = "01-Jan-3000 00:00:00 +0000"
CHANGED = "copied, but remote has changed its INTERNALDATE"


class CopiesTests(MailboxCase):
    """
    Copies that are not quite like the message.
    """

    def told(self, report: Report) -> list[tuple[str, str]]:
        """
        What was said of which messages.
        """
        return [(str(one.uids), one.text) for one in report.troubles]

    def test_datesKept(self) -> None:
        """
        Once it was seen that a server keeps a date, it is believed to do so with such
        dates, in all mailboxes.
        """
        self.world.fill(*map(mail, range(5)))
        self.local.make("Work").add(mail(6))
        self.ours.add(mail(7), NOTHING, "31-Dec-1999 23:59:59 -0800")
        self.assertEqual([], self.told(self.sync()))
        asked = [x for x in self.remote.heard if "INTERNALDATE" in x]
        self.assertEqual(["UID FETCH 1 ['INTERNALDATE']"], asked)
        self.assertSettled()

    def test_oddDate(self) -> None:
        """
        A date that not every server can have is looked at in any case.
        """
        self.remote.bends = lambda date: date.replace("3000", "2038")
        self.ours.add(mail(1))
        self.ours.add(mail(2), NOTHING, FUTURE)
        self.ours.add(mail(3), NOTHING, "01-Jan-2037 00:00:00 +0000")
        self.assertEqual([("2", CHANGED)], self.told(self.sync()))
        self.assertEqual([], self.told(self.sync()))

    def test_noDates(self) -> None:
        """
        Where a server keeps none, each message is named.
        """
        self.remote.bends = lambda date: "05-May-2005 05:05:05 +0000"
        self.world.fill(*map(mail, range(3)))
        self.ours.add(mail(4), NOTHING, "05-May-2005 07:05:05 +0200")
        self.local.make("Work").add(mail(6))
        told = self.told(self.sync())
        self.assertEqual([("1:3", CHANGED), ("1", CHANGED)], told)

    def test_otherZone(self) -> None:
        """
        The same instant is the same date.
        """
        self.remote.bends = lambda date: "01-Feb-2020 04:04:05 +0100"
        self.world.fill(mail(1))
        self.assertEqual([], self.told(self.sync()))
        self.assertEqual(DATE, self.ours.messages[1].date)

    def test_notTold(self) -> None:
        """
        What the server does not tell is not said to be wrong.
        """
        self.world.fill(mail(1))
        self.remote.before["APPEND"] = lambda: self.remote.answers.update(FETCH="NO no")
        self.assertEqual([], self.told(self.sync()))

    def test_short(self) -> None:
        """
        A message that has less than its server said is copied as it came, and named.
        """
        others = (mail(number) for number in range(4, 8))
        self.world.fill(mail(1), mail(2), mail("large", 100_000), *others)
        for uid in 2, 3:
            message = self.ours.messages[uid]
            message.told = len(message.body) + 7
        told = self.told(self.sync())
        sizes = [len(self.ours.messages[uid].body) for uid in (2, 3)]
        texts = [f"copied, but it has {n} octets only, not {n + 7}" for n in sizes]
        self.assertEqual([("2", texts[0]), ("3", texts[1])], told)
        self.assertEqual(7, len(self.theirs.messages))
        self.assertEqual([], self.told(self.sync()))
