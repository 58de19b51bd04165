"""
A user's consent, given in a browser: the page to go to, and what comes back
(RFC 6749, 4.1, with PKCE, RFC 7636).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from imapsync.display import line
from imapsync.errors import Distrusted

#: Of what a provider says about a refusal, so many characters are enough.
_MOST = 300


class Consent(NamedTuple):
    """
    What is asked for, once.

    @ivar page: the provider's, for a browser.
    @ivar redirect: where the provider sends the browser then.
    @ivar state: comes back with it; nobody else can know it.
    @ivar verifier: shows that who redeems the code is who asked for it.
    """

    page: str
    redirect: str
    state: str
    verifier: str

    def __repr__(self) -> str:
        return f"<Consent by way of {self.redirect}>"


def asked(page: str, redirect: str, parameters: Mapping[str, str]) -> Consent:
    """
    Ask for it.

    @param page: the provider's authorization endpoint.
    @param parameters: C{client_id}, C{scope}, and what a provider wants besides.
    """
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    query = {
        "response_type": "code",
        **parameters,
        "redirect_uri": redirect,
        "state": state,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
    }
    mark = "&" if urlsplit(page).query else "?"
    return Consent(f"{page}{mark}{urlencode(query)}", redirect, state, verifier)


def challenge(verifier: str) -> str:
    """
    What is told of a verifier before it is used (RFC 7636, 4.2).
    """
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def answers(target: str) -> bool:
    """
    Whether an address that a browser was sent to holds an answer.
    """
    return not {"code", "error"}.isdisjoint(_fields(target))


def code(consent: Consent, target: str) -> str:
    """
    The authorization code in the address that the browser was sent to.

    @raise Distrusted: if there is none, or it is not for us.
    """
    fields = _fields(target)
    given = fields.get("state", "")
    if not secrets.compare_digest(given.encode(), consent.state.encode()):
        raise Distrusted(
            "what the browser brought does not belong to what was asked for (its"
            " state is another one): somebody may have wanted to give you another"
            " account; use the page that was shown last"
        )
    if "error" in fields:
        raise Distrusted(f"the consent was refused: {refusal(fields)}")
    if not fields.get("code"):
        raise Distrusted("there is no code in what the browser brought")
    return fields["code"]


def pasted(consent: Consent, text: str) -> str:
    """
    The authorization code in what a user has copied: the address, or the code alone,
    as some pages show it.

    @raise Distrusted: likewise.
    """
    text = text.strip()
    if not text:
        raise Distrusted("nothing was pasted")
    if answers(text) or "://" in text:
        return code(consent, text)
    # It has no state with it, but is redeemed only with the verifier of whom it was
    # asked by.
    return text


def refusal(fields: Mapping[str, str]) -> str:
    """
    What a provider says of why it refuses (RFC 6749, 4.1.2.1), for people.
    """
    told = (fields.get(name, "") for name in ("error", "error_description"))
    return line(": ".join(filter(None, told)), _MOST)


def _fields(target: str) -> Mapping[str, str]:
    try:
        query = urlsplit(target).query or target.partition("?")[2] or target
        return dict(parse_qsl(query, keep_blank_values=True))
    except ValueError:
        return {}
