"""
Where credentials come from: the configuration, a command of the user, or the owner of
the service.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, cast

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITransport

from imapsync.config.server import ServerConfig
from imapsync.errors import ConfigError, Lost
from imapsync.imap.access import Access, Credentials
from imapsync.imap.client import SyncClient
from imapsync.log import Log

#: How long credentials may be waited for, in seconds: somebody may have to unlock
#: them first.
_PATIENCE = 120.0

_log = Log()


async def credentials(
    reactor: Any, client: SyncClient, server: ServerConfig, access: Access
) -> Credentials:
    """
    Those that C{client} is about to send.

    @raise Lost: if they are not told in time.
    @raise ConfigError: if there are none.
    """
    if access.credentials is not None:
        found = await _asked(reactor, server, access.credentials)
    else:
        found = await _configured(reactor, server)
    if server.type == "imap" and not server.starttls and not _isNear(client):
        _log.warn(
            "{where}: the password goes over the net in clear text", where=server.where
        )
    return found


async def _asked(
    reactor: Any, server: ServerConfig, ask: Callable[[], Awaitable[Credentials]]
) -> Credentials:
    """
    What the owner of the service says.
    """

    async def answered() -> Credentials:
        return await ask()

    def late(result: object, seconds: float) -> NoReturn:
        raise Lost(f"{server.where}: no credentials within {seconds:.0f} seconds")

    asking = Deferred.fromCoroutine(answered())
    return await asking.addTimeout(_PATIENCE, reactor, late)


async def _configured(reactor: Any, server: ServerConfig) -> Credentials:
    """
    What the configuration says.
    """
    username, password = server.username, server.password
    if username is not None and server.passwordCommand is not None:
        from imapsync.imap.auth.password import readPassword

        password = await readPassword(reactor, server.passwordCommand, server.where)
    if username is None or password is None:
        raise ConfigError(
            f"{server.where}: the server wants a login; give username, and password"
            f" or password-command, in [{server.side}]"
        )
    return Credentials(username, password)


def _isNear(client: SyncClient) -> bool:
    """
    Whether the server is on this computer.
    """
    peer = cast(ITransport, client.transport).getPeer()
    return isinstance(peer, UNIXAddress) or (
        isinstance(peer, (IPv4Address, IPv6Address))
        and ipaddress.ip_address(peer.host).is_loopback
    )
