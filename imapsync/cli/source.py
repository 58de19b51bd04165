"""
Where the accounts of a program are from.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from imapsync.config.limits import Limits
from imapsync.config.settings import Config


class Source(NamedTuple):
    """
    What tells which accounts there are.

    @ivar read: reads it again: all configurations, by the names of the accounts.  It
        fails with L{ImapSyncError<imapsync.errors.ImapSyncError>} if anything is so
        wrong that nothing may change; it may be cancelled.
    @ivar least: a run that ends does so with that exit code, if not with a worse one.
    @ivar interval: that is done so many seconds after it was done last, besides when
        it is asked for; C{None} if it is not.
    """

    read: Callable[[], Awaitable[Mapping[str, Config]]]
    interval: float | None = None
    limits: Limits = Limits()
    least: int = 0
