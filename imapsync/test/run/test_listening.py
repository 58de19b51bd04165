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
            self.assertEqual(name, busiest(latest.split(), scope.split()))
