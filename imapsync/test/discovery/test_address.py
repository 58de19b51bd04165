"""
Tests for L{imapsync.discovery.address}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.discovery.address import Address, read


class ReadTests(SynchronousTestCase):
    """
    Tests for L{read}.
    """

    def test_address(self) -> None:
        """
        A mail address is a user at a domain, which is taken as DNS has it.
        """
        for typed, user, domain in (
            ("me@example.org", "me", "example.org"),
            (" Me.Too@Example.ORG ", "Me.Too", "example.org"),
            ("a@b@example.org", "a@b", "example.org"),
            ("ich@b\u00fccher.example", "ich", "xn--bcher-kva.example"),
        ):
            found = read(typed)
            self.assertEqual(Address(user, domain), found)
            self.assertEqual(f"{user}@{domain}", found.mail)

    def test_server(self) -> None:
        """
        A host by itself is a server, and so is one with a port, an address, or one
        of a single word.
        """
        for typed, expected in (
            ("imap.example.org", Address("", "imap.example.org", 0, True)),
            ("imap.example.org:1993", Address("", "imap.example.org", 1993, True)),
            ("me@imap.example.org:993", Address("me", "imap.example.org", 993, True)),
            ("me@a@mx.example:143", Address("me@a", "mx.example", 143, True)),
            ("me@localhost", Address("me", "localhost", 0, True)),
            ("127.0.0.1:143", Address("", "127.0.0.1", 143, True)),
            ("me@192.0.2.1", Address("me", "192.0.2.1", 0, True)),
            ("[2001:db8::1]:993", Address("", "2001:db8::1", 993, True)),
            ("me@[::1]", Address("me", "::1", 0, True)),
            ("2001:db8::1", Address("", "2001:db8::1", 0, True)),
        ):
            self.assertEqual(expected, read(typed), typed)

    def test_type(self) -> None:
        """
        Port 143 is that of STARTTLS.
        """
        self.assertEqual("imap", read("mx.example:143").type)
        self.assertEqual("imaps", read("mx.example:1143").type)
        self.assertEqual("imaps", read("mx.example").type)

    def test_wrong(self) -> None:
        """
        What is neither says what it should be.
        """
        for typed in (
            *("", " ", "@example.org", "me@", "me@exa mple.org", "a b", "me@-/x.org"),
            *("me@example.org\nhost = evil", "me\x1b@example.org", "me@a]b[.org"),
            *("mx.example:", "mx.example:0", "mx.example:imap", "mx.example:1:2"),
            *(f"{'x' * 400}@example.org", "\ud800@example.org"),
        ):
            error = self.assertRaises(ValueError, read, typed)
            self.assertIn("must be a", str(error), typed)

    @given(st.text(max_size=40))
    def test_any(self, typed: str) -> None:
        """
        Whatever is typed, it is understood or refused.
        """
        try:
            found = read(typed)
        except ValueError:
            return
        self.assertTrue(found.host)
        self.assertNotIn("\n", found.user + found.host)
