"""
What was done lately, minute by minute: L{History}.
"""

from __future__ import annotations

from array import array
from time import localtime

from imapsync.watch.facts import Amount

#: In seconds.
_MINUTE = 60
_QUARTER = 15 * _MINUTE


class History:
    """
    How much was done in each minute of the last hour, in each quarter of an hour of
    the last day, and since midnight.  It takes a few KB, once anything was done.

    All times are in seconds since 1970, and may go back: somebody may set the clock.
    """

    __slots__ = ("_day", "_hour", "_midnight", "_today")

    def __init__(self) -> None:
        self._hour: _Ring | None = None
        self._day: _Ring | None = None
        self._midnight = (0, 0, 0)
        self._today = Amount()

    def add(self, now: float, amount: Amount) -> None:
        """
        So much was done.
        """
        if self._hour is None or self._day is None:
            self._hour, self._day = _Ring(60, _MINUTE), _Ring(96, _QUARTER)
        self._hour.add(now, amount)
        self._day.add(now, amount)
        today = self.today(now)
        self._midnight = localtime(now)[:3]
        self._today = Amount(
            today.messages + amount.messages, today.octets + amount.octets
        )

    def today(self, now: float) -> Amount:
        """
        What was done since midnight here.
        """
        return self._today if localtime(now)[:3] == self._midnight else Amount()

    def hour(self, now: float) -> tuple[Amount, ...]:
        """
        By minute, the present one last.
        """
        return (Amount(),) * 60 if self._hour is None else self._hour.all(now)

    def day(self, now: float) -> tuple[Amount, ...]:
        """
        By quarter of an hour, the present one last.
        """
        return (Amount(),) * 96 if self._day is None else self._day.all(now)


class _Ring:
    """
    Amounts by spans of time, of which so many are remembered.
    """

    __slots__ = ("_last", "_messages", "_octets", "_width")

    def __init__(self, spans: int, width: int) -> None:
        self._width = width
        self._messages = array("Q", bytes(8 * spans))
        self._octets = array("Q", bytes(8 * spans))
        self._last = 0

    def add(self, now: float, amount: Amount) -> None:
        self._turn(now)
        at = self._last % len(self._octets)
        self._messages[at] += amount.messages
        self._octets[at] += amount.octets

    def all(self, now: float) -> tuple[Amount, ...]:
        self._turn(now)
        spans = len(self._octets)
        after = self._last + 1
        places = [at % spans for at in range(after, after + spans)]
        return tuple(Amount(self._messages[at], self._octets[at]) for at in places)

    def _turn(self, now: float) -> None:
        """
        Forget what is too long ago.
        """
        spans = len(self._octets)
        present = int(now // self._width)
        if present < self._last - spans:  # the clock was wrong until now
            self._last = present - spans
        for span in range(max(self._last, present - spans) + 1, present + 1):
            self._messages[span % spans] = self._octets[span % spans] = 0
        self._last = max(self._last, present)
