"""
Selecting a mailbox ahead of time, for the look that comes next.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from imapsync.gather import together
from imapsync.imap.commands.mailbox import Selected
from imapsync.mailbox.changes import Reading
from imapsync.model import Mark, Side


class _Opening:
    """
    One side that is being selected.

    @param mark: since when it is asked what changed.
    @ivar reading: hears it.
    @ivar selected: once it is.
    @ivar done: fires when it is, or cannot be.
    """

    def __init__(
        self, mark: Mark, reading: Reading, selecting: Deferred[Selected]
    ) -> None:
        self._mark = mark
        self.reading = reading
        self.selected: Selected | None = None
        # What failed is tried again when it is needed, and fails again.
        self.done = selecting.addCallbacks(self._opened, lambda _: None)

    def _opened(self, selected: Selected) -> None:
        self.selected = selected

    def serves(self, mark: Mark | None) -> bool:
        """
        Whether to select it now, since C{mark}, would tell no more.
        """
        return self._mark == mark and not self.reading.early


class Ahead:
    """
    The sides of a mailbox that are selected ahead, or are about to be.
    """

    def __init__(self) -> None:
        self._sides: dict[Side, _Opening] = {}

    def begin(
        self, side: Side, mark: Mark, reading: Reading, selecting: Deferred[Selected]
    ) -> None:
        """
        One is being selected.

        @param mark: since when C{reading} hears what changed.
        """
        self._sides[side] = _Opening(mark, reading, selecting)

    async def settled(self) -> None:
        """
        Wait until all are selected, or cannot be.
        """
        await together([opening.done for opening in self._sides.values()])

    async def withdrawn(self) -> frozenset[Side]:
        """
        Wait likewise, and make nothing of it.

        @return: which they were.
        """
        await self.settled()
        sides = frozenset(self._sides)
        self._sides.clear()
        return sides

    async def taken(
        self, side: Side, mark: Mark | None
    ) -> tuple[Reading, Selected] | None:
        """
        What was heard of one since C{mark}, if that can be used.
        """
        opening = self._sides.pop(side, None)
        if opening is None:
            return None
        await opening.done
        if opening.selected is None or not opening.serves(mark):
            return None
        return opening.reading, opening.selected
