"""
Tests for L{imapsync.imap.commands.login}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ProtocolViolation
from imapsync.imap.commands.login import Authenticate, Enable
from imapsync.imap.wire.responses import Condition, Enabled, Exists
from imapsync.test.fakes.talking import answered


def condition(
    status: str = "OK", code: str = "", arguments: bytes = b"", tag: str = "*"
) -> Condition:
    """
    A status response.
    """
    return Condition(tag, status, code, arguments, "text")


class Echo:
    """
    A mechanism that answers challenges with themselves.
    """

    def __init__(self, initial: bytes | None) -> None:
        self.initial = initial

    def respond(self, challenge: bytes) -> bytes:
        """
        The challenge.
        """
        return challenge + b"!"


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
        What is no base 64 is no challenge.
        """
        command = Authenticate("X", Echo(None), True)
        self.assertRaises(ProtocolViolation, command.continued, b"Something bad!")

    def test_endless(self) -> None:
        """
        A server that never has enough is not answered for ever.
        """
        command = Authenticate("X", Echo(None), True)
        for _ in range(20):
            command.continued(b"YWI=")
        self.assertRaises(ProtocolViolation, command.continued, b"YWI=")


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
