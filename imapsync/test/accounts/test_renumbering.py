"""
Tests for L{imapsync.accounts.renumbering}; a real Courier is renamed in
L{imapsync.test.integration.test_courier}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts.renumbering import Portrait, renewed
from imapsync.model import Known, Mark, Side

LOCAL, REMOTE = Side

WAS = Portrait(uidvalidity=7, uidnext=10, messages=3, likeness=12345)


class RenewedTests(SynchronousTestCase):
    """
    Tests for L{renewed}.
    """

    def test_same(self) -> None:
        """
        The mark stays where it was, with the new UIDVALIDITY, if all else is as it was;
        and if it was the mailbox that was known.
        """
        mark = Mark(7, 9, 0)
        for now, known, expected in (
            (WAS._replace(uidvalidity=8), mark, [(1, Mark(8, 9, 0))]),
            (WAS, mark, [(1, mark)]),
            (WAS._replace(uidvalidity=8), mark._replace(uidvalidity=6), []),
            (WAS._replace(uidvalidity=8, uidnext=11), mark, []),
            (WAS._replace(uidvalidity=8, messages=2), mark, []),
            (WAS._replace(uidvalidity=8, likeness=1), mark, []),
            (None, mark, []),
        ):
            one = Known(1, "Work", {LOCAL: known}, {}, True, 3, False)
            after = {} if now is None else {1: now}
            self.assertEqual(expected, [*renewed(LOCAL, [one], {1: WAS}, after)])
            self.assertEqual([], [*renewed(REMOTE, [one], {1: WAS}, after)])
