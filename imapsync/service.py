"""
L{SyncService}: the public way in for other Twisted programs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from imapsync.accounts.databases import withDatabase
from imapsync.config.file import Config
from imapsync.config.request import Request
from imapsync.errors import ImapSyncError, Lost
from imapsync.gather import together
from imapsync.log import Log, account
from imapsync.run.connections import Job
from imapsync.run.oneshot import OneShot
from imapsync.run.status import SyncStatus
from imapsync.state.interface import State

if TYPE_CHECKING:
    from imapsync.run.live import Following

_EVERYTHING = Request()

#: Is told how things stand.
Observer = Callable[[SyncStatus], None]


class Outcome(NamedTuple):
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
    Syncs one pair of accounts: once, or live until it is stopped, as
    C{request.live} says.

    @ivar finished: fires with an L{Outcome} when the run is over; never
        fails.
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
        self._work: OneShot | Following | None = None
        self._status = SyncStatus()
        self._observers: list[Observer] = []
        self._over: Deferred[None] = succeed(None)
        self.finished: Deferred[Outcome] = Deferred()

    def startService(self) -> None:
        """
        Begin the run.
        """
        Service.startService(self)
        if self.finished.called:
            self.finished = Deferred()
        self._over = Deferred()
        running = Deferred.fromCoroutine(self._outcome())
        running.addCallback(self.finished.callback)

    def stopService(self) -> Deferred[list[None]]:
        """
        End the run, if it is still going on.  One that is not live is
        abandoned; the next one takes it up.

        @return: fires when all is closed, within five seconds.
        """
        Service.stopService(self)
        over: Deferred[None] = Deferred()
        self._over.chainDeferred(over)
        if self._work is None:
            return together([over])
        work = self._work
        work.stop()
        return together([over, work.closed()])

    # While it is live

    @property
    def status(self) -> SyncStatus:
        """
        How things stand.
        """
        return self._status if self._work is None else self._work.status

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
        if self._work is None:
            return fail(CancelledError())
        return self._work.syncNow()

    def _changed(self) -> None:
        if self._observers:
            status = self.status
            for observer in list(self._observers):
                with self.log.failureHandler("An observer failed."):
                    observer(status)

    # The run

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
            self._over.callback(None)

    async def _run(self) -> int:
        account.set(self.name or "")
        for warning in self._config.warnings:
            self.log.warn("{text}", text=warning)
        return await withDatabase(self._config, self._request.dryRun, self._runWith)

    async def _runWith(self, config: Config, state: State) -> int:
        try:
            if not self._request.dryRun:
                state.proveWritable()
            work = self._work = self._begun(config, state)
            return await work.run()
        finally:
            self._close(state)

    def _begun(self, config: Config, state: State) -> OneShot | Following:
        job = Job(
            config,
            self._reactor,
            self._request,
            self._say,
            self._verbose,
            self._trace,
            self._logger(),
        )
        if not self._request.live:
            return OneShot(job, state, self._changed)
        # Imported here because its machine takes time to be made, and not
        # everybody is live.
        from imapsync.run.live import Following

        return Following(job, state, self._changed)

    def _logger(self) -> Logger:
        return Log(self.log.namespace, self, self.log.observer, self.name or "")

    def _close(self, state: State) -> None:
        try:
            now = self._reactor.seconds()
            self._status = self.status._replace(state="stopped", since=now)
        finally:
            self._work = None
            state.close()
        self._changed()
