"""
Tests for L{imapsync.imap.auth.refusal}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Distrusted, ImapSyncError, Later, Refused, TurnedAway
from imapsync.imap.auth.refusal import judged


class JudgedTests(SynchronousTestCase):
    """
    What a server says, and what is made of it.
    """

    def judge(self, text: str, code: str = "") -> ImapSyncError:
        """
        It refuses a login with these words, which are told as they are.
        """
        error = judged("remote", Refused("LOGIN", "NO", code, text), "one, two")
        told = f"remote: the login was refused: {text}"
        self.assertTrue(str(error).startswith(told), str(error))
        return error

    def test_lasting(self) -> None:
        """
        Some codes say that it is because of the credentials, whatever the words
        are, and what to do.
        """
        for code, advice in (
            ("AUTHENTICATIONFAILED", "; see one, two"),
            ("AUTHORIZATIONFAILED", "; see one, two"),
            ("EXPIRED", "; renew the password"),
            ("PRIVACYREQUIRED", "; use encryption"),
        ):
            for words in ("no", "Too many connections"):
                error = self.judge(words, code)
                self.assertIs(Distrusted, type(error))
                self.assertIn(advice, str(error))

    def test_passing(self) -> None:
        """
        Others, and some words where there is no code, say that it is not: nobody's
        password is blamed.
        """
        for code in ("UNAVAILABLE", "LIMIT", "INUSE", "SERVERBUG"):
            self.assertIs(Later, type(self.judge("Invalid password", code)))
        for words in (
            "Too many open connections",
            "too many simultaneous logins from your address",
            "Maximum number of connections from user+IP exceeded"
            " (mail_max_userip_connections=10)",
            "Connection limit reached",
            "Temporary authentication problem",
            "Service temporarily unavailable, please try again",
            "Server busy",
            "The server is down for maintenance",
        ):
            error = self.judge(words)
            self.assertIs(Later, type(error), words)
            self.assertNotIn("see", str(error))

    def test_credentials(self) -> None:
        """
        Words about credentials have them looked at.
        """
        for words in (
            "Invalid credentials (Failure)",
            "Authentication failed, please try again",
            "LOGIN failed.",
            "incorrect password or account name",
            "Who is this user?",
            "generic failure: no such user",
        ):
            error = self.judge(words)
            self.assertIs(TurnedAway, type(error), words)
            self.assertIn("; see one, two", str(error))

    def test_unclear(self) -> None:
        """
        Where words say nothing of that, nothing is guessed.
        """
        for words in (
            "",
            "no",
            "generic failure",
            "Login failed: too many connections",
            "Not today, please try again later",
        ):
            error = self.judge(words)
            self.assertIs(TurnedAway, type(error), words)
            self.assertNotIn(";", str(error))

    def test_tooManyAttempts(self) -> None:
        """
        Where there were too many attempts, there is not to be another one soon.
        """
        for words in (
            "Too many failed login attempts",
            "Login temporarily disabled: too many failures",
        ):
            self.assertIs(TurnedAway, type(self.judge(words)), words)

    def test_distrusted(self) -> None:
        """
        A login that was refused without a reason has the exit code of one that has
        a reason.
        """
        self.assertEqual(Distrusted.code, self.judge("no").code)
