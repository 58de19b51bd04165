"""
The pairs of accounts of a program: each runs, rests, or has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred

from imapsync.config.settings import Config
from imapsync.gather import together
from imapsync.log import Log
from imapsync.run.status import SyncStatus
from imapsync.service import Outcome, SyncService
from imapsync.several.watchers import Watchers
from imapsync.watch.accounts import Watcher

#: Makes the service for an account of that name.
Make = Callable[[str, Config], SyncService]


class Pairs:
    """
    All of them, by name: L{imapsync.watch.accounts.Accounts}.  What one costs does not
    grow with the number of the others.

    @param owner: is the parent of services: they run as long as it does.
    @param make: makes one.
    @param ended: is told how one ended, unless somebody wanted that.
    @param rests: is told which one is paused.
    @ivar outcomes: how those ended that have.
    """

    def __init__(
        self,
        owner: MultiService,
        make: Make,
        ended: Callable[[str, Outcome], None],
        rests: Callable[[str], None],
    ) -> None:
        self._owner = owner
        self._make = make
        self._ended = ended
        self._rests = rests
        self._configs: dict[str, Config] = {}
        self._services: dict[str, SyncService] = {}
        self._runs: dict[str, object] = {}
        self._paused: set[str] = set()
        self._leaving: set[str] = set()
        self._watchers = Watchers()
        self.outcomes: dict[str, Outcome] = {}

    def __iter__(self) -> Iterator[tuple[str, SyncService]]:
        return iter(self._services.items())

    @property
    def configs(self) -> Mapping[str, Config]:
        """
        Of all of them.
        """
        return MappingProxyType(self._configs)

    @property
    def over(self) -> bool:
        """
        Whether each has ended.
        """
        return len(self.outcomes) == len(self._configs)

    # Accounts come and go

    def add(self, name: str, config: Config) -> None:
        """
        Here is one, to be begun as soon as its owner runs; or one that is another now.
        """
        service = self._make(name, config)
        self._configs[name] = config
        self._services[name] = service
        self._watchers.added(name, config)
        service.observe(partial(self._watchers.changed, name))
        if name in self._paused:
            self._rests(name)
        else:
            self._begin(name)

    def note(self, name: str, config: Config) -> None:
        """
        So it is configured now, which makes no difference to what it does.
        """
        self._configs[name] = config

    async def stop(self, names: Collection[str]) -> None:
        """
        Have these end, so that they can be forgotten, or be another.
        """
        self._leaving.update(names)
        for name in names:
            self._runs.pop(name, None)
            self.outcomes.pop(name, None)
        services = [self._services[name] for name in names]
        stopping = [
            self._owner.removeService(service)
            for service in services
            if service.parent is not None
        ]
        await together([one for one in stopping if one is not None])
        self._leaving.clear()

    def forget(self, name: str) -> None:
        """
        One that has ended is no longer one of ours.
        """
        del self._configs[name], self._services[name]
        self._paused.discard(name)
        self.outcomes.pop(name, None)
        self._watchers.removed(name)

    def settle(self, name: str, outcome: Outcome) -> None:
        """
        So did one end, and does not begin any more.
        """
        self.outcomes[name] = outcome
        self._ended(name, outcome)

    def close(self) -> None:
        """
        All come to an end; so do those that rest.
        """
        for name in self._paused:
            self.outcomes[name] = Outcome(0)

    # For those who watch

    def status(self, name: str) -> SyncStatus:
        """
        How one stands just now, with its progress.
        """
        return self._services[name].status

    def isPaused(self, name: str) -> bool:
        """
        Whether it rests until L{resume}.
        """
        if name not in self._services:
            raise KeyError(name)
        return name in self._paused

    def syncNow(self, name: str) -> None:
        """
        Have it look at both servers at once, and begin anew if it has ended; nothing is
        done where it is paused.
        """
        service = self._services[name]
        if name in self.outcomes and self._owner.running and not self.isPaused(name):
            del self.outcomes[name]
            self._begin(name)
        else:
            # It fails where there is none any more.
            service.syncNow().addErrback(lambda _: None)

    def pause(self, name: str) -> None:
        """
        Have it leave both servers, and rest.
        """
        if self.isPaused(name) or not self._owner.running:
            return
        self._paused.add(name)
        self._runs.pop(name, None)
        self.outcomes.pop(name, None)
        self._services[name].stopService()
        self._rests(name)
        Log(label=name).info("Paused.")

    def resume(self, name: str) -> None:
        """
        Have it go on.
        """
        if not self.isPaused(name) or not self._owner.running:
            return
        self._paused.remove(name)
        Log(label=name).info("Going on.")
        if name not in self._leaving:
            self._begin(name)

    def watch(self, watcher: Watcher) -> None:
        """
        Tell C{watcher} from now on; of all that are there, at once.
        """
        self._watchers.add(watcher)
        for name, config in self._configs.items():
            watcher.added(name, config)

    def unwatch(self, watcher: Watcher) -> None:
        """
        Tell it no more.
        """
        self._watchers.discard(watcher)

    def _begin(self, name: str) -> None:
        service, run = self._services[name], object()
        self._runs[name] = run
        if service.parent is None:
            service.setServiceParent(self._owner)
        else:
            service.startService()
        finished: Deferred[Outcome] = service.whenFinished()
        finished.addCallback(self._finished, name, run)

    def _finished(self, outcome: Outcome, name: str, run: object) -> None:
        self._watchers.ended(name, outcome)
        if self._runs.get(name) is run:  # nobody wanted that
            self.settle(name, outcome)
