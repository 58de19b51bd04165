"""
The mass-deletion brake: an emptied server or a wrong mount must not empty the
other side too.
"""

from __future__ import annotations

from imapsync.errors import MassDeletion

#: Accounts with fewer known messages have no brake.
LEAST = 100


class Brake:
    """
    Counts what one run removes.

    @param known: how many messages were known when the run began.
    @param lifted: whether the user allowed any number.
    """

    def __init__(self, known: int, lifted: bool) -> None:
        self._known = known
        self._lifted = lifted or known < LEAST
        self._removed = 0

    def trips(self, count: int) -> bool:
        """
        Whether C{count} removals more would be too many.
        """
        return not self._lifted and (self._removed + count) * 2 > self._known

    def remove(self, count: int) -> None:
        """
        C{count} messages are about to be removed.

        @raise MassDeletion: they must not be.
        """
        if self.trips(count):
            raise MassDeletion(
                f"{self._removed + count} of {self._known} known messages would be"
                " removed, which looks like an emptied server or a wrong mount;"
                " stopped before that.  If it is meant, run once with"
                " --allow-mass-delete"
            )
        self._removed += count
