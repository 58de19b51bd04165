"""
The messages that are sent next, which somebody is to know before they are: L{Queue}.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from imapsync.uidset import UidSet, UidSetBuilder

#: So many messages at a time are said to be next: to say it costs a little, and what
#: was said of more than were sent is in doubt if the process is killed.
NEXT = 200


class Queue:
    """
    Says in time which messages are next.

    @param begins: is told.
    @ivar messages: how many were sent so far; those that are sent again, too.
    @ivar octets: of all of them.
    """

    def __init__(self, begins: Callable[[UidSet], None]) -> None:
        self._begins = begins
        self._waiting: deque[UidSet] = deque()
        self._begun = UidSet()
        self._last = 0  # of those that were said to be next
        self._sent = UidSetBuilder()
        self.messages = 0
        self.octets = 0

    def extend(self, uids: UidSet) -> None:
        """
        These are to be sent, mostly in this order.
        """
        self._waiting.extend(uids.split(NEXT))

    def sends(self, uids: UidSet, octets: int) -> None:
        """
        The first octet of these is about to go.

        @param octets: so many they have.
        """
        self.messages += len(uids)
        self.octets += octets
        while uids.ranges[-1][1] > self._last and self._waiting:
            some = self._waiting.popleft()
            self._begins(some)
            self._begun |= some
            self._last = some.ranges[-1][1]
        self._sent.update(uids)

    @property
    def unsent(self) -> UidSet:
        """
        The messages that were said to be next, and were not sent.
        """
        return self._begun - self._sent.build()
