"""
Ways to a server that the owner of a service has, and no configuration can name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from imapsync.errors import ImapSyncError


class Credentials(NamedTuple):
    """
    Who logs in, and the password or token that proves it.
    """

    username: str
    password: str

    def __repr__(self) -> str:
        return f"<Credentials of {self.username}>"


class Access(NamedTuple):
    """
    Ways to a server that no configuration can name.

    @ivar endpoint: in place of C{host} and C{port}, or C{command}; TLS, if C{type}
        or C{STARTTLS} wants it, comes on top, for the name C{host}.
    @ivar credentials: in place of C{username} and C{password}; called for each
        login.  It raises L{Lost<imapsync.errors.Lost>} if that is to be tried
        again, and L{Distrusted<imapsync.errors.Distrusted>} if not.
    """

    endpoint: IStreamClientEndpoint | None = None
    credentials: Callable[[], Awaitable[Credentials]] | None = None


#: As the configuration has it.
ORDINARY = Access()


@implementer(IStreamClientEndpoint)
class Foreign:
    """
    Somebody's endpoint, which may fail with what only they know.
    """

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """
        Connect.
        """
        return self._endpoint.connect(protocolFactory).addErrback(self._failed)

    def _failed(self, failure: Failure) -> Failure:
        if failure.check(ConnectError, DNSLookupError, CancelledError, ImapSyncError):
            return failure
        raise ConnectError(string=f"{failure.value!r}")
