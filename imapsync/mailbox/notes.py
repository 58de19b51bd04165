"""
What the work on one mailbox has to know of the work on others, and of what came
before it in the same run: L{Notes}.
"""

from __future__ import annotations

from collections import defaultdict

from imapsync.model import Name, Side
from imapsync.plan.moves import Transfer
from imapsync.uidset import UidSet


def _none() -> defaultdict[tuple[Name, Side], UidSet]:
    return defaultdict(UidSet)


class Notes:
    """
    Of one run.  Nothing in it outlasts that; all of it may be lost.

    @param acquainted: whether any message was known when the run began.
    """

    def __init__(self, acquainted: bool) -> None:
        self.acquainted = acquainted
        self._renumbered: set[Name] = set()
        self._wondering = False
        self._asked = _none()
        self._superseded = _none()

    def wonders(self) -> bool:
        """
        A server has other messages than are known: that is its doing, or the database
        is damaged, which is looked at once.

        @return: whether that is so for the first time.
        """
        first, self._wondering = not self._wondering, True
        return first

    def pairedAnew(self, name: Name) -> bool:
        """
        All UIDs of a mailbox are new on a side, and so its messages are paired
        once more.

        @return: whether that is so for the first time.
        """
        first = name not in self._renumbered
        self._renumbered.add(name)
        return first

    def asked(self, transfer: Transfer) -> None:
        """
        A server was asked to move or copy messages by itself, which is tried once.
        """
        new = transfer.target, transfer.side.other
        self._asked[new] |= UidSet.of(transfer.twins)

    def unasked(self, name: Name, side: Side, new: UidSet) -> UidSet:
        """
        Those of the C{new} messages that no server was asked to bring across.
        """
        return new - self._asked[name, side]

    def supersede(self, name: Name, side: Side, uids: UidSet) -> None:
        """
        These were moved on the other side, and are copied where they are to be: they
        are to be expunged, not to be moved to the trash.
        """
        self._superseded[name, side] |= uids

    def superseded(self, name: Name, side: Side) -> UidSet:
        """
        The messages of a mailbox on C{side} whose copies are where they are to be, or
        come there.
        """
        return self._superseded[name, side]
