"""
What comes before a mailbox: who we are, and what is to be enabled.
"""

from __future__ import annotations

from binascii import b2a_base64

from imapsync.errors import Distrusted, ImapSyncError, ProtocolViolation
from imapsync.imap.auth.exchange import Exchange
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


class Authenticate(Alone):
    """
    AUTHENTICATE, with the initial response where the server takes one
    (RFC 4959).

    @ivar cancelled: why all was called off, if it was.
    """

    secret = True

    def __init__(self, mechanism: str, exchange: Exchange, initial: bool) -> None:
        super().__init__("AUTHENTICATE", mechanism.encode("ascii"))
        self._mechanism = mechanism
        self._exchange = exchange
        self._challenges = 0
        self._initial = exchange.initial
        self.cancelled: ImapSyncError | None = None
        if initial and self._initial is not None:
            self.words += (b2a_base64(self._initial, newline=False) or b"=",)
            self._initial = None

    def continued(self, text: bytes) -> bytes:
        """
        An answer; or, if the server is not to get one, the word that ends all (RFC
        9051, 6.2.2).
        """
        if self.cancelled is not None:
            raise self.cancelled
        self._challenges += 1
        if self._challenges > _CHALLENGES:
            raise ProtocolViolation(f"more than {_CHALLENGES} challenges")
        try:
            return b2a_base64(self._answer(text), newline=False)
        except (Distrusted, ProtocolViolation) as error:
            self.cancelled = self._blamed(error)
            return b"*"

    def _answer(self, text: bytes) -> bytes:
        if self._initial is not None and not text.strip():
            answer, self._initial = self._initial, None
            return answer
        self._initial = None
        return self._exchange.respond(_decoded(text))

    def fail(self, error: Exception) -> None:
        """
        The reason why there is no answer may be ours.
        """
        super().fail(self.cancelled or error)

    def finished(self, condition: Condition) -> None:
        """
        Whatever the server says: there is no success without what the mechanism wants
        of it.
        """
        error = self.cancelled
        if condition.status == "OK" and error is None:
            try:
                self._exchange.conclude()
            except Distrusted as doubt:
                error = self._blamed(doubt)
        if error is not None:
            self.fail(error)
            return
        told = self._exchange.told
        if told is not None and condition.status != "OK":
            vague = condition.code in ("", "AUTHENTICATIONFAILED")
            code = told.code if vague and told.code else condition.code
            text = f"{condition.text} ({told.text})"
            condition = condition._replace(code=code, text=text)
        super().finished(condition)

    def _blamed(self, error: ImapSyncError) -> ImapSyncError:
        return type(error)(f"{self._mechanism}: {error}")


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
