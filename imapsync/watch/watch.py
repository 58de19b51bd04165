"""
Watching accounts at work: L{Watch}.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import LogPublisher, globalLogPublisher

from imapsync.config.settings import Config
from imapsync.log import Log
from imapsync.names import shown
from imapsync.run.lifecycle import Outcome
from imapsync.run.status import Change, Counters, SyncStatus
from imapsync.watch.accounts import Accounts
from imapsync.watch.facts import Detail, Facts
from imapsync.watch.memory import Memory
from imapsync.watch.recent import Recent

#: So often are those looked at that work: what they do between two changes of their
#: state is told to nobody.  In seconds.
PERIOD = 2.0

#: So many of them at once, the others the next time.
_MOST = 50

#: So much may the time of day run apart from the reactor's, in seconds, before all is
#: told by the new one.
_APART = 0.5

#: Is told the name of an account that has changed.
Subscriber = Callable[[str], None]


class Watch(Service):
    """
    Remembers what accounts do, and tells of it: a
    L{Watcher<imapsync.watch.accounts.Watcher>}.

    What a change costs does not grow with the number of accounts.

    @param accounts: those to watch.
    @param reactor: tells the time as they do.
    @param now: tells the time of day.
    @param publisher: of what is logged.
    @ivar total: what all have done since the program began, also those that are no
        longer there.
    """

    log = Log()

    def __init__(
        self,
        accounts: Accounts,
        reactor: IReactorTime,
        now: Callable[[], float] = time.time,
        publisher: LogPublisher = globalLogPublisher,
    ) -> None:
        self._accounts = accounts
        self._reactor = reactor
        self._now = now
        self._publisher = publisher
        self._memories: dict[str, Memory] = {}
        self._recent = Recent()
        self._working: dict[str, None] = {}
        self._subscribers: dict[Subscriber, None] = {}
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor
        self._offset = 0.0
        self.total = Counters()

    def startService(self) -> None:
        """
        Begin.
        """
        Service.startService(self)
        self._publisher.addObserver(self._recent)
        self._accounts.watch(self)
        self._looking.start(PERIOD, now=False)

    def stopService(self) -> None:
        """
        Watch no more.  What is known is kept.
        """
        Service.stopService(self)
        self._looking.stop()
        self._accounts.unwatch(self)
        self._publisher.removeObserver(self._recent)

    # For those who want to know

    def accounts(self) -> list[Facts]:
        """
        All, as they were told of last.
        """
        return [self.facts(name) for name in self._memories]

    def facts(self, name: str) -> Facts:
        """
        One of them, likewise.

        @raise KeyError: if it is not there.
        """
        paused = self._accounts.isPaused(name)
        return self._memories[name].facts(name, self._now(), self._toWall(), paused)

    def account(self, name: str) -> Detail:
        """
        All that is known of one, as it is just now.

        @raise KeyError: if it is not there.
        """
        memory = self._memories[name]
        self._saw(name, self._accounts.status(name))
        now = self._now()
        progress = memory.status.progress
        return Detail(
            facts=self.facts(name),
            mailboxes=memory.mailboxes(self._toWall()),
            hour=memory.hour(now),
            day=memory.day(now),
            doing=tuple((shown(box), doing) for box, doing in progress.mailboxes),
            log=self._recent.lines(name),
        )

    def subscribe(self, subscriber: Subscriber) -> None:
        """
        Tell C{subscriber} which account has changed, come or gone, until
        L{unsubscribe}: it can then be asked for.
        """
        self._subscribers[subscriber] = None

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """
        Tell it no more.
        """
        self._subscribers.pop(subscriber, None)

    # What happens

    def added(self, name: str, config: Config) -> None:
        """
        An account is there, or has another configuration now.
        """
        if name in self._memories:
            self._memories[name].began(config)
        else:
            self._memories[name] = Memory(config)
            self._recent.begin(name)
        self._saw(name, self._accounts.status(name))
        self._tell(name)

    def changed(self, name: str, change: Change) -> None:
        """
        How it stands has changed.
        """
        self._saw(name, change.after)
        self._tell(name)

    def ended(self, name: str, outcome: Outcome) -> None:
        """
        A run of it has come to its end.
        """
        self._memories[name].ended(outcome, self._reactor.seconds())
        self._tell(name)

    def removed(self, name: str) -> None:
        """
        It is no longer one of ours.
        """
        del self._memories[name]
        self._working.pop(name, None)
        self._recent.end(name)
        self._tell(name)

    def _look(self) -> None:
        """
        See how far those have come that work.
        """
        for name in list(islice(self._working, _MOST)):
            before = self._memories[name].status
            del self._working[name]  # and put it behind all others
            self._saw(name, self._accounts.status(name))
            if self._memories[name].status != before:
                self._tell(name)

    def _saw(self, name: str, status: SyncStatus) -> None:
        memory = self._memories[name]
        self.total = self.total.plus(memory.saw(status, self._now()))
        if memory.working:
            self._working.setdefault(name)
        else:
            self._working.pop(name, None)

    def _tell(self, name: str) -> None:
        for subscriber in list(self._subscribers):
            with self.log.failureHandler("Not told of an account."):
                subscriber(name)

    def _toWall(self) -> float:
        """
        What the time of day is ahead of the reactor's.  It is always the same, unless
        somebody sets the clock.
        """
        apart = self._now() - self._reactor.seconds()
        if abs(apart - self._offset) > _APART:
            self._offset = apart
        return self._offset
