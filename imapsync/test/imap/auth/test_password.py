"""
Tests for L{imapsync.imap.auth.password}.
"""

from __future__ import annotations

import os

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError, Distrusted, StateUnavailable
from imapsync.imap.auth.password import readEntry, readPassword
from imapsync.test.fakes.processes import Processes
from imapsync.test.fakes.rings import Ring

WHERE = "remote (imaps://mail.example:993)"


class CommandTests(SynchronousTestCase):
    """
    Tests for L{readPassword}.
    """

    def test_first(self) -> None:
        """
        The first line is the password.
        """
        reactor = Processes()
        asked = Deferred.fromCoroutine(readPassword(reactor, "pass mail", WHERE))
        reactor.protocol.childDataReceived(1, "pässwörd\nuser: me\n".encode())
        reactor.end()
        self.assertEqual("pässwörd", self.successResultOf(asked))

    def test_environment(self) -> None:
        """
        The command may find more in its environment than is in ours.
        """
        reactor = Processes()
        more = ("IMAPSYNC_USER=a=b",)
        asked = Deferred.fromCoroutine(readPassword(reactor, "pass", WHERE, more))
        self.assertEqual({**os.environ, "IMAPSYNC_USER": "a=b"}, reactor.environment)
        reactor.protocol.childDataReceived(1, b"secret\n")
        reactor.end()
        self.assertEqual("secret", self.successResultOf(asked))

    def test_failure(self) -> None:
        """
        It is said which option names the command.
        """
        reactor = Processes()
        asked = Deferred.fromCoroutine(readPassword(reactor, "pass mail", WHERE))
        reactor.end(2)
        error = self.failureResultOf(asked, Distrusted).value
        text = f"{WHERE}: password-command exited with status 2"
        self.assertEqual(text, str(error))


class EntryTests(SynchronousTestCase):
    """
    Tests for L{readEntry}.
    """

    def setUp(self) -> None:
        """
        A keyring with nothing in it.
        """
        self.ring = Ring()

    def ask(self) -> Deferred[str]:
        """
        Look for an entry.
        """
        return Deferred.fromCoroutine(readEntry(self.ring, "mail.example", "me", WHERE))

    def test_found(self) -> None:
        """
        The first line is the password.
        """
        self.ring.kept["mail.example", "me"] = " pässwörd \r\nuser: me"
        self.assertEqual(" pässwörd ", self.successResultOf(self.ask()))

    def test_missing(self) -> None:
        """
        What is to be done is said where the package or the entry is not there.
        """
        error = self.failureResultOf(self.ask(), ConfigError).value
        self.assertTrue(str(error).startswith(f"{WHERE}: the keyring has no password"))
        self.assertIn("by the command: keyring set mail.example me", str(error))
        self.ring.broken = ConfigError("install it")
        error = self.failureResultOf(self.ask(), ConfigError).value
        self.assertEqual(f"{WHERE}: install it", str(error))

    def test_refused(self) -> None:
        """
        A keyring that stays locked refuses the login.
        """
        self.ring.broken = StateUnavailable("locked")
        error = self.failureResultOf(self.ask(), Distrusted).value
        self.assertEqual(f"{WHERE}: locked", str(error))
