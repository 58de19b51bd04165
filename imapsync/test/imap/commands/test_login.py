"""
Tests for L{imapsync.imap.commands.login}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import (
    Distrusted,
    ImapSyncError,
    Lost,
    ProtocolViolation,
    Refused,
)
from imapsync.imap.auth.exchange import Exchange, Told
from imapsync.imap.commands.login import Authenticate, Enable
from imapsync.imap.wire.responses import Condition, Enabled, Exists
from imapsync.test.fakes.talking import answered, awaiting


def condition(
    status: str = "OK", code: str = "", arguments: bytes = b"", tag: str = "*"
) -> Condition:
    """
    A status response.
    """
    return Condition(tag, status, code, arguments, "text")


class Echo(Exchange):
    """
    A mechanism that answers challenges with themselves.
    """

    def __init__(
        self,
        initial: bytes | None = None,
        refuses: ImapSyncError | None = None,
        doubts: Distrusted | None = None,
    ) -> None:
        self.initial = initial
        self._refuses = refuses
        self._doubts = doubts

    def respond(self, challenge: bytes) -> bytes:
        """
        The challenge.
        """
        if self._refuses is not None:
            raise self._refuses
        return challenge + b"!"

    def conclude(self) -> None:
        """
        Be content, or not.
        """
        if self._doubts is not None:
            raise self._doubts


class AuthenticateTests(SynchronousTestCase):
    """
    AUTHENTICATE.
    """

    def test_initial(self) -> None:
        """
        An initial response goes with the command, an empty one as C{=}.
        """
        for initial, word in ((b"ab", b"YWI="), (b"", b"=")):
            command = Authenticate("X", Echo(initial), True)
            self.assertEqual((b"X", word), command.words)

    def test_initialLater(self) -> None:
        """
        Without SASL-IR it answers the empty challenge, once.
        """
        command = Authenticate("X", Echo(b"ab"), False)
        self.assertEqual((b"X",), command.words)
        self.assertEqual(b"YWI=", command.continued(b""))
        self.assertEqual(b"IQ==", command.continued(b""))

    def test_long(self) -> None:
        """
        No answer is broken into lines.
        """
        command = Authenticate("X", Echo(b"abc" * 100), True)
        self.assertEqual((b"X", b"YWJj" * 100), command.words)

    def test_challenge(self) -> None:
        """
        Challenges are the mechanism's to answer.
        """
        command = Authenticate("X", Echo(None), True)
        self.assertEqual(b"YWIh", command.continued(b"YWI="))

    def test_noBase64(self) -> None:
        """
        What is no base 64 is no challenge: all is called off.
        """
        command = Authenticate("X", Echo(None), True)
        done = awaiting(command)
        self.assertEqual(b"*", command.continued(b"Something bad!"))
        command.finished(condition("BAD"))
        self.failureResultOf(done, ProtocolViolation)

    def test_endless(self) -> None:
        """
        A server that never has enough is not answered for ever.
        """
        command = Authenticate("X", Echo(None), True)
        for _ in range(20):
            command.continued(b"YWI=")
        self.assertRaises(ProtocolViolation, command.continued, b"YWI=")

    def test_cancelled(self) -> None:
        """
        A server that is not to get an answer is told so, and what it says then, or
        that it goes, changes nothing about why.
        """
        doubt = Distrusted("no")
        for status in "OK", "NO", "BAD":
            command = Authenticate("X", Echo(refuses=doubt), True)
            done = awaiting(command)
            self.assertEqual(b"*", command.continued(b"YWI="))
            command.finished(condition(status))
            error = self.failureResultOf(done, Distrusted).value
            self.assertEqual("X: no", str(error))
        command = Authenticate("X", Echo(refuses=doubt), True)
        done = awaiting(command)
        command.continued(b"YWI=")
        command.fail(Lost("gone"))
        self.failureResultOf(done, Distrusted)

    def test_cancelledOnce(self) -> None:
        """
        After that there is nothing more to go on with.
        """
        doubt = Distrusted("no")
        command = Authenticate("X", Echo(refuses=doubt), True)
        command.continued(b"YWI=")
        self.assertRaises(Distrusted, command.continued, b"YWI=")

    def test_doubted(self) -> None:
        """
        OK is not enough where the mechanism wants more.
        """
        doubt = Distrusted("no proof")
        command = Authenticate("X", Echo(doubts=doubt), True)
        done = awaiting(command)
        command.finished(condition("OK"))
        error = self.failureResultOf(done, Distrusted).value
        self.assertEqual("X: no proof", str(error))

    def test_refused(self) -> None:
        """
        A server that refuses owes no proof.
        """
        command = Authenticate("X", Echo(doubts=Distrusted("no proof")), True)
        done = awaiting(command)
        command.finished(condition("NO", "AUTHENTICATIONFAILED"))
        error = self.failureResultOf(done, Refused).value
        self.assertEqual("AUTHENTICATIONFAILED", error.responseCode)

    def test_told(self) -> None:
        """
        What it has told before is beside what it says then, and makes that clearer,
        but does not contradict it.
        """
        exchange = Echo()
        exchange.told = Told("EXPIRED", "invalid_token")
        for code, meant in (
            ("", "EXPIRED"),
            ("AUTHENTICATIONFAILED", "EXPIRED"),
            ("UNAVAILABLE", "UNAVAILABLE"),
        ):
            command = Authenticate("X", exchange, True)
            done = awaiting(command)
            command.finished(condition("NO", code))
            error = self.failureResultOf(done, Refused).value
            self.assertEqual(meant, error.responseCode)
            self.assertEqual("text (invalid_token)", error.text)
        command = Authenticate("X", exchange, True)
        done = awaiting(command)
        command.finished(condition("OK"))
        self.assertEqual("", self.successResultOf(done).code)


class EnableTests(SynchronousTestCase):
    """
    ENABLE.
    """

    def test_enabled(self) -> None:
        """
        What counts is what the server says is enabled.
        """
        command = Enable("CONDSTORE", "QRESYNC")
        self.assertTrue(command.claim(Enabled(frozenset(["QRESYNC"]))))
        self.assertFalse(command.claim(Exists(3)))
        done = answered(command, condition())
        self.assertEqual({"QRESYNC"}, self.successResultOf(done))

    def test_others(self) -> None:
        """
        What nobody asked for is not kept.
        """
        command = Enable("QRESYNC")
        for number in range(100):
            command.claim(Enabled(frozenset([f"X{number}", "CONDSTORE"])))
        done = answered(command, condition())
        self.assertEqual(frozenset(), self.successResultOf(done))
