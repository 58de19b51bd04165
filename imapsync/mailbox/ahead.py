"""
Selecting a mailbox ahead of time, for the look that comes next.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from imapsync.imap.commands.mailbox import Selected
from imapsync.mailbox.changes import Reading
from imapsync.model import Mark


class Opening:
    """
    One side of a mailbox that is being selected.

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
