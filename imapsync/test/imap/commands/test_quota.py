"""
Tests for L{imapsync.imap.commands.quota}.
"""

from __future__ import annotations

from collections.abc import Mapping

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.commands.quota import MOST, QuotaCommand, SizesCommand
from imapsync.imap.wire.responses import Quota
from imapsync.test.fakes.talking import answered
from imapsync.test.imap.commands.test_account import DONE, parsed


class QuotaTests(SynchronousTestCase):
    """
    Each is written as its RFC has it, and results in what the server says.
    """

    def quotas(self, *lines: bytes) -> list[Quota]:
        """
        What GETQUOTAROOT results in.
        """
        command = QuotaCommand("INBOX")
        self.assertEqual((b'"INBOX"',), command.words)
        for line in lines:
            self.assertTrue(command.claim(parsed(line)))
        self.assertFalse(command.claim(parsed(b"* QUOTAROOT Other x")))
        return self.successResultOf(answered(command, DONE))

    def sizes(self, *lines: bytes) -> Mapping[str, int]:
        """
        What is told of sizes.
        """
        command = SizesCommand()
        self.assertEqual(b"(STATUS (SIZE))", command.words[-1])
        for line in lines:
            command.claim(parsed(line))
        return self.successResultOf(answered(command, DONE))

    def test_quota(self) -> None:
        """
        GETQUOTAROOT: only what the mailbox counts for, if the server says what that is.
        """
        mine = Quota(b"mine", {"STORAGE": (1, 2)})
        other = Quota(b"other", {})
        told = b"* QUOTA mine (STORAGE 1 2)", b"* QUOTA other ()"
        self.assertEqual([mine], self.quotas(b"* QUOTAROOT inbox mine", *told))
        self.assertEqual([mine, other], self.quotas(*told))
        self.assertEqual([], self.quotas(b"* QUOTAROOT INBOX"))

    def test_many(self) -> None:
        """
        No account counts for more than a few: what is beyond them is not kept.
        """
        limits = b" ".join(b"R%d 1 2" % number for number in range(3 * MOST))
        [one] = self.quotas(b"* QUOTA a (%b)" % limits)
        self.assertEqual(MOST, len(one.limits))
        roots = [b"* QUOTA r%d (STORAGE 1 2)" % number for number in range(3 * MOST)]
        self.assertEqual(MOST, len(self.quotas(*roots)))
        bare = [b"* QUOTA r%d ()" % number for number in range(3 * MOST)]
        self.assertEqual(MOST, len(self.quotas(*bare)))
        mine = self.quotas(b"* QUOTAROOT INBOX mine", *roots, b"* QUOTA mine (A 1 2)")
        self.assertEqual([Quota(b"mine", {"A": (1, 2)})], mine)

    def test_again(self) -> None:
        """
        What is told of a quota once more is what holds.
        """
        told = [b"* QUOTA a (STORAGE %d 200)" % used for used in range(2 * MOST)]
        last = Quota(b"a", {"STORAGE": (2 * MOST - 1, 200)})
        self.assertEqual([last], self.quotas(*told))

    def test_sizes(self) -> None:
        """
        Sizes, of all that have one.
        """
        self.assertEqual(
            {"INBOX": 0, "a b": 2**40},
            self.sizes(
                b'* LIST () "/" INBOX',
                b"* STATUS inbox (SIZE 0)",
                b'* STATUS "a b" (MESSAGES 1 SIZE 1099511627776)',
                b"* STATUS c (MESSAGES 1)",
                b"* STATUS d (SIZE x)",
            ),
        )
