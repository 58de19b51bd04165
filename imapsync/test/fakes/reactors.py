"""
A reactor in memory.
"""

from __future__ import annotations

from twisted.internet.testing import MemoryReactorClock


class Reactor(MemoryReactorClock):
    """
    One from which triggers can be removed.
    """

    def removeSystemEventTrigger(self, trigger: object) -> None:
        """
        There is but one.
        """
        self.triggers["before"]["shutdown"].clear()
