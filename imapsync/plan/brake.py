"""
The mass-deletion brake: an emptied server or a wrong mount must not empty the
other side too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from imapsync.errors import MassDeletion
from imapsync.model import Side

#: Accounts with fewer known messages have no brake.
LEAST = 100


class Brake:
    """
    Counts what one run removes.

    @param known: how many messages were known when the run began.
    @param lifted: whether the user allowed any number.
    """

    def __init__(self, known: int, lifted: bool) -> None:
        self._known = known
        self._lifted = lifted or known < LEAST
        self._removed: Counter[Side] = Counter()
        self._due: Counter[Side] = Counter()

    def trips(self, counts: Mapping[Side, int]) -> bool:
        """
        Whether so many more removals would be too many for a side.
        """
        return any(self._excessive(side, count) for side, count in counts.items())

    def check(self, counts: Mapping[Side, int]) -> None:
        """
        So many messages are about to be removed.

        @raise MassDeletion: they must not be.
        """
        for side, count in counts.items():
            if self._excessive(side, count):
                self._refuse(side, count)

    @contextmanager
    def due(self, counts: Mapping[Side, int]) -> Iterator[Counter[Side]]:
        """
        While so many messages are being removed, others that are about to be
        come on top of them.

        @return: what to count those in that were removed.
        @raise MassDeletion: as L{check}.
        """
        self.check(counts)
        self._due.update(counts)
        removed: Counter[Side] = Counter()
        try:
            yield removed
        finally:
            self._due.subtract(counts)
            self._removed.update(removed)

    def removed(self, side: Side, count: int) -> None:
        """
        So many messages were removed.
        """
        self._removed[side] += count

    def forgive(self, side: Side, count: int) -> None:
        """
        So many of the messages that are to be removed from C{side} were moved:
        their like is already where they are to be.
        """
        self._removed[side] -= count

    def _excessive(self, side: Side, count: int) -> bool:
        return not self._lifted and self._sum(side, count) * 2 > self._known

    def _sum(self, side: Side, count: int) -> int:
        return self._removed[side] + self._due[side] + count

    def _refuse(self, side: Side, count: int) -> None:
        raise MassDeletion(
            f"{self._sum(side, count)} of {self._known} known messages would"
            f" be removed from {side}, which looks like an emptied server or a wrong"
            " mount; stopped before that.  If it is meant, run once with"
            " --allow-mass-delete"
        )
