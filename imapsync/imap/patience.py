"""
For how long servers that ask for time are waited for: L{Patience}.
"""

from __future__ import annotations

from collections.abc import Callable


class Patience:
    """
    Of one run, for both servers and over all connections.

    @param now: tells the time, in seconds.
    @param most: so many seconds may be waited in all; C{None} if there is no end.
    @param tell: called with what a server said, and the seconds that it is waited
        for it.
    """

    def __init__(
        self,
        now: Callable[[], float],
        most: float | None,
        tell: Callable[[str, float], None],
    ) -> None:
        self._now = now
        self._most = most
        self._tell = tell
        self._waited = 0.0
        self._until = float("-inf")

    def wait(self, why: str, seconds: float) -> bool:
        """
        Begin to wait.  What is waited over several connections at a time counts
        once.

        @return: whether there is enough patience left: if not, it is not begun.
        """
        now = self._now()
        further = max(0.0, now + seconds - max(now, self._until))
        if self._most is not None and self._waited + further > self._most:
            return False
        self._waited += further
        self._until = max(self._until, now + seconds)
        self._tell(why, seconds)
        return True
