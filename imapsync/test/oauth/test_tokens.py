"""
Tests for L{imapsync.oauth.tokens}.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError, Distrusted, ImapSyncError, Later, Lost
from imapsync.http.web import Answer
from imapsync.oauth.tokens import Declined, Tokens, tokensIn


def parsed(fields: object, status: int = 200, wait: float = 0.0) -> Tokens:
    """
    What such an answer tells.
    """
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return tokensIn(Answer(status, body, wait), "a.example", 1000.0, ["hush-hush", ""])


class TokensTests(SynchronousTestCase):
    """
    Tests for L{tokensIn}.
    """

    def assertFails(
        self,
        kind: type[ImapSyncError],
        text: str,
        fields: object,
        status: int = 200,
        wait: float = 0.0,
    ) -> None:
        """
        Assert that such an answer tells no token.
        """
        error = self.assertRaises(kind, parsed, fields, status, wait)
        self.assertIs(kind, type(error))
        self.assertEqual(f"a.example: {text}", str(error))

    def test_example(self) -> None:
        """
        The example of RFC 6749, 5.1.
        """
        fields = {
            "access_token": "2YotnFZFEjr1zCsicMWpAA",
            "token_type": "example",
            "expires_in": 3600,
            "refresh_token": "tGzv3JOkF0XG5Qx2TlKWIA",
            "example_parameter": "example_value",
        }
        self.assertEqual(
            Tokens("2YotnFZFEjr1zCsicMWpAA", 4600.0, "tGzv3JOkF0XG5Qx2TlKWIA"),
            parsed(fields),
        )

    def test_refused(self) -> None:
        """
        The example of RFC 6749, 5.2.
        """
        error = self.assertRaises(Declined, parsed, {"error": "invalid_request"}, 400)
        self.assertEqual("a.example: invalid_request", str(error))
        self.assertEqual("invalid_request", error.error)
        self.assertEqual(Distrusted.code, error.code)

    def test_least(self) -> None:
        """
        No more than a token need be told; whatever else there is does not matter.
        """
        self.assertEqual(Tokens("a"), parsed({"access_token": "a"}))
        fields = {"access_token": "a", "scope": "b c", "expires_in": "60"}
        self.assertEqual(Tokens("a", 1060.0), parsed(fields))
        endless = {"access_token": "a", "expires_in": 10**400}
        self.assertEqual(Tokens("a", 1000.0 + 10**9), parsed(endless))

    def test_secret(self) -> None:
        """
        Tokens are not shown.
        """
        self.assertEqual("<Tokens until 5.0>", repr(Tokens("a", 5.0, "b")))

    def test_no(self) -> None:
        """
        A refusal is told in one line, without what is secret.
        """
        self.assertFails(
            Declined,
            "invalid_client: The (not shown)\\u001b\\u0007 is wrong.",
            {
                "error": "invalid_client",
                "error_description": "The hush-hush\x1b\x07 is\nwrong.",
            },
            401,
        )
        self.assertFails(Declined, "invalid_grant", {"error": "invalid_grant"}, 200)
        self.assertFails(
            Declined,
            "invalid_grant",
            {"error": "invalid_grant", "error_description": 7},
            400,
        )

    def test_passing(self) -> None:
        """
        What may be otherwise soon is tried again.
        """
        self.assertFails(
            Lost, "temporarily_unavailable", {"error": "temporarily_unavailable"}, 400
        )
        self.assertFails(Lost, "server_error", {"error": "server_error"}, 400)
        self.assertFails(Lost, "HTTP 502", b"<html>", 502)
        self.assertFails(Lost, "x: y", {"error": "x", "error_description": "y"}, 500)
        self.assertFails(Later, "HTTP 503", b"", 503, 9.0)
        self.assertFails(Later, "slow", {"error": "slow"}, 429)
        error = self.assertRaises(Later, parsed, b"", 429, 9.0)
        self.assertEqual(9.0, error.seconds)

    def test_elsewhere(self) -> None:
        """
        Who does not speak of tokens is not who gives them.
        """
        for status in 301, 400, 404, 405:
            self.assertFails(
                ConfigError,
                f"HTTP {status}; is that where tokens are given?",
                b"<html>",
                status,
            )

    def test_odd(self) -> None:
        """
        Whatever else is said is no token.
        """
        for body in b"", b"<html>", b"[]", b"7", b'"a"', b"\xff", b"[" * 99_999:
            self.assertFails(Lost, "its answer is no JSON object", body)
        for odd in (
            {},
            {"token": "a"},
            {"access_token": "a", "expires_in": "soon"},
            {"access_token": "a", "expires_in": []},
        ):
            self.assertFails(Lost, "it tells no token where it should", odd)
        for token in None, 7, "", "a b", "a\1", "\xe4", ["a"]:
            self.assertFails(Lost, "what it tells is no token", {"access_token": token})
            if token is not None:
                both = {"access_token": "a", "refresh_token": token}
                self.assertFails(Lost, "what it tells is no token", both)
