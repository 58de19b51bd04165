"""
Tests for L{imapsync.imap.auth.bearer}.
"""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError, ProtocolViolation
from imapsync.imap.auth.bearer import OAuthBearer, XOAuth2
from imapsync.imap.auth.exchange import Identity, Told

TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
ME = Identity("user@example.com", TOKEN, host="server.example.com", port=143)


class BearerTests(SynchronousTestCase):
    """
    Tests for both mechanisms.
    """

    def test_oauthbearer(self) -> None:
        """
        RFC 7628, 4.1.
        """
        self.assertEqual(
            b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQz"
            b"AWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9"
            b"PQEB",
            base64.b64encode(OAuthBearer(ME).initial or b""),
        )

    def test_authorized(self) -> None:
        """
        Whose mail it is to be is what OAUTHBEARER says; of a tunnel, it names no
        host.
        """
        identity = Identity("me", "token", "a,b=c")
        self.assertEqual(
            b"n,a=a=2Cb=3Dc,\1auth=Bearer token\1\1", OAuthBearer(identity).initial
        )

    def test_xoauth2(self) -> None:
        """
        The example of Google and Microsoft.
        """
        identity = Identity("someuser@example.com", "ya29.vF9dft4qmTc2Nv")
        self.assertEqual(
            b"user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nv\1\1",
            XOAuth2(identity).initial,
        )

    def told(self, challenge: bytes) -> tuple[str, str]:
        """
        What is understood of an error.
        """
        told = Told("", "")
        for kind, answer in (OAuthBearer, b"\1"), (XOAuth2, b""):
            exchange = kind(ME)
            self.assertIsNone(exchange.told)
            self.assertEqual(answer, exchange.respond(challenge))
            told = exchange.told or told
        return told

    def test_refused(self) -> None:
        """
        Why a token is refused is understood, and the server left to refuse it.
        """
        said = {"status": "invalid_token", "scope": "example_scope"}
        self.assertEqual(
            ("EXPIRED", "invalid_token, the token must be for the scope example_scope"),
            self.told(json.dumps(said).encode()),
        )
        google = b'{"status":"400","schemes":"Bearer","scope":"https://mail.google/"}'
        self.assertEqual("EXPIRED", self.told(google)[0])
        self.assertEqual(("UNAVAILABLE", "503"), self.told(b'{"status": 503}'))
        self.assertEqual(("", "odd"), self.told(b'{"status": "odd"}'))

    def test_unclear(self) -> None:
        """
        What is no such error is told as it is.
        """
        for said in b"token expired", b"[1]", b"7":
            self.assertEqual(("", said.decode()), self.told(said))
        self.assertEqual(("", "no reason given"), self.told(b"{}"))

    @given(st.binary() | st.dictionaries(st.text(), st.text()).map(json.dumps))
    def test_anything(self, said: bytes | str) -> None:
        """
        Whatever it is, it is told in one line, and once.
        """
        exchange = OAuthBearer(ME)
        challenge = said if isinstance(said, bytes) else said.encode()
        self.assertEqual(b"\1", exchange.respond(challenge))
        assert exchange.told is not None
        self.assertTrue(exchange.told.text.isprintable() or not challenge)
        self.assertRaises(ProtocolViolation, exchange.respond, challenge)

    def test_nested(self) -> None:
        """
        Nor is it ever too deep.
        """
        self.assertEqual("", self.told(b"[" * 100000)[0])

    def test_controls(self) -> None:
        """
        Nobody's name, and no token, can say something else on its way.
        """
        for identity in (
            *(Identity("me\1host=evil", "t"), Identity("me", "t\1\1x")),
            Identity("me", "t", "you\1"),
        ):
            self.assertRaises(ConfigError, OAuthBearer, identity)
