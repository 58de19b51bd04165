"""
When to try again what was refused, and how that is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from imapsync.display import moment
from imapsync.model import Refusal

#: What a server said when it refused a message, and its response code.
Why = tuple[str, str]

_HOUR = 3600
_DAY = 24 * _HOUR

#: How many seconds after the first refusal, the second and so on; the last is for all
#: further ones.  At first in each run: what was in the way may have been set right.
PAUSES = (0, 0, 0, _HOUR, _DAY, 7 * _DAY)

#: The same where not the message is the reason, but how its server is just now: that
#: may soon be otherwise.
SHORT = PAUSES[:4]

#: With these response codes, it is that (RFC 5530, 3; RFC 9208, 5.1.3).
_PASSING = frozenset("OVERQUOTA UNAVAILABLE INUSE SERVERBUG THROTTLED".split())


def pauses(code: str) -> Sequence[int]:
    """
    How long to wait after a refusal with this response code, by how many there
    were.
    """
    return SHORT if code in _PASSING else PAUSES


def told(refusal: Refusal) -> str:
    """
    What people are told of one that waits to be tried again.
    """
    if not refusal.uids:
        return f"{refusal.reason} (since {moment(refusal.since)})"
    if not refusal.tries:  # by a version that did not note it
        return "it was refused, and is tried again the next time"
    times = "once" if refusal.tries == 1 else f"{refusal.tries} times"
    again = f"from {moment(refusal.due)} on" if refusal.due else "the next time"
    since = moment(refusal.since)
    return f"{refusal.reason} (tried {times} since {since}; again {again})"
