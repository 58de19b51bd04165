"""
Several pairs of accounts in one process, independent of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredLock
from twisted.python.failure import Failure

from imapsync.cli import systemd
from imapsync.cli.options import CommandLine
from imapsync.cli.systemd import Supervised
from imapsync.cli.terminal import emit, isScreen, say
from imapsync.cli.turns import Turns
from imapsync.config import file as config
from imapsync.config.settings import Config
from imapsync.errors import ImapSyncError, StateError
from imapsync.gather import together
from imapsync.imap.access import ORDINARY, Access
from imapsync.log import Log
from imapsync.model import Side
from imapsync.run.status import Change
from imapsync.service import Outcome, SyncService

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

    from imapsync.cli.progress import Showing

#: Work that takes less than so many seconds is not worth it to show its progress.
SHORT = 1.0


class Several(MultiService):
    """
    A service for each configuration.

    @param environ: where the user's directories are, and how to tell systemd.
    @param ended: is told how each service ended, and its name.
    @param follow: told of configurations that were read again, before anything is
        begun anew; it may refuse them with L{ConfigError}.
    @param access: ways to the servers, if there is one account.
    @param show: takes tables; see L{SyncService}.
    @ivar configs: by the names of the accounts.
    @ivar finished: fires when all have ended, with the worst exit code.
    """

    log = Log()

    def __init__(
        self,
        line: CommandLine,
        configs: Mapping[str, Config],
        environ: Mapping[str, str],
        reactor: Any,
        ended: Callable[[str, Outcome], None],
        follow: Callable[[Mapping[str, Config]], None] = lambda _: None,
        access: Mapping[Side, Access] = MappingProxyType({}),
        show: Callable[[Sequence[str]], bool] = lambda _: False,
    ) -> None:
        MultiService.__init__(self)
        self._line = line
        self._environ = environ
        self._reactor = reactor
        self._ended = ended
        self._follow = follow
        self._access = access
        self._tables = show
        self._outcomes: dict[str, Outcome] = {}
        self._services: dict[str, SyncService] = {}
        self._reloading: DeferredLock = DeferredLock()
        self._supervised: Supervised | None = None
        self._turns = Turns(configs) if line.request.check else None
        self._showing: Showing | None = None
        self._waiting: IDelayedCall | None = None
        self.finished: Deferred[int] = Deferred()
        self.configs = configs
        notify = systemd.notifier(environ) if line.request.live else None
        if notify is not None:
            period = systemd.watchdog(environ)
            self._supervised = systemd.Supervised(reactor, notify, period, configs)
            self._supervised.setServiceParent(self)
        for name, settings in configs.items():
            self._add(name, settings)

    def startService(self) -> None:
        """
        Begin; what takes long is shown.
        """
        MultiService.startService(self)
        request = self._line.request
        quick = request.check or request.admin is not None
        if self._line.progress != "none" and not quick:
            now = self._reactor.seconds()
            self._waiting = self._reactor.callLater(SHORT, self._show, now)

    def stopService(self) -> Deferred[list[Any]]:
        """
        End all.

        @return: fires when all is closed, even of one that is about to begin
            anew.
        """
        self._hide()
        stopping = MultiService.stopService(self)
        return together([stopping, self._reloading.run(lambda: None)])

    def syncNow(self) -> None:
        """
        Have all look at once.
        """
        for service in self._services.values():
            # It fails where there is none any more.
            service.syncNow().addErrback(lambda _: None)

    async def reload(self) -> None:
        """
        Read the configuration again, and begin anew where it has changed or a
        service has ended.  As long as anything in it is wrong, nothing changes.
        """
        await self._reloading.run(lambda: Deferred.fromCoroutine(self._reload()))

    def failed(self, failure: Failure) -> None:
        """
        Something went wrong that must not.
        """
        self.log.failure("Internal error.", failure)

    async def _reload(self) -> None:
        if not self.running:
            return
        if self._supervised is not None:
            self._supervised.reloading()
        try:
            configs = config.loadAll(self._line.configs, self._environ)
            self._follow(configs)
        except ImapSyncError as error:
            self.log.error("Not reloaded: {error}", error=error)
        else:
            await self._replace(configs)
            self.log.info("Reloaded the configuration.")
        if self._supervised is not None:
            self._supervised.reloaded()

    async def _replace(self, configs: Mapping[str, Config]) -> None:
        before, self.configs = self.configs, configs
        for name, settings in configs.items():
            # The log file has been followed already.
            same = before[name]._replace(logfile=settings.logfile)
            changed = settings != same or name in self._outcomes
            if not (changed and self.running):
                continue
            outcome = self._outcomes.pop(name, Outcome(0))
            await self._remove(name)
            if self.running:
                self._add(name, settings)
            else:  # all came to an end meanwhile
                self._settle(name, outcome)

    def _add(self, name: str, settings: Config) -> None:
        tell = partial(self._turns.say, name) if self._turns else None
        service = serviceFor(
            *(self._line, settings, self._reactor, name, self._access, tell),
            # What goes to a file has its time in each line.
            show=(lambda _: False) if settings.logfile else self._tables,
        )
        self._services[name] = service
        if self._supervised is not None:
            service.observe(partial(_tell, self._supervised, name))
        service.whenFinished().addCallback(self._finished, name, service)
        service.setServiceParent(self)

    async def _remove(self, name: str) -> None:
        service = self._services.pop(name)
        stopping = self.removeService(service)
        if stopping is not None:
            await stopping

    def _finished(self, outcome: Outcome, name: str, service: SyncService) -> None:
        if self._services.get(name) is service:  # it was not replaced
            self._settle(name, outcome)

    def _settle(self, name: str, outcome: Outcome) -> None:
        try:
            if self._turns is not None:
                self._turns.ended(name)
        except StateError as error:
            outcome = Outcome(error.code, str(error), Failure(error))
        self._outcomes[name] = outcome
        self._ended(name, outcome)
        if len(self._outcomes) == len(self.configs):
            self._hide()
            self.finished.callback(max(one.code for one in self._outcomes.values()))

    def _show(self, since: float) -> None:
        """
        Begin to show how far all has come.

        @param since: when the work began.
        """
        # Imported here, because most runs are over by now.
        from imapsync.cli.progress import Showing, wayFor

        self._waiting = None
        paths = {name: config.path for name, config in self.configs.items()}
        asking = {name for name, config in self.configs.items() if _mayAsk(config)}
        way = wayFor(self._line.progress, paths, asking)
        services = self._services.items
        live = self._line.request.live
        self._showing = Showing(self._reactor, way, services, live, since)
        self._showing.start()

    def _hide(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if self._showing is not None:
            self._showing.stop()


def _mayAsk(config: Config) -> bool:
    """
    Whether commands of the user, such as C{ssh}, may ask something at the terminal.
    """
    servers = config.servers.values()
    return any(one.command or one.passwordCommand for one in servers)


def _tell(supervised: Supervised, name: str, change: Change) -> None:
    supervised.told(name, change.after)


def serviceFor(
    line: CommandLine,
    config: Config,
    reactor: Any,
    name: str = "",
    access: Mapping[Side, Access] = MappingProxyType({}),
    tell: Callable[[str], None] | None = None,
    show: Callable[[Sequence[str]], bool] = lambda _: False,
) -> SyncService:
    """
    The service that does what a command line asks for.

    @param name: what log lines call it, if it is one of several.
    @param access: ways to the servers besides those of the configuration.
    @param tell: takes what is said to people; by default, it is said at once.
    @param show: takes tables; see L{SyncService}.
    """

    def sayWhose(text: str) -> None:
        say(f"{name}: {text}" if name else text)

    def showWhose(rows: Sequence[str]) -> bool:
        return show([name, *rows] if name and rows else rows)

    service = SyncService(
        config,
        reactor,
        line.request,
        say=tell or sayWhose,
        verbose=not line.quiet,
        trace=line.debug,
        local=access.get(Side.LOCAL, ORDINARY),
        remote=access.get(Side.REMOTE, ORDINARY),
        emit=emit,
        show=showWhose,
        tabular=isScreen(),
    )
    if name:
        service.setName(name)
    return service
