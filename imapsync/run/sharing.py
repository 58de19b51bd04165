"""
What the accounts of a program share: their turns at work, and places at hosts.

None can wait for each other: the places that an account needs are taken at once, and
nobody waits for them who has a turn.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from imapsync.config.limits import Limits
from imapsync.run.status import Standing, SyncState

#: A server that lets nobody in for so many seconds keeps no other account waiting any
#: longer.
SLOW = 5.0


class Places:
    """
    So many, and no more, at each of any number of hosts.

    @param most: C{None} means any number.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._used: Counter[str] = Counter()
        self._waiting: dict[str, dict[Deferred[None], Counter[str]]] = defaultdict(dict)
        self._freed: deque[str] = deque()

    @property
    def counted(self) -> bool:
        """
        Whether there are not any number.
        """
        return self._most is not None

    def take(self, hosts: Iterable[str]) -> Deferred[None]:
        """
        Take one place for each time that a host is named, all at once.

        @return: fires when they are taken; until then it may be cancelled.
        """
        wanted = Counter(hosts)
        waiting: Deferred[None] = Deferred(self._forget)
        if self._fit(wanted):
            self._used.update(wanted)
            waiting.callback(None)
        else:
            for host in wanted:
                self._waiting[host][waiting] = wanted
        return waiting

    def takeNow(self, hosts: Iterable[str]) -> bool:
        """
        Likewise, if nobody need wait for that.
        """
        wanted = Counter(hosts)
        fits = self._fit(wanted)
        if fits:
            self._used.update(wanted)
        return fits

    def give(self, hosts: Iterable[str]) -> None:
        """
        Give them back; who waits first and has all that it needs is the next.
        """
        given = Counter(hosts)
        self._used.subtract(given)
        self._offer(given)

    def change(self, most: int | None) -> None:
        """
        So many there are from now on; nobody loses what he has.
        """
        self._most = most
        self._offer(self._waiting)

    def _offer(self, hosts: Iterable[str]) -> None:
        """
        There may be places for those who wait at these hosts.
        """
        idle = not self._freed
        self._freed.extend(hosts)
        while idle and self._freed:  # else it is done further out
            self._admit(self._freed[0])
            self._freed.popleft()

    def _admit(self, host: str) -> None:
        for waiting, wanted in list(self._waiting[host].items()):
            if self._most is not None and self._used[host] >= self._most:
                return
            if not waiting.called and self._fit(wanted):
                self._used.update(wanted)
                self._drop(waiting, wanted)
                waiting.callback(None)

    def _fit(self, wanted: Counter[str]) -> bool:
        # Who needs more than there are has all.
        return self._most is None or all(
            not self._used[host] or self._used[host] + number <= self._most
            for host, number in wanted.items()
        )

    def _forget(self, waiting: Deferred[None]) -> None:
        for queue in self._waiting.values():
            if waiting in queue:
                self._drop(waiting, queue[waiting])
                return

    def _drop(self, waiting: Deferred[None], wanted: Counter[str]) -> None:
        for host in wanted:
            self._waiting[host].pop(waiting, None)


#: A turn is a place at this.
_WORK = ("",)


class Shared:
    """
    What all accounts of a program have together.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limited = False
        self.beginning = Places(None)
        self.following = Places(None)
        self.hosts = Places(None)
        self.change(limits)

    def change(self, limits: Limits | None) -> None:
        """
        So much may go on at once from now on.
        """
        most = None if limits is None else limits.atWork
        self.limited = most is not None
        self.beginning.change(most)
        self.following.change(most)
        self.hosts.change(None if limits is None else limits.perHost)


class Share:
    """
    What one account has of that, in one run.

    @param standing: is told when it has to wait.
    """

    def __init__(self, shared: Shared, standing: Standing, clock: IReactorTime) -> None:
        self._shared = shared
        self._standing = standing
        self._clock = clock
        self._kind = shared.beginning
        self._held: Places | None = None

    async def begin(self) -> None:
        """
        Wait for a turn to connect and sync for the first time.
        """
        self._kind = self._shared.beginning
        await self.work()

    async def work(self) -> None:
        """
        Wait for a turn, unless it has one.
        """
        if self._held is None:
            kind = self._kind
            await self._taken(kind.take(_WORK), SyncState.QUEUED)
            self._held = kind

    def rest(self) -> None:
        """
        It is the others' turn until something changes.
        """
        self._kind = self._shared.following
        self.give()

    def give(self) -> None:
        """
        It is the others' turn for now.
        """
        held, self._held = self._held, None
        if held is not None:
            held.give(_WORK)

    @contextmanager
    def unlessSlow(self) -> Iterator[None]:
        """
        If what is done meanwhile takes long, it is the others' turn.
        """
        if not self._shared.limited:
            yield
            return
        call = self._clock.callLater(SLOW, self.give)
        try:
            yield
        finally:
            if call.active():
                call.cancel()

    async def enter(self, hosts: Iterable[str]) -> None:
        """
        Wait for a place at each of these hosts; it is the others' turn meanwhile.
        """
        entering = self._shared.hosts.take(hosts)
        if not entering.called:
            self.give()
        await self._taken(entering, SyncState.CROWDED)

    @property
    def isCrowded(self) -> bool:
        """
        Whether places at hosts are counted, so that others may have to wait for them.
        """
        return self._shared.hosts.counted

    def enterNow(self, hosts: Iterable[str]) -> bool:
        """
        Take one, if nobody need wait for that.
        """
        return self._shared.hosts.takeNow(hosts)

    def leave(self, hosts: Iterable[str]) -> None:
        """
        Give them back.
        """
        self._shared.hosts.give(hosts)

    async def _taken(self, waiting: Deferred[None], state: SyncState) -> None:
        if not waiting.called:
            before = self._standing.state
            self._standing.moved(state)
            await waiting
            if self._standing.state is state:
                self._standing.moved(before)
