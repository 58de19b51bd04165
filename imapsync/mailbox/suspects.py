"""
What would otherwise go wrong again and again: L{Suspects}.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import NamedTuple

from imapsync.model import Name, Side
from imapsync.uidset import UidSet

#: How many seconds a message is left out after a connection was lost over it for
#: the first time, the second and so on.  The first time it was among others, any
#: of which may have been the reason: each is tried by itself.
PAUSES = (0.0, 3600.0, 86400.0)


class Place(NamedTuple):
    """
    Where UIDs belong to.

    @ivar mailbox: the database's number for it.
    """

    mailbox: int
    side: Side
    uidvalidity: int


class _Record(NamedTuple):
    """
    Of one message.

    @ivar times: how often a connection was lost over it.
    @ivar until: when it may be tried again.
    """

    times: int
    until: float


class Suspects:
    """
    Messages over which connections were lost, since some server, or something
    between, may not bear one of them; and when to try each of them again.  And
    mailboxes in which messages arrive, but cannot be told from others.

    @param now: tells the time, in seconds.
    @ivar breaks: how many connections were lost over messages.
    """

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self._now = now
        self._records: dict[Place, dict[int, _Record]] = {}
        self._unproven: Counter[Name] = Counter()
        self._asked: dict[Place, set[int]] = {}
        self.breaks = 0

    def brokeOver(self, place: Place, uids: Collection[int]) -> None:
        """
        A connection was lost while these messages were under way.
        """
        if not uids:
            return
        self.breaks += 1
        records = self._records.setdefault(place, {})
        for uid in uids:
            times = records[uid].times if uid in records else 0
            until = self._now() + PAUSES[min(times, len(PAUSES) - 1)]
            records[uid] = _Record(times + 1, until)

    def misread(self, place: Place, uids: Collection[int]) -> None:
        """
        One of these messages may have been taken for commands.
        """
        self._asked.setdefault(place, set()).update(uids)

    def careful(self, place: Place) -> UidSet:
        """
        Those that are to be sent only with the server's leave.
        """
        return UidSet.of(self._asked.get(place, ()))

    def passed(self, place: Place, uids: Collection[int]) -> None:
        """
        These got through.
        """
        records = self._records.get(place)
        if records is not None:
            for uid in uids:
                records.pop(uid, None)

    def alone(self, place: Place) -> UidSet:
        """
        Those that are to be tried now, each by itself.
        """
        now = self._now()
        records = self._records.get(place, {})
        return UidSet.of(uid for uid, one in records.items() if one.until <= now)

    def leftOut(self, place: Place) -> UidSet:
        """
        Those that are not to be tried now.
        """
        return UidSet.of(self._records.get(place, ())) - self.alone(place)

    def forgive(self) -> None:
        """
        All may be tried again at once, each by itself.
        """
        for records in self._records.values():
            for uid in records:
                records[uid] = _Record(1, self._now())

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
