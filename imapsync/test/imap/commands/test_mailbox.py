"""
Tests for L{imapsync.imap.commands.mailbox}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Garbled, ProtocolViolation, Refused
from imapsync.imap.commands.mailbox import Heard, Select, Selected
from imapsync.imap.wire.responses import Condition, Exists, Row
from imapsync.model import Mark
from imapsync.test.fakes.talking import Listener, Talk, answered
from imapsync.uidset import UidSet

ABLE = b"* PREAUTH [CAPABILITY IMAP4rev1 UNSELECT] ready"
POOR = b"* PREAUTH [CAPABILITY IMAP4rev1] ready"


def condition(
    status: str = "OK", code: str = "", arguments: bytes = b"", tag: str = "*"
) -> Condition:
    """
    A status response.
    """
    return Condition(tag, status, code, arguments, "text")


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
        done = answered(command, condition("OK", code))
        return self.successResultOf(done)

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
        done = answered(command, condition())
        self.assertEqual(5, self.successResultOf(done).exists)

    def test_unfit(self) -> None:
        """
        A mailbox may lack what is needed to keep it in step.
        """
        selected = self.select(("UIDNOTSTICKY", b""), ("NOMODSEQ", b""))
        self.assertEqual((False, 0), (selected.persistent, selected.mark.modseq))

    def test_tracked(self) -> None:
        """
        A mailbox has mod-sequences if it has come to one; it may have none yet while
        it is empty.
        """
        zero, some = ("HIGHESTMODSEQ", b"0"), ("HIGHESTMODSEQ", b"7")
        self.assertTrue(self.select(some).tracked)
        self.assertTrue(self.select(zero).tracked)
        self.assertFalse(self.select().tracked)
        self.assertFalse(self.select(("NOMODSEQ", b"")).tracked)
        command = Select("a", None, Listener(), True)
        command.claim(Exists(1))
        command.claim(condition("OK", *zero))
        done = answered(command, condition())
        self.assertFalse(self.successResultOf(done).tracked)

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
        odd = self.select(("PERMANENTFLAGS", b"(a]b \\*)"))
        self.assertTrue(odd.keeps("other"))
        # That is none that could be sent (RFC 9051, 9).
        self.assertFalse(odd.keeps("a]b"))
        none = self.select(("PERMANENTFLAGS", b"()"))
        self.assertFalse(none.keeps("\\Seen"))

    def test_bounds(self) -> None:
        """
        Numbers are bounded: else it is unknown where the mailbox is.
        """
        for code in ("UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ"):
            for number in (b"", b"x", b"9" * 30):
                command = Select("a", None, Listener(), True)
                self.assertTrue(command.claim(condition("OK", code, number)))
                done = answered(command, condition())
                self.failureResultOf(done, Garbled)

    def test_garbled(self) -> None:
        """
        What was told of the mailbox before costs this one nothing.
        """
        command = Select("a", None, Listener(), True)
        command.garbled = "x"
        command.closed()
        done = answered(command, condition())
        self.successResultOf(done)

    def test_others(self) -> None:
        """
        Other codes, and those of a BAD, are somebody else's.
        """
        command = Select("a", None, Listener(), True)
        self.assertFalse(command.claim(condition("OK", "UNSEEN", b"1")))
        self.assertFalse(command.claim(condition("BAD", "UIDVALIDITY", b"1")))


class HeardTests(SynchronousTestCase):
    """
    Who hears flags only.
    """

    def test_flags(self) -> None:
        """
        Those of the messages that it is for, as they were told last.
        """
        heard = Heard(UidSet.of([3, 5]))
        heard.rowsReceived([Row(uid, frozenset("a")) for uid in range(1, 100)])
        heard.rowsReceived([Row(3, frozenset("b")), Row(5)])
        self.assertEqual({3: {"b"}, 5: {"a"}}, heard.flags)

    def test_nothing(self) -> None:
        """
        Without any, it hears nothing.
        """
        heard = Heard()
        heard.rowsReceived([Row(1, frozenset("a"))])
        self.assertEqual({}, heard.flags)


class UnselectTests(SynchronousTestCase):
    """
    Leaving a mailbox.
    """

    def leaves(self, server: Talk, *answers: tuple[bytes, bytes]) -> None:
        """
        A client leaves its mailbox with these commands, which are answered
        so.
        """
        done = server.client.unselect()
        for command, answer in answers:
            tag, _, said = server.heard().strip().partition(b" ")
            self.assertEqual(command, said)
            self.assertNoResult(done)
            server.say(tag + b" " + answer)
        self.successResultOf(done)
        self.assertEqual(b"", server.heard())

    def test_unselect(self) -> None:
        """
        UNSELECT, after which nobody listens; where nothing is selected,
        nothing is done.
        """
        server = Talk(ABLE)
        listener = server.open()
        self.leaves(server, (b"UNSELECT", b"OK x"))
        server.say(b"* VANISHED 3", b"* 2 FETCH (UID 2 FLAGS ())")
        self.assertEqual([], listener.told)
        self.leaves(server)
        server.open()  # which needs no CLOSED now
        done = server.client.open("b", None, Listener(), True)
        server.say(b"0004 OK x")
        self.failureResultOf(done, ProtocolViolation)

    def test_refused(self) -> None:
        """
        If it is refused, the mailbox is still selected.
        """
        server = Talk(ABLE)
        listener = server.open()
        done = server.client.unselect()
        server.say(b"0002 BAD x", b"* 3 EXISTS")
        self.failureResultOf(done, Refused)
        self.assertEqual(["3 exist"], listener.told)

    def test_writable(self) -> None:
        """
        Without UNSELECT, CLOSE would expunge what is marked C{\\Deleted}: so
        the mailbox is made read-only first.
        """
        server = Talk(POOR)
        listener = server.open("a b")
        self.leaves(
            server, (b'EXAMINE "a b"', b"OK [READ-ONLY] x"), (b"CLOSE", b"OK x")
        )
        server.say(b"* VANISHED 3")
        self.assertEqual([], listener.told)

    def test_readOnly(self) -> None:
        """
        What was only examined can be closed.
        """
        server = Talk(POOR)
        server.client.open("a", None, Listener(), False)
        server.say(b"0001 OK [READ-ONLY] x")
        server.heard()
        self.leaves(server, (b"CLOSE", b"OK x"))

    def test_gone(self) -> None:
        """
        A mailbox that is not there any more needs no closing.
        """
        server = Talk(POOR)
        server.open("a")
        self.leaves(server, (b'EXAMINE "a"', b"NO [NONEXISTENT] x"))
        self.leaves(server)
