"""
L{SyncService}: the public way in for other Twisted programs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from imapsync.brake import Brake
from imapsync.config import Config
from imapsync.errors import ImapSyncError, Lost
from imapsync.imap.client import SyncClient
from imapsync.imap.connect import connect
from imapsync.model import Side
from imapsync.options import Request
from imapsync.orders import Order, Task, taskFor
from imapsync.report import Report
from imapsync.session import Session, Wish
from imapsync.state import State
from imapsync.terminal import say
from imapsync.together import together

#: Pauses before the attempts after the first, in seconds.
_PAUSES = (1.0, 2.0)

_EVERYTHING = Wish()


@dataclass(frozen=True)
class Outcome:
    """
    How a run ended.

    @ivar code: the exit code that says so.
    @ivar text: what was wrong, if anything ended the run.
    """

    code: int
    text: str = ""
    failure: Failure | None = None


class SyncService(Service):
    """
    Syncs one pair of accounts once.

    @ivar finished: fires with an L{Outcome} when the run is over; never
        fails.
    @param reactor: connects, spawns processes and tells the time.
    @param say: takes the lines of a dry run.
    @param verbose: whether to log what was done, not only what went wrong.
    @param trace: how much IMAP traffic to log: none, all without
        credentials, or all.
    """

    log = Logger()

    def __init__(
        self,
        config: Config,
        reactor: Any,
        wish: Wish = _EVERYTHING,
        say: Callable[[str], None] = print,
        verbose: bool = True,
        trace: int = 0,
    ) -> None:
        self._config = config
        self._reactor = reactor
        self._wish = wish
        self._say = say
        self._verbose = verbose
        self._trace = trace
        self._clients: dict[Side, SyncClient] = {}
        self._report = Report()
        self._octets = 0
        self.finished: Deferred[Outcome] = Deferred()
        self._running: Deferred[Outcome] | None = None
        self._closed: Deferred[None] = succeed(None)
        self._leaving: list[Deferred[None]] = []

    def startService(self) -> None:
        """
        Begin the run.
        """
        Service.startService(self)
        if self.finished.called:
            self.finished = Deferred()
        self._closed = Deferred()
        self._report = Report()
        self._running = Deferred.fromCoroutine(self._outcome())
        self._running.addCallback(self.finished.callback)

    def stopService(self) -> Deferred[list[None]]:
        """
        Abandon the run, if it is still going on; the next one takes it up.

        @return: fires when all is closed.
        """
        Service.stopService(self)
        if self._running is not None:
            self._running.cancel()
        for client in self._clients.values():
            client.abort(Lost(f"{client.name}: interrupted"))
        return together([self._closed, *self._leaving])

    async def _outcome(self) -> Outcome:
        """
        Run, whatever comes of it.
        """
        try:
            return Outcome(await self._run())
        except CancelledError:
            return Outcome(Lost.code, "interrupted; the next run goes on from here")
        except ImapSyncError as error:
            return Outcome(error.code, str(error), Failure())
        except Exception as bug:  # noqa: BLE001 (the outermost loop)
            text = f"internal error: {bug!r}; --debug shows where"
            return Outcome(ImapSyncError.code, text, Failure())
        finally:
            self._closed.callback(None)

    async def _run(self) -> int:
        started = self._reactor.seconds()
        for warning in self._config.warnings:
            self.log.warn("{text}", text=warning)
        state = State.open(self._config.database, readOnly=self._wish.dryRun)
        try:
            if not self._wish.dryRun:
                state.proveWritable()
            await self._persist(state)
        except ImapSyncError:
            if self._report.changes:
                self._summarise(self._reactor.seconds() - started)
            raise
        finally:
            state.close()
        self._summarise(self._reactor.seconds() - started)
        return 1 if self._report.troubles else 0

    async def _persist(self, state: State) -> None:
        """
        Sync, and begin again when a connection is lost; as long as that gets
        anywhere.
        """
        pauses = iter(_PAUSES)
        brake = Brake(state.totalPairs(), self._wish.allowMassDelete)
        order = self._wish.order
        task = taskFor(order, self._config, state, self._report) if order else None
        while True:
            before = self._report.changes
            try:
                await self._attempt(state, brake, task)
                return
            except Lost as error:
                if self._report.changes > before:
                    pauses = iter(_PAUSES)
                pause = next(pauses, None)
                if pause is None or not self.running:
                    raise
                self.log.warn(
                    "{error}; trying again in {pause:.0f} s.", error=error, pause=pause
                )
                await deferLater(self._reactor, pause)

    async def _attempt(self, state: State, brake: Brake, task: Task | None) -> None:
        try:
            await self._connectTo(task.sides if task else tuple(Side))
            self._tie()
            if task:
                await task.run(self._clients)
            else:
                session = Session(
                    self._config,
                    self._wish,
                    self._clients,
                    state,
                    brake,
                    self._report,
                    self._say,
                )
                await session.run()
            await together(client.leave() for client in self._clients.values())
        finally:
            for client in self._clients.values():
                self._octets += client.sent + client.received
                client.abort(Lost(f"{client.name}: given up"))
            self._leaving = [client.lost for client in self._clients.values()]
            self._clients = {}

    def _connectTo(self, sides: Collection[Side]) -> Deferred[list[None]]:
        """
        Connect to these servers at once; when one refuses, the other need not
        be waited for.
        """
        connecting = [Deferred.fromCoroutine(self._connect(side)) for side in sides]

        def giveUp(failure: Failure) -> Failure:
            for one in connecting:
                one.cancel()
            return failure

        return together(one.addErrback(giveUp) for one in connecting)

    async def _connect(self, side: Side) -> None:
        server = self._config.servers[side]

        def makeClient() -> SyncClient:
            trace = self._traced if self._trace else None
            client = SyncClient(self._reactor, server.where, trace=trace)
            client.traceSecrets = self._trace > 1
            return client

        self._clients[side] = await connect(self._reactor, server, makeClient)

    def _tie(self) -> None:
        """
        One connection is of no use without the other.
        """
        for side, client in self._clients.items():
            if other := self._clients.get(side.other):
                client.lost.addCallback(self._untie, client, other)

    def _untie(self, _: None, lost: SyncClient, other: SyncClient) -> None:
        other.abort(Lost(f"{lost.name}: the connection is gone"))

    def _traced(self, line: str) -> None:
        self.log.debug("{line}", line=line)

    def _summarise(self, seconds: float) -> None:
        report = self._report
        order = self._wish.order
        for name in sorted({name for name, _ in report.troubles}):
            done = "done" if order else "synced"
            self.log.warn("{name}: not fully {done}, see above.", name=name, done=done)
        if self._verbose and not self._wish.dryRun:
            for line in report.lines(totals=order is None):
                self.log.info("{line}", line=line)
            self.log.info(
                "{octets} octets in {seconds:.1f} s.",
                octets=self._octets,
                seconds=seconds,
            )


def serviceFor(request: Request, config: Config, reactor: Any) -> SyncService:
    """
    The service that does what a command line asks for.
    """
    return SyncService(
        config,
        reactor,
        _wish(request),
        say=say,
        verbose=not request.quiet,
        trace=request.debug,
    )


def _wish(request: Request) -> Wish:
    if not (request.delete or request.rename):
        return Wish(request.mailboxes, request.dryRun, request.allowMassDelete)
    sides = frozenset(side for side in Side if side.value in request.targets)
    database = "database" in request.targets
    return Wish(order=Order(request.mailboxes, request.rename, sides, database))
