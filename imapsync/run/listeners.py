"""
Further connections to single servers, over which nothing is done but to hear what
happens in mailboxes: L{Listeners}.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Generic, Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred

from imapsync.errors import ImapSyncError
from imapsync.gather import together
from imapsync.imap.client import SyncClient
from imapsync.log import Log
from imapsync.model import Side

#: A server that has ended so many of them wants fewer.
_LOSSES = 3


class Line(Protocol):
    """
    L{Bridge<imapsync.run.connections.Bridge>}, over which one server is reached.
    """

    clients: dict[Side, SyncClient]

    @property
    def octets(self) -> int:
        """
        How many went over it.
        """

    def connect(self, sides: Collection[Side], /) -> Deferred[None]:
        """
        Connect to these servers.
        """

    def whenLost(self, lost: Callable[[ImapSyncError], None], /) -> None:
        """
        Have C{lost} called when the connection ends by itself.
        """

    async def leave(self) -> None:
        """
        LOGOUT.
        """

    def abort(self, reason: str, /) -> None:
        """
        Close it at once.
        """


L = TypeVar("L", bound=Line)


class Listeners(Generic[L]):
    """
    Makes them, and keeps them until their places are needed.

    @param make: makes one, which is not connected; C{None} where there is no place.
    @param most: how many there may be to each server.
    @ivar spent: how many octets went over those that are closed.
    """

    log = Log()

    def __init__(self, make: Callable[[Side], L | None], most: int) -> None:
        self.spent = 0
        self._make = make
        self._most = dict.fromkeys(Side, most)
        self._losses = dict.fromkeys(Side, 0)
        self._open: dict[Side, list[L]] = {side: [] for side in Side}
        self._leaving: list[L] = []

    @property
    def lines(self) -> Iterator[L]:
        """
        All that are not closed.
        """
        for some in self._open.values():
            yield from some
        yield from self._leaving

    def clients(self, side: Side) -> list[SyncClient]:
        """
        Those that are connected to one server.
        """
        return [line.clients[side] for line in self._open[side]]

    async def connect(self, side: Side) -> None:
        """
        Connect as many as there may be; fewer, if the server lets in no more.
        """
        while len(self._open[side]) < self._most[side]:
            line = self._make(side)
            if line is None or not await self._connected(line, side):
                break

    async def _connected(self, line: L, side: Side) -> bool:
        self._leaving.append(line)
        try:
            await line.connect([side])
        except (CancelledError, ImapSyncError) as error:
            line.abort("given up")
            if isinstance(error, CancelledError):
                raise
            self._most[side] = len(self._open[side])
            self.log.info(
                "{error}; fewer mailboxes are attended to at once.", error=error
            )
            return False
        finally:
            self._leaving.remove(line)
        self._open[side].append(line)
        line.whenLost(lambda _: self._lost(line, side))
        return True

    def _lost(self, line: L, side: Side) -> None:
        self._open[side].remove(line)
        self.spent += line.octets
        self._losses[side] += 1
        if self._losses[side] >= _LOSSES:
            self._most[side] = min(self._most[side], len(self._open[side]))

    async def leave(self) -> None:
        """
        LOGOUT on all; more can be made later.
        """
        leaving = [line for some in self._open.values() for line in some]
        for some in self._open.values():
            some.clear()
        self._leaving += leaving
        await together([Deferred.fromCoroutine(self._left(one)) for one in leaving])

    async def _left(self, line: L) -> None:
        try:
            await line.leave()
        finally:
            self._leaving.remove(line)
            self.spent += line.octets
