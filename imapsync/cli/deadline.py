"""
Until when the work is to go on: L{deadline}.
"""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from datetime import time as clock

from imapsync.errors import UsageError

_TIME = "[0-9]{2}:[0-9]{2}(:[0-9]{2})?"


def deadline(typed: str, now: float | None = None) -> float:
    """
    The time that is meant by a date, a date and a time, or a time of day that comes
    next; in the zone of this machine, if none is said.

    @param now: in seconds since 1970, as for what is returned.
    @raise UsageError: if it means none, or one that is over.
    """
    current = datetime.fromtimestamp(time.time() if now is None else now)
    try:
        if re.fullmatch(_TIME, typed):
            meant = datetime.combine(current.date(), clock.fromisoformat(typed))
            if meant <= current:
                meant += timedelta(days=1)
        else:
            meant = datetime.fromisoformat(typed.replace("Z", "+00:00"))
        seconds = meant.timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"--until={typed}: it takes a date, such as 2026-12-31, with a time, such"
            " as 2026-12-31T18:00, or a time of day, such as 18:00"
        ) from None
    if seconds <= current.timestamp():
        raise UsageError(f"--until={typed}: that is over")
    return seconds
