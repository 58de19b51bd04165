"""
Tests for L{imapsync.mailbox.ahead}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Refused
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.ahead import Ahead
from imapsync.mailbox.changes import Reading
from imapsync.model import Mark, Side
from imapsync.test.fakes.world import QuickState
from imapsync.testing.accounts import SEEN

LOCAL = Side.LOCAL
MARK = Mark(1, 2, 3)
SELECTED = Selected("INBOX")


class AheadTests(SynchronousTestCase):
    """
    A mailbox with no pairs yet, that is being selected.
    """

    def setUp(self) -> None:
        """
        Begin.
        """
        state = QuickState.open(self.mktemp())
        self.addCleanup(state.close)
        with state.transaction():
            mailbox = state.addMailbox("INBOX", True).id
        self.reading = Reading(*(state, mailbox, Side.LOCAL, MARK), ready=lambda: False)
        self.selecting: Deferred[Selected] = Deferred()
        self.ahead = Ahead()
        self.ahead.begin(LOCAL, MARK, self.reading, self.selecting)

    def taken(self, mark: Mark | None = MARK) -> tuple[Reading, Selected] | None:
        """
        What is made of it.
        """
        return self.successResultOf(
            Deferred.fromCoroutine(self.ahead.taken(LOCAL, mark))
        )

    def test_selected(self) -> None:
        """
        It serves for a look that begins at the same mark, once it is selected.
        """
        taking = Deferred.fromCoroutine(self.ahead.taken(LOCAL, MARK))
        self.assertNoResult(taking)
        self.selecting.callback(SELECTED)
        self.assertEqual((self.reading, SELECTED), self.successResultOf(taking))

    def test_once(self) -> None:
        """
        It serves once, and for that side.
        """
        self.selecting.callback(SELECTED)
        other = Deferred.fromCoroutine(self.ahead.taken(Side.REMOTE, MARK))
        self.assertIsNone(self.successResultOf(other))
        self.assertIsNotNone(self.taken())
        self.assertIsNone(self.taken())

    def test_otherMark(self) -> None:
        """
        It does not for one that begins elsewhere.
        """
        self.selecting.callback(SELECTED)
        self.assertIsNone(self.taken(Mark(1, 2, 4)))

    def test_early(self) -> None:
        """
        What was told of messages too soon does not serve.
        """
        self.reading.rowsReceived([Row(1, SEEN)])
        self.selecting.callback(SELECTED)
        self.assertIsNone(self.taken())

    def test_refused(self) -> None:
        """
        It may come to nothing.
        """
        self.selecting.errback(Refused("SELECT", "NO", "", "no"))
        self.assertIsNone(self.taken())

    def test_withdrawn(self) -> None:
        """
        It may not be wanted any more.
        """
        withdrawing = Deferred.fromCoroutine(self.ahead.withdrawn())
        self.assertNoResult(withdrawing)
        self.selecting.callback(SELECTED)
        self.assertEqual({LOCAL}, self.successResultOf(withdrawing))
        self.assertIsNone(self.taken())
