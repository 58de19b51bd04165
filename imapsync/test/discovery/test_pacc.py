"""
Tests for L{imapsync.discovery.pacc}.
"""

from __future__ import annotations

import base64
import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.discovery.address import Address
from imapsync.discovery.pacc import read, record, url
from imapsync.discovery.proposal import Proposal

ME = Address("me", "example.org")

DOCUMENT = json.dumps(
    {
        "protocols": {
            "imap": {"host": "imap.example.org"},
            "jmap": {"url": "https://jmap.example.org/session"},
        },
        "authentication": {
            "oauth-public": {"issuer": "https://auth.example.org"},
            "password": True,
        },
        "info": {"provider": {"name": "An Example", "shortName": "Example"}},
    }
).encode()


def text(document: bytes) -> str:
    """
    A record that is about this document.
    """
    digest = base64.b64encode(hashlib.sha256(document).digest()).decode()
    return f"v=UAAC1; a=sha256; d={digest}"


class ReadTests(SynchronousTestCase):
    """
    Tests for L{read}.
    """

    def test_document(self) -> None:
        """
        A document of which DNS tells the digest names a server, with TLS on its
        port, and the user is the address.
        """
        [found] = read(DOCUMENT, ["spf", text(b"an older one"), text(DOCUMENT)], ME)
        said = "told by the provider (PACC)"
        server = ("imap.example.org", 993, "imaps", "me@example.org", said, True)
        self.assertEqual(Proposal(*server, oauth2=True), found)

    def test_changed(self) -> None:
        """
        One of which it tells another digest, or none, is refused.
        """
        for texts in (
            [],
            [text(DOCUMENT + b" ")],
            [text(DOCUMENT).replace("UAAC1", "UAAC2")],
            [text(DOCUMENT).replace("sha256", "sha1")],
            ["v=UAAC1; a=sha256; d=%%%"],
            ["v=UAAC1; a=sha256"],
        ):
            self.assertRaises(ValueError, read, DOCUMENT, texts, ME)

    def test_other(self) -> None:
        """
        One without IMAP proposes nothing; one that is none is refused.
        """
        for document in (b"{}", b"[]", b'{"protocols": []}', b'{"protocols": 1}'):
            self.assertEqual((), read(document, [text(document)], ME))
        for document in (
            *(b"", b"{", b"\xff", b"[" * 100_000),
            b'{"protocols": {"imap": {"host": "a b"}}}',
            b'{"protocols": {"imap": {"host": "x\\nhost = y"}}}',
        ):
            self.assertRaises(ValueError, read, document, [text(document)], ME)

    @given(st.text(max_size=100))
    def test_anyRecord(self, said: str) -> None:
        """
        Whatever stands in DNS, it is not about this document.
        """
        self.assertRaises(ValueError, read, DOCUMENT, [said], ME)

    @given(
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda one: (
                st.lists(one, max_size=2)
                | st.dictionaries(
                    st.sampled_from(
                        ["protocols", "imap", "host", "authentication", "oauth-public"]
                    ),
                    one,
                    max_size=3,
                )
            ),
        )
    )
    def test_anyDocument(self, told: object) -> None:
        """
        Whatever stands in a document, it is understood or refused.
        """
        document = json.dumps(told).encode()
        try:
            read(document, [text(document)], ME)
        except ValueError:
            return

    def test_places(self) -> None:
        """
        Both are within the domain.
        """
        self.assertEqual(
            "https://ua-auto-config.example.org/.well-known/"
            "user-agent-configuration.json",
            url(ME),
        )
        self.assertEqual("_ua-auto-config.example.org", record(ME))
