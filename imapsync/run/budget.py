"""
How much may go over the connections to a server on one day: L{Budget}.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from imapsync.config.server import ServerConfig
from imapsync.errors import Later
from imapsync.model import Side
from imapsync.state.interface import State

_DAY = 86400

#: What was counted is kept after so many octets more.
_KEPT = 1024 * 1024


class Budget:
    """
    Counts what goes over all connections, of this run and of those before, where the
    configuration has a limit.

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
        self._limited = [s for s in Side if servers[s].octetsPerDay is not None]
        self._state = state
        self._now = now or time.time
        self._kept = {side: state.traffic(side) for side in self._limited}
        self._spent = dict(self._kept)

    def meter(self, side: Side) -> Callable[[int], None] | None:
        """
        What is to be told of octets; nothing, if they need not be counted.  It raises
        L{Later} when there were too many.
        """
        if side not in self._limited:
            return None

        def count(octets: int) -> None:
            day, before = self._today(side)
            self._spent[side] = day, before + octets
            kept, octets = self._kept[side]
            if kept != day or self._spent[side][1] - octets >= _KEPT:
                self.keep()
            self.check(side)

        return count

    def check(self, side: Side) -> None:
        """
        @raise Later: no more may go there today.
        """
        most = self._servers[side].octetsPerDay
        if most is None or self._today(side)[1] < most:
            return
        from datetime import datetime, timezone  # few come to that

        rest = _DAY - self._now() % _DAY
        when = datetime.fromtimestamp(self._now() + rest, timezone.utc)
        raise Later(
            f"{self._servers[side].where}: max-octets-per-day ({most}) are used up; it"
            f" can go on from {when:%Y-%m-%d %H:%M} UTC",
            rest,
        )

    def keep(self) -> None:
        """
        Have the next run know of it.
        """
        if self._spent != self._kept:
            self._kept = dict(self._spent)
            with self._state.transaction():
                for side, (day, octets) in self._kept.items():
                    self._state.setTraffic(side, day, octets)

    def _today(self, side: Side) -> tuple[int, int]:
        """
        The day, and what was spent on it.
        """
        today = int(self._now() // _DAY)
        day, octets = self._spent[side]
        return today, octets if day == today else 0
