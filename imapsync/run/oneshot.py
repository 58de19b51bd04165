"""
One run: sync until both sides are equal, and begin again when a connection is
lost, as long as that gets anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Protocol

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.task import deferLater

from imapsync.accounts.admin import taskFor
from imapsync.accounts.session import Session
from imapsync.errors import Denied, ImapSyncError, Lost
from imapsync.mailbox.context import Clients, Records
from imapsync.mailbox.notes import Notes
from imapsync.mailbox.report import Report
from imapsync.mailbox.suspects import Suspects
from imapsync.model import Side
from imapsync.plan.brake import Brake
from imapsync.plan.growth import Growth
from imapsync.run.connections import SETTLING, Connections, Job
from imapsync.run.status import Standing, SyncState, refusals
from imapsync.state.interface import State

if TYPE_CHECKING:
    from imapsync.run.document import Lines
    from imapsync.run.verification import Verifier

#: Pauses before the attempts after the first, in seconds.
_PAUSES = (1.0, 2.0)


class Task(Protocol):
    """
    What is to be done instead of a sync, through as many attempts as it takes.
    """

    @property
    def sides(self) -> tuple[Side, ...]:
        """
        Which servers to connect to.
        """

    async def run(self, clients: Clients) -> None:
        """
        Do it, as far as it is not done.
        """


class OneShot:
    """
    A run.

    @param standing: is told how things stand.
    """

    def __init__(self, job: Job, state: State, standing: Standing) -> None:
        self._job = job
        self._state = state
        self._standing = standing
        self._began = job.reactor.seconds()
        self._report = Report()
        self._suspects = Suspects(job.reactor.seconds)
        self._admitted: set[Side] = set()
        self._connections = Connections(job, self._admitted)
        self._octets = 0
        self._verifier: Verifier | None = None
        self._planned: Lines | None = None
        self._working: Deferred[None] | None = None
        self._stopped = False

    async def run(self) -> int:
        """
        Do it.

        @return: the exit code.
        """
        self._working = Deferred.fromCoroutine(self._persist())
        try:
            await self._working
        except ImapSyncError:
            if self._report.changes:
                self._summarise()
            raise
        self._summarise()
        differs = self._verifier is not None and self._verifier.differences
        wrong = self._report.troubles or self._report.unsound or differs
        return 1 if wrong else 0

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
        Wait until no connection is open.  After that, nothing can be told any more.
        """
        for kept in (self._verifier, self._planned):
            if kept is not None:
                kept.close()
        return self._connections.closed()

    def syncNow(self) -> Deferred[None]:
        """
        It has begun already, and there is no other.
        """
        return fail(CancelledError())

    def measure(self) -> None:
        """
        Have it be known how the mailboxes are just now.
        """
        state = self._state
        self._standing.measured(state.mailboxes(), self._report, refusals(state))

    def document(self) -> Mapping[str, object]:
        """
        What it tells machines of what it did.
        """
        from imapsync.run import document

        clients = self._connections.clients
        job = self._job
        told = {
            "servers": document.servers(job.config, clients),
            "octets": self._octets,
        }
        if self._verifier is not None:
            return {**told, **self._verifier.document()}
        planned = {"dryRun": job.request.dryRun, "planned": iter(self._planned or ())}
        return {**told, **planned, **document.account(self._report)}

    async def _persist(self) -> None:
        pauses = iter(_PAUSES)
        request = self._job.request
        brake = Brake(self._state.totalPairs, request.allowMassDelete)
        acquainted = self._state.totalPairs() > 0 and not request.repair
        notes = Notes(acquainted)
        growth = Growth(self._job.reactor.seconds)
        records = Records(brake, self._report, notes, self._suspects, growth)
        task = self._task(records)
        while True:
            before, broken = self._progress, self._suspects.breaks
            learned = self._suspects.lessons
            try:
                await self._attempt(records, task)
                return
            except Lost as error:
                learned = self._suspects.lessons - learned
                if self._progress > before or learned:
                    pauses = iter(_PAUSES)
                pause = next(pauses, None)
                if pause is None or self._stopped:
                    raise
                if self._suspects.breaks > broken:
                    pause = max(pause, SETTLING)
                self._standing.failed(str(error))
                self._standing.moved(SyncState.BACKING_OFF)
                self._job.log.warn(
                    "{error}; trying again in {pause:.0f} s.", error=error, pause=pause
                )
                await deferLater(self._job.reactor, pause)

    @property
    def _progress(self) -> int:
        """
        How far it has come: it grows.
        """
        read = 0 if self._verifier is None else self._verifier.progress
        return self._report.changes + read

    def _task(self, records: Records) -> Task | None:
        request, config = self._job.request, self._job.config
        # Imported here, because few ask for it.
        if request.verify is not None:
            from imapsync.run.verification import Verifier

            self._verifier = Verifier(self._job, request.verify, self._suspects)
            return self._verifier
        if request.repair:
            from imapsync.accounts.repair import Repair

            return Repair(config, request, self._state, records, self._say)
        admin = request.admin
        return taskFor(admin, config, self._state, self._report) if admin else None

    async def _attempt(self, records: Records, task: Task | None) -> None:
        job = self._job
        connections = self._connections = Connections(job, self._admitted)
        self._standing.counts(self._report, connections)
        self._standing.moved(SyncState.CONNECTING)
        try:
            await self._connect(task.sides if task else tuple(Side))
            self._standing.moved(SyncState.SYNCING)
            if task:
                await task.run(connections.clients)
            else:
                session = Session(
                    job.config,
                    job.request,
                    connections.clients,
                    self._state,
                    records,
                    self._say,
                    reserve=connections,
                )
                await session.run()
                if not job.request.dryRun:
                    self.measure()
                    troubled = {trouble.mailbox for trouble in self._report.troubles}
                    self._standing.synced(self._began, troubled)
            await connections.leave()
        finally:
            self._octets += connections.octets
            connections.abort("given up")

    @property
    def _say(self) -> Callable[[str], None]:
        """
        What takes the lines of a dry run.
        """
        if not self._job.request.json:
            return self._job.say
        from imapsync.run.document import Lines

        self._planned = Lines()
        return self._planned.add

    async def _connect(self, sides: Collection[Side]) -> None:
        try:
            await self._connections.connect(sides)
        except Denied as error:
            if error.passing:
                raise Lost(str(error)) from error
            raise

    def _summarise(self) -> None:
        log, report = self._job.log, self._report
        if self._verifier is not None:
            self._verifier.summarise()
        seconds = self._job.reactor.seconds() - self._began
        admin = self._job.request.admin
        for name in sorted({trouble.mailbox for trouble in report.troubles}):
            done = "done" if admin else "synced"
            log.warn("{name}: not fully {done}, see above.", name=name, done=done)
        if self._job.verbose and not self._job.request.dryRun:
            totals = admin is None and self._verifier is None
            for line in report.lines(totals):
                log.info("{line}", line=line)
            log.info(
                "{octets} octets in {seconds:.1f} s.",
                octets=self._octets,
                seconds=seconds,
            )
