"""
Tests for L{imapsync.run.oneshot}: one run, on servers in memory.
"""

from __future__ import annotations

from imapsync.errors import MassDeletion
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import mail


class BrakeTests(ServiceCase):
    """
    What goes while it runs counts together.
    """

    def setUp(self) -> None:
        """
        Have both sides hold 120 messages.
        """
        super().setUp()
        self.world.fill(*map(mail, range(120)))
        self.serve(verbose=False)

    def expunge(self, count: int) -> None:
        """
        Remove so many of the messages that are left.
        """
        self.local.inbox.expunge(*list(self.local.inbox.messages)[:count])

    def assertBrakes(self, left: int) -> None:
        """
        It ends for that, with so many left.
        """
        outcome = self.serve(verbose=False)
        self.assertEqual(MassDeletion.code, outcome.code)
        self.assertIn(" of 120 known messages would be removed from", outcome.text)
        self.assertEqual(left, len(self.remote.inbox.messages))
        self.assertClosed()

    def test_rounds(self) -> None:
        """
        Look after look.
        """
        self.expunge(40)
        self.remote.before["EXPUNGE"] = lambda: self.expunge(30)
        self.assertBrakes(left=80)

    def test_unheard(self) -> None:
        """
        Also if a connection was lost before the answer.
        """

        def cut() -> None:
            self.expunge(25)
            self.remote.downLeft = 1

        self.expunge(40)
        self.remote.before["EXPUNGE"] = cut
        self.assertBrakes(left=80)
