"""
What takes long, of which people want to see how far it has come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall, IReactorTime

if TYPE_CHECKING:
    from imapsync.cli.progress import Showing

#: Work that takes less than so many seconds is not worth it to show its progress.
SHORT = 1.0


class Lasting:
    """
    Begins to show something, unless all is done by then.

    @param make: makes what shows it; given is when the work began.
    """

    def __init__(self, clock: IReactorTime, make: Callable[[float], Showing]) -> None:
        self._clock = clock
        self._make = make
        self._waiting: IDelayedCall | None = None
        self._showing: Showing | None = None

    def start(self) -> None:
        """
        Work begins.
        """
        since = self._clock.seconds()
        self._waiting = self._clock.callLater(SHORT, self._show, since)

    def stop(self) -> None:
        """
        All is done.
        """
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if self._showing is not None:
            self._showing.stop()

    def _show(self, since: float) -> None:
        self._waiting = None
        self._showing = self._make(since)
        self._showing.start()
