"""
L{SyncService}: the public way in for other Twisted programs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from imapsync.config.request import Request
from imapsync.config.settings import Config
from imapsync.errors import ImapSyncError, Lost
from imapsync.log import Log, account
from imapsync.run.connections import Job
from imapsync.run.lifecycle import Lifecycle
from imapsync.run.lifecycle import Outcome as Outcome
from imapsync.run.oneshot import OneShot
from imapsync.run.status import SyncStatus
from imapsync.state.store import State

if TYPE_CHECKING:
    from imapsync.run.live import Following

_EVERYTHING = Request()

#: Is told how things stand.
Observer = Callable[[SyncStatus], None]


class SyncService(Service):
    """
    Syncs one pair of accounts: once, or live until it is stopped, as
    C{request.live} says.

    It may be started and stopped in any order at any time: a run begins when all
    of the one before is closed.

    @param reactor: connects, spawns processes and tells the time.
    @param say: takes the lines of a dry run.
    @param verbose: whether to log what was done, not only what went wrong.
    @param trace: how much IMAP traffic to log: none, all without
        credentials, or all.
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
    ) -> None:
        self._config = config
        self._reactor = reactor
        self._request = request
        self._say = say
        self._verbose = verbose
        self._trace = trace
        self._lifecycle = Lifecycle(self._makeRun)
        self._run: _Run | None = None
        self._observers: list[Observer] = []

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
        How things stand.
        """
        return SyncStatus() if self._run is None else self._run.status

    def observe(self, observer: Observer) -> None:
        """
        Tell C{observer} whenever the status changes, until L{unobserve}.
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

    def _changed(self) -> None:
        if self._observers:
            status = self.status
            for observer in list(self._observers):
                with self.log.failureHandler("An observer failed."):
                    observer(status)

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
        )
        self._run = _Run(job, name, self._changed)
        return self._run


class _Run:
    """
    One run: L{imapsync.run.lifecycle.Run}.

    @param name: the account's, if there are several.
    @param changed: called when its status has.
    """

    def __init__(self, job: Job, name: str, changed: Callable[[], None]) -> None:
        self._job = job
        self._name = name
        self._changed = changed
        self._work: OneShot | Following | None = None
        self._last = SyncStatus()
        self._over = False

    def begin(self, over: Callable[[Outcome], None]) -> Deferred[None]:
        """
        Begin.
        """
        return Deferred.fromCoroutine(self._go(over))

    def stop(self) -> None:
        """
        Come to an end.
        """
        if self._work is not None and not self._over:
            self._work.stop()

    def syncNow(self) -> Deferred[None]:
        """
        Look at once.
        """
        if self._work is None or self._over:
            return fail(CancelledError())
        return self._work.syncNow()

    @property
    def status(self) -> SyncStatus:
        """
        How things stand.
        """
        if self._work is None or self._over:
            return self._last
        return self._work.status

    async def _go(self, over: Callable[[Outcome], None]) -> None:
        outcome = await self._outcome()
        self._over = True
        over(outcome)
        if self._work is not None:
            await self._work.closed()

    async def _outcome(self) -> Outcome:
        """
        Run, whatever comes of it.
        """
        try:
            return Outcome(await self._code())
        except CancelledError:
            return Outcome(Lost.code, "interrupted; the next run goes on from here")
        except ImapSyncError as error:
            return Outcome(error.code, str(error), Failure())
        except Exception as bug:  # noqa: BLE001 (the outermost loop)
            text = f"internal error: {bug!r}; --debug shows where"
            return Outcome(ImapSyncError.code, text, Failure())

    async def _code(self) -> int:
        job = self._job
        account.set(self._name)
        for warning in job.config.warnings:
            job.log.warn("{text}", text=warning)
        state = State.open(job.config.database, readOnly=job.request.dryRun)
        try:
            if not job.request.dryRun:
                state.proveWritable()
            self._work = self._begun(state)
            return await self._work.run()
        finally:
            self._close(state)

    def _begun(self, state: State) -> OneShot | Following:
        if not self._job.request.live:
            return OneShot(self._job, state, self._changed)
        # Imported here because its machine takes time to be made, and not
        # everybody is live.
        from imapsync.run.live import Following

        return Following(self._job, state, self._changed)

    def _close(self, state: State) -> None:
        now = self._job.reactor.seconds()
        try:
            self._last = self.status._replace(state="stopped", since=now)
        finally:
            self._over = True
            state.close()
        self._changed()
