"""
Which SASL mechanism (RFC 4422) to use with a server, and the simple ones.

To add a mechanism, name it in L{imapsync.config.mechanisms}, write its L{Exchange},
and have L{begin} make that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from imapsync.config.mechanisms import MECHANISMS, PLUS
from imapsync.errors import ConfigError, Distrusted, ProtocolViolation
from imapsync.imap.auth.exchange import Exchange, Identity

if TYPE_CHECKING:
    from imapsync.imap.auth.binding import Binding

#: What L{choose} answers where the LOGIN command is to be used (RFC 9051,
#: 6.2.3), not a mechanism.
LOGIN_COMMAND = "LOGIN command"

_HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}


class Plain(Exchange):
    """
    PLAIN (RFC 4616).  The server is who prepares the strings.
    """

    def __init__(self, identity: Identity) -> None:
        words = identity.authorizeAs, identity.username, identity.password
        self.initial = "\0".join(words).encode()


class Login(Exchange):
    """
    LOGIN, which no RFC defines: two prompts, whose texts differ from server
    to server, but not their order.
    """

    def __init__(self, identity: Identity) -> None:
        self._answers = [identity.username.encode(), identity.password.encode()]

    def respond(self, challenge: bytes) -> bytes:
        """
        The user name first, then the password.
        """
        if not self._answers:
            raise ProtocolViolation("the server prompts a third time")
        return self._answers.pop(0)


class CramMD5(Exchange):
    """
    CRAM-MD5 (RFC 2195): the server proves nothing, but does not learn the password.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._answered = False

    def respond(self, challenge: bytes) -> bytes:
        """
        The user name, and what only who knows the password can make of the
        challenge.
        """
        if self._answered:
            return super().respond(challenge)
        import hmac  # here, because few need it

        self._answered = True
        key = self._identity.password.encode()
        digest = hmac.digest(key, challenge, "md5").hex()
        return f"{self._identity.username} {digest}".encode()


class External(Exchange):
    """
    EXTERNAL (RFC 4422, appendix A): the server knows who we are by other means, such
    as the certificate that we have shown.
    """

    def __init__(self, identity: Identity) -> None:
        self.initial = identity.authorizeAs.encode()


_SIMPLE: Mapping[str, Callable[[Identity], Exchange]] = {
    "PLAIN": Plain,
    "LOGIN": Login,
    "CRAM-MD5": CramMD5,
    "EXTERNAL": External,
}


def begin(
    mechanism: str,
    identity: Identity,
    capabilities: frozenset[str] = frozenset(),
    binding: Binding | None = None,
) -> Exchange:
    """
    A mechanism's exchange.

    @param binding: of the connection.
    """
    if mechanism in _SIMPLE:
        return _SIMPLE[mechanism](identity)
    # Imported here because few use them.
    if mechanism in ("OAUTHBEARER", "XOAUTH2"):
        from imapsync.imap.auth import bearer

        kind = bearer.OAuthBearer if mechanism == "OAUTHBEARER" else bearer.XOAuth2
        return kind(identity)
    from imapsync.imap.auth.scram import Scram

    algorithm = _HASHES[mechanism.removesuffix(PLUS)]
    if mechanism.endswith(PLUS):
        return Scram(algorithm, identity, binding)
    # RFC 5802, 6: who has taken that out of what the server offers is found out.
    offered = any(word.endswith(PLUS) for word in capabilities)
    return Scram(algorithm, identity, bindable=not offered and _isUsual(binding))


def choose(
    preferences: Iterable[str],
    capabilities: frozenset[str],
    binding: Binding | None = None,
) -> str:
    """
    The first preference that the server offers too: a name of L{MECHANISMS}, or
    L{LOGIN_COMMAND}.

    @param binding: of the connection.
    @raise Distrusted: if there is none.
    """
    preferences = list(preferences)
    for mechanism in preferences:
        possible = binding is not None or not mechanism.endswith(PLUS)
        if possible and f"AUTH={mechanism}" in capabilities:
            return mechanism
        if mechanism == "LOGIN" and "LOGINDISABLED" not in capabilities:
            return LOGIN_COMMAND
    offered = sorted(c[5:] for c in capabilities if c.startswith("AUTH="))
    raise Distrusted(
        f"no way to log in: auth = {' '.join(preferences)}, but the server offers "
        + (" ".join(offered) or "nothing, perhaps only over TLS")
    )


def _isUsual(binding: Binding | None) -> bool:
    return binding is not None and binding.usual


def shows(method: str) -> bool:
    """
    Whether who can read what is sent learns the password or token.
    """
    return method == LOGIN_COMMAND or MECHANISMS[method].shows


def asks(method: str) -> bool:
    """
    Whether it needs a user name and a password or token.
    """
    return method == LOGIN_COMMAND or MECHANISMS[method].asks


def checkCredentials(*credentials: str) -> None:
    """
    Refuse what would end early on its way.

    @raise ConfigError: if a NUL is in it.
    """
    if any("\0" in credential for credential in credentials):
        raise ConfigError("a user name or password cannot hold a NUL character")
