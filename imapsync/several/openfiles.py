"""
How many files the system lets a program have open: connections and databases are such.
"""

from __future__ import annotations

import resource
from collections.abc import Callable

from imapsync.log import Log

#: So many has an account: two connections, its database with what belongs to it (four),
#: and some more for a while, or for a log file or the pipes of a command.
EACH = 10

#: So many has a program besides.
_OWN = 100

_log = Log()


def allow(
    accounts: int,
    get: Callable[[int], tuple[int, int]] = resource.getrlimit,
    set: Callable[[int, tuple[int, int]], None] = resource.setrlimit,  # noqa: A002
) -> None:
    """
    Let there be enough for so many accounts at once, or warn that there cannot be.
    """
    kind = resource.RLIMIT_NOFILE
    needed = accounts * EACH + _OWN
    soft, hard = get(kind)
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return
    most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        set(kind, (most, hard))
    except (OSError, ValueError):
        most = soft
    if most < needed:
        _log.warn(
            "{accounts} accounts may need {needed} open files, and the system allows"
            " {most}: raise that limit (LimitNOFILE= of a systemd unit, ulimit -Hn of a"
            " shell), or some cannot connect",
            accounts=accounts,
            needed=needed,
            most=most,
        )
