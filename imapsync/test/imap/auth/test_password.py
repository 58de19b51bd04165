"""
Tests for L{imapsync.imap.auth.password}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError, Distrusted
from imapsync.imap.auth.password import readPassword
from imapsync.test.fakes.processes import Processes

WHERE = "remote (tunnel)"


class PasswordTests(SynchronousTestCase):
    """
    Tests for L{readPassword}.
    """

    def setUp(self) -> None:
        self.reactor = Processes()

    def ask(self) -> Deferred[str]:
        """
        Run the command.
        """
        return Deferred.fromCoroutine(readPassword(self.reactor, "pass mail", WHERE))

    def say(self, data: bytes) -> None:
        """
        The command writes.
        """
        self.reactor.protocol.childDataReceived(1, data)

    def test_firstLine(self) -> None:
        """
        The first line is the password, in UTF-8, with its spaces, without its
        end, whatever pieces it comes in.
        """
        asked = self.ask()
        self.assertEqual(["EOF"], self.reactor.process.events)
        self.say(" pässwörd ".encode()[:4])
        self.say(" pässwörd ".encode()[4:] + b"\r\nuser: me\n")
        self.say(b"more\n")
        self.assertNoResult(asked)
        self.reactor.end()
        self.assertEqual(" pässwörd ", self.successResultOf(asked))
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_failure(self) -> None:
        """
        A command that fails is asked for no password; its last words are
        told, what it wrote to its output is not.
        """
        asked = self.ask()
        self.say(b"secret\n")
        self.reactor.protocol.childDataReceived(2, b"gpg: locked\n")
        self.reactor.end(2)
        error = self.failureResultOf(asked, Distrusted).value
        self.assertEqual(
            f"{WHERE}: password-command exited with status 2; "
            "its last words: gpg: locked",
            str(error),
        )

    def test_killed(self) -> None:
        """
        A command that is killed has failed.
        """
        asked = self.ask()
        self.say(b"secret\n")
        self.reactor.end(signal=15)
        self.failureResultOf(asked, Distrusted)

    def test_useless(self) -> None:
        """
        No output, something that is no text, or no command at all are errors
        in the configuration.
        """
        for said, status in ((b"", 0), (b"\n", 0), (b"\xff\n", 0), (b"", 127)):
            asked = self.ask()
            self.say(said)
            self.reactor.end(status)
            self.failureResultOf(asked, ConfigError)
        self.reactor.missing = True
        self.failureResultOf(self.ask(), ConfigError)

    def test_timeout(self) -> None:
        """
        A command that does not end is killed, and its end is not waited for.
        """
        asked = self.ask()
        self.reactor.advance(120)
        error = self.failureResultOf(asked, Distrusted).value
        self.assertIn("did not end within 120 seconds", str(error))
        self.assertEqual(["EOF", "KILL", "closed"], self.reactor.process.events)
        self.reactor.end(signal=9)
