"""
A sense of time that has passed: whether all was suspended, and whether nothing
was sent for long.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: So often, in seconds, is looked.
BEAT = 10.0

#: A beat that is so late means that all was suspended: the computer slept, or this
#: program was stopped.
LATE = 20.0

#: So long is nothing sent before it is told.
SILENCE = 900.0


class Pulse:
    """
    Beats from L{start} to L{stop}.

    @param sent: how many octets were sent so far, or another number that
        changes whenever some are.
    @param suspended: called with the seconds that passed unnoticed.
    @param silent: called when nothing was sent for long.
    """

    def __init__(
        self,
        clock: IReactorTime,
        sent: Callable[[], int],
        suspended: Callable[[float], None],
        silent: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._sent = sent
        self._suspended = suspended
        self._silent = silent
        self._octets = 0
        self._since = 0.0
        self._next: IDelayedCall | None = None

    def start(self) -> None:
        """
        Begin to beat.
        """
        self._since = self._clock.seconds()
        self._await()

    def stop(self) -> None:
        """
        Beat no more.
        """
        if self._next is not None and self._next.active():
            self._next.cancel()

    def _await(self) -> None:
        due = self._clock.seconds() + BEAT
        self._next = self._clock.callLater(BEAT, self._beat, due)

    def _beat(self, due: float) -> None:
        self._await()
        now = self._clock.seconds()
        if now - due > LATE:
            self._suspended(now - due)
        octets = self._sent()
        if octets != self._octets:
            self._octets, self._since = octets, now
        elif now - self._since >= SILENCE:
            self._since = now
            self._silent()
