"""
Tests for L{imapsync.imap.auth.keyring}.
"""

from __future__ import annotations

import sys

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError, Distrusted
from imapsync.imap.auth.keyring import readEntry
from imapsync.test.fakes.processes import Processes

WHERE = "remote (imaps://mail.example:993)"


class KeyringTests(SynchronousTestCase):
    """
    Tests for L{readEntry}.
    """

    def setUp(self) -> None:
        self.reactor = Processes()

    def ask(self) -> Deferred[str]:
        """
        Look for an entry.
        """
        return Deferred.fromCoroutine(
            readEntry(self.reactor, "mail.example; x", "me", WHERE)
        )

    def test_found(self) -> None:
        """
        It is looked for by another process of this Python, without a shell.
        """
        asked = self.ask()
        program, option, _, *words = self.reactor.arguments
        self.assertEqual((sys.executable, "-c"), (program, option))
        self.assertEqual(["mail.example; x", "me"], words)
        self.reactor.protocol.childDataReceived(1, "pässwörd\n".encode())
        self.reactor.end()
        self.assertEqual("pässwörd", self.successResultOf(asked))

    def test_missing(self) -> None:
        """
        What is to be done is said where the package or the entry is not there.
        """
        for status, words in (
            (3, "install imapsync[keyring]"),
            (4, "no password of me for mail.example; x: put it there, as by"),
        ):
            asked = self.ask()
            self.reactor.end(status)
            error = self.failureResultOf(asked, ConfigError).value
            self.assertTrue(str(error).startswith(f"{WHERE}: the keyring "))
            self.assertIn(words, str(error))

    def test_refused(self) -> None:
        """
        A keyring that stays locked is told in its own words.
        """
        asked = self.ask()
        self.reactor.protocol.childDataReceived(2, b"KeyringLocked: \x1bno\n")
        self.reactor.end(1)
        error = self.failureResultOf(asked, Distrusted).value
        self.assertIn("last words: KeyringLocked: ", str(error))
        self.assertNotIn("\x1b", str(error))

    def test_late(self) -> None:
        """
        Nobody unlocks it: then it is not waited for.
        """
        asked = self.ask()
        self.reactor.advance(120)
        error = self.failureResultOf(asked, Distrusted).value
        self.assertIn("the keyring did not end within 120 seconds", str(error))
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)
        self.reactor.end(signal=15)

    def test_stopped(self) -> None:
        """
        Who does not wait any more leaves nobody who does.
        """
        asked = self.ask()
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)
        self.reactor.end(signal=15)
