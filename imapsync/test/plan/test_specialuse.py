"""
Tests for L{imapsync.plan.specialuse}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import MailboxError
from imapsync.names import Naming
from imapsync.plan.specialuse import Alias, Matched, matched
from imapsync.test.plan.test_mailboxes import account


class MatchedTests(SynchronousTestCase):
    """
    Tests for L{matched}.
    """

    def match(self, ours: str, theirs: str) -> Matched:
        """
        Match two accounts, given as C{"Sent \\\\sent, Other"}.
        """
        return matched(account(*ours.split(", ")), account(*theirs.split(", ")))

    def assertAliases(self, ours: str, theirs: str, *aliases: Alias) -> None:
        """
        These are the aliases, and nothing is in the way of another.
        """
        self.assertEqual(Matched(aliases, {}), self.match(ours, theirs))

    def assertApart(self, ours: str, theirs: str, *names: str) -> None:
        """
        There are no aliases, and C{names} are left alone; why, names both.
        """
        found = self.match(ours, theirs)
        self.assertEqual((), found.aliases)
        self.assertEqual({*names}, {*found.apart})
        for why in found.apart.values():
            for name in names[:2]:
                self.assertIn(f'"{name}"', why)

    def test_matched(self) -> None:
        """
        Mailboxes with the same use and different names are the same.
        """
        self.assertAliases(
            "Sent \\sent, Bin \\trash, Drafts \\drafts, Spam \\junk, Old \\archive",
            "S/Items \\sent, Trash/Can \\trash, Drafts \\drafts, Spam, Old",
            ("S/Items", "Sent"),
            ("Trash/Can", "Bin"),
        )
        self.assertAliases(
            "Sent \\sent, Bin \\trash",
            "Sent/Items \\sent, Trash \\trash, Sent \\noselect",
            ("Sent/Items", "Sent"),
            ("Trash", "Bin"),
        )

    def test_ambiguous(self) -> None:
        """
        Not if a side has several with the use, or none, or it is INBOX.
        """
        self.assertAliases("A \\sent, B \\sent", "C \\sent")
        self.assertAliases("A", "C \\sent")
        self.assertAliases("A \\sent \\noselect", "C \\sent")
        self.assertAliases("INBOX \\archive", "C \\archive")

    def test_swapped(self) -> None:
        """
        Two may have each other's names.
        """
        self.assertAliases(
            "A \\sent, B \\junk", "B \\sent, A \\junk", ("B", "A"), ("A", "B")
        )

    def test_apart(self) -> None:
        """
        Where either name is another mailbox's too, or something is below it,
        both are left alone.
        """
        for ours, theirs in (
            ("A \\sent, B", "B \\sent"),
            ("A \\sent, B/x", "B \\sent"),
            ("A \\sent", "B \\sent, A"),
            ("A \\sent", "B \\sent, A/x"),
        ):
            self.assertApart(ours, theirs, "A", "B")

    def test_inTurn(self) -> None:
        """
        What is left alone keeps its name, and may be in the way of the next.
        """
        found = self.match("A \\sent, C \\junk", "C \\sent, D \\junk")
        self.assertEqual((("C", "A"), ("D", "C")), found.aliases)
        found = self.match("A \\sent, C \\junk", "C \\sent, D \\junk, A")
        self.assertEqual(((), {"A", "C", "D"}), (found.aliases, {*found.apart}))

    def test_severalUses(self) -> None:
        """
        One that has two uses here, of which two have one each there.
        """
        found = self.match("A \\sent \\junk", "B \\sent, C \\junk")
        self.assertEqual(((), {"A", "B", "C"}), (found.aliases, {*found.apart}))
        self.assertAliases("A \\sent \\junk", "B \\sent \\junk", ("B", "A"))


class NamingTests(SynchronousTestCase):
    """
    How aliases are spelled.
    """

    def test_names(self) -> None:
        """
        What lies below comes along; every name leads back to itself, or to
        none.
        """
        naming = Naming(".", "INBOX.", aliases=(("Del/S", "Sent"), ("Del", "Bin")))
        for shared, own in (
            ("Sent", "INBOX.Del.S"),
            ("Sent/x", "INBOX.Del.S.x"),
            ("Bin/y", "INBOX.Del.y"),
            ("Sentinel", "INBOX.Sentinel"),
            ("INBOX", "INBOX"),
        ):
            self.assertEqual(own, naming.toServer(shared))
            self.assertEqual(shared, naming.toShared(own))
        for name in ("Del", "Del/S/x", "Bin/S"):
            self.assertRaises(MailboxError, naming.toServer, name)
        for name in ("INBOX.Bin", "INBOX.Sent.x"):
            error = self.assertRaises(MailboxError, naming.toShared, name)
            self.assertIn("another mailbox is called", str(error))
