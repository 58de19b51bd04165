"""
How often something is done that others may ask for without end: L{Pace}.
"""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

#: So often in each C{PERIOD}.
MOST = 300

#: In seconds.
PERIOD = 60.0


class Pace:
    """
    Keeps within that, as of servers that have news whenever they are asked.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._began = clock.seconds()
        self._times = 0

    async def keep(self) -> None:
        """
        Wait, if it was done too often lately.
        """
        left = self._began + PERIOD - self._clock.seconds()
        if left > 0 and self._times >= MOST:
            await deferLater(self._clock, left)
            left = 0
        if left <= 0:
            self._began, self._times = self._clock.seconds(), 0
        self._times += 1
