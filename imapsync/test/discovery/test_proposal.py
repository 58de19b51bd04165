"""
Tests for L{imapsync.discovery.proposal}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.discovery.address import Address
from imapsync.discovery.proposal import Proposal, isWithin, named, username

ME = Address("me", "example.org")


class ProposalTests(SynchronousTestCase):
    """
    Tests for what proposals are made of.
    """

    def test_where(self) -> None:
        """
        The server is told with its port and its kind of TLS.
        """
        one = Proposal("mx.example", 993, "imaps", "me", "told", True)
        self.assertEqual("mx.example, port 993, TLS", one.where)
        one = one._replace(port=143, type="imap")
        self.assertEqual("mx.example, port 143, STARTTLS", one.where)

    def test_username(self) -> None:
        """
        Placeholders stand for the address and its parts.
        """
        for pattern, expected in (
            ("%EMAILADDRESS%", "me@example.org"),
            ("%EMAILLOCALPART%", "me"),
            ("x-%EMAILLOCALPART%.%EMAILDOMAIN%", "x-me.example.org"),
            ("%REALNAME%", "%REALNAME%"),
        ):
            self.assertEqual(expected, username(pattern, ME))
        tricky = Address("%EMAILDOMAIN%", "example.org")
        self.assertEqual("%EMAILDOMAIN%", username("%EMAILLOCALPART%", tricky))
        for pattern in ("", " ", "a\nb", "a\x00", "x" * 321):
            self.assertRaises(ValueError, username, pattern, ME)

    def test_named(self) -> None:
        """
        A host that somebody tells is one, or it is refused.
        """
        self.assertEqual("imap.example.org", named(" IMAP.example.org. "))
        for text in ("", ".", "a b", "a\nb", "[::1]", "x" * 64, "a:993"):
            self.assertRaises(ValueError, named, text)

    def test_within(self) -> None:
        """
        Only a domain's own names belong to it.
        """
        self.assertTrue(isWithin("example.org", "example.org"))
        self.assertTrue(isWithin("imap.example.org", "example.org"))
        self.assertFalse(isWithin("badexample.org", "example.org"))
        self.assertFalse(isWithin("example.org.evil.example", "example.org"))
