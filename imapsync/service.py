"""
The public way in for other Twisted programs: L{SyncService}, and all that it is
given or gives.  Errors are in L{imapsync.errors}, accounts in memory for tests in
L{imapsync.testing}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.logger import Logger

from imapsync.accounts.databases import withDatabase
from imapsync.config.limits import Limits
from imapsync.config.request import Depth, Request
from imapsync.config.settings import Config
from imapsync.errors import ImapSyncError, Lost, StateError
from imapsync.imap.access import ORDINARY, Access, Credentials
from imapsync.log import Log, account
from imapsync.model import Refusal, Side
from imapsync.run.connections import Job
from imapsync.run.lifecycle import Lifecycle, Outcome, failed
from imapsync.run.oneshot import OneShot
from imapsync.run.progress import Progress
from imapsync.run.sharing import Share, Shared
from imapsync.run.status import (
    Change,
    Counters,
    MailboxStatus,
    Standing,
    SyncState,
    SyncStatus,
)
from imapsync.state.interface import State
from imapsync.state.store import Store

if TYPE_CHECKING:
    from imapsync.run.checking import Checking
    from imapsync.run.live import Following
    from imapsync.run.until import Repeated

__all__ = (
    "Access",
    "Change",
    "Config",
    "Counters",
    "Credentials",
    "Depth",
    "Limits",
    "MailboxStatus",
    "Outcome",
    "Progress",
    "Refusal",
    "Request",
    "Shared",
    "Side",
    "SyncService",
    "SyncState",
    "SyncStatus",
)

_EVERYTHING = Request()


def _printed(document: Iterable[str]) -> None:
    for piece in document:
        print(piece, end="")
    print()


#: Is told what has changed.
Observer = Callable[[Change], None]


class SyncService(Service):
    """
    Syncs one pair of accounts: once, or live until it is stopped, as
    C{request.live} says.

    It may be started and stopped in any order at any time: a run begins when all
    of the one before is closed.

    @param reactor: connects, spawns processes and tells the time.
    @param say: takes the lines of a dry run, or of C{request.verify}.
    @param verbose: whether to log what was done, not only what went wrong.
    @param trace: how much IMAP traffic to log: none, all without
        credentials, or all.
    @param local: ways to the local server that no configuration can name.
    @param remote: ways to the remote one.
    @param emit: takes the document that C{request.json} asks for, in pieces.
    @param tabular: whether C{say} takes what a dry run says as a table.
    @param show: takes what was done as a table, row by row, and says whether there is
        room for it; else it is logged.
    @param shared: what is shared with other services.
    """

    log: Logger = Log()

    def __init__(
        self,
        config: Config,
        reactor: Any,
        request: Request = _EVERYTHING,
        say: Callable[[str], None] = print,
        verbose: bool = True,
        trace: int = 0,
        local: Access = ORDINARY,
        remote: Access = ORDINARY,
        emit: Callable[[Iterable[str]], None] = _printed,
        show: Callable[[Sequence[str]], bool] = lambda _: False,
        shared: Shared | None = None,
        tabular: bool = False,
    ) -> None:
        self._config = config
        self._access = {Side.LOCAL: local, Side.REMOTE: remote}
        self._reactor = reactor
        self._request = request
        self._say = say
        self._emit = emit
        self._show = show
        self._tabular = tabular
        self._verbose = verbose
        self._trace = trace
        self._shared = shared or Shared()
        self._standing = Standing(reactor.seconds, self._changed)
        self._observers: list[Observer] = []
        self._lifecycle = Lifecycle(self._makeRun, self._ended)
        self._run: _Run | None = None

    def startService(self) -> None:
        """
        Begin a run, if none goes on.
        """
        Service.startService(self)
        self._lifecycle.start()

    def stopService(self) -> Deferred[None]:
        """
        End the run, if one goes on.  One that is not live is abandoned; the next
        one takes it up.

        @return: fires when all is closed, within five seconds.
        """
        Service.stopService(self)
        return self._lifecycle.stop()

    def whenFinished(self) -> Deferred[Outcome]:
        """
        Wait for the end of the run that goes on, or is about to; where none is, of
        the last one; before the first, of that.

        @return: fires with how it ended, and never fails.  Any number may wait.
        """
        return self._lifecycle.whenFinished()

    # While it is live

    @property
    def status(self) -> SyncStatus:
        """
        How things stand just now.
        """
        if self._run is not None:
            self._run.measure()
        return self._standing.status

    @property
    def progress(self) -> Progress:
        """
        How far the run that goes on has come, or the last one came.  That is a part of
        L{status}, and takes no time to be asked for.
        """
        return self._standing.progress

    @property
    def state(self) -> SyncState:
        """
        What it is doing, likewise.
        """
        return self._standing.state

    def observe(self, observer: Observer) -> None:
        """
        Tell C{observer} of each change, until L{unobserve}.
        """
        self._observers.append(observer)

    def unobserve(self, observer: Observer) -> None:
        """
        Tell it no more.
        """
        self._observers.remove(observer)

    def syncNow(self) -> Deferred[None]:
        """
        Look at both servers at once, and try again what was refused.

        @return: fires when a sync that began after this call has ended; fails
            with L{CancelledError} or with what ended the service, if none
            does.
        """
        return fail(CancelledError()) if self._run is None else self._run.syncNow()

    def _changed(self, change: Change) -> None:
        for observer in list(self._observers):
            with self.log.failureHandler("An observer failed."):
                observer(change)

    def _ended(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            self._standing.failed(outcome.text)
        self._standing.moved(SyncState.STOPPED)

    def _makeRun(self) -> _Run:
        name = self.name or ""
        job = Job(
            self._config,
            self._reactor,
            self._request,
            self._say,
            self._verbose,
            self._trace,
            Log(self.log.namespace, self, self.log.observer, name),
            self._access,
            Share(self._shared, self._standing, self._reactor),
            self._emit,
            self._show,
            self._tabular,
        )
        self._run = _Run(job, name, self._standing)
        return self._run


class _Run:
    """
    One run: L{imapsync.run.lifecycle.Run}.

    @param name: the account's, if there are several.
    """

    def __init__(self, job: Job, name: str, standing: Standing) -> None:
        self._job = job
        self._name = name
        self._standing = standing
        self._work: OneShot | Repeated | Following | Checking | None = None
        self._document: Callable[[], Mapping[str, object]] = dict
        self._going = False
        self._stopped = False
        self._queuing: Deferred[None] | None = None
        self._began = job.reactor.seconds()

    def begin(self, over: Callable[[Outcome], None]) -> Deferred[None]:
        """
        Begin.
        """
        return Deferred.fromCoroutine(self._go(over))

    def stop(self) -> None:
        """
        Come to an end.
        """
        self._stopped = True
        if self._queuing is not None:
            self._queuing.cancel()
        if self._work is not None and self._going:
            self._work.stop()

    def syncNow(self) -> Deferred[None]:
        """
        Look at once.
        """
        if self._work is None or not self._going:
            return fail(CancelledError())
        return self._work.syncNow()

    def measure(self) -> None:
        """
        Have it be known how the mailboxes are, if they can be looked at.
        """
        if self._work is not None and self._going:
            with suppress(StateError):  # whoever needs the database will tell
                self._work.measure()

    async def _go(self, over: Callable[[Outcome], None]) -> None:
        outcome = await self._outcome()
        self._job.share.give()
        if self._job.request.json and not self._job.request.live:
            outcome = self._emitted(outcome)
        over(outcome)
        if self._work is not None:
            await self._work.closed()

    def _emitted(self, outcome: Outcome) -> Outcome:
        """
        Tell machines how it ended.

        @return: how it did, after that.
        """
        # Imported here because few ask for it.
        from imapsync.run.document import written

        seconds = self._job.reactor.seconds() - self._began
        try:
            work = self._document()
            self._job.emit(written(self._job, self._name, outcome, seconds, work))
        except Exception as error:  # noqa: BLE001 (so it is in the loop below)
            return failed(error)
        return outcome

    async def _outcome(self) -> Outcome:
        """
        Run, whatever comes of it.
        """
        try:
            return Outcome(await self._code())
        except CancelledError:
            vain = self._readsOnly
            hint = "" if vain else "; the next run goes on from here"
            return Outcome(Lost.code, f"interrupted{hint}")
        except Exception as error:  # noqa: BLE001 (the outermost loop)
            return failed(error)

    async def _code(self) -> int:
        job = self._job
        account.set(self._name)
        for warning in job.config.warnings:
            job.log.warn("{text}", text=warning)
        if not await self._hasTurn():
            return 0
        if self._readsOnly:
            # It believes nothing, and another instance may be at work.
            with closing(Store.unkept()) as state:
                return await self._runWith(job.config, state)
        return await withDatabase(job.config, job.request.dryRun, self._runWith)

    async def _hasTurn(self) -> bool:
        """
        Wait until it may begin; not even a database is open before.

        @return: whether it is to begin at all.
        """
        self._queuing = Deferred.fromCoroutine(self._job.share.begin())
        try:
            await self._queuing
        except CancelledError:
            if not self._job.request.live:
                raise
            return False
        return True

    async def _runWith(self, config: Config, state: State) -> int:
        if self._stopped:  # while it was found that the database before is another's
            if self._job.request.live:
                return 0
            raise CancelledError
        request = self._job.request
        if not (request.dryRun or self._readsOnly or config.presumed):
            state.proveWritable()
        self._work = self._begun(self._job._replace(config=config), state)
        self._going = True
        try:
            try:
                return await self._work.run()
            finally:
                self.measure()
                self._going = False
        except (ImapSyncError, CancelledError):
            raise
        except Exception:
            state.check()  # in a damaged database there may be anything
            raise

    @property
    def _readsOnly(self) -> bool:
        """
        Whether all that is wanted is to know something.
        """
        return self._job.request.verify is not None or self._job.request.check

    def _begun(
        self, job: Job, state: State
    ) -> OneShot | Repeated | Following | Checking:
        if job.request.check:
            from imapsync.run.checking import Checking

            checking = Checking(job, state)
            self._document = checking.document
            return checking
        if not job.request.live:
            once: OneShot | Repeated = OneShot(job, state, self._standing)
            if job.request.until is not None:
                from imapsync.run import until

                once = until.Repeated(job, state, self._standing, job.request.until)
            self._document = once.document
            return once
        # Imported here because its machine takes time to be made, and not
        # everybody is live.
        from imapsync.run.live import Following

        return Following(job, state, self._standing)
