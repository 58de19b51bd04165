"""
The connections to both servers: in pairs, since none is of use without the other.
"""

from __future__ import annotations

from itertools import count

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from imapsync.gather import together
from imapsync.imap.patience import Patience
from imapsync.mailbox.context import Clients
from imapsync.model import Side
from imapsync.run.bridge import Bridge
from imapsync.run.budget import Budget
from imapsync.run.job import Job
from imapsync.run.listeners import Listeners
from imapsync.state.interface import State

#: So long, in seconds, may a server still be at what it was sent over a
#: connection that is gone.
SETTLING = 5.0


class Connections(Bridge):
    """
    A connection to each server, and further pairs of them for bulk work:
    L{imapsync.accounts.workers.Reserve}.

    @param state: knows how much may still go over them.
    @ivar listeners: has others, as long as none are needed for that.
    """

    def __init__(
        self,
        job: Job,
        admitted: set[Side],
        patience: Patience | None = None,
        state: State | None = None,
    ) -> None:
        budget = None if state is None else Budget(job.config.servers, state)
        super().__init__(job, admitted, patience, budget)
        self._working: list[Bridge] = []
        self._leaving: list[Bridge] = []
        self._spent = 0
        self.listeners = Listeners(self._listener, job.config.connections - 1)

    @property
    def octets(self) -> int:
        """
        How many went over all of them.
        """
        further = sum(bridge.octets for bridge in self._further)
        return super().octets + further + self._spent + self.listeners.spent

    @property
    def _further(self) -> list[Bridge]:
        return [*self._working, *self._leaving, *self.listeners.lines]

    def another(self) -> Deferred[Clients]:
        """
        Connect once more to both servers.

        @return: is cancelled at once where others have all the places.
        """
        return Deferred.fromCoroutine(self._another())

    async def _another(self) -> Clients:
        await self.listeners.leave()
        bridge = self._made(*Side)
        if bridge is None:  # who has some waits for no more
            raise CancelledError
        self._working.append(bridge)
        try:
            await bridge.connect()
        except BaseException:
            bridge.abort("given up")
            raise
        return bridge.clients

    def _made(self, *sides: Side) -> Bridge | None:
        """
        A further bridge, which has its places.
        """
        numbers = {bridge.number for bridge in self._further}
        number = next(n for n in count(2) if n not in numbers)
        shared = self._job, self._admitted, self._patience, self._budget
        bridge = Bridge(*shared, number)
        return bridge if bridge.enterNow(sides) else None

    def _listener(self, side: Side) -> Bridge | None:
        # Who leaves has a place until it is gone; and counted ones are for accounts.
        none = self._leaving or self._job.share.isCrowded
        return None if none else self._made(side)

    def settled(self) -> Deferred[None]:
        """
        Wait until the servers are through with what they were sent over a pair
        that is lost just now.
        """
        return deferLater(self._job.reactor, SETTLING, lambda: None)

    def release(self) -> None:
        """
        Take leave on all but the first bridge.
        """
        working, self._working = self._working, []
        self._leaving += working
        for bridge in working:
            Deferred.fromCoroutine(bridge.leave()).addBoth(self._left, bridge)

    async def leave(self) -> None:
        """
        LOGOUT on all.
        """
        self.release()
        leaving = Deferred.fromCoroutine(self.listeners.leave())
        await super().leave()
        await leaving
        if self._budget is not None:
            self._budget.keep()

    def abort(self, reason: str) -> None:
        """
        Close all at once; what waits for them fails.
        """
        super().abort(reason)
        self.listeners.abort(reason)
        for bridge in self._further:
            bridge.abort(reason)
        if self._budget is not None:
            self._budget.keep()

    def closed(self) -> Deferred[None]:
        """
        Wait until none is open, nor one that was never ready.
        """
        waiting = [super().closed(), *(bridge.closed() for bridge in self._further)]
        return together(waiting).addCallback(lambda _: None)

    def _left(self, _: object, bridge: Bridge) -> None:
        self._spent += bridge.octets
        self._leaving.remove(bridge)
