"""
Tests for L{imapsync.imap.commands.base}.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Garbled, ProtocolViolation, Refused
from imapsync.imap.commands.base import Command, Simple
from imapsync.imap.wire.arguments import Literal
from imapsync.imap.wire.responses import Condition
from imapsync.test.fakes.talking import answered, awaiting, failing


def condition(
    status: str = "OK", code: str = "", arguments: bytes = b"", tag: str = "*"
) -> Condition:
    """
    A status response.
    """
    return Condition(tag, status, code, arguments, "text")


class CommandTests(SynchronousTestCase):
    """
    What all commands have in common.
    """

    def test_done(self) -> None:
        """
        A command is done when the server says OK.
        """
        command = Simple("NOOP")
        done = answered(command, condition())
        self.assertEqual(condition(), self.successResultOf(done))

    def test_refused(self) -> None:
        """
        It fails with the server's reason when that says NO or BAD.
        """
        command = Simple("CREATE", b"x")
        done = answered(command, condition("NO", "CANNOT"))
        refused = self.failureResultOf(done, Refused).value
        self.assertEqual(
            ("CREATE", "NO", "CANNOT", "text"),
            (refused.command, refused.status, refused.responseCode, refused.text),
        )

    def test_sameReason(self) -> None:
        """
        When it was refused and how long that took, as Dovecot says, is no part of
        the reason.
        """
        for said, reason in (
            ("No room (0.001 + 0.000 secs).", "No room"),
            ("Oops. [2026-11-24 12:03:43] (0.001 + 0.020 + 0.003 secs).", "Oops."),
            ("See RFC 9051 (6.3.4).", "See RFC 9051 (6.3.4)."),
        ):
            command = Simple("CREATE", b"x")
            done = answered(command, condition("NO")._replace(text=said))
            refused = self.failureResultOf(done, Refused).value
            self.assertEqual(reason, refused.text)

    def test_violation(self) -> None:
        """
        A result that cannot be fails the command and the connection.
        """

        class Odd(Command[int]):
            def result(self, condition: Condition) -> int:
                raise ProtocolViolation("odd")

        command = Odd("X")
        done = awaiting(command)
        self.assertRaises(ProtocolViolation, command.finished, condition())
        self.failureResultOf(done, ProtocolViolation)

    def test_garbled(self) -> None:
        """
        An answer that makes no sense, or of which a part cannot be read, costs what
        the command was about, as a refusal does.
        """

        class Odd(Command[int]):
            def result(self, condition: Condition) -> int:
                raise ValueError("odd")

        odd, lacking = Odd("X"), Simple("X")
        lacking.garbled = "odd"
        commands: tuple[Command[Any], ...] = odd, lacking
        for command in commands:
            done = answered(command, condition())
            error = self.failureResultOf(done, Garbled).value
            self.assertEqual("X: a part of the answer cannot be read: odd", str(error))
            self.assertEqual("GARBLED", error.responseCode)
        refused = Simple("X")
        refused.garbled = "odd"
        done = answered(refused, condition("NO", "CANNOT"))
        error = self.failureResultOf(done, Refused).value
        self.assertEqual("CANNOT", error.responseCode)

    def test_fail(self) -> None:
        """
        A command fails once at the most.
        """
        command = Simple("NOOP")
        failures = failing(awaiting(command))
        for _ in range(2):
            command.fail(Refused("NOOP", "NO", "", ""))
        self.assertEqual(1, len(failures))

    def test_lineBreak(self) -> None:
        """
        No word can end a command and begin another; in a literal anything
        goes.
        """
        for word in (b"a\r\nb", b"a\n", b"\rb"):
            self.assertRaises(ValueError, Simple, "X", word)
        Simple("X", Literal(b"a\r\nb"))

    def test_continuation(self) -> None:
        """
        Most commands have nothing to answer to a challenge.
        """
        self.assertRaises(ProtocolViolation, Simple("X").continued, b"")
