"""
What a token endpoint answers (RFC 6749, 5).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from oauthlib.oauth2.rfc6749.errors import OAuth2Error
from oauthlib.oauth2.rfc6749.parameters import parse_token_response

from imapsync.display import line
from imapsync.errors import ConfigError, Distrusted, ImapSyncError, Later, Lost
from imapsync.http.web import Answer

#: It may be otherwise soon.
_PASSING = frozenset(("temporarily_unavailable", "server_error"))

#: So many seconds are as good as more.
_LONGEST = 10**9

#: What is shorter stands in every text.
_SHORTEST = 4


class Tokens(NamedTuple):
    """
    What was granted.

    @ivar access: what a server takes in place of a password.
    @ivar expires: when, in seconds since 1970; C{None} if nobody says.
    @ivar refresh: what another one can be got for; empty if nothing.
    @ivar identity: who it was granted to, and what for.
    """

    access: str
    expires: float | None = None
    refresh: str = ""
    identity: str = ""

    def __repr__(self) -> str:
        return f"<Tokens until {self.expires}>"


class Declined(Distrusted):
    """
    A token is not granted.

    @ivar error: the reason, as RFC 6749, 5.2, and RFC 8628, 3.5, name them.
    """

    def __init__(self, text: str, error: str) -> None:
        super().__init__(text)
        self.error = error


def tokensIn(
    answer: Answer, host: str, now: float, secrets: Iterable[str] = ()
) -> Tokens:
    """
    The tokens that are in an answer.

    @param host: whose answer it is.
    @param now: when it came.
    @param secrets: are left out of what it says, where that is told.
    @raise Declined: if it is none.
    @raise Lost: if it may be otherwise soon.
    @raise ConfigError: if that is not where tokens are given.
    """
    fields = fieldsIn(answer, host, secrets)
    try:
        given = parse_token_response(json.dumps(fields))
        seconds = _seconds(given.get("expires_in"))
    except (OAuth2Error, ArithmeticError, ValueError, TypeError, AttributeError):
        raise Lost(f"{host}: it tells no token where it should") from None
    access, refresh = (given.get(f"{kind}_token") for kind in ("access", "refresh"))
    if not _isToken(access) or not (refresh is None or _isToken(refresh)):
        raise Lost(f"{host}: what it tells is no token")
    expires = None if seconds is None else now + seconds
    return Tokens(str(access), expires, refresh or "")


def fieldsIn(
    answer: Answer, host: str, secrets: Iterable[str] = ()
) -> Mapping[str, object]:
    """
    The fields of an answer that says yes; otherwise as L{tokensIn}.
    """
    try:
        fields = json.loads(answer.body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        fields = {}
        if answer.status == 200:
            raise Lost(f"{host}: its answer is no JSON object")
    if answer.status == 200 and "error" not in fields:
        return fields
    raise _refusal(answer, fields, host, secrets)


def _refusal(
    answer: Answer, fields: Mapping[str, object], host: str, secrets: Iterable[str]
) -> ImapSyncError:
    error, words = (
        _word(fields.get(name), secrets) for name in ("error", "error_description")
    )
    said = ": ".join(filter(None, (error, words))) or f"HTTP {answer.status}"
    text = f"{host}: {said}"
    if answer.status == 429 or (answer.wait and answer.status >= 500):
        return Later(text, answer.wait)
    if answer.status >= 500 or error in _PASSING:
        return Lost(text)
    if error:
        return Declined(text, error)
    return ConfigError(f"{text}; is that where tokens are given?")


def _seconds(value: object) -> int | None:
    # Not every version makes a number of what some say as a text.
    return None if value is None else min(int(str(value)), _LONGEST)


def _isToken(value: object) -> bool:
    """
    Whether it can be sent in a header (RFC 6750, 2.1), or by SASL.
    """
    return isinstance(value, str) and re.fullmatch("[!-~]+", value) is not None


def _word(value: object, secrets: Iterable[str]) -> str:
    if not isinstance(value, str):
        return ""
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            value = value.replace(secret, "(not shown)")
    return line(value, 400)
