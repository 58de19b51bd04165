"""
Time that nobody can set.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

#: On Linux, only this one goes on while the computer sleeps; elsewhere, the other
#: does as far as there is any.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady(reactor: Any) -> None:
    """
    Have C{reactor} count seconds since the computer was started.

    By itself it takes the time of day, and when that is set back by two hours, all
    that is to be done later is done two hours later.  From now on, its C{seconds}
    can no longer be told to people as a time.
    """
    now = reactor.seconds()
    left = {call: call.getTime() - now for call in reactor.getDelayedCalls()}
    reactor.seconds = partial(time.clock_gettime, _CLOCK)
    for call, seconds in left.items():
        call.seconds = reactor.seconds
        call.reset(max(0.0, seconds))
