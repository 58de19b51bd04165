"""
Tests for L{imapsync.mailbox.repair}: servers that are no help in it.
"""

from __future__ import annotations

from imapsync.mailbox import entries, repair
from imapsync.model import Side
from imapsync.plan.repair import Kind
from imapsync.test.accounts.test_repair import RECOUNT, RepairCase
from imapsync.test.fakes.world import troubles
from imapsync.testing.accounts import SEEN, mail
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side


class InspectionTests(RepairCase):
    """
    What is read of a mailbox.
    """

    def test_windows(self) -> None:
        """
        A window of entries is read at a time, and no more is held of messages.
        """
        self.patch(entries, "WINDOW", 2)
        self.patch(repair, "WINDOW", 2)
        self.damage("DELETE FROM pair WHERE mailbox = $INBOX AND local < 6", *RECOUNT)
        self.damage("UPDATE pair SET key = NULL")
        self.repair("INBOX", dryRun=True)
        headers = [x for x in self.local.heard if "HEADER" in x and "FLAGS" in x]
        # Of 15 messages, 5 have no entry.
        self.assertEqual(10 // 2, len(headers))
        self.assertMends(Kind.UNPAIRED, Kind.KEY)

    def test_onlyHeaders(self) -> None:
        """
        Whole messages are read only where no Message-ID tells them from others.
        """
        self.repair(dryRun=True)
        for account in (self.local, self.remote):
            whole = [x for x in account.heard if "BODY.PEEK" in x and "HEADER" not in x]
            self.assertEqual(1, len(whole))
            self.assertEqual(3, len(UidSet.parse(whole[0].split()[2])))

    def test_miscounted(self) -> None:
        """
        A server that tells of more messages than it lists is known to do so; if it
        was not, half an answer must not be taken for all.
        """
        self.remote.inbox.miscounts = 2
        self.world.sync()
        self.assertSound()
        self.remote.inbox.miscounts = 4
        tables = self.tables()
        report = self.repair(dryRun=True)
        told = "remote: only 15 of its 19 messages are listed; left alone"
        self.assertEqual([("INBOX", told)], troubles(report))
        self.assertEqual(tables, self.tables())
        self.assertEqual(["No anomalies."], self.said)

    def test_goneMeanwhile(self) -> None:
        """
        What goes while it is looked at is no half of an answer.
        """
        self.remote.before["SEARCH"] = lambda: self.remote.inbox.expunge(7)
        self.repair(dryRun=True)
        self.assertEqual({Kind.DANGLING: 1, Kind.ALONE: 1}, self.found)

    def test_goneLater(self) -> None:
        """
        Nor is what goes after that wrong; it comes back, as nothing is removed.
        """

        def expunge() -> None:
            self.remote.inbox.expunge(7)

        self.remote.before["FETCH"] = expunge
        self.damage("DELETE FROM pair WHERE mailbox = $INBOX AND local = 1", *RECOUNT)
        self.assertEqual({}, self.repair().troubles)
        self.assertEqual(self.before, self.content())
        self.assertSound()

    def test_unreadable(self) -> None:
        """
        A message that a server cannot read is believed to be what it was; its flags
        are compared.
        """
        self.local.chokes = lambda body: "NO broken" if b"<2@" in body else ""
        self.assertSound()
        self.remote.inbox.flag(6, "\\Flagged")
        self.repair()
        self.assertEqual({Kind.FLAGS: 1}, self.found)
        self.local.chokes = lambda body: ""
        self.assertTrue(self.world.equal)
        self.assertSound()

    def test_unreadableLost(self) -> None:
        """
        Without an entry, it may be anything, and is left alone.
        """
        self.local.chokes = lambda body: "NO broken" if b"<2@" in body else ""
        self.damage("DELETE FROM pair WHERE mailbox = $INBOX AND local = 2", *RECOUNT)
        report = self.repair()
        self.assertTrue(report.troubles)
        self.assertTrue(any("or the server cannot read it" in x for x in self.said))
        self.local.chokes = lambda body: ""
        self.repair()
        self.assertEqual(self.before, self.content())

    def test_refused(self) -> None:
        """
        A mailbox that cannot be opened is named, and the others are repaired.
        """
        self.damage("DELETE FROM pair", *RECOUNT)
        refused = ("EXAMINE Work", "SELECT Work")
        self.local.refusal = lambda heard: (
            "NO [INUSE] later" if heard.startswith(refused) else ""
        )
        report = self.repair()
        self.assertEqual({"Work"}, {name for name, _ in troubles(report)})
        self.assertEqual({Kind.UNPAIRED: 15}, self.found)
        self.local.refusal = lambda heard: ""
        self.repair()
        self.assertEqual(self.before, self.content())
        self.assertSound()

    def test_notPersistent(self) -> None:
        """
        So is one whose UIDs mean nothing.
        """
        self.local.folders["Work"].codes.append("UIDNOTSTICKY")
        report = self.repair(dryRun=True)
        told = "local: its UIDs do not last (UIDNOTSTICKY)"
        self.assertEqual([("Work", told)], troubles(report))

    def test_identity(self) -> None:
        """
        A mailbox that is known by the identity of another.
        """
        for account in (self.local, self.remote):
            account.guids = True
        self.world.sync()
        folder = self.local.inbox
        folder.add(mail("new"), SEEN)
        self.world.sync()
        self.before = self.content()
        self.assertSound()
        identity = "local_identity = 'X-GUID a'"
        self.damage(f"UPDATE mailbox SET {identity} WHERE name = 'Work'")
        known = self.rows("SELECT local_identity FROM mailbox WHERE name = 'INBOX'")
        self.assertNotEqual([("",)], known)
        self.assertMends(Kind.IDENTITY)
