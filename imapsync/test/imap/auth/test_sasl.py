"""
Tests for L{imapsync.imap.auth.sasl}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError, Distrusted, ProtocolViolation
from imapsync.imap.auth.sasl import LOGIN_COMMAND, MECHANISMS, checkCredentials, choose

credentials = st.text(st.characters(exclude_characters="\0", codec="utf-8"))


class ExchangeTests(SynchronousTestCase):
    """
    Tests for the mechanisms.
    """

    @given(credentials, credentials)
    def test_plain(self, username: str, password: str) -> None:
        """
        PLAIN sends an empty authorisation identity, user name and password
        in UTF-8, however long, with the command.
        """
        initial = MECHANISMS["PLAIN"](username, password).initial
        self.assertEqual(
            [b"", username.encode(), password.encode()], (initial or b"").split(b"\0")
        )

    def test_plainHasNoChallenge(self) -> None:
        """
        A server that goes on asking gets nothing more.
        """
        exchange = MECHANISMS["PLAIN"]("u", "p")
        self.assertRaises(ProtocolViolation, exchange.respond, b"more?")

    def test_login(self) -> None:
        """
        LOGIN waits for the prompts and answers them in order, whatever they
        say, but no third one.
        """
        exchange = MECHANISMS["LOGIN"]("jürgen", "secret")
        self.assertIsNone(exchange.initial)
        self.assertEqual("jürgen".encode(), exchange.respond(b"User Name\0"))
        self.assertEqual(b"secret", exchange.respond(b"Password:"))
        self.assertRaises(ProtocolViolation, exchange.respond, b"Password:")

    def test_nul(self) -> None:
        """
        NUL, which would end a credential early, is refused.
        """
        checkCredentials("user", "pass word")
        self.assertRaises(ConfigError, checkCredentials, "u\0x", "p")
        self.assertRaises(ConfigError, checkCredentials, "u", "p\0x")

    def test_secret(self) -> None:
        """
        An exchange that ends up in a log does not show the password.
        """
        for make in MECHANISMS.values():
            self.assertNotIn("secret", repr(make("user", "secret")))


class ChooseTests(SynchronousTestCase):
    """
    Tests for L{choose}.
    """

    def choose(self, preferences: str, *capabilities: str) -> str:
        """
        Choose among space-separated preferences.
        """
        return choose(preferences.split(), frozenset(capabilities))

    def test_preferenceDecides(self) -> None:
        """
        The user's order counts, not the server's.
        """
        offers = ("AUTH=PLAIN", "AUTH=LOGIN")
        self.assertEqual("LOGIN", self.choose("login plain", *offers))
        self.assertEqual("PLAIN", self.choose("PLAIN LOGIN", *offers))

    def test_notOffered(self) -> None:
        """
        A mechanism that the server does not offer, or that we do not have,
        is passed over.
        """
        offers = ("AUTH=PLAIN", "AUTH=TELEPATHY", "LOGINDISABLED")
        self.assertEqual("PLAIN", self.choose("TELEPATHY LOGIN PLAIN", *offers))

    def test_loginCommand(self) -> None:
        """
        The LOGIN command serves where LOGIN is wanted and no mechanism.
        """
        self.assertEqual(LOGIN_COMMAND, self.choose("PLAIN LOGIN", "IMAP4REV1"))
        self.assertEqual(
            LOGIN_COMMAND, self.choose("LOGIN PLAIN", "IMAP4REV1", "AUTH=PLAIN")
        )

    def test_loginDisabled(self) -> None:
        """
        The LOGIN command is never used against LOGINDISABLED; the error says
        what either side would do.
        """
        error = self.assertRaises(
            Distrusted, self.choose, "PLAIN LOGIN", "LOGINDISABLED", "AUTH=CRAM-MD5"
        )
        self.assertIn("auth = PLAIN LOGIN", str(error))
        self.assertIn("offers CRAM-MD5", str(error))
