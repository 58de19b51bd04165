"""
Where the accounts of a program are from.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred

from imapsync.config.limits import Limits
from imapsync.config.settings import Config


class Source(NamedTuple):
    """
    What tells which accounts there are.

    @ivar read: reads it again: all configurations, by the names of the accounts.  It
        fails with L{ImapSyncError<imapsync.errors.ImapSyncError>} if anything is so
        wrong that nothing may change; it may be cancelled.
    @ivar least: a run that ends does so with that exit code, if not with a worse one.
    @ivar leftOut: what is to be said at the end of accounts that could not be read.
    @ivar interval: that is done so many seconds after it was done last, besides when
        it is asked for; C{None} if it is not.
    @ivar renewed: what else was said when it was read last; nothing else without.
    """

    read: Callable[[], Coroutine[Deferred[Any], Any, Mapping[str, Config]]]
    interval: float | None = None
    limits: Limits = Limits()
    least: int = 0
    leftOut: tuple[str, ...] = ()
    renewed: Callable[[], Source] | None = None
