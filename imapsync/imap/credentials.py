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
from imapsync.errors import ConfigError, Distrusted, Lost
from imapsync.imap.access import Access, Credentials
from imapsync.imap.auth import sasl
from imapsync.imap.client import SyncClient

#: How long credentials may be waited for, in seconds: somebody may have to unlock
#: them first.
_PATIENCE = 120.0


async def credentials(
    reactor: Any,
    client: SyncClient,
    server: ServerConfig,
    access: Access,
    encrypted: bool,
    method: str,
) -> Credentials:
    """
    Those that C{client} is about to send.

    @param encrypted: whether that is within TLS.
    @param method: in which way: see L{imapsync.imap.auth.sasl.choose}.
    @raise Lost: if they are not told in time.
    @raise Distrusted: if others could read them whose user does not know that.
    @raise ConfigError: if there are none.
    """
    if not encrypted:
        _checkLine(client, server, sasl.shows(method))
    if not sasl.asks(method):
        return Credentials(server.username or "", "")
    if access.credentials is not None:
        return await _asked(reactor, server, access.credentials)
    return await _configured(reactor, server)


def _checkLine(client: SyncClient, server: ServerConfig, shows: bool) -> None:
    """
    Without TLS, make sure that nobody learns a password unless its user wants it so.

    @param shows: whether who can read what is sent learns it.
    @raise Distrusted: if somebody might.
    """
    # Behind a proxy, the peer that we see is not the server.
    if server.type == "tunnel" or (server.proxy is None and _isNear(client)):
        return
    if server.type != "imap" or server.starttls:
        if shows:
            raise Distrusted(f"{server.where}: the line is not encrypted")
        return
    what = "the password" if shows else "all mail"
    # Over whichever connection to that server it goes.
    client.log.once(
        f"{server.where}: {what}",
        "{where}: {what} goes over the net in clear text",
        where=server.where,
        what=what,
    )


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
    if server.oauth2 is not None:
        from imapsync.imap.renewal import Renewal

        return await Renewal(reactor, server).credentials()
    username, password = server.username, server.password
    if username is not None and server.passwordCommand is not None:
        from imapsync.imap.auth.password import readPassword

        password = await readPassword(
            reactor, server.passwordCommand, server.where, server.environment
        )
    elif server.keyring is not None:
        from imapsync.imap.auth.password import readEntry
        from imapsync.system.keyring import Keyring

        password = await readEntry(Keyring(reactor), *server.keyring, server.where)
    elif server.passwordFile is not None:
        from imapsync.imap.auth.secretfile import readSecret

        password = readSecret(server.passwordFile, server.where)
    if username is None or password is None:
        raise ConfigError(
            f"{server.where}: the server wants a login; give username, and password,"
            f" password-command or password-file, in [{server.side}]"
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
