"""
What a refusal says of the time: L{weighed}.
"""

from __future__ import annotations

import re
from typing import NamedTuple

#: So many seconds are waited at the most, whatever a server asks for.
LONGEST = 3600.0

#: Without a server's word, at the most so many.
_UNTOLD = 300.0

#: So often a server is believed that it needs no more time than it says.
_BELIEVED = 5

#: As Exchange says it.
_TOLD = r"backoff time:?\s*([0-9]{1,12})\s*(milliseconds|ms|seconds|s)\b"

#: How servers say that too much was asked of them in too short a time.
_PACE = (
    r"throttl|rate.?limit|too many (requests|commands)|bandwidth limit"
    r"|server (is )?unavailable|\Aconnection (is )?closed\. ?[0-9]+\.?\Z"
)

#: With these codes, what was asked for may be had later (RFC 5530, 3).
PASSING = frozenset(("UNAVAILABLE", "INUSE", "SERVERBUG"))

#: What servers say when they end a session because it has lasted: without anything to
#: do, or for as long as they let one last, or a token does.
_OVER = (
    r"token.?(has )?expired"
    r"|(session|login|authentication).{0,20}(expired|too long|time(d )?.?out)"
    r"|inactiv|\bidle\b|auto-?log-?out"
    r"|please reconnect"  # WildDuck, after so many commands of a kind
)

#: With these codes, what we logged in with was good, and is no longer (RFC 5530, 3).
_OUTLIVED = frozenset(("EXPIRED", "AUTHENTICATIONFAILED"))

_FULL = "over ?quota|quota exceeded|mailbox is full"


class Backoff(NamedTuple):
    """
    A server asks for time: nothing is wrong with what was asked of it.

    @ivar seconds: at least so many; 0 if it does not say.
    """

    seconds: float = 0.0


def weighed(code: str, text: str) -> Backoff | None:
    """
    Whether a server asks for time, whatever is asked of it.

    @param code: its response code, or an empty string.
    """
    match = _found(_TOLD, text)
    if match is not None:
        unit = 1.0 if match[2].lower().startswith("s") else 0.001
        return Backoff(min(int(match[1]) * unit, LONGEST))
    hurried = code in ("", "LIMIT", "UNAVAILABLE") and _found(_PACE, text)
    return Backoff() if hurried or code == "THROTTLED" else None


def isFull(code: str, text: str) -> bool:
    """
    Whether a refusal says that there is no room (RFC 9208, 4.4.1), with a code or
    without.
    """
    return code == "OVERQUOTA" or (not code and _found(_FULL, text) is not None)


def over(code: str, text: str) -> bool:
    """
    Whether a BYE in a session says no more than that it is time to log in again.

    @param code: its response code, or an empty string.
    """
    return code in _OUTLIVED or _found(_OVER, text) is not None


def distance(times: int, told: float = 0.0) -> float:
    """
    How many seconds to wait when a server has asked for time so often before.

    @param told: how much it asks for; 0 if it does not say.  Where that was too
        little again and again, it is not believed.
    """
    if told:
        return told if times < _BELIEVED else max(told, distance(times - _BELIEVED))
    return min(2.0 ** min(times, 30), _UNTOLD)


def _found(pattern: str, text: str) -> re.Match[str] | None:
    # Patterns are compiled when they are needed, which is seldom.
    return re.search(pattern, text, re.IGNORECASE) if text else None
