"""
The public way in for other Twisted programs: L{SyncService}, and all that it is
given or gives.  Errors are in L{imapsync.errors}, accounts in memory for tests in
L{imapsync.testing}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.logger import Logger

from imapsync.config.limits import Limits
from imapsync.config.request import Depth, Request
from imapsync.config.settings import Config
from imapsync.imap.access import ORDINARY, Access, Credentials
from imapsync.log import Log
from imapsync.model import Refusal, Side
from imapsync.run.execution import Execution
from imapsync.run.job import Job
from imapsync.run.lifecycle import Lifecycle, Outcome
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

if TYPE_CHECKING:
    pass

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
        self._run: Execution | None = None

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

    def _makeRun(self) -> Execution:
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
        self._run = Execution(job, name, self._standing)
        return self._run
