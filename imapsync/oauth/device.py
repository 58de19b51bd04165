"""
Saying yes on another device: what is told of it, and how often to ask (RFC 8628).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from imapsync.errors import ImapSyncError, Lost
from imapsync.oauth.tokens import Declined

#: The C{grant_type} of what was said yes to.
GRANT = "urn:ietf:params:oauth:grant-type:device_code"

#: Pauses, in seconds: the usual one (3.2), what is added when that is too short
#: (3.5), and the shortest and longest that we make.
_USUAL, _MORE, _LEAST, _MOST = 5.0, 5.0, 0.2, 120.0

#: So long is a code good if nobody says.
_LIFETIME = 900.0


class Offer(NamedTuple):
    """
    What a user is to do.

    @ivar code: what we ask with.
    @ivar userCode: what they type.
    @ivar page: where.
    @ivar seconds: so long there is for that.
    @ivar interval: so long to wait before each question, in seconds.
    """

    code: str
    userCode: str
    page: str
    seconds: float
    interval: float

    def __repr__(self) -> str:
        return f"<Offer at {self.page}>"


def read(fields: Mapping[str, object]) -> Offer:
    """
    The offer in an answer of the device endpoint.

    @raise Lost: if there is none.
    """
    code, userCode = (_word(fields.get(name)) for name in ("device_code", "user_code"))
    # Google has called it so before there was an RFC.
    page = _word(fields.get("verification_uri") or fields.get("verification_url"))
    if not (code and userCode and _isPage(page)):
        raise Lost("the device endpoint tells no code to be typed")
    return Offer(
        *(code, userCode, page),
        _seconds(fields.get("expires_in"), _LIFETIME) or _LIFETIME,
        max(_LEAST, _seconds(fields.get("interval"), _USUAL)),
    )


def again(pause: float, error: ImapSyncError) -> float:
    """
    How long to wait before the next question.

    @param error: the answer to the last one.
    @raise ImapSyncError: if there is to be no other.
    """
    if isinstance(error, Lost):
        return min(2 * pause, _MOST)
    told = error.error if isinstance(error, Declined) else ""
    if told == "authorization_pending":
        return pause
    if told == "slow_down":
        return pause + _MORE
    raise error


def _word(value: object) -> str:
    return value if isinstance(value, str) and value.isprintable() else ""


def _isPage(text: str) -> bool:
    try:
        return urlsplit(text).scheme in ("https", "http")
    except ValueError:
        return False


def _seconds(value: object, otherwise: float) -> float:
    if isinstance(value, (int, float)) and 0 <= value <= 86400:
        return float(value)
    return otherwise
