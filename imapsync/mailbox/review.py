"""
Looking at what was copied without waiting for it: L{Review}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from imapsync.imap.commands.mailbox import Selected
from imapsync.mailbox.changes import Reading
from imapsync.model import Mark
from imapsync.uidset import UidSet


class Review:
    """
    One side that is selected once more, behind all that was sent to it.

    @param since: its mark when it was selected before.
    @param reading: hears what has changed since.
    @ivar done: fires when it is, or cannot be.
    """

    def __init__(
        self, since: Mark, reading: Reading, selecting: Deferred[Selected]
    ) -> None:
        self._since = since
        self._reading = reading
        # What failed is tried again when it is needed, and fails again.
        self.done: Deferred[Selected | None] = selecting.addErrback(lambda _: None)

    async def mark(self, copies: UidSet) -> Mark | None:
        """
        Wait until it is.

        @param copies: those that were made here.
        @return: its mark, if nothing more is to be done before that: the server shows
            all copies, as they were made, and tells of nothing else.
        """
        selected = await self.done
        reading, since = self._reading, self._since
        if selected is None or selected.partial or reading.partial:
            return None
        mark = selected.mark
        same = mark.uidvalidity == since.uidvalidity and mark.uidnext >= since.uidnext
        told = since.modseq <= mark.modseq <= max(reading.told, since.modseq)
        if not (same and told) or copies - reading.shownAtAll or reading.take():
            return None
        return mark
