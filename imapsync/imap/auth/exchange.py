"""
What all SASL mechanisms have in common (RFC 4422).
"""

from __future__ import annotations

from typing import NamedTuple

from imapsync.errors import ProtocolViolation


class Identity(NamedTuple):
    """
    Who logs in.

    @ivar password: or the token; empty if the mechanism asks for none.
    @ivar authorizeAs: whose mail it is to be; empty if it is the user's own.
    @ivar host: by which the user knows the server; empty if there is none.
    """

    username: str
    password: str
    authorizeAs: str = ""
    host: str = ""
    port: int = 0

    def __repr__(self) -> str:
        return f"<Identity of {self.username}>"


class Told(NamedTuple):
    """
    What a server told of a failure before it refused.

    @ivar code: the response code that it amounts to (RFC 5530, 3).
    @ivar text: for people.
    """

    code: str
    text: str


class Exchange:
    """
    The client's half of a mechanism.

    @ivar initial: the initial response; C{None} if the server begins.
    @ivar told: what the server told so far of why it will refuse.
    """

    initial: bytes | None = None
    told: Told | None = None

    def respond(self, challenge: bytes) -> bytes:
        """
        The answer to a challenge.

        @raise ProtocolViolation: if the mechanism has no such challenge.
        @raise Distrusted: if the server is not to get an answer.
        """
        raise ProtocolViolation("the server goes on where there is nothing more to say")

    def conclude(self) -> None:
        """
        The server says that this is all.

        @raise Distrusted: if it has not shown what it has to.
        """
