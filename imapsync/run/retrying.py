"""
When to go on, where a server does not let something be done now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from imapsync.errors import (
    Lost,
    MailboxError,
    ProtocolViolation,
    Refused,
    StateUnavailable,
)
from imapsync.imap.backoff import PASSING, distance
from imapsync.imap.patience import Patience
from imapsync.model import Trouble
from imapsync.run.connections import SETTLING
from imapsync.run.job import Job
from imapsync.run.status import Standing

#: A session that lasted so many seconds may well have lasted long enough for a server.
LONG = 60.0

#: Where there is no room, it is looked less often: seconds, the first time and at most.
_FULL = 60.0
_FULLEST = 3600.0


#: What may be otherwise next time.  A database that was opened becomes
#: unavailable only while another program, such as a backup, has it locked.
OTHERWISE = Lost, ProtocolViolation, Refused, MailboxError, StateUnavailable


class Comeback:
    """
    For live mode, in which the other mailboxes go on meanwhile.

    @param now: tells the time, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._times = 0
        self._at: float | None = None

    @property
    def due(self) -> bool:
        """
        Whether it is time.
        """
        return self._at is not None and self._at <= self._now()

    @property
    def left(self) -> float | None:
        """
        So many seconds are left until then; C{None} if there is nothing to try again.
        """
        return None if self._at is None else max(0.0, self._at - self._now())

    def plan(self, troubles: Iterable[Trouble]) -> None:
        """
        These are left.
        """
        codes = {one.code for one in troubles}
        full, passing = "OVERQUOTA" in codes, not codes.isdisjoint(PASSING)
        if not (full or passing):
            self._times, self._at = 0, None
        elif self._at is None or self.due:
            pause = distance(self._times)
            if not passing:
                pause = min(_FULL * 2.0 ** min(self._times, 30), _FULLEST)
            self._at = self._now() + pause
            self._times += 1


class Renewals:
    """
    Of sessions that have expired.

    @param clock: tells the time.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._short = self._unsettled = False

    def may(self, began: float, copying: bool) -> bool:
        """
        Whether one that has expired is followed by another at once: not if one after
        the other does so soon.

        @param began: when it did.
        @param copying: whether messages were under way.
        """
        before, self._short = self._short, self._clock.seconds() - began < LONG
        may = not (before and self._short)
        self._unsettled = may and copying
        return may

    async def settled(self) -> None:
        """
        Wait until the server is through with what it was sent, before it is asked
        again.
        """
        unsettled, self._unsettled = self._unsettled, False
        if unsettled:
            await deferLater(self._clock, SETTLING)


def patience(job: Job, standing: Standing, most: float | None) -> Patience:
    """
    For servers that ask for time; users are told of each time.

    @param most: so many seconds in all; C{None} if there is no end.
    """

    def tell(why: str, seconds: float) -> None:
        standing.waits(why, seconds)
        shown = round(seconds, 3)
        job.log.warn("{why}; going on in {seconds:g} s.", why=why, seconds=shown)

    return Patience(job.reactor.seconds, most, tell)
