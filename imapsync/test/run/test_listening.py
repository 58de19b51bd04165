"""
Tests for L{imapsync.run.listening}; what is heard, and what becomes of it, is shown
in L{imapsync.test.run.test_live}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.run.listening import busiest


class BusiestTests(SynchronousTestCase):
    """
    Tests for L{busiest}.
    """

    def test_most(self) -> None:
        """
        The mailbox with most of the latest changes counts, if it is synced;
        INBOX, if no other has more.
        """
        for latest, scope, name in (
            ("", "INBOX a", "INBOX"),
            ("a b b a", "INBOX a b", "a"),
            ("a INBOX", "a INBOX b", "INBOX"),
            ("a a INBOX", "INBOX a", "a"),
            ("a a INBOX", "INBOX b", "INBOX"),
            ("", "a", "a"),
            ("", "", "INBOX"),
        ):
            self.assertEqual([name], busiest(latest.split(), scope.split()))

    def test_several(self) -> None:
        """
        Among several, INBOX is one.
        """
        for latest, scope, names in (
            ("a b b a c", "INBOX a b c", "a INBOX"),
            ("a INBOX INBOX", "INBOX a b c", "INBOX a"),
            ("a", "a b", "a b"),
            ("", "a", "a"),
            ("", "", "INBOX"),
        ):
            found = busiest(latest.split(), scope.split(), 2)
            self.assertEqual(names.split(), found)
