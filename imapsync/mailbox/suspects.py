"""
What is suspected of being in the way: L{Suspects}.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from imapsync.model import Name, Side
from imapsync.uidset import UidSet


class Suspects:
    """
    What would otherwise go wrong again and again in the same process.
    """

    def __init__(self) -> None:
        self._broken: Counter[tuple[Name, Side, int]] = Counter()
        self._unproven: Counter[Name] = Counter()
        self._misread: set[tuple[Name, Side, int]] = set()

    def brokeOver(self, name: Name, side: Side, uids: Iterable[int]) -> None:
        """
        A connection was lost, maybe over one of these messages.
        """
        self._broken.update((name, side, uid) for uid in uids)

    def misread(self, name: Name, side: Side, uids: Iterable[int]) -> None:
        """
        One of these messages may have been taken for commands.
        """
        self._misread.update((name, side, uid) for uid in uids)

    def careful(self, name: Name, side: Side) -> UidSet:
        """
        The messages that are to be sent only with the server's leave.
        """
        return UidSet.of(
            uid
            for mailbox, where, uid in self._misread
            if (mailbox, where) == (name, side)
        )

    @property
    def total(self) -> int:
        """
        How often that has happened, counted by message.
        """
        return self._broken.total()

    def alone(self, name: Name, side: Side) -> UidSet:
        """
        The messages that are to be tried by themselves.
        """
        return self._brokenOver(name, side, 1)

    def leftOut(self, name: Name, side: Side) -> UidSet:
        """
        The messages that are not to be tried.
        """
        return self._brokenOver(name, side, 2)

    def _brokenOver(self, name: Name, side: Side, atLeast: int) -> UidSet:
        return UidSet.of(
            uid
            for (mailbox, where, uid), times in self._broken.items()
            if times >= atLeast and (mailbox, where) == (name, side)
        )

    def unproven(self, name: Name, count: int) -> None:
        """
        A server took so many messages without telling their UIDs.
        """
        self._unproven[name] += count

    def recognised(self, name: Name, count: int) -> None:
        """
        So many messages were found to be equal by content.
        """
        self._unproven[name] = max(0, self._unproven[name] - count)

    def isProven(self, name: Name) -> bool:
        """
        Whether all that a server has taken so was recognised since.
        """
        return not self._unproven[name]
