"""
The mass-deletion brake: an emptied server or a wrong mount must not empty the
other side too.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from imapsync.errors import MailboxError, MassDeletion, Refused
from imapsync.model import Side

#: Accounts with fewer known messages have no brake.
LEAST = 100

#: Where there is no end to a run, what was removed counts for so many seconds.
WINDOW = 3600.0

#: Time is told apart no finer than that, in seconds.
_GRAIN = 60.0


class _While(NamedTuple):
    """
    A part of the time that counts.

    @ivar began: when.
    @ivar known: how many messages were known in it at most, with all those that
        were removed before, even if that no longer counts.
    @ivar removed: how many were removed in it, by side.
    """

    began: float
    known: int
    removed: Counter[Side]


class Brake:
    """
    Counts what is removed from each side: in one run or, where a clock is given,
    within the last L{WINDOW} seconds.

    It is held against all messages that were known in that time, so that it makes
    no difference in how many portions they go, or how many are left.

    @param known: tells how many messages are known now.
    @ivar lifted: whether the user allowed any number.
    @param clock: tells the time.
    """

    def __init__(
        self,
        known: Callable[[], int],
        lifted: bool,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._known = known
        self.lifted = lifted
        self._clock = clock
        self._lately: deque[_While] = deque()
        self._forgotten = 0
        self._total = 0
        self._due: Counter[Side] = Counter()
        self._doubtful: Counter[Side] = Counter()
        self.look()

    def look(self) -> None:
        """
        See how many messages are known, before any more go.
        """
        latest = self._now()
        total = self._known() + self._gone()
        total += self._believe(self._total - total, latest)
        self._total = total
        self._lately[-1] = latest._replace(known=max(latest.known, total))

    def trips(self, counts: Mapping[Side, int]) -> bool:
        """
        Whether so many more removals would be too many for a side.
        """
        self.look()
        return any(self._excessive(side, count) for side, count in counts.items())

    def check(self, counts: Mapping[Side, int]) -> None:
        """
        So many messages are about to be removed.

        @raise MassDeletion: they must not be.
        """
        if any(counts.values()):
            self.look()
        for side, count in counts.items():
            if self._excessive(side, count):
                self._refuse(side, count)

    @contextmanager
    def due(self, counts: Mapping[Side, int]) -> Iterator[Counter[Side]]:
        """
        While so many messages are being removed, others that are about to be
        come on top of them.

        If that is cut off, nobody has heard whether the rest is removed: it counts
        as soon as so many messages are no longer known.

        @return: what to count those in that were removed.
        @raise MassDeletion: as L{check}.
        """
        self.check(counts)
        self._due.update(counts)
        removed: Counter[Side] = Counter()
        doubtful: Counter[Side] = Counter()
        try:
            yield removed
        except BaseException as error:
            if not isinstance(error, (MailboxError, Refused)):
                doubtful = Counter(counts) - removed
            raise
        finally:
            self._due.subtract(counts)
            self._now().removed.update(removed)
            if any(counts.values()):
                self.look()
            # What is removed now was not before, though nobody had heard that.
            self._doubtful = self._doubtful - removed + doubtful

    def removed(self, side: Side, count: int) -> None:
        """
        So many messages were removed.
        """
        self._now().removed[side] += count

    def forgive(self, side: Side, count: int) -> None:
        """
        So many of the messages that are to be removed from C{side} were moved:
        their like is already where they are to be.
        """
        self.removed(side, -count)

    def _now(self) -> _While:
        """
        Where to count what happens now; what is too long ago counts no more.
        """
        now = 0.0 if self._clock is None else self._clock()
        lately = self._lately
        while lately and lately[0].began + _GRAIN <= now - WINDOW:
            self._forgotten += lately.popleft().removed.total()
        if not lately or lately[-1].began + _GRAIN <= now:
            lately.append(_While(now, 0, Counter()))
        return lately[-1]

    def _gone(self) -> int:
        """
        How many were removed, ever.
        """
        return self._forgotten + sum(one.removed.total() for one in self._lately)

    def _believe(self, fewer: int, latest: _While) -> int:
        """
        So many messages fewer are known than are accounted for.

        @return: how many of them we removed ourselves, as far as one can know.
        """
        believed: Counter[Side] = Counter()
        for side, doubtful in self._doubtful.items():
            believed[side] = max(0, min(doubtful, fewer - believed.total()))
        latest.removed.update(believed)
        self._doubtful -= believed
        return believed.total()

    def _excessive(self, side: Side, count: int) -> bool:
        if self.lifted or not count:
            return False
        # What is removed may have stayed alone on a side, and not be known any more.
        known, removed = self._atMost(), self._sum(side, count)
        return max(known, removed) >= LEAST and removed * 2 > known

    def _atMost(self) -> int:
        """
        How many messages were known in the time that counts.
        """
        return max(one.known for one in self._lately) - self._forgotten

    def _sum(self, side: Side, count: int) -> int:
        # What was to be removed before is either gone, or is among these.
        if count < self._doubtful[side]:
            count += self._doubtful[side]
        removed = sum(one.removed[side] for one in self._lately)
        return removed + self._due[side] + count

    def _refuse(self, side: Side, count: int) -> None:
        within = "" if self._clock is None else " within an hour"
        removed = self._sum(side, count)
        raise MassDeletion(
            f"{removed} of {max(removed, self._atMost())} known messages would"
            f" be removed from {side}{within}, which looks like an emptied server or a"
            " wrong mount; stopped before that.  If it is meant, run once with"
            " --allow-mass-delete"
        )
