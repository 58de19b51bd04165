"""
Tests for L{imapsync.mailbox.quotas}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import MailboxError
from imapsync.mailbox.quotas import Quotas
from imapsync.model import Side

HERE, THERE = Side


class QuotasTests(SynchronousTestCase):
    """
    Refusals, one after the other.
    """

    def setUp(self) -> None:
        """
        Have none yet.
        """
        self.quotas = Quotas()

    def refuse(self, mailbox: int, times: int = 1) -> None:
        """
        So many in one mailbox.
        """
        for _ in range(times):
            self.quotas.refused(HERE, mailbox, f"no room in {mailbox}")

    def full(self, *mailboxes: int) -> list[int]:
        """
        Those of some that are full.
        """
        return [one for one in mailboxes if self.quotas.isFull(HERE, one)]

    def test_mailbox(self) -> None:
        """
        A mailbox is full after some refusals in a row; another one, and the other
        side, need not be.
        """
        self.refuse(1, 2)
        self.quotas.took(HERE, 1)
        self.refuse(1, 2)
        self.assertEqual([], self.full(1, 2))
        self.refuse(1)
        self.assertEqual([1], self.full(1, 2))
        self.assertFalse(self.quotas.isFull(THERE, 1))

    def test_another(self) -> None:
        """
        If one is full, one refusal is enough for the next.
        """
        self.assertEqual(3, self.quotas.enough(HERE))
        self.refuse(1, 3)
        self.assertEqual([1, 3], [self.quotas.enough(side) for side in Side])
        self.refuse(2)
        self.assertEqual([1, 2], self.full(1, 2, 3))

    def test_account(self) -> None:
        """
        After three of them the account is full, and nothing more is tried.
        """
        self.refuse(1, 3)
        self.refuse(2)
        self.refuse(3)
        self.assertEqual([4], self.full(4))

    def test_roots(self) -> None:
        """
        Unless there was room in one between them: it has a quota of its own.
        """
        self.refuse(1, 3)
        self.refuse(2)
        self.quotas.took(HERE, 5)
        self.refuse(3)
        self.assertEqual([1, 2, 3], self.full(1, 2, 3, 4, 5))

    def test_check(self) -> None:
        """
        What there is to say of it has the last reason.
        """
        self.quotas.check(HERE, 1)
        self.refuse(1, 3)
        self.refuse(2)
        self.refuse(3)
        for mailbox, last in (1, 1), (2, 2), (4, 3):
            with self.assertRaises(MailboxError) as caught:
                self.quotas.check(HERE, mailbox)
            self.assertIn(f"no room in {last}", str(caught.exception))
            self.assertEqual("OVERQUOTA", caught.exception.responseCode)
            self.assertIs(HERE, caught.exception.side)

    def test_freed(self) -> None:
        """
        When something was removed from a side, there may be room again.
        """
        self.refuse(1, 3)
        self.assertTrue(self.quotas.isTight(HERE))
        self.quotas.freed(THERE)
        self.assertEqual([1], self.full(1))
        self.quotas.freed(HERE)
        self.assertEqual([], self.full(1))
        self.assertFalse(self.quotas.isTight(HERE))
        self.refuse(1, 2)
        self.assertEqual([], self.full(1))
        self.quotas.forget()
        self.refuse(1)
        self.assertEqual([], self.full(1))
