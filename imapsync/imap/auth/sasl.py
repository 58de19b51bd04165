"""
SASL mechanisms (RFC 4422), and which of them to use with a server.

To add a mechanism, write its
L{Exchange<imapsync.imap.commands.login.Exchange>} and name it in L{MECHANISMS}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from imapsync.errors import ConfigError, Distrusted, ProtocolViolation
from imapsync.imap.commands.login import Exchange

#: What L{choose} answers where the LOGIN command is to be used (RFC 9051,
#: 6.2.3), not a mechanism.
LOGIN_COMMAND = "LOGIN command"


class Plain:
    """
    PLAIN (RFC 4616), without an authorisation identity.
    """

    def __init__(self, username: str, password: str) -> None:
        self.initial: bytes | None = f"\0{username}\0{password}".encode()

    def respond(self, challenge: bytes) -> bytes:
        """
        PLAIN has no challenge.
        """
        raise ProtocolViolation("the server answered PLAIN with a challenge")


class Login:
    """
    LOGIN, which no RFC defines: two prompts, whose texts differ from server
    to server, but not their order.
    """

    initial: bytes | None = None

    def __init__(self, username: str, password: str) -> None:
        self._answers = [username.encode(), password.encode()]

    def respond(self, challenge: bytes) -> bytes:
        """
        The user name first, then the password.
        """
        if not self._answers:
            raise ProtocolViolation("the server answered LOGIN with a third prompt")
        return self._answers.pop(0)


#: Makes an exchange of a user name and a password or token.
MECHANISMS: Mapping[str, Callable[[str, str], Exchange]] = {
    "PLAIN": Plain,
    "LOGIN": Login,
}


def choose(preferences: Iterable[str], capabilities: frozenset[str]) -> str:
    """
    The first preference that the server offers too: a key of L{MECHANISMS},
    or L{LOGIN_COMMAND}.

    @raise Distrusted: if there is none.
    """
    preferences = [mechanism.upper() for mechanism in preferences]
    for mechanism in preferences:
        if mechanism in MECHANISMS and f"AUTH={mechanism}" in capabilities:
            return mechanism
        if mechanism == "LOGIN" and "LOGINDISABLED" not in capabilities:
            return LOGIN_COMMAND
    offered = sorted(c[5:] for c in capabilities if c.startswith("AUTH="))
    raise Distrusted(
        f"no way to log in: auth = {' '.join(preferences)}, but the server offers "
        + (" ".join(offered) or "nothing, perhaps only over TLS")
    )


def checkCredentials(*credentials: str) -> None:
    """
    Refuse what would end early on its way.

    @raise ConfigError: if a NUL is in it.
    """
    if any("\0" in credential for credential in credentials):
        raise ConfigError("a user name or password cannot hold a NUL character")
