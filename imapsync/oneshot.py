"""
One run: sync until both sides are equal, and begin again when a connection is
lost, as long as that gets anywhere.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imapsync.brake import Brake
from imapsync.connections import Connections, Job
from imapsync.errors import ImapSyncError, Lost
from imapsync.report import Report
from imapsync.session import Session
from imapsync.state import State

#: Pauses before the attempts after the first, in seconds.
_PAUSES = (1.0, 2.0)


class OneShot:
    """
    A run.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._report = Report()
        self._connections = Connections(job)
        self._octets = 0
        self._working: Deferred[None] | None = None
        self._stopped = False

    async def run(self, state: State) -> int:
        """
        Do it.

        @return: the exit code.
        """
        reactor = self._job.reactor
        started = reactor.seconds()
        self._working = Deferred.fromCoroutine(self._persist(state))
        try:
            await self._working
        except ImapSyncError:
            if self._report.changes:
                self._summarise(reactor.seconds() - started)
            raise
        self._summarise(reactor.seconds() - started)
        return 1 if self._report.troubles else 0

    def stop(self) -> None:
        """
        Abandon it; the next one takes it up.
        """
        self._stopped = True
        if self._working is not None:
            self._working.cancel()
        self._connections.abort("interrupted")

    def closed(self) -> Deferred[None]:
        """
        Wait until no connection is open.
        """
        return self._connections.closed()

    async def _persist(self, state: State) -> None:
        pauses = iter(_PAUSES)
        wish = self._job.wish
        brake = Brake(state.totalPairs(), wish.allowMassDelete)
        while True:
            before = self._report.changes
            try:
                await self._attempt(state, brake)
                return
            except Lost as error:
                if self._report.changes > before:
                    pauses = iter(_PAUSES)
                pause = next(pauses, None)
                if pause is None or self._stopped:
                    raise
                self._job.log.warn(
                    "{error}; trying again in {pause:.0f} s.", error=error, pause=pause
                )
                await deferLater(self._job.reactor, pause)

    async def _attempt(self, state: State, brake: Brake) -> None:
        job = self._job
        connections = self._connections = Connections(job)
        try:
            await connections.connect()
            await Session(
                job.config,
                job.wish,
                connections.clients,
                state,
                brake,
                self._report,
                job.say,
            ).run()
            await connections.leave()
        finally:
            self._octets += connections.octets
            connections.abort("given up")

    def _summarise(self, seconds: float) -> None:
        log, report = self._job.log, self._report
        for name in sorted({name for name, _ in report.troubles}):
            log.warn("{name}: not fully synced, see above.", name=name)
        if self._job.verbose and not self._job.wish.dryRun:
            for line in report.lines():
                log.info("{line}", line=line)
            log.info(
                "{octets} octets in {seconds:.1f} s.",
                octets=self._octets,
                seconds=seconds,
            )
