"""
How often the STATUS of each mailbox is asked for, where each costs a command of its
own: L{Polling}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from imapsync.model import Status

#: What has not changed for long is asked for again only after this part of that time.
_PART = 1 / 20

#: But after so many times the usual pause, at the latest.
_LONGEST = 10


class _Told(NamedTuple):
    """
    Of one mailbox.

    @ivar asked: when it was told last, in seconds.
    @ivar changed: when it was told for the first time, or was no longer what it was.
    """

    status: Status
    asked: float
    changed: float


class Polling:
    """
    Remembers what one server told of each mailbox, by the name that it has there, for
    as long as that need not be asked again.

    @param pause: so long, in seconds, is the usual pause.
    @param now: tells the time, in seconds.
    @ivar recalled: those of which it was not asked again.
    """

    def __init__(self, pause: float, now: Callable[[], float]) -> None:
        self._pause = pause
        self._now = now
        self._told: dict[str, _Told] = {}
        self._doubted: set[str] = set()
        self.recalled: set[str] = set()

    def tell(self, name: str, status: Status) -> None:
        """
        The server told this just now.
        """
        now = self._now()
        before = self._told.get(name)
        changed = before.changed if before and before.status == status else now
        self._told[name] = _Told(status, now, changed)
        self.recalled.discard(name)

    def recall(self, name: str) -> Status | None:
        """
        What the server told, if it need not be asked again.

        @return: C{None}, until it has been told: what happens from now on may be left
            out of that.
        """
        told = self._told.get(name)
        if told is None:
            return None
        pause = min((told.asked - told.changed) * _PART, _LONGEST * self._pause)
        isSure = name not in self._doubted and pause >= self._pause
        if isSure and self._now() < told.asked + pause:
            self.recalled.add(name)
            return told.status
        self._doubted.discard(name)
        self.recalled.discard(name)
        self._told[name] = told._replace(asked=told.changed)
        return None

    def doubt(self, names: Iterable[str] | None = None) -> None:
        """
        Something may have happened in these mailboxes, or in any.
        """
        self._doubted.update(self._told if names is None else names)

    def keep(self, names: Iterable[str]) -> None:
        """
        There are no others any more.
        """
        there = {*names}
        self._told = {name: told for name, told in self._told.items() if name in there}
        self._doubted &= there
        self.recalled &= there
