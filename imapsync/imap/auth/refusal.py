"""
What a refused login means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from imapsync.errors import (
    Distrusted,
    ImapSyncError,
    Later,
    Lost,
    Refused,
    TurnedAway,
)
from imapsync.imap.backoff import weighed

if TYPE_CHECKING:
    from imapsync.imap.commands.base import Command

#: Why a login is refused whoever wants it (RFC 5530, 3).  The limit is that of
#: connections: among them may be one of ours of which the server has not seen
#: yet that it is gone.
_PASSING = frozenset(("UNAVAILABLE", "LIMIT", "INUSE", "SERVERBUG"))

#: What it says of the credentials (RFC 5530, 3), and what to do then.
_LASTING = {
    "AUTHENTICATIONFAILED": "see {options}",
    "AUTHORIZATIONFAILED": "see {options}",
    "EXPIRED": "renew the password or token: see {options}",
    "PRIVACYREQUIRED": "use encryption: see type and STARTTLS",
}

#: How servers say without a code that there is no room, or that something is wrong
#: with them.
_FULL = re.compile(
    r"(too many|maximum|limit|exceed).*(connection|session|login)"
    r"|(connection|session)s?\b.*(too many|maximum|limit|exceed)"
    r"|temporar|unavailable|overload|maintenance|\bbusy\b",
    re.IGNORECASE,
)

#: How they say that others came to nothing: where there were too many of these,
#: one more is one too many.
_TRIED = re.compile("fail|attempt", re.IGNORECASE)

#: What they say of credentials.
_CREDENTIALS = re.compile(
    r"password|credential|authenticat|user|invalid|incorrect|log[- ]?in|account|denied",
    re.IGNORECASE,
)

#: How they say that these are no good.
_FAILED = re.compile(
    r"fail|attempt|invalid|incorrect|wrong|denied|refus|reject|disabled|locked"
    r"|unknown|not (accept|allow|authori[sz]ed|match|valid)",
    re.IGNORECASE,
)

#: How they say that it was for another reason.
_OTHERWISE = re.compile(
    r"time.?out|timed out|inactiv|\bidle\b|temporary\b", re.IGNORECASE
)


def isPassing(code: str, text: str) -> bool:
    """
    Whether nobody is let in just now, as a server says.

    @param code: its response code, or an empty string.
    """
    full = _FULL.search(text) and not _TRIED.search(text)
    return code in _PASSING or bool(full)


def parting(
    told: str, asked: Command[Any] | None, code: str, text: str
) -> Later | Lost | Refused:
    """
    What it means that a server says BYE.  One that does so in place of an answer to a
    login, because of the credentials, refuses it: they are not to be tried again and
    again.

    @param told: what to tell of it.
    @param asked: what it had to answer.
    @param code: its response code, or an empty string.
    """
    if asked is not None and asked.secret and _blames(code, text):
        return Refused(asked.name, "BYE", code, text)
    return Later(told) if isPassing(code, text) else Lost(told)


def _blames(code: str, text: str) -> bool:
    """
    Whether it is because of the credentials that it hangs up.
    """
    if code in _LASTING or isPassing(code, text):
        return code in _LASTING
    found = _CREDENTIALS.search(text) and _FAILED.search(text)
    return bool(found) and not _OTHERWISE.search(text)


def judged(where: str, refusal: Refused, options: str) -> ImapSyncError:
    """
    What to tell of it.

    @param where: names the server.
    @param options: those to look at, if it is because of the credentials.
    @return: L{Later} if it is passing; L{TurnedAway} if the server does not say
        whether it is.
    """
    text = f"{where}: the login was refused: {refusal.text}"
    code, words = refusal.responseCode, refusal.text
    if code in _LASTING:
        return Distrusted(f"{text}; {_LASTING[code].format(options=options)}")
    backoff = weighed(code, words)
    if backoff is not None or isPassing(code, words):
        return Later(text, 0.0 if backoff is None else backoff.seconds)
    blamed = _CREDENTIALS.search(words) and not _FULL.search(words)
    return TurnedAway(f"{text}; see {options}" if blamed else text)
