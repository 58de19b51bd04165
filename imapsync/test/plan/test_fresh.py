"""
Tests for L{imapsync.plan.fresh}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Known, Listed, Mark, Name, Side, Status
from imapsync.plan.fresh import MOMENT, Fresh, fresh

LOCAL, REMOTE = Side

KNOWN = Known(1, Name("a"), {}, {}, True, 0, False)
FULL = Status(messages=2, uidnext=3, uidvalidity=7, modseq=9)
EMPTY = Status(messages=0, uidnext=1, uidvalidity=8, modseq=1)


def listed(status: Status | None) -> Listed:
    """
    A mailbox that is listed with this.
    """
    return Listed("a", "/", frozenset(), status)


class FreshTests(SynchronousTestCase):
    """
    What is relied on of a mailbox that was made on the remote side.
    """

    def judge(
        self,
        ours: Status | None = FULL,
        theirs: Status | None = EMPTY,
        known: Known = KNOWN,
        seconds: float = 0,
    ) -> Fresh | None:
        """
        Decide.
        """
        told = {LOCAL: listed(ours), REMOTE: listed(theirs)}
        return fresh(REMOTE, known, told, seconds)

    def test_empty(self) -> None:
        """
        It is empty, and of the other side's that is there which was told of.
        """
        self.assertEqual(Fresh(REMOTE, Mark(8, 1, 1), Mark(7, 3, 9)), self.judge())

    def test_filled(self) -> None:
        """
        Not if something is in it.
        """
        self.assertIsNone(self.judge(theirs=EMPTY._replace(messages=1)))

    def test_untold(self) -> None:
        """
        Nor if a server does not tell how it is.
        """
        self.assertIsNone(self.judge(theirs=None))
        self.assertIsNone(self.judge(theirs=EMPTY._replace(modseq=0)))
        self.assertIsNone(self.judge(ours=None))

    def test_unlisted(self) -> None:
        """
        Nor if one does not list it.
        """
        self.assertIsNone(fresh(REMOTE, KNOWN, {REMOTE: listed(EMPTY)}, 0))

    def test_known(self) -> None:
        """
        Nor if it was opened before.
        """
        known = KNOWN._replace(marks={REMOTE: Mark(8, 1, 0)})
        self.assertIsNone(self.judge(known=known))

    def test_longAgo(self) -> None:
        """
        Nor if that was a while ago: another program may have filled it.
        """
        self.assertIsNotNone(self.judge(seconds=MOMENT))
        self.assertIsNone(self.judge(seconds=MOMENT + 1))
