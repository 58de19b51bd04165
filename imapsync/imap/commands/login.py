"""
What comes before a mailbox: who we are, and what is to be enabled.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Protocol

from imapsync.errors import ProtocolViolation
from imapsync.imap.commands.base import Alone, Command
from imapsync.imap.wire.arguments import astring
from imapsync.imap.wire.responses import Condition, Enabled, Response

#: No mechanism takes so many steps.
_CHALLENGES = 20


class LoginCommand(Alone):
    """
    The LOGIN command.
    """

    secret = True

    def __init__(self, username: str, password: str) -> None:
        super().__init__(
            "LOGIN", astring(username.encode()), astring(password.encode())
        )


class Exchange(Protocol):
    """
    The client's half of a SASL mechanism (RFC 4422).

    @ivar initial: the initial response; C{None} if the server begins.
    """

    @property
    def initial(self) -> bytes | None: ...

    def respond(self, challenge: bytes) -> bytes:
        """
        The answer to a challenge.
        """


class Authenticate(Alone):
    """
    AUTHENTICATE, with the initial response where the server takes one
    (RFC 4959).
    """

    secret = True

    def __init__(self, mechanism: str, exchange: Exchange, initial: bool) -> None:
        super().__init__("AUTHENTICATE", mechanism.encode("ascii"))
        self._exchange = exchange
        self._challenges = 0
        self._initial = exchange.initial
        if initial and self._initial is not None:
            self.words += (b2a_base64(self._initial, newline=False) or b"=",)
            self._initial = None

    def continued(self, text: bytes) -> bytes:
        self._challenges += 1
        if self._challenges > _CHALLENGES:
            raise ProtocolViolation(f"more than {_CHALLENGES} challenges")
        if self._initial is not None and not text.strip():
            answer, self._initial = self._initial, None
        else:
            self._initial = None
            answer = self._exchange.respond(_decoded(text))
        return b2a_base64(answer, newline=False)


def _decoded(challenge: bytes) -> bytes:
    import base64  # here, because few mechanisms have challenges

    try:
        return base64.b64decode(challenge, validate=True)
    except ValueError as error:
        raise ProtocolViolation(f"a challenge that is no base 64: {error}") from error


class Enable(Command[frozenset[str]]):
    """
    ENABLE (RFC 5161): results in what is enabled now, of what was asked for.

    Commands whose answers do not depend on it may go with it (RFC 9051, 5.5).
    """

    alone = hears = leads = True

    def __init__(self, *names: str) -> None:
        super().__init__("ENABLE", *(name.encode("ascii") for name in names))
        self._asked = frozenset(names)
        self._enabled: frozenset[str] = frozenset()

    def claim(self, response: Response) -> bool:
        if isinstance(response, Enabled):
            self._enabled |= response.names & self._asked
            return True
        return False

    def result(self, condition: Condition) -> frozenset[str]:
        return self._enabled
