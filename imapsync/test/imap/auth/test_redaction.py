"""
Tests for L{imapsync.imap.auth.redaction}.
"""

from __future__ import annotations

import base64

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.auth.redaction import forms, redacted


class RedactionTests(SynchronousTestCase):
    """
    What a server repeats.
    """

    def test_forms(self) -> None:
        """
        A password is found as it is, and as it goes over the wire.
        """
        secrets = forms("s\xe9cret", "\0me\0s\xe9cret".encode())
        for raw in "\0me\0s\xe9cret", "s\xe9cret":
            coded = base64.b64encode(raw.encode()).decode()
            self.assertEqual("<(not shown)>", redacted(f"<{coded}>", secrets))
        for told in "s\xe9cret", "s\xc3\xa9cret":
            self.assertEqual("a (not shown) b", redacted(f"a {told} b", secrets))

    def test_short(self) -> None:
        """
        One that is too short is not looked for: it is in every text.
        """
        self.assertEqual("banana", redacted("banana", forms("an")))

    def test_shortCoded(self) -> None:
        """
        But what it was sent in is.
        """
        coded = base64.b64encode(b"\0me\0an").decode()
        secrets = forms("an", b"\0me\0an")
        self.assertEqual("a (not shown) b", redacted(f"a {coded} b", secrets))
        self.assertEqual((), forms("", b"\0me\0"))

    def test_nothing(self) -> None:
        """
        All else stays.
        """
        self.assertEqual("no", redacted("no", forms("secret", b"")))
        self.assertEqual("no", redacted("no", ()))
