"""
Tests for L{imapsync.accounts.identification}: runs between two servers in memory.
"""

from __future__ import annotations

from imapsync.model import Side
from imapsync.test.accounts.test_renaming import RenamesCase
from imapsync.test.fakes.world import World, troubles
from imapsync.testing.accounts import Account, mail
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side


class IdentityTests(RenamesCase):
    """
    Who is who.
    """

    def test_learnt(self) -> None:
        """
        Dovecot's identities are asked for once, but for that of INBOX.
        """
        self.begin()
        self.local.folders["A"].add(mail("new"))
        self.sync()
        for account in (self.local, self.remote):
            self.assertEqual(1, account.count("STATUS INBOX"))
            self.assertEqual(1, sum("X-GUID" in line for line in account.heard))

    def test_twins(self) -> None:
        """
        Mailboxes that LIST cannot tell apart may change places as well.
        """
        self.begin("ids")
        for account in (self.local, self.remote):
            b, c = account.folders["B"], account.folders["C"]
            c.modseq = b.modseq = max(b.modseq, c.modseq) + 1
        self.sync()
        here = self.local.folders
        here["B"], here["C"] = here["C"], here["B"]
        report = self.sync()
        self.assertEqual({}, report.troubles)
        self.assertEqual([mail("C"), mail("more C")], self.bodies(self.remote, "B"))
        self.assertEqual(0, self.local.count("APPEND") + self.remote.count("APPEND"))

    def test_sameSecond(self) -> None:
        """
        Two that changed places on one side are not taken for being at home on the
        other once they have changed places there too, where LIST hardly tells
        them from each other.
        """
        self.begin("ids", "guids")
        here = self.remote.folders
        here["B"], here["C"] = here["C"], here["B"]
        report = self.sync()
        self.assertEqual({}, report.troubles)
        self.assertEqual([mail("C"), mail("more C")], self.bodies(self.local, "B"))
        self.assertEqual(3, self.local.count("RENAME"))

    def test_otherSameSecond(self) -> None:
        """
        One that only has the UIDVALIDITY of one that is gone is another one.
        """
        self.begin("ids")
        for account in (self.local, self.remote):
            account.delete("B")
            account.rename("C", "B")
        self.local.folders["B"].add(mail("new"))
        self.sync()
        bodies = [mail("C"), mail("more C"), mail("new")]
        self.assertEqual(bodies, self.bodies(self.remote, "B"))
        self.assertSettled()

    def test_replaced(self) -> None:
        """
        So is one that nobody knows, though it took the place of a known one
        without a trace: it is paired by content, and nothing is removed.
        """
        self.begin("ids")
        self.local.delete("B")
        other = self.local.make("B")
        for number in range(5):
            other.add(mail(f"other {number}"))
        report = self.sync()
        self.assertEqual({}, report.troubles)
        self.assertEqual(7, len(self.local.folders["B"].messages))
        self.assertSettled()

    def test_otherContent(self) -> None:
        """
        Without identities, one that has other messages is another one.
        """
        self.begin("nothing")
        uidvalidity = self.local.folders["B"].uidvalidity
        self.local.delete("B")
        other = self.local.make("D")
        other.uidvalidity = uidvalidity
        for number in range(5):
            other.add(mail(f"other {number}"))
        self.sync()
        self.assertNotIn("B", self.remote.folders)
        self.assertSettled()

    def test_unsure(self) -> None:
        """
        Where a server does not tell, nothing is renamed and nothing deleted.
        """
        self.begin("ids")
        self.local.rename("B", "D")
        self.local.answers["EXAMINE"] = "NO [INUSE] later"
        report = self.sync()
        self.assertIn("B", {name for name, _ in troubles(report)})
        self.assertEqual(2, len(self.remote.folders["B"].messages))
        self.assertNotIn("D", self.remote.folders)
        self.local.answers.clear()
        self.syncs()

    def test_noStatus(self) -> None:
        """
        Nor where LIST tells nothing of a mailbox that it may be.
        """
        self.local.rename("B", "D")
        self.local.silent.add("D")
        self.local.answers["STATUS"] = "NO [SERVERBUG] something is wrong"
        report = self.sync()
        self.assertIn("B", {name for name, _ in troubles(report)})
        self.assertEqual(2, len(self.remote.folders["B"].messages))
        self.local.silent.clear()
        self.local.answers.clear()
        self.sync()
        self.assertSettled()

    def test_unspeakable(self) -> None:
        """
        A name that the other side cannot have is reported; nothing is deleted.
        """
        self.world = World(self.mktemp())
        self.world.accounts[LOCAL] = self.local = Account(".")
        self.remote = self.world.remote
        self.local.make("B").add(mail("B"))
        self.local.folders["B"].add(mail("more B"))
        self.sync()
        self.local.rename("B", "D/E")
        for _ in range(2):
            report = self.sync()
            self.assertIn("B", {name for name, _ in troubles(report)})
            self.assertEqual(2, len(self.remote.folders["B"].messages))
            self.assertEqual(2, len(self.local.folders["D/E"].messages))

    def test_meanwhile(self) -> None:
        """
        When the selected mailbox is renamed, a server may say that all messages
        in it are gone: none is removed, and the rename is followed.
        """
        self.begin("ids")
        here = self.local.folders["B"]
        here.expunge(2)
        here.lies = UidSet.of([1])

        def rename() -> None:
            self.local.rename("B", "D")
            here.lies = UidSet()

        self.local.before["STATUS"] = rename
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual([mail("B")], self.bodies(self.remote, "D"))
        self.assertSettled()
