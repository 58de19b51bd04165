"""
Further connections to single servers, over which nothing is done but to hear what
happens in mailboxes: L{Listeners}.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Generic, Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred, succeed

from imapsync.errors import ImapSyncError
from imapsync.gather import Result, together
from imapsync.imap.client import SyncClient
from imapsync.log import Log
from imapsync.model import Side

#: A server that has ended so many of them wants fewer.
_LOSSES = 3

T = TypeVar("T")


class Line(Protocol):
    """
    L{Bridge<imapsync.run.bridge.Bridge>}, over which one server is reached.
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

    def closed(self) -> Deferred[None]:
        """
        Wait until it is.
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
        self._coming: list[L] = []
        self._going: list[L] = []
        self._connecting: dict[Side, Result[None]] = {}
        self._underway: set[Deferred[None]] = set()

    @property
    def lines(self) -> Iterator[L]:
        """
        All that are not closed.
        """
        for some in self._open.values():
            yield from some
        yield from self._coming
        yield from self._going

    def clients(self, side: Side) -> list[SyncClient]:
        """
        Those that are connected to one server.
        """
        return [line.clients[side] for line in self._open[side]]

    def connect(self, side: Side) -> Deferred[None]:
        """
        Connect as many as there may be; fewer, if the server lets in no more.

        @return: who no longer waits for it does not hinder it.
        """
        if side not in self._connecting:
            self._connecting[side] = Result()
            connecting = Deferred.fromCoroutine(self._connect(side))
            self._underway.add(connecting)
            connecting.addBoth(self._connected, side, connecting)
        result = self._connecting.get(side)
        return succeed(None) if result is None else result.wait()

    async def _connect(self, side: Side) -> None:
        while len(self._open[side]) < self._most[side]:
            line = self._make(side)
            if line is None:
                return
            self._coming.append(line)
            try:
                await line.connect([side])
            except (CancelledError, ImapSyncError) as error:
                line.abort("given up")
                if isinstance(error, ImapSyncError):
                    self._refused(side, error)
                self._going.append(line)
                line.closed().addCallback(self._closed, line)
                return
            finally:
                self._coming.remove(line)
            self._open[side].append(line)
            line.whenLost(partial(self._lost, line, side))

    def _connected(self, result: T, side: Side, connecting: Deferred[None]) -> T:
        self._underway.discard(connecting)
        self._connecting.pop(side).tell(None)
        return result

    def _giveUp(self) -> None:
        """
        Make no more: one that is not ready yet has nobody else to close it.
        """
        for connecting in [*self._underway]:
            connecting.cancel()

    def _refused(self, side: Side, error: ImapSyncError) -> None:
        self._most[side] = len(self._open[side])
        text = "{error}; fewer mailboxes are attended to at once."
        self.log.info(text, error=error)

    def _lost(self, line: L, side: Side, error: ImapSyncError) -> None:
        self._open[side].remove(line)
        self.spent += line.octets
        self._losses[side] += 1
        if self._losses[side] >= _LOSSES:
            self._refused(side, error)

    async def leave(self) -> None:
        """
        LOGOUT on all; more can be made later.
        """
        self._giveUp()
        waiting = [line.closed() for line in self._going]
        leaving = [line for some in self._open.values() for line in some]
        for some in self._open.values():
            some.clear()
        self._going += leaving
        waiting += [Deferred.fromCoroutine(self._left(line)) for line in leaving]
        await together(waiting)

    async def _left(self, line: L) -> None:
        try:
            await line.leave()
        finally:
            self._closed(None, line)

    def abort(self, reason: str) -> None:
        """
        Close all at once.
        """
        self._giveUp()
        for line in [*self.lines]:
            line.abort(reason)

    def _closed(self, _: None, line: L) -> None:
        self._going.remove(line)
        self.spent += line.octets
