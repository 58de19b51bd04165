"""
A server that is far away: what takes how many round trips.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionLost

from imapsync.imap.client import SyncClient
from imapsync.model import Side
from imapsync.test.fakes.world import World
from imapsync.testing.links import Link


class FarLink(Link):
    """
    A connection over which nothing arrives before its time.

    @ivar far: whether it is one.
    @ivar due: of so many octets it is the time.
    """

    far = False
    due = 0

    @property
    def waiting(self) -> int:
        """
        How many octets are on their way.
        """
        return len(self._server.said()) if self.far and self.open else 0

    def _down(self) -> bool:
        if not self.far:
            return super()._down()
        if not self.due:
            return False
        before = self.passed["down"][-1]
        moved = super()._down()
        self.due -= self.passed["down"][-1] - before
        return moved


class FarWorld(World):
    """
    What the remote server says arrives when all that can be done meanwhile is done.

    @ivar trips: how often it had to be waited for.
    @ivar most: after so many times it is gone; C{None} if never.
    """

    link = FarLink
    trips = 0
    most: int | None = None

    def connect(self, side: Side, *arguments: Any) -> SyncClient:
        """
        A client of either server.
        """
        client = super().connect(side, *arguments)
        for link in self.links:
            if isinstance(link, FarLink):
                link.far = link.account is self.remote
        return client

    def step(self) -> bool:
        """
        Let a little of it happen.
        """
        if super().step():
            return True
        far = [
            link for link in self.links if isinstance(link, FarLink) and link.waiting
        ]
        if far and self.trips == self.most:
            for link in self.links:
                link.end(ConnectionLost())
            return True
        self.trips += bool(far)
        for link in far:
            link.due = link.waiting
        return bool(far)
