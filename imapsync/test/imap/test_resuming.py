"""
Tests for L{imapsync.imap.resuming} and L{imapsync.imap.selecting}: octet by octet.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Refused
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.sight import Target
from imapsync.imap.wire.responses import Row
from imapsync.model import Mark
from imapsync.test.fakes.talking import Listener, Talk

MARK = Mark(7, 10, 20)

ANSWER = (
    b"* 9 EXISTS",
    b"* OK [UIDVALIDITY 7] x",
    b"* OK [UIDNEXT 12] x",
)


class ResumingCase(SynchronousTestCase):
    """
    A server without QRESYNC.
    """

    def begin(self, *words: bytes) -> None:
        """
        Connect.
        """
        told = b" ".join((b"IMAP4rev1", *words))
        self.server = Talk(b"* PREAUTH [CAPABILITY %s] ready" % told)
        self.client = self.server.client
        self.client.resyncs = False
        self.listener = Listener()

    def open(self, mark: Mark | None = MARK, name: str = "a") -> Deferred[Selected]:
        """
        Select a mailbox.
        """
        return self.client.open(name, mark, self.listener, True)

    def assertHeard(self, *lines: bytes) -> None:
        """
        The server got to hear this.
        """
        self.assertEqual([*lines], self.server.heard().splitlines())


class CondstoreTests(ResumingCase):
    """
    One that tells mod-sequences.
    """

    def setUp(self) -> None:
        """
        Connect.
        """
        self.begin(b"CONDSTORE", b"UNSELECT")

    def test_asked(self) -> None:
        """
        What has changed is asked right behind SELECT; a mailbox before that is left.
        """
        done = self.open()
        self.assertHeard(
            b'0001 SELECT "a" (CONDSTORE)',
            b"0002 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 20)",
        )
        self.server.say(*ANSWER, b"* OK [HIGHESTMODSEQ 25] x", b"0001 OK x")
        row = b"* 9 FETCH (UID 11 MODSEQ (25) FLAGS ())"
        self.server.say(row, b"0002 OK x")
        selected = self.successResultOf(done)
        self.assertEqual(Mark(7, 12, 25), selected.mark)
        self.assertEqual(Row(11, frozenset(), 25), self.listener.told[-1])
        self.open(name="b")
        self.assertHeard(
            b"0003 UNSELECT",
            b'0004 SELECT "b" (CONDSTORE)',
            b"0005 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 20)",
        )

    def test_noModseq(self) -> None:
        """
        A mailbox without mod-sequences takes no CHANGEDSINCE: nothing is wrong.
        """
        done = self.open()
        self.server.say(*ANSWER, b"* OK [NOMODSEQ] x", b"0001 OK x", b"0002 BAD what")
        self.assertEqual(0, self.successResultOf(done).mark.modseq)
        self.assertTrue(self.client.counts)

    def test_falls(self) -> None:
        """
        A server that takes none where there are some is asked for none any more, and
        that is said once.
        """
        done = self.open()
        modseq = b"* OK [HIGHESTMODSEQ 25] x"
        with capturedLogs() as events:
            self.server.say(*ANSWER, modseq, b"0001 OK x", b"0002 BAD what")
            self.client.fall("again")
        self.assertEqual(1, len(events))
        self.assertEqual(0, self.successResultOf(done).mark.modseq)
        self.assertFalse(self.client.counts)
        self.server.heard()
        done = self.open()
        self.assertHeard(
            b"0003 UNSELECT", b'0004 SELECT "a"', b"0005 UID FETCH 1:* (FLAGS)"
        )
        self.server.say(b"0003 OK x", *ANSWER, modseq, b"0004 OK x", b"0005 OK x")
        self.assertEqual(0, self.successResultOf(done).mark.modseq)

    def test_refused(self) -> None:
        """
        What is refused for another reason may be told another time.
        """
        done = self.open()
        self.server.say(*ANSWER, b"0001 OK x", b"0002 NO [INUSE] later")
        error = self.failureResultOf(done, Refused).value
        self.assertEqual("INUSE", error.responseCode)
        done = self.open()
        self.server.say(b"0003 OK x", b"0004 NO [NONEXISTENT] no", b"0005 BAD what")
        error = self.failureResultOf(done, Refused).value
        self.assertEqual("NONEXISTENT", error.responseCode)


class ComparingTests(ResumingCase):
    """
    One that tells none.
    """

    def test_all(self) -> None:
        """
        All flags are asked for right behind SELECT; where a mailbox is selected once
        more, those of what came since; where nothing is known, none.
        """
        self.begin(b"UNSELECT")
        self.open(None)
        self.assertHeard(b'0001 SELECT "a"')
        self.server.say(*ANSWER, b"0001 OK x")
        done = self.open()
        self.assertHeard(
            b"0002 UNSELECT", b'0003 SELECT "a"', b"0004 UID FETCH 1:* (FLAGS)"
        )
        self.server.say(b"0002 OK x", *ANSWER, b"0003 OK x", b"0004 OK x")
        self.assertTrue(self.successResultOf(done))
        self.client.reopen("a", MARK, self.listener, True)
        self.assertHeard(
            b"0005 UNSELECT", b'0006 SELECT "a"', b"0007 UID FETCH 10:* (FLAGS)"
        )

    def test_noUidnext(self) -> None:
        """
        SELECT tells no UIDNEXT: from then on it is asked ahead.
        """
        self.begin(b"UNSELECT")
        done = self.open()
        self.server.heard()
        self.server.say(*ANSWER[:2], b"0001 OK x", b"0002 OK x")
        self.assertHeard(
            b"0003 UNSELECT",
            b'0004 STATUS "a" (UIDNEXT)',
            b'0005 SELECT "a"',
            b"0006 UID FETCH 1:* (FLAGS)",
        )
        self.server.say(b"0003 OK x", b'* STATUS "a" (UIDNEXT 11)', b"0004 OK x")
        self.server.say(*ANSWER[:2], b"0005 OK x", b"0006 OK x")
        self.assertEqual(11, self.successResultOf(done).mark.uidnext)

    def test_glance(self) -> None:
        """
        Mailboxes are looked over before the first is told; each hears its own.
        """
        for word, leaving in (b"UNSELECT", b"UNSELECT"), (b"", b"NOOP"):
            self.begin(word)
            listeners = [Listener() for _ in range(2)]
            done = [
                self.client.glance(
                    self.client.sight(Target(name, None, first), listener)
                )
                for name, first, listener in zip("ab", (1, 5), listeners, strict=True)
            ]
            self.assertHeard(
                b'0001 EXAMINE "a"',
                b"0002 UID FETCH 1:* (FLAGS)",
                b"0003 " + leaving,
                b'0004 EXAMINE "b"',
                b"0005 UID FETCH 5:* (FLAGS)",
            )
            self.server.say(*ANSWER, b"0001 OK x", b"* 1 FETCH (UID 3 FLAGS ())")
            # The next one is selected all the same.
            self.server.say(b"0002 OK x", b"0003 NO x")
            self.server.say(b"* 2 EXISTS", b"0004 OK x", b"* 1 FETCH (UID 6 FLAGS ())")
            self.server.say(b"0005 OK x")
            self.assertEqual([9, 2], [self.successResultOf(d).exists for d in done])
            uids = [
                [row.uid for row in one.told if isinstance(row, Row)]
                for one in listeners
            ]
            self.assertEqual([[3], [6]], uids)

    def test_glanceRefused(self) -> None:
        """
        One that is refused costs the others nothing.
        """
        self.begin(b"UNSELECT")
        done = [self.client.glance(self.client.sight(Target(n))) for n in "ab"]
        self.server.say(b"0001 NO gone", b"0002 BAD what", b"0003 BAD what")
        self.server.say(b"* 2 EXISTS", b"0004 OK x", b"0005 OK x")
        self.failureResultOf(done[0], Refused)
        self.assertEqual(2, self.successResultOf(done[1]).exists)
