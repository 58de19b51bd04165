"""
How far a run has come, how fast it goes, and when it may be at its end.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from imapsync.mailbox.course import Course, Doing, Flow
from imapsync.model import Name, Side

#: So many seconds back is looked to know how fast it goes.
WINDOW = 30.0

#: Not before so many seconds, so many messages, and so many times at which more of
#: them were done, is anything foretold.
_EARLY = 5.0
_FEW = 10
_STEPS = 4

#: How fast it goes now and how fast it went in all may differ so much, or nobody knows
#: how it will go on.
_STEADY = 2.0


class Progress(NamedTuple):
    """
    Of one account.

    @ivar mailboxes: those that are worked on just now, and what is done with them.
    @ivar over: how many mailboxes are done with.
    @ivar ahead: how many are not.
    @ivar local: messages that are copied to the local server; where all is only read,
        that are read there.
    @ivar remote: likewise.
    @ivar vague: whether much less may be left to do than it seems.
    @ivar reading: whether all is only read.
    """

    mailboxes: tuple[tuple[Name, Doing], ...] = ()
    over: int = 0
    ahead: int = 0
    local: Flow = Flow()
    remote: Flow = Flow()
    vague: bool = False
    reading: bool = False

    @classmethod
    def of(cls, course: Course) -> Progress:
        """
        How it is just now.
        """
        return cls(
            *(tuple(course.going.items()), course.over, course.ahead),
            *(course.flow(Side.LOCAL), course.flow(Side.REMOTE)),
            *(course.vague, course.reading),
        )

    def flow(self, side: Side) -> Flow:
        """
        What there is of one direction.
        """
        return self.local if side is Side.LOCAL else self.remote

    @property
    def both(self) -> Flow:
        """
        What there is of both.
        """
        return Flow(*map(sum, zip(self.local, self.remote, strict=True)))

    @property
    def share(self) -> float | None:
        """
        How much is done, if a mailbox takes as long as a message; C{None} if that is
        not known.
        """
        if self.vague:
            return None
        messages, _, left = self.both
        done = messages + self.over
        whole = done + left + self.ahead
        return done / whole if whole else None


class Pace(NamedTuple):
    """
    How fast it goes.

    @ivar messages: in a second.
    @ivar octets: likewise.
    @ivar left: how many seconds it may still take; C{None} if nobody can tell.
    """

    messages: float = 0.0
    octets: float = 0.0
    left: float | None = None


class Paces:
    """
    Finds that out, from how it was at one time after another.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Progress]] = deque()
        self._first: tuple[float, Progress] | None = None
        self._steps = 0

    def take(self, now: float, progress: Progress) -> Pace:
        """
        So it is now.

        @param now: in seconds; it grows.
        """
        samples = self._samples
        if samples and _isAnew(samples[-1][1], progress):
            samples.clear()
            self._first = None
        if samples and progress.both.messages > samples[-1][1].both.messages:
            self._steps += 1
        samples.append((now, progress))
        while len(samples) > 2 and samples[1][0] <= now - WINDOW:
            samples.popleft()
        began, before = samples[0]
        if self._first is None or not self._first[1].both.messages:
            # What it took until the first message tells nothing of the others.
            self._first, self._steps = (now, progress), 0
        messages, octets = _rates(now - began, before, progress)
        return Pace(messages, octets, self._left(now, progress, messages))

    def _left(self, now: float, progress: Progress, rate: float) -> float | None:
        assert self._first is not None
        began, first = self._first
        left, done = progress.both.left, progress.both.messages - first.both.messages
        elapsed = now - began
        if progress.vague or not left or not rate:
            return None
        if elapsed < _EARLY or done < _FEW or self._steps < _STEPS:
            return None
        usual = done / elapsed
        if not 1 / _STEADY <= rate / usual <= _STEADY:
            return None
        return left / min(rate, usual)


def _isAnew(before: Progress, after: Progress) -> bool:
    """
    Whether another run counts.
    """
    return before.both.messages > after.both.messages


def _rates(seconds: float, before: Progress, after: Progress) -> tuple[float, float]:
    if seconds <= 0:
        return 0.0, 0.0
    messages, octets, _ = after.both
    messages -= before.both.messages
    octets -= before.both.octets
    return messages / seconds, octets / seconds
