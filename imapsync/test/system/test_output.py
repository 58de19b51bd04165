"""
Tests for L{imapsync.system.output}.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError, Distrusted
from imapsync.system.output import firstLine
from imapsync.test.fakes.processes import Processes

WHERE = "remote (tunnel)"


class LineTests(SynchronousTestCase):
    """
    Tests for L{firstLine}.
    """

    def setUp(self) -> None:
        self.reactor = Processes()

    def ask(self) -> Deferred[str]:
        """
        Run the command.
        """
        return Deferred.fromCoroutine(
            firstLine(self.reactor, "password-command", "pass mail", WHERE)
        )

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

    def test_given(self) -> None:
        """
        The command may be given something.
        """
        asked = Deferred.fromCoroutine(
            firstLine(self.reactor, "it", ("cat", "a b"), WHERE, b"secret\n")
        )
        self.assertEqual(["cat", "a b"], self.reactor.arguments)
        self.assertEqual(b"secret\n", self.reactor.process.written)
        self.assertEqual(["EOF"], self.reactor.process.events)
        self.say(b"secret\n")
        self.reactor.end()
        self.assertEqual("secret", self.successResultOf(asked))

    def test_agent(self) -> None:
        """
        What it leaves running, such as an agent, is not waited for, though that
        keeps its output open; what was written before its end is read after it.
        """
        for late in (False, True):
            asked = self.ask()
            if late:
                self.reactor.exit()
                self.say(b"sec")
                self.assertNoResult(asked)
            self.say(b"secret\nmore"[3 * late :])
            if not late:
                self.assertNoResult(asked)
                self.reactor.exit()
            self.assertEqual("secret", self.successResultOf(asked))
            self.assertEqual(["EOF", "closed"], self.reactor.process.events)
            self.assertEqual([], self.reactor.getDelayedCalls())
            self.say(b"agent: hello\n")
            self.reactor.end()

    def test_agentWithoutLine(self) -> None:
        """
        A line that has no end is waited for a moment longer, and so is the reason
        of a failure.
        """
        asked = self.ask()
        self.say(b"secret")
        self.reactor.exit()
        self.assertNoResult(asked)
        self.reactor.advance(1)
        self.assertEqual("secret", self.successResultOf(asked))
        asked = self.ask()
        self.say(b"secret\n")
        self.reactor.exit(2)
        self.reactor.protocol.childDataReceived(2, b"gpg: locked\n")
        self.assertNoResult(asked)
        self.reactor.advance(1)
        error = self.failureResultOf(asked, Distrusted).value
        self.assertIn("exited with status 2; its last words: gpg: locked", str(error))

    def test_tooMuch(self) -> None:
        """
        What has no end of line, and no end, is no password; the command is ended.
        """
        asked = self.ask()
        self.say(b"x" * 65536)
        self.assertNoResult(asked)
        self.say(b"x")
        error = self.failureResultOf(asked, ConfigError).value
        self.assertIn("wrote more than 65536 octets without an end of line", str(error))
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)
        self.reactor.end(signal=15)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_talkative(self) -> None:
        """
        Any number of lines may follow the first.
        """
        asked = self.ask()
        self.say(b"secret\n")
        for _ in range(100):
            self.say(b"x" * 65536)
        self.reactor.end()
        self.assertEqual("secret", self.successResultOf(asked))

    def test_stopped(self) -> None:
        """
        A command that is not to be waited for is ended, by force if need be.
        """
        asked = self.ask()
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)
        self.reactor.advance(1)
        events = self.reactor.process.events
        self.assertEqual(["EOF", "TERM", "KILL", "closed"], events)
        self.reactor.end(signal=9)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_shutdown(self) -> None:
        """
        Nor is it left behind by a program that ends before it has.
        """
        asked = self.ask()
        self.assertEqual([], self.reactor.atShutdown)
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        [kill] = self.reactor.atShutdown
        kill()
        self.assertEqual(["EOF", "TERM", "KILL"], self.reactor.process.events)
        self.reactor.atShutdown.clear()
        self.reactor.end(signal=9)
        self.assertEqual([], self.reactor.getDelayedCalls())
        # One that ends by itself need not be remembered.
        for patient in True, False:
            asked = self.ask()
            asked.cancel()
            self.failureResultOf(asked, CancelledError)
            self.reactor.advance(0 if patient else 1)
            self.reactor.end(signal=15)
            self.assertEqual([], self.reactor.atShutdown)

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
        A command that does not end is ended, and its end is not waited for; what
        it wrote on its standard error is told.
        """
        asked = self.ask()
        self.reactor.protocol.childDataReceived(2, b"Touch the key!\n")
        self.reactor.advance(120)
        error = self.failureResultOf(asked, Distrusted).value
        self.assertIn("did not end within 120 seconds", str(error))
        self.assertIn("Touch the key!", str(error))
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)
        self.reactor.end(signal=15)
        self.assertEqual([], self.reactor.getDelayedCalls())
