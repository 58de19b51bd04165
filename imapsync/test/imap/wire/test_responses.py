"""
Tests for L{imapsync.imap.wire.responses}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.wire.responses import StatusResponse
from imapsync.model import Status


class StatusTests(SynchronousTestCase):
    """
    STATUS.
    """

    def test_onto(self) -> None:
        """
        What a response leaves out stays as it was known.
        """
        told = StatusResponse("a", Status(0, 6), {"MESSAGES": b"0", "UIDNEXT": b"6"})
        self.assertEqual(Status(0, 6), told.onto(None))
        self.assertEqual(Status(0, 6, 3, 9), told.onto(Status(4, 5, 3, 9)))
