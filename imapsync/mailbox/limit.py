"""
How large a message may be, as the server says that is to take it: L{Limit}.
"""

from __future__ import annotations

from imapsync.imap.client import SyncClient
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.outcome import Outcome
from imapsync.uidset import UidSet


class Limit:
    """
    Refuses what the target would refuse.

    @param octets: so many it takes (APPENDLIMIT); C{None} if it does not say.
    @param outcome: learns of what is refused.
    """

    def __init__(self, octets: int | None, outcome: Outcome) -> None:
        self._octets = octets
        self._outcome = outcome

    def isExceeded(self, size: int) -> bool:
        """
        Whether a message is too large.
        """
        return self._octets is not None and size > self._octets

    def refuses(self, uid: int, size: int) -> bool:
        """
        Refuse a message if it is.

        @return: whether it is.
        """
        if not self.isExceeded(size):
            return False
        self._outcome.refused(
            uid, f"it has {size} octets, {self._octets} are allowed (APPENDLIMIT)"
        )
        return True

    async def among(self, source: SyncClient, uids: UidSet) -> UidSet:
        """
        Refuse those of C{uids} that are too large, without fetching them.

        @return: the others.
        """
        if self._octets is None:
            return uids
        large: list[int] = []

        def sized(rows: list[Row]) -> None:
            large.extend(r.uid for r in rows if self.refuses(r.uid, r.size or 0))

        await source.fetchRows(uids, "(RFC822.SIZE)", sized)
        return uids - UidSet.of(large)
