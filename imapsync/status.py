"""
How things stand: what those who watch a service are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imapsync.model import Name


@dataclass(frozen=True)
class MailboxStatus:
    """
    One mailbox.

    @ivar messages: how many are known on both sides.
    @ivar behind: since when the service knows that one side has something
        that the other has not; C{None} if both are equal.
    @ivar trouble: why it cannot be synced, or an empty string.
    """

    messages: int
    behind: float | None = None
    trouble: str = ""

    def lag(self, now: float) -> float:
        """
        How many seconds it is behind.
        """
        return 0.0 if self.behind is None else max(0.0, now - self.behind)


@dataclass(frozen=True)
class SyncStatus:
    """
    A service.  All times are those of its reactor.

    @ivar state: C{"connecting"}, C{"first sync"}, C{"tuning in"}, C{"waiting"},
        C{"syncing"}, C{"syncing, again"}, C{"backing off"}, C{"finishing"},
        C{"stopping"} or C{"stopped"}; of a run that ends by itself,
        C{"syncing"} or C{"stopped"}.
    @ivar since: when that began.
    @ivar mailboxes: all that are synced.
    @ivar error: what went wrong last, or an empty string.
    @ivar errorAt: when it did.
    @ivar synced: when both sides were found equal last.
    """

    state: str = "stopped"
    since: float = 0.0
    mailboxes: Mapping[Name, MailboxStatus] = field(default_factory=dict)
    error: str = ""
    errorAt: float | None = None
    synced: float | None = None
