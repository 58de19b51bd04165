"""
Tests for L{imapsync.mailbox.ahead}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Refused
from imapsync.imap.commands.base import Selected
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.ahead import Opening
from imapsync.mailbox.changes import Reading
from imapsync.model import Mark, Side
from imapsync.test.fakes.world import QuickState
from imapsync.testing.accounts import SEEN

MARK = Mark(1, 2, 3)


class OpeningTests(SynchronousTestCase):
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
        self.reading = Reading(
            *(state, mailbox, Side.LOCAL, MARK, False), ready=lambda: False
        )
        self.selecting: Deferred[Selected] = Deferred()
        self.opening = Opening(MARK, self.reading, self.selecting)

    def test_selected(self) -> None:
        """
        It serves for a look that begins at the same mark, once it is selected.
        """
        self.assertNoResult(self.opening.done)
        self.selecting.callback(Selected("INBOX"))
        self.successResultOf(self.opening.done)
        self.assertEqual(Selected("INBOX"), self.opening.selected)
        self.assertTrue(self.opening.serves(MARK))
        for other in (Mark(1, 2, 4), None):
            self.assertFalse(self.opening.serves(other))

    def test_early(self) -> None:
        """
        What was told of messages too soon does not serve.
        """
        self.reading.rowsReceived([Row(1, SEEN)])
        self.assertFalse(self.opening.serves(MARK))

    def test_refused(self) -> None:
        """
        It may come to nothing.
        """
        self.selecting.errback(Refused("SELECT", "NO", "", "no"))
        self.successResultOf(self.opening.done)
        self.assertIsNone(self.opening.selected)
