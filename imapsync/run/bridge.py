"""
A connection to each server: L{Bridge}.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imapsync.errors import (
    ConfigError,
    Denied,
    Distrusted,
    ImapSyncError,
    Lost,
    MissingCapability,
)
from imapsync.gather import jointly, together
from imapsync.imap.client import SyncClient
from imapsync.imap.connect import connect
from imapsync.imap.patience import Patience
from imapsync.model import Side
from imapsync.run.budget import Budget
from imapsync.run.job import Job

#: A server that may be gone and says nothing for so many seconds is.
PROOF = 20.0


class Bridge:
    """
    A connection to each server, made and ended together.

    @param admitted: the sides that have let us in before, in the same run; more are
        added.
    @param patience: for how long servers may ask to be left alone; not at all without.
    @param budget: how much may go over them; any number without.
    @param number: which pair of connections it is, for the trace.
    @ivar clients: once L{connect} is through, both.
    @ivar met: the last on each side, whatever became of it.
    """

    def __init__(
        self,
        job: Job,
        admitted: set[Side],
        patience: Patience | None = None,
        budget: Budget | None = None,
        number: int = 1,
    ) -> None:
        self._job = job
        self._patience = patience
        self._budget = budget
        self._admitted = admitted
        self.number = number
        self.clients: dict[Side, SyncClient] = {}
        self.met: dict[Side, SyncClient] = {}
        self._begun: list[SyncClient] = []
        self._open: set[SyncClient] = set()
        self._waiting: list[Deferred[None]] = []
        self._lost: Callable[[ImapSyncError], None] | None = None
        self._hosts: list[str] = []
        self._connecting = False

    @property
    def octets(self) -> int:
        """
        How many went over them.
        """
        return sum(client.sent + client.received for client in self.clients.values())

    @property
    def sent(self) -> int:
        """
        How many we sent.
        """
        return sum(client.sent for client in self.clients.values())

    def connect(self, sides: Collection[Side] = tuple(Side)) -> Deferred[None]:
        """
        Connect to these servers at once, as soon as there is a place at each; when
        one refuses, the other need not be waited for.
        """
        return Deferred.fromCoroutine(self._connectAll(sides))

    def enterNow(self, sides: Collection[Side] = tuple(Side)) -> bool:
        """
        Have a place at each of these servers before it connects, if there is one now.
        """
        hosts = self._places(sides)
        entered = self._job.share.enterNow(hosts)
        self._hosts = hosts if entered else []
        return entered

    async def enterWith(self, side: Side, other: Bridge) -> None:
        """
        Have a place at one server, and C{other} at its one, before they connect, and a
        turn for both: one that had the first of two places would wait for the second,
        which another account may have that waits for the first.
        """
        ours, theirs = self._places([side]), self._places([side.other])
        await self._job.share.enter(ours + theirs)
        self._hosts, other._hosts = ours, theirs
        await self._job.share.work()

    def whenLost(self, lost: Callable[[ImapSyncError], None]) -> None:
        """
        Have C{lost} called when either connection ends before L{leave} or
        L{abort} was called.
        """
        self._lost = lost

    def catchUp(self) -> Deferred[list[None]]:
        """
        Send something, and wait for the answers.
        """
        return together([client.catchUp() for client in self.clients.values()])

    def prove(self) -> None:
        """
        Give up a server that is no longer there sooner than otherwise.
        """
        for client in self.clients.values():
            self._prove(client)

    async def leave(self) -> None:
        """
        LOGOUT on both sides.
        """
        self._lost = None
        for client in self._open:
            client.leave()
        await self.closed()

    def abort(self, reason: str) -> None:
        """
        Close both at once; what waits for them fails.
        """
        self._lost = None
        for client in self.clients.values():
            client.abort(Lost(f"{client.name}: {reason}"))
        self._vacate()

    def closed(self) -> Deferred[None]:
        """
        Wait until neither is open, nor one that was never ready.
        """
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        self._settle()
        return waiting

    def _places(self, sides: Collection[Side]) -> list[str]:
        """
        Which hosts these servers are.
        """
        servers = [self._job.config.servers[side] for side in sides]
        return [one.host.lower() for one in servers if one.command is None]

    async def _connectAll(self, sides: Collection[Side]) -> None:
        if not self._hosts:
            hosts = self._places(sides)
            await self._job.share.enter(hosts)
            self._hosts = hosts
        self._connecting = True
        try:
            if self.number > 1:
                await self._connectNow(sides)
            else:
                await self._job.share.work()
                with self._job.share.unlessSlow():
                    await self._connectNow(sides)
        finally:
            self._connecting = False
            self._vacate()

    async def _connectNow(self, sides: Collection[Side]) -> None:
        await jointly([Deferred.fromCoroutine(self._connect(side)) for side in sides])
        self._tie()

    def _vacate(self) -> None:
        """
        Where no connection is, no place is needed.
        """
        if not (self._connecting or self._begun):
            hosts, self._hosts = self._hosts, []
            self._job.share.leave(hosts)

    async def _connect(self, side: Side) -> None:
        job = self._job
        server = job.config.servers[side]

        def makeClient() -> SyncClient:
            trace = self._traced if job.trace else None
            where = (
                server.where if self.number == 1 else f"{server.where} #{self.number}"
            )
            client = SyncClient(job.reactor, where, trace=trace)
            client.traceSecrets = job.trace > 1
            client.log = job.log
            client.patience = self._patience
            if self._budget is not None:
                client.meter = self._budget.meter(side)
            client.restrain(server.commandsInFlight)
            client.lost.addCallback(self._ended, client)
            self._begun.append(client)
            self.met[side] = client
            return client

        if self._budget is not None:
            self._budget.check(side)
        try:
            client = await connect(job.reactor, server, makeClient, job.access[side])
        except (ConfigError, Distrusted, MissingCapability) as error:
            if side in self._admitted:
                raise Denied(error) from error
            raise
        self.clients[side] = client
        self._admitted.add(side)
        self._open.add(client)
        client.lost.addCallback(self._gone, client)

    def _prove(self, client: SyncClient) -> None:
        before = client.received

        def judge(failure: Failure) -> None:
            if not failure.check(ImapSyncError) and client.received == before:
                client.abort(Lost(f"{client.name}: gone while nothing was seen"))

        client.catchUp().addTimeout(PROOF, self._job.reactor).addErrback(judge)

    def _traced(self, line: str) -> None:
        self._job.log.debug("{line}", line=line)

    def _tie(self) -> None:
        if len(self._open) < len(self.clients):
            self._untie(Lost("the other connection was lost at once"))

    def _ended(self, _: None, client: SyncClient) -> None:
        self._begun.remove(client)
        self._vacate()
        self._settle()

    def _gone(self, _: None, client: SyncClient) -> None:
        self._open.discard(client)
        # Whatever is asked of it now fails for the same reason.
        client.catchUp().addErrback(self._tell)

    def _tell(self, failure: Failure) -> None:
        error = failure.value
        if not isinstance(error, ImapSyncError):
            error = Lost(f"the other connection failed: {error!r}")
        if len(self.clients) == len(Side):
            self._untie(error)
        lost, self._lost = self._lost, None
        if lost is not None:
            lost(error)

    def _untie(self, error: ImapSyncError) -> None:
        for other in list(self._open):
            other.abort(error)

    def _settle(self) -> None:
        # One that never had a connection loses none.
        if not any(client.connected for client in self._begun):
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                if not one.called:
                    one.callback(None)
