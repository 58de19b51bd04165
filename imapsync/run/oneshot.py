"""
One run: sync until both sides are equal, and begin again when a connection is
lost, as long as that gets anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.task import deferLater

import imapsync
from imapsync.accounts.session import Session
from imapsync.errors import Denied, Expired, ImapSyncError, Later, Lost, Refused
from imapsync.imap.backoff import PASSING, distance
from imapsync.mailbox.context import Clients, Records
from imapsync.mailbox.notes import Notes
from imapsync.mailbox.report import Report
from imapsync.mailbox.summary import spent
from imapsync.mailbox.suspects import Suspects
from imapsync.model import Name, Side, Trouble
from imapsync.plan.brake import Brake
from imapsync.plan.growth import Growth
from imapsync.plan.unchanged import Told, fingerprint, isComparable, isTelling
from imapsync.run.connections import SETTLING, Connections
from imapsync.run.job import Job
from imapsync.run.retrying import Renewals, patience
from imapsync.run.status import Standing, SyncState, refusals
from imapsync.run.table import table
from imapsync.run.telling import Telling
from imapsync.state.interface import State

if TYPE_CHECKING:
    from imapsync.accounts.repair import Repair
    from imapsync.run.verification import Verifier

#: Pauses before the attempts after the first, in seconds.
_PAUSES = (1.0, 2.0)

#: So often is tried again what a server says is its own fault (SERVERBUG): that is
#: seldom mended soon.
_BUGS = 3


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
        self._patience = patience(job, standing, job.request.patience)
        self._connections = Connections(job, self._admitted)
        self._delays = 0  # in a row
        self._returns: Counter[Name] = Counter()
        self._freed: set[Name] = set()
        self._renewals = Renewals(job.reactor)
        self._octets = 0
        self._looked: Mapping[Side, Told] = {}
        self._verifier: Verifier | None = None
        self._repair: Repair | None = None
        self._telling = Telling(job)
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
            self._telling.tabulate()
            if self._report.changes:
                self._summarise()
            raise
        self._telling.tabulate()
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
        self._telling.forget()
        if self._verifier is not None:
            self._verifier.close()
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
        told |= {"dryRun": job.request.dryRun, **document.account(self._report)}
        if self._repair is not None:
            found = {kind.word: n for kind, n in self._repair.found.items()}
            return {**told, "anomalies": iter(self._telling), "found": found}
        return {**told, "planned": iter(self._telling)}

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
            learned, began = self._suspects.lessons, self._job.reactor.seconds()
            try:
                await self._attempt(records, task)
                self._keepLook()
                return
            except Lost as error:
                learned = self._suspects.lessons - learned
                if self._progress > before or learned:
                    pauses, self._delays = iter(_PAUSES), 0
                if self._stopped:
                    raise
                copying = self._suspects.breaks > broken
                if isinstance(error, Expired) and self._renewals.may(began, copying):
                    await self._renewals.settled()
                    continue
                await self._backOff(error, pauses, SETTLING if copying else 0.0)

    async def _backOff(
        self, error: Lost, pauses: Iterator[float], least: float
    ) -> None:
        """
        Wait before the next attempt.

        @param least: for so long at least.
        @raise Lost: there is to be none.
        """
        pause: float | None
        if isinstance(error, Later):
            pause = max(distance(self._delays, error.seconds), least)
            self._delays += 1
            if not self._patience.wait(str(error), pause):
                raise error
            self._standing.moved(SyncState.BACKING_OFF)
        else:
            pause = next(pauses, None)
            if pause is None:
                raise error
            pause = max(pause, least)
            self._standing.failed(str(error))
            self._standing.moved(SyncState.BACKING_OFF)
            self._job.log.warn(
                "{error}; trying again in {pause:.0f} s.", error=error, pause=pause
            )
        self._job.share.give()
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

            self._verifier = Verifier(
                self._job, request.verify, self._suspects, self._report.course
            )
            return self._verifier
        if request.repair:
            from imapsync.accounts.repair import Repair

            self._repair = Repair(
                *(config, request, self._state, records),
                *(self._telling.counted, self._telling.found),
            )
            return self._repair
        if request.interimap:
            from imapsync.accounts.takeover import Import

            return Import(
                *(request.interimap, config, request, self._state, records),
                self._telling.planned,
            )
        if request.admin:
            from imapsync.accounts.admin import taskFor

            return taskFor(request.admin, config, self._state, self._report)
        return None

    async def _attempt(self, records: Records, task: Task | None) -> None:
        job = self._job
        connections = self._connections = Connections(
            job, self._admitted, self._patience, self._state
        )
        self._standing.counts(self._report, connections)
        self._standing.moved(SyncState.CONNECTING)
        await job.share.begin()
        try:
            await self._connect(task.sides if task else tuple(Side))
            await job.share.work()
            self._standing.moved(SyncState.SYNCING)
            if task:
                await task.run(connections.clients)
            else:
                await self._sync(records)
            await connections.leave()
        except Refused as error:
            if error.responseCode in PASSING:
                raise Later(str(error)) from error
            raise
        finally:
            self._octets += connections.octets
            connections.abort("given up")

    async def _sync(self, records: Records) -> None:
        """
        Make both sides equal; what a server does not let be done now, it may later.
        """
        job, connections = self._job, self._connections
        self._telling.forget()  # what an attempt before was to do
        again: Collection[Name] = ()
        while True:
            session = Session(
                job.config,
                job.request,
                connections.clients,
                self._state,
                records,
                self._telling.planned,
                reserve=connections,
            )
            await session.run()
            if job.request.dryRun:
                return
            self._looked = {}
            if isComparable(job.config, job.request):
                with suppress(Lost):  # all is done
                    self._looked = await session.settledLook()
            self.measure()
            troubled = {trouble.mailbox for trouble in self._report.troubles}
            self._standing.synced(self._began, troubled)
            for name in sorted({*again} - troubled):
                job.log.info("{name}: synced again.", name=name)
            again = await self._comeBack()
            if not again:
                return
            connections.release()
            self._report.retract(again)

    async def _comeBack(self) -> Collection[Name]:
        """
        Wait, if that may be of use.

        @return: the mailboxes to be tried once more.
        """
        troubles = [one for one in self._report.troubles if not one.uids]
        tight = self._suspects.quotas.isTight
        freed = {
            one.mailbox
            for one in troubles
            if one.code == "OVERQUOTA" and one.side and not tight(one.side)
        } - self._freed
        self._freed |= freed
        busy = [one for one in troubles if self._mayPass(one)]
        if busy and not freed:
            pause = distance(max(self._returns[one.mailbox] for one in busy))
            first, *_ = busy
            if not self._patience.wait(f"{first.mailbox}: {first}", pause):
                return freed
            self._job.share.give()
            await deferLater(self._job.reactor, pause)
            await self._job.share.work()
        names = {one.mailbox for one in busy}
        self._returns.update(names)
        return names | freed

    def _keepLook(self) -> None:
        """
        Where all went well, note what the servers told last: as long as they tell the
        same, there is nothing to do, nor to tell.
        """
        config, told = self._job.config, self._looked
        odd = self._report.known or self._report.unsound or self._suspects.lessons
        if odd or len(told) < len(Side) or not all(map(isTelling, told.values())):
            return
        with self._state.transaction():
            seen = fingerprint(config, imapsync.__version__, told)
            self._state.noteCleanLook(seen)

    def _mayPass(self, trouble: Trouble) -> bool:
        """
        Whether a mailbox can perhaps be synced later in this run.
        """
        bug = trouble.code == "SERVERBUG"
        often = bug and self._returns[trouble.mailbox] >= _BUGS
        return trouble.code in PASSING and not often

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
        request = self._job.request
        for name in sorted({trouble.mailbox for trouble in report.troubles}):
            done = "done" if request.admin or request.interimap else "synced"
            log.warn("{name}: not fully {done}, see above.", name=name, done=done)
        if self._job.verbose and not request.dryRun:
            syncs = not (request.admin or request.interimap)
            totals = syncs and self._verifier is None
            if not (totals and self._job.show(table(report))):
                for text in report.lines(totals):
                    log.info("{line}", line=text)
            log.info("{line}", line=spent(self._octets, seconds))
