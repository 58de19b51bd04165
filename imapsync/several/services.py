"""
Several pairs of accounts in one process, independent of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from twisted.application.service import MultiService
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from imapsync.cli import systemd
from imapsync.cli.lasting import Lasting
from imapsync.cli.options import CommandLine
from imapsync.cli.systemd import Supervised
from imapsync.cli.terminal import emit
from imapsync.config.settings import Config
from imapsync.errors import ImapSyncError, StateError
from imapsync.gather import together
from imapsync.imap.access import Access
from imapsync.log import Log
from imapsync.model import Side
from imapsync.run.sharing import Shared
from imapsync.run.status import SyncStatus
from imapsync.service import Outcome, SyncService
from imapsync.several import crowd, openfiles
from imapsync.several.attending import Attendants
from imapsync.several.pair import mayAsk, serviceFor
from imapsync.several.pairs import Pairs
from imapsync.several.source import Source
from imapsync.several.turns import Turns
from imapsync.watch.accounts import Watcher

if TYPE_CHECKING:
    from imapsync.cli.progress import Showing


class Several(MultiService):
    """
    A service for each configuration: L{imapsync.watch.accounts.Accounts}.

    @param environ: where the user's directories are, and how to tell systemd.
    @param ended: is told how each service ended, and its name.
    @param follow: told of the accounts there are, before any is begun anew; it may
        refuse them with L{ConfigError}.  Those that are to go are told of until they
        have gone.
    @param access: ways to the servers, if there is one account.
    @param show: takes tables; see L{SyncService}.
    @param source: where configurations are read again.
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
        source: Source,
        follow: Callable[[Mapping[str, Config]], None] = lambda _: None,
        access: Mapping[Side, Access] = MappingProxyType({}),
        show: Callable[[Sequence[str]], bool] = lambda _: False,
    ) -> None:
        MultiService.__init__(self)
        self._line = line
        self._reactor = reactor
        self._ended = ended
        self._follow = follow
        self._access = access
        self._tables = show
        self._source = source
        self._shared = Shared(source.limits)
        self._pairs = Pairs(self, self._make, self._settled, self._rests)
        self._reloading: DeferredLock = DeferredLock()
        self._asked = False
        self._reading: Deferred[Any] | None = None
        self._again: IDelayedCall | None = None
        self._supervised: Supervised | None = None
        self._turns = Turns(configs) if line.request.check else None
        self._lasting = Lasting(reactor, self._showing)
        self._began = reactor.seconds()
        self.finished: Deferred[int] = Deferred()
        notify = systemd.notifier(environ) if line.request.live else None
        if notify is not None:
            period = systemd.watchdog(environ)
            self._supervised = Supervised(reactor, notify, period)
            self._supervised.setServiceParent(self)
            self.watch(self._supervised)
        self._attendants = Attendants(self, reactor)
        if line.request.live:
            self._attendants.setServiceParent(self)
        for name, settings in configs.items():
            self._pairs.add(name, settings)

    @property
    def configs(self) -> Mapping[str, Config]:
        """
        By the names of the accounts.
        """
        return self._pairs.configs

    def listen(self) -> None:
        """
        Have a status page, if a configuration says where.

        @raise ConfigError: if it cannot be there.
        """
        self._attendants.listen()

    def startService(self) -> None:
        """
        Begin; what takes long is shown.
        """
        MultiService.startService(self)
        self._makeRoom()
        request = self._line.request
        quick = request.check or request.admin is not None
        if self._line.progress != "none" and not quick:
            self._lasting.start()
        self._plan()
        self._review()

    def stopService(self) -> Deferred[list[Any]]:
        """
        End all.

        @return: fires when all is closed, even of one that is about to begin
            anew.
        """
        self._lasting.stop()
        stopping = MultiService.stopService(self)
        self._plan()
        if self._reading is not None:
            self._reading.cancel()
        self._pairs.close()
        self._review()
        return together([stopping, self._reloading.run(lambda: None)])

    def syncAll(self) -> None:
        """
        Have all look at once.
        """
        for name, _ in self._pairs:
            self.syncNow(name)

    async def reload(self) -> None:
        """
        Read the configurations again, and begin anew where one has changed or a
        service has ended.  As long as anything in them is wrong, nothing changes.
        """
        if self._asked:
            return  # what is to be read is not read yet
        self._asked = True
        await self._reloading.run(
            lambda: Deferred.fromCoroutine(self._reload(asked=True))
        )

    def failed(self, failure: Failure) -> None:
        """
        Something went wrong that must not.
        """
        self.log.failure("Internal error.", failure)

    # For those who watch

    def status(self, name: str) -> SyncStatus:
        """
        How one stands just now, with its progress.
        """
        return self._pairs.status(name)

    def isPaused(self, name: str) -> bool:
        """
        Whether it rests until L{resume}.
        """
        return self._pairs.isPaused(name)

    def syncNow(self, name: str) -> None:
        """
        Have it look at both servers at once, and begin anew if it has ended; nothing is
        done where it is paused.
        """
        self._pairs.syncNow(name)

    def pause(self, name: str) -> None:
        """
        Have it leave both servers, and rest.
        """
        self._pairs.pause(name)

    def resume(self, name: str) -> None:
        """
        Have it go on.
        """
        self._pairs.resume(name)

    def watch(self, watcher: Watcher) -> None:
        """
        Tell C{watcher} from now on; of all that are there, at once.
        """
        self._pairs.watch(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """
        Tell it no more.
        """
        self._pairs.unwatch(watcher)

    # Accounts come and go

    async def _reload(self, asked: bool) -> None:
        """
        @param asked: whether somebody wants it; else it is just time.
        """
        self._asked = self._asked and not asked
        if not self.running:
            return
        supervised = self._supervised if asked else None
        if supervised is not None:
            supervised.reloading()
        try:
            self._reading = Deferred.fromCoroutine(self._source.read())
            configs = await self._reading
            self._follow({**self.configs, **configs})
        except CancelledError:
            return  # all are to end
        except ImapSyncError as error:
            self.log.error("Not reloaded: {error}", error=error)
        else:
            if self._source.renewed is not None:
                self._source = self._source.renewed()
            self._shared.change(self._source.limits)
            told = await self._replace(configs, asked)
            self._plan()
            if asked:
                self._attendants.reloaded()
                self.log.info("Reloaded the configuration{told}.", told=told)
            elif told:
                self.log.info("The accounts are others{told}.", told=told)
        finally:
            self._reading = None
        if supervised is not None:
            supervised.reloaded()

    async def _replace(self, configs: Mapping[str, Config], asked: bool) -> str:
        """
        @return: how many have, if any.
        """
        pairs, before = self._pairs, {**self.configs}
        gone = [name for name in before if name not in configs]
        new = [name for name in configs if name not in before]
        anew = [
            name
            for name, settings in configs.items()
            if name in before
            # The log file has been followed already; the page is not an account's.
            if settings
            != before[name]._replace(logfile=settings.logfile, status=settings.status)
            or (asked and name in pairs.outcomes)
        ]
        outcomes = {name: pairs.outcomes.get(name, Outcome(0)) for name in anew}
        # A new one may have the database that one had which goes.
        await pairs.stop([*gone, *anew])
        for name in gone:
            pairs.forget(name)
        if gone:
            self._follow(configs)
        for name, settings in configs.items():
            if name in before and name not in anew:
                pairs.note(name, settings)
            elif self.running:
                pairs.add(name, settings)
            elif name in before:  # all came to an end meanwhile
                pairs.settle(name, outcomes[name])
        self._review()
        counts = {"came": len(new), "went": len(gone), "changed": len(anew)}
        told = [f"{count} {what}" for what, count in counts.items() if count]
        if told or asked:
            self._makeRoom()
        return f": {', '.join(told)}" if told else ""

    def _makeRoom(self) -> None:
        """
        Have the system let enough be open, and say where not all have a place.
        """
        limits, live = self._source.limits, self._line.request.live
        number = len(self.configs)
        openfiles.allow(number if live else min(number, limits.atWork))
        crowd.warn(self.configs.values(), limits.perHost if live else None)

    def _make(self, name: str, settings: Config) -> SyncService:
        tell = partial(self._turns.say, name) if self._turns else None
        return serviceFor(
            *(self._line, settings, self._reactor, name, self._access, tell),
            # What goes to a file has its time in each line.
            show=(lambda _: False) if settings.logfile else self._tables,
            shared=self._shared if name else None,  # one alone waits for none
        )

    def _rests(self, name: str) -> None:
        if self._supervised is not None:
            self._supervised.rests(name)

    def _settled(self, name: str, outcome: Outcome) -> None:
        try:
            if self._turns is not None:
                self._turns.ended(name)
        except StateError as error:
            outcome = Outcome(error.code, str(error), Failure(error))
            self._pairs.outcomes[name] = outcome
        self._ended(name, outcome)
        self._review()

    def _review(self) -> None:
        """
        Perhaps all have ended.
        """
        if self.finished.called or not self._pairs.over:
            return
        if self.configs or not self.running or not self._line.request.live:
            self._lasting.stop()
            self.finished.callback(self._conclude())

    def _conclude(self) -> int:
        """
        Say what came of it, where several runs were to end.

        @return: the exit code.
        """
        outcomes, request = self._pairs.outcomes, self._line.request
        code = max((one.code for one in outcomes.values()), default=0)
        if request.live:
            return code
        code = max(code, self._source.least)
        if "" in outcomes or request.check:
            return code
        # Imported here, because one alone does not need it.
        from imapsync.several import conclusion

        seconds = self._reactor.seconds() - self._began
        conclusion.log(outcomes, seconds, not self._line.quiet)
        if request.json:
            try:
                emit(
                    conclusion.written(
                        *(self.configs, outcomes, code, seconds), self._source.leftOut
                    )
                )
            except StateError as error:
                self.log.error("{error}", error=error)
                code = max(code, error.code)
        return code

    def _plan(self) -> None:
        """
        Read the configurations again after a while.
        """
        if self._again is not None:
            self._again.cancel()
            self._again = None
        interval = self._source.interval
        if interval is not None and self._line.request.live and self.running:
            self._again = self._reactor.callLater(interval, self._look)

    def _look(self) -> None:
        self._again = None
        looking = self._reloading.run(
            lambda: Deferred.fromCoroutine(self._reload(asked=False))
        )
        looking.addErrback(self.failed).addCallback(lambda _: self._plan())

    def _showing(self, since: float) -> Showing:
        """
        What shows how far all has come.

        @param since: when the work began.
        """
        # Imported here, because most runs are over by now.
        from imapsync.cli.progress import Showing, wayFor

        asking = {name for name, config in self.configs.items() if mayAsk(config)}
        way = wayFor(self._line.progress, self._path, asking)
        services = self._pairs.__iter__
        live = self._line.request.live
        return Showing(self._reactor, way, services, live, since)

    def _path(self, name: str) -> str:
        return self.configs[name].path
