"""
Mailboxes that are worked on at the same time, each over a pair of connections of
its own.

One mailbox is worked on by one worker at a time.  What a worker does between two
waits is never interrupted, so that all can share the database, the brake and the
report.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred

from imapsync.errors import ImapSyncError, Lost
from imapsync.gather import jointly
from imapsync.log import Log
from imapsync.mailbox.context import Clients
from imapsync.model import Name

#: What is to be done with a mailbox; it may call what it is given when it only awaits
#: answers: then the connections serve the next one.
Work = Callable[
    [Name, Clients, Callable[[], None]], Coroutine[Deferred[Any], Any, None]
]

#: Another worker is worth the time that connecting takes if there is so much more
#: to do: mailboxes, each of which takes some round trips, or messages.
MAILBOXES = 8
MESSAGES = 1000


#: Over one pair of connections, the answers of so many mailboxes are awaited.
ANSWERS = 8


class Reserve(Protocol):
    """
    Where further pairs of connections come from.
    """

    def another(self) -> Deferred[Clients]:
        """
        Connect a further one.
        """

    def settled(self) -> Deferred[None]:
        """
        Wait until the servers are through with what they were sent over a pair
        that is lost just now.
        """


class Workers:
    """
    Works on many mailboxes.

    @param first: the pair of connections that is always there.
    @param reserve: has further ones; none can be had without.
    @param most: how many pairs there may be.
    """

    log = Log()

    def __init__(
        self,
        first: Clients,
        reserve: Reserve | None,
        most: int,
    ) -> None:
        self._reserve = reserve
        self._most = most if reserve else 1
        self._workers = [first]
        self._joining: list[Deferred[Clients]] = []
        self._busy: list[Clients] = []
        self._coming = 0
        self._told = ""
        self._loans: list[Lent] = []
        self._queue: deque[Name] = deque()

    async def work(self, tasks: Mapping[Name, int], do: Work) -> None:
        """
        Have C{do} called for each mailbox, with a pair of connections.

        @param tasks: about how many messages are to be copied, by mailbox.
        """
        self._do = do
        wanted = self._wanted(tasks)
        self._queue = deque(tasks)
        if wanted > 1:  # the largest first, lest all wait for it at the end
            self._queue = deque(sorted(tasks, key=lambda name: -tasks[name]))
        while self._queue:
            # None of these is lent to one that begins before.
            self._busy = self._workers[:wanted]
            self._coming = wanted - len(self._busy)
            several = [self._work(pair) for pair in self._busy]
            several += [self._recruit() for _ in range(self._coming)]
            await jointly([Deferred.fromCoroutine(one) for one in several])
            wanted = len(self._workers)

    @property
    def spare(self) -> int:
        """
        How many pairs may be lent.
        """
        return len(self.idle) + self.room

    @property
    def idle(self) -> list[Clients]:
        """
        The pairs that nobody works with, but the first: whoever loses that loses all.
        """
        lent = [pair for loan in self._loans for pair in loan.pairs]
        others = [p for p in self._workers[1:] if p not in self._busy and p not in lent]
        return [pair for pair in others if not _isDead(pair)]

    @property
    def room(self) -> int:
        """
        How many more may be connected.
        """
        coming = self._coming + sum(len(loan.joining) for loan in self._loans)
        return max(0, self._most - len(self._workers) - coming)

    def borrow(self, count: int, lend: Callable[[Clients], None]) -> Lent:
        """
        Lend pairs, as L{imapsync.mailbox.context.Further} says.
        """
        assert self._reserve is not None  # or there is none to spare
        loan = Lent(self, self._reserve, lend)
        self._loans.append(loan)
        loan.fill(count)
        return loan

    def joined(self, pair: Clients) -> None:
        """
        There is one more, though another may have been refused meanwhile.
        """
        self._workers.append(pair)
        self._most = max(self._most, len(self._workers))

    def lost(self, pair: Clients, error: ImapSyncError | None = None) -> None:
        """
        There is one less.

        @param error: why there are to be no more than that.
        """
        if pair in self._workers:
            self._workers.remove(pair)
        if error is not None:
            self.without(error)

    def returned(self, loan: Lent) -> None:
        """
        What was lent is free.
        """
        self._loans.remove(loan)
        for pair in filter(_isDead, loan.pairs):
            self.lost(pair)

    def _wanted(self, tasks: Mapping[Name, int]) -> int:
        """
        How many workers are worth it.
        """
        further = max(len(tasks) // MAILBOXES, sum(tasks.values()) // MESSAGES)
        return max(1, min(self._most, len(tasks), 1 + further))

    async def _recruit(self) -> None:
        assert self._reserve is not None  # or one worker would be enough
        joining = self._reserve.another()
        self._joining.append(joining)
        try:
            pair = await joining
        except (CancelledError, ImapSyncError) as error:
            if self._queue and isinstance(error, ImapSyncError):
                self.without(error)
            return
        finally:
            self._coming -= 1
            self._joining.remove(joining)
        self.joined(pair)
        self._busy.append(pair)
        await self._work(pair)

    async def _work(self, pair: Clients) -> None:
        try:
            await self._workWith(pair)
        finally:
            self._busy.remove(pair)

    async def _workWith(self, pair: Clients) -> None:
        begun: dict[Name, Deferred[None]] = {}
        try:
            await self._workOn(pair, begun)
        except (CancelledError, ImapSyncError) as error:
            for going in begun.values():
                going.addErrback(lambda _: None)  # one failure is told
                going.cancel()
            first = pair is self._workers[0]
            if first or self._reserve is None or not isinstance(error, Lost):
                raise
            self.lost(pair, error)
            # Whoever takes up the mailbox is to find what was on its way, or
            # it would be copied again.
            await self._reserve.settled()
            self._queue.extend(begun)
            return
        for joining in list(self._joining):
            joining.cancel()  # there is nothing to help with any more

    async def _workOn(self, pair: Clients, begun: dict[Name, Deferred[None]]) -> None:
        """
        @param begun: holds the mailboxes that are not done with: the one that is
            worked on, and those before it as long as answers are awaited.
        """
        while self._queue or begun:
            if self._queue:
                await self._begin(self._queue.popleft(), pair, begun)
            for name, work in [*begun.items()]:
                if work.called or not self._queue or len(begun) >= ANSWERS:
                    await work
                    del begun[name]

    async def _begin(
        self, name: Name, pair: Clients, begun: dict[Name, Deferred[None]]
    ) -> None:
        """
        Work on a mailbox until the connections can serve another one.
        """
        released: Deferred[None] = Deferred()
        over: list[Name] = []

        def release() -> None:
            if not released.called:
                released.callback(None)

        async def work() -> None:
            try:
                await self._do(name, pair, release)
            finally:
                over.append(name)
                release()

        begun[name] = Deferred.fromCoroutine(work())
        await released
        if over:
            await begun[name]
            del begun[name]

    def without(self, error: ImapSyncError) -> None:
        """
        Be content with the workers that there are.
        """
        if self._most > len(self._workers):
            self._most = len(self._workers)
            if str(error) != self._told:
                self._told = str(error)
                self.log.warn("{error}; going on with fewer connections.", error=error)


class Lent:
    """
    Pairs that help with one mailbox: L{imapsync.mailbox.context.Loan}.

    @param lend: called with each.
    @ivar pairs: those that there are.
    @ivar joining: fire with those that come.
    """

    def __init__(
        self, workers: Workers, reserve: Reserve, lend: Callable[[Clients], None]
    ) -> None:
        self._workers = workers
        self._reserve = reserve
        self._lend = lend
        self._over = False
        self.pairs: list[Clients] = []
        self.joining: list[Deferred[Clients]] = []

    def fill(self, count: int) -> None:
        """
        Have so many.
        """
        idle = self._workers.idle[:count]
        for pair in idle:
            self._take(pair)
        for _ in range(min(count - len(idle), self._workers.room)):
            Deferred.fromCoroutine(self._join())

    def lost(self, pair: Clients, error: ImapSyncError) -> None:
        """
        One was lost.
        """
        self.pairs.remove(pair)
        self._workers.lost(pair, error)

    def settled(self) -> Deferred[None]:
        """
        Wait until the servers are through with what they were sent over it.
        """
        return self._reserve.settled()

    def end(self) -> None:
        """
        They are free.
        """
        self._over = True
        for joining in list(self.joining):
            joining.cancel()
        self._workers.returned(self)
        self.pairs.clear()

    def _take(self, pair: Clients) -> None:
        self.pairs.append(pair)
        self._lend(pair)

    async def _join(self) -> None:
        joining = self._reserve.another()
        self.joining.append(joining)
        try:
            pair = await joining
        except (CancelledError, ImapSyncError) as error:
            if not self._over and isinstance(error, ImapSyncError):
                self._workers.without(error)
            return
        finally:
            self.joining.remove(joining)
        self._workers.joined(pair)
        self._take(pair)


def _isDead(pair: Clients) -> bool:
    return any(client.lost.called for client in pair.values())
