"""
Tests for L{imapsync.imap.auth.sasl}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.mechanisms import MECHANISMS
from imapsync.errors import ConfigError, Distrusted, ProtocolViolation
from imapsync.imap.auth.binding import Binding
from imapsync.imap.auth.exchange import Identity
from imapsync.imap.auth.sasl import (
    LOGIN_COMMAND,
    asks,
    begin,
    checkCredentials,
    choose,
    shows,
)

credentials = st.text(st.characters(exclude_characters="\0", codec="utf-8"))

EXPORTED = Binding("tls-exporter", b"x", usual=True)
END_POINT = Binding("tls-server-end-point", b"x", usual=False)


class ExchangeTests(SynchronousTestCase):
    """
    Tests for the mechanisms.
    """

    @given(credentials, credentials, credentials)
    def test_plain(self, username: str, password: str, acting: str) -> None:
        """
        PLAIN sends whose mail it is to be, user name and password in UTF-8, however
        long, with the command.
        """
        initial = begin("PLAIN", Identity(username, password, acting)).initial
        self.assertEqual(
            [acting.encode(), username.encode(), password.encode()],
            (initial or b"").split(b"\0"),
        )

    def test_plainExamples(self) -> None:
        """
        RFC 4616, 4.
        """
        for identity, message in (
            (Identity("tim", "tanstaaftanstaaf"), b"\0tim\0tanstaaftanstaaf"),
            (Identity("Kurt", "xipj3plmq", "Ursel"), b"Ursel\0Kurt\0xipj3plmq"),
        ):
            self.assertEqual(message, begin("PLAIN", identity).initial)

    def test_noChallenge(self) -> None:
        """
        A server that goes on asking gets nothing more.
        """
        for mechanism in "PLAIN", "EXTERNAL":
            exchange = begin(mechanism, Identity("u", "p"))
            self.assertRaises(ProtocolViolation, exchange.respond, b"more?")

    def test_login(self) -> None:
        """
        LOGIN waits for the prompts and answers them in order, whatever they
        say, but no third one.
        """
        exchange = begin("LOGIN", Identity("jürgen", "secret"))
        self.assertIsNone(exchange.initial)
        self.assertEqual("jürgen".encode(), exchange.respond(b"User Name\0"))
        self.assertEqual(b"secret", exchange.respond(b"Password:"))
        self.assertRaises(ProtocolViolation, exchange.respond, b"Password:")

    def test_cramMD5(self) -> None:
        """
        RFC 2195, 2; there is one challenge.
        """
        exchange = begin("CRAM-MD5", Identity("tim", "tanstaaftanstaaf"))
        self.assertIsNone(exchange.initial)
        challenge = b"<1896.697170952@postoffice.reston.mci.net>"
        self.assertEqual(
            b"tim b913a602c7eda7a495b4e6e7334d3890", exchange.respond(challenge)
        )
        self.assertRaises(ProtocolViolation, exchange.respond, challenge)

    def test_external(self) -> None:
        """
        EXTERNAL says nothing but whose mail it is to be.
        """
        self.assertEqual(b"", begin("EXTERNAL", Identity("me", "")).initial)
        self.assertEqual(b"you", begin("EXTERNAL", Identity("me", "", "you")).initial)

    def test_bearer(self) -> None:
        """
        Tokens have two mechanisms.
        """
        identity = Identity("me", "token")
        for mechanism, start in ("OAUTHBEARER", b"n,a=me,"), ("XOAUTH2", b"user=me"):
            initial = begin(mechanism, identity).initial or b""
            self.assertTrue(initial.startswith(start), initial)

    def test_scram(self) -> None:
        """
        SCRAM says whether it is tied to the connection, or could have been: only if
        the server does not offer that.
        """
        plus = frozenset(["AUTH=SCRAM-SHA-1-PLUS"])
        for mechanism, binding, offers, flag in (
            ("SCRAM-SHA-1", None, frozenset[str](), b"n,,n=me,"),
            ("SCRAM-SHA-256", END_POINT, frozenset[str](), b"n,,n=me,"),
            ("SCRAM-SHA-256", EXPORTED, frozenset[str](), b"y,,n=me,"),
            ("SCRAM-SHA-256", EXPORTED, plus, b"n,,n=me,"),
            ("SCRAM-SHA-1-PLUS", EXPORTED, plus, b"p=tls-exporter,,n=me,"),
            ("SCRAM-SHA-1-PLUS", END_POINT, plus, b"p=tls-server-end-point,,n=me,"),
        ):
            exchange = begin(mechanism, Identity("me", "secret"), offers, binding)
            initial = exchange.initial or b""
            self.assertTrue(initial.startswith(flag), initial)

    def test_shows(self) -> None:
        """
        What is sent with some shows the password, and all but EXTERNAL need one.
        """
        methods = (*MECHANISMS, LOGIN_COMMAND)
        showing = {method for method in methods if shows(method)}
        self.assertEqual(
            {"PLAIN", "LOGIN", LOGIN_COMMAND, "XOAUTH2", "OAUTHBEARER"}, showing
        )
        for method in showing & {*MECHANISMS}:
            exchange = begin(method, Identity("me", "secret"))
            answers = [exchange.initial or b""]
            if method == "LOGIN":
                answers = [exchange.respond(b"") for _ in range(2)]
            self.assertIn(b"secret", b" ".join(answers))
        self.assertEqual({"EXTERNAL"}, {name for name in methods if not asks(name)})

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
        identity = Identity("user", "secret")
        for mechanism in MECHANISMS:
            shown = repr(begin(mechanism, identity, binding=EXPORTED))
            self.assertNotIn("secret", shown + repr(identity))


class ChooseTests(SynchronousTestCase):
    """
    Tests for L{choose}.
    """

    def choose(
        self, preferences: str, *capabilities: str, binding: Binding | None = None
    ) -> str:
        """
        Choose among space-separated preferences.
        """
        return choose(preferences.split(), frozenset(capabilities), binding)

    def test_preferenceDecides(self) -> None:
        """
        The user's order counts, not the server's.
        """
        offers = ("AUTH=PLAIN", "AUTH=LOGIN")
        self.assertEqual("LOGIN", self.choose("LOGIN PLAIN", *offers))
        self.assertEqual("PLAIN", self.choose("PLAIN LOGIN", *offers))

    def test_notOffered(self) -> None:
        """
        A mechanism that the server does not offer is passed over.
        """
        offers = ("AUTH=PLAIN", "AUTH=TELEPATHY", "LOGINDISABLED")
        self.assertEqual("PLAIN", self.choose("CRAM-MD5 LOGIN PLAIN", *offers))

    def test_tied(self) -> None:
        """
        SCRAM is tied to the connection if that is asked for, and both ends can: no
        server says in which ways it can.
        """
        offers = ("AUTH=SCRAM-SHA-256", "AUTH=SCRAM-SHA-256-PLUS", "AUTH=PLAIN")
        for preferences, binding, chosen in (
            ("SCRAM-SHA-256 PLAIN", EXPORTED, "SCRAM-SHA-256"),
            ("SCRAM-SHA-256 PLAIN", END_POINT, "SCRAM-SHA-256"),
            ("SCRAM-SHA-256 PLAIN", None, "SCRAM-SHA-256"),
            ("SCRAM-SHA-256-PLUS PLAIN", EXPORTED, "SCRAM-SHA-256-PLUS"),
            ("SCRAM-SHA-256-PLUS PLAIN", END_POINT, "SCRAM-SHA-256-PLUS"),
            ("SCRAM-SHA-256-PLUS PLAIN", None, "PLAIN"),
            ("SCRAM-SHA-1 PLAIN", EXPORTED, "PLAIN"),
        ):
            self.assertEqual(chosen, self.choose(preferences, *offers, binding=binding))

    def test_untied(self) -> None:
        """
        Where the server cannot, the next one serves.
        """
        preferences = "SCRAM-SHA-256-PLUS SCRAM-SHA-256"
        for offer in "AUTH=SCRAM-SHA-256", "AUTH=SCRAM-SHA-1-PLUS AUTH=SCRAM-SHA-256":
            chosen = self.choose(preferences, *offer.split(), binding=EXPORTED)
            self.assertEqual("SCRAM-SHA-256", chosen)

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
