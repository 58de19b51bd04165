"""
Tests for L{imapsync.imap.commands.base}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ProtocolViolation, Refused
from imapsync.imap.commands.base import (
    Authenticate,
    Command,
    Enable,
    Fetch,
    Plain,
    Select,
    Selected,
)
from imapsync.imap.wire.arguments import Literal
from imapsync.imap.wire.responses import Condition, Enabled, Exists
from imapsync.model import Mark
from imapsync.test.fakes.talking import Listener, failing


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
        command = Plain("NOOP")
        command.finished(condition())
        self.assertEqual(condition(), self.successResultOf(command.done))

    def test_refused(self) -> None:
        """
        It fails with the server's reason when that says NO or BAD.
        """
        command = Plain("CREATE", b"x")
        command.finished(condition("NO", "CANNOT"))
        refused = self.failureResultOf(command.done, Refused).value
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
            command = Plain("CREATE", b"x")
            command.finished(condition("NO")._replace(text=said))
            refused = self.failureResultOf(command.done, Refused).value
            self.assertEqual(reason, refused.text)

    def test_violation(self) -> None:
        """
        A result that cannot be read fails the command and the connection.
        """

        class Odd(Command[int]):
            def result(self, condition: Condition) -> int:
                raise ValueError("odd")

        command = Odd("X")
        self.assertRaises(ProtocolViolation, command.finished, condition())
        self.failureResultOf(command.done, ProtocolViolation)

    def test_fail(self) -> None:
        """
        A command fails once at the most.
        """
        command = Plain("NOOP")
        failures = failing(command.done)
        for _ in range(2):
            command.fail(Refused("NOOP", "NO", "", ""))
        self.assertEqual(1, len(failures))

    def test_lineBreak(self) -> None:
        """
        No word can end a command and begin another; in a literal anything
        goes.
        """
        for word in (b"a\r\nb", b"a\n", b"\rb"):
            self.assertRaises(ValueError, Plain, "X", word)
        Plain("X", Literal(b"a\r\nb"))

    def test_continuation(self) -> None:
        """
        Most commands have nothing to answer to a challenge.
        """
        self.assertRaises(ProtocolViolation, Plain("X").continued, b"")


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
        command.finished(condition())
        self.assertEqual({"QRESYNC"}, self.successResultOf(command.done))


class SelectTests(SynchronousTestCase):
    """
    SELECT and EXAMINE.
    """

    def select(self, *codes: tuple[str, bytes], code: str = "READ-WRITE") -> Selected:
        """
        What becomes of a SELECT.
        """
        command = Select("a", None, Listener(), True)
        for name, arguments in codes:
            command.claim(condition("OK", name, arguments))
        command.finished(condition("OK", code))
        return self.successResultOf(command.done)

    def test_words(self) -> None:
        """
        With a mark, it asks for what changed since.
        """
        listener = Listener()
        select = Select("a b", Mark(7, 8, 9), listener, True)
        self.assertEqual(
            ("SELECT", (b'"a b"', b"(QRESYNC (7 9))")), (select.name, select.words)
        )
        for mark in (None, Mark(7, 8, 0)):
            examine = Select("a", mark, listener, False)
            self.assertEqual(("EXAMINE", (b'"a"',)), (examine.name, examine.words))

    def test_mark(self) -> None:
        """
        Response codes tell where the mailbox is.
        """
        codes = (
            ("UIDVALIDITY", b"3"),
            ("UIDNEXT", b"4294967296"),
            ("HIGHESTMODSEQ", b"9223372036854775807"),
            ("MAILBOXID", b"(F-1)"),
        )
        selected = self.select(*codes)
        self.assertEqual(Mark(3, 2**32, 2**63 - 1), selected.mark)
        self.assertEqual("F-1", selected.identity)
        self.assertTrue(selected.persistent)
        self.assertFalse(selected.readOnly)

    def test_exists(self) -> None:
        """
        EXISTS tells how many messages there are.
        """
        command = Select("a", None, Listener(), True)
        self.assertTrue(command.claim(Exists(5)))
        command.finished(condition())
        self.assertEqual(5, self.successResultOf(command.done).exists)

    def test_unfit(self) -> None:
        """
        A mailbox may lack what is needed to keep it in step.
        """
        selected = self.select(("UIDNOTSTICKY", b""), ("NOMODSEQ", b""))
        self.assertEqual((False, 0), (selected.persistent, selected.mark.modseq))

    def test_readOnly(self) -> None:
        """
        It may be read-only though it was not asked to be.
        """
        selected = self.select(code="READ-ONLY")
        self.assertTrue(selected.readOnly)
        self.assertFalse(selected.keeps("\\Seen"))

    def test_keeps(self) -> None:
        """
        PERMANENTFLAGS tells which flags can be stored, and whether new
        keywords can.
        """
        self.assertTrue(self.select().keeps("any"))
        some = self.select(("PERMANENTFLAGS", b"(\\Seen Work)"))
        self.assertTrue(some.keeps("\\SEEN") and some.keeps("work"))
        self.assertFalse(some.keeps("\\Draft") or some.keeps("other"))
        more = self.select(("PERMANENTFLAGS", b"(\\Seen \\*)"))
        self.assertTrue(more.keeps("other"))
        self.assertFalse(more.keeps("\\Draft"))
        none = self.select(("PERMANENTFLAGS", b"()"))
        self.assertFalse(none.keeps("\\Seen"))

    def test_bounds(self) -> None:
        """
        Numbers are bounded.
        """
        for code in ("UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ"):
            for number in (b"", b"x", b"9" * 30):
                self.assertRaises(ProtocolViolation, self.select, (code, number))

    def test_others(self) -> None:
        """
        Other codes, and those of a BAD, are somebody else's.
        """
        command = Select("a", None, Listener(), True)
        self.assertFalse(command.claim(condition("OK", "UNSEEN", b"1")))
        self.assertFalse(command.claim(condition("BAD", "UIDVALIDITY", b"1")))


class FetchTests(SynchronousTestCase):
    """
    UID FETCH.
    """

    def test_wants(self) -> None:
        """
        A FETCH for something wants what it asked for, and what may be that.
        """
        fetch = Fetch("3:5,9", "(RFC822.SIZE)", rows=lambda rows: None)
        self.assertEqual(
            [0, 3, 9], [uid for uid in (0, 2, 3, 9, 10) if fetch.wants(uid)]
        )
        self.assertTrue(fetch.hears)

    def test_flags(self) -> None:
        """
        One for flags leaves the rows to the mailbox's listener.
        """
        self.assertFalse(Fetch("1:*", "(FLAGS)").hears)
