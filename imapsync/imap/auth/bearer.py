"""
A token as a credential: OAUTHBEARER (RFC 7628), and what came before it, XOAUTH2.
"""

from __future__ import annotations

import json

from imapsync.display import octets
from imapsync.errors import ConfigError
from imapsync.imap.auth.exchange import Exchange, Identity, Told
from imapsync.imap.auth.scram import escaped

#: What a C{status} amounts to.  Some say it as HTTP does; to Google, 400 is a token
#: that it does not know.
_CODES = {"invalid_token": "EXPIRED", "400": "EXPIRED", "401": "EXPIRED"}


class XOAuth2(Exchange):
    """
    XOAUTH2, as Google and Microsoft describe it.

    @cvar bow: the answer to the challenge that tells why a token is refused: the
        server's own words come after it.
    """

    bow = b""

    def __init__(self, identity: Identity) -> None:
        """
        @raise ConfigError: if that would say something else on its way.
        """
        if any("\1" in word for word in identity[:4]):
            raise ConfigError("a user name or token cannot hold a control character")
        self.initial = self._message(identity).encode()

    def _message(self, identity: Identity) -> str:
        # It is the token that says who logs in.
        user = identity.authorizeAs or identity.username
        return f"user={user}\1auth=Bearer {identity.password}\1\1"

    def respond(self, challenge: bytes) -> bytes:
        """
        Hear why the token is refused.
        """
        if self.told is not None:
            return super().respond(challenge)
        self.told = _told(challenge)
        return self.bow


class OAuthBearer(XOAuth2):
    """
    OAUTHBEARER.
    """

    bow = b"\1"

    def _message(self, identity: Identity) -> str:
        user = escaped(identity.authorizeAs or identity.username)
        pairs = [f"n,a={user},"]
        if identity.host:
            pairs += [f"host={identity.host}", f"port={identity.port}"]
        pairs += [f"auth=Bearer {identity.password}", "", ""]
        return "\1".join(pairs)


def _told(challenge: bytes) -> Told:
    """
    What a server's JSON says (RFC 7628, 3.2.2).
    """
    try:
        said = json.loads(challenge)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return Told("", octets(challenge, 200))
    status, scope = (_word(said.get(name)) for name in ("status", "scope"))
    code = _CODES.get(status, "UNAVAILABLE" if status[:1] == "5" else "")
    wanted = f"the token must be for the scope {scope}" if scope else ""
    return Told(code, ", ".join(filter(None, (status, wanted))) or "no reason given")


def _word(value: object) -> str:
    return octets(str(value or "").encode("utf-8", "replace"), 200)
