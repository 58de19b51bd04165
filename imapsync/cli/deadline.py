"""
Until when the work is to go on: L{deadline}.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from datetime import time as clock

from imapsync.errors import UsageError

_TIME = "[0-9]{2}:[0-9]{2}(:[0-9]{2})?"
_ZONE = "([+-][0-9]{2}:[0-9]{2})?"


def deadline(typed: str, now: float | None = None) -> float:
    """
    The time that is meant by a date, a date and a time, or a time of day that comes
    next; in the zone of this machine, if none is said.

    @param now: in seconds since 1970, as for what is returned.
    @raise UsageError: if it means none, or one that is over.
    """
    current = time.time() if now is None else now
    try:
        times = [*_meant(typed.replace("Z", "+00:00"), current)]
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"--until={typed}: it takes a date, such as 2026-12-31, with a time, such"
            " as 2026-12-31T18:00, or a time of day, such as 18:00"
        ) from None
    for seconds in times:
        if seconds > current:
            return seconds
    raise UsageError(f"--until={typed}: that is over")


def _meant(typed: str, now: float) -> Iterator[float]:
    """
    What it may mean, what comes first in front.  When clocks are set back, a time comes
    twice.

    @raise ValueError: it means none.
    """
    if re.fullmatch(_TIME + _ZONE, typed):
        hour = clock.fromisoformat(typed)
        today = datetime.fromtimestamp(now, hour.tzinfo).date()
        days = [datetime.combine(today + timedelta(days=n), hour) for n in (0, 1)]
    else:
        days = [datetime.fromisoformat(typed)]
    for day in days:
        yield from (day.replace(fold=fold).timestamp() for fold in (0, 1))
