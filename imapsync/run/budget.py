"""
How much may go over the connections to a server on one day: L{Budget}.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from imapsync.config.server import ServerConfig
from imapsync.errors import Later
from imapsync.imap.hosts import named
from imapsync.model import Side
from imapsync.state.interface import State

_DAY = 86400

#: What was counted is kept after so many octets more.
_KEPT = 1024 * 1024


class Spent(NamedTuple):
    """
    What went over the connections to a server.

    @ivar day: when.
    @ivar octets: how many, either way.
    @ivar sent: how many of them were sent.
    """

    day: int
    octets: int
    sent: int

    def on(self, today: int) -> Spent:
        """
        What it was on that day.
        """
        return self if self.day == today else Spent(today, 0, 0)


class Limit(NamedTuple):
    """
    What may.

    @ivar most: so many octets, either way; C{None} if there is no limit.
    @ivar down: so many may be received.
    @ivar up: so many may be sent.
    @ivar whose: who says so.
    """

    most: int | None = None
    down: int | None = None
    up: int | None = None
    whose: str = ""

    @classmethod
    def of(cls, server: ServerConfig) -> Limit:
        """
        As the configuration says; else as the host is known for it.
        """
        if server.octetsPerDay is not None:
            return cls(most=server.octetsPerDay)
        host = named("" if server.command else server.host)
        return cls(None, host.downPerDay, host.upPerDay, host.name)

    def exceeded(self, spent: Spent) -> str:
        """
        Which of them is reached; an empty string if none is.
        """
        if self.most is not None and spent.octets >= self.most:
            return f"max-octets-per-day ({self.most}) are used up"
        by = f"of the octets that {self.whose} allows on one day are used up"
        if self.down is not None and spent.octets - spent.sent >= self.down:
            return f"the {self.down} received {by}: see max-octets-per-day"
        if self.up is not None and spent.sent >= self.up:
            return f"the {self.up} sent {by}: see max-octets-per-day"
        return ""


class Budget:
    """
    Counts what goes over all connections, of this run and of those before, where the
    configuration has a limit, or the host is known for one.

    A day is one of UTC.

    @param now: tells the time of day, as L{time.time} does, which a reactor need not.
    """

    def __init__(
        self,
        servers: Mapping[Side, ServerConfig],
        state: State,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._servers = servers
        limits = {side: Limit.of(server) for side, server in servers.items()}
        self._limits = {s: one for s, one in limits.items() if any(one[:3])}
        self._state = state
        self._now = now or time.time
        self._kept = {side: Spent(*state.traffic(side)) for side in self._limits}
        self._spent = dict(self._kept)

    def meter(self, side: Side) -> Callable[[int, int], None] | None:
        """
        What is to be told of octets; nothing, if they need not be counted.  It raises
        L{Later} when there were too many.
        """
        if side not in self._limits:
            return None

        def count(received: int, sent: int) -> None:
            before = self._today(side)
            now = Spent(before.day, before.octets + received + sent, before.sent + sent)
            self._spent[side] = now
            kept = self._kept[side]
            if kept.day != now.day or now.octets - kept.octets >= _KEPT:
                self.keep()
            self.check(side)

        return count

    def check(self, side: Side) -> None:
        """
        @raise Later: no more may go there today.
        """
        limit = self._limits.get(side)
        why = limit.exceeded(self._today(side)) if limit else ""
        if not why:
            return
        from datetime import datetime, timezone  # few come to that

        rest = _DAY - self._now() % _DAY
        when = datetime.fromtimestamp(self._now() + rest, timezone.utc)
        raise Later(
            f"{self._servers[side].where}: {why}; it can go on from"
            f" {when:%Y-%m-%d %H:%M} UTC",
            rest,
        )

    def keep(self) -> None:
        """
        Have the next run know of it.
        """
        if self._spent != self._kept:
            self._kept = dict(self._spent)
            with self._state.transaction():
                for side, spent in self._kept.items():
                    self._state.setTraffic(side, *spent)

    def _today(self, side: Side) -> Spent:
        """
        What was spent today.
        """
        return self._spent[side].on(int(self._now() // _DAY))
