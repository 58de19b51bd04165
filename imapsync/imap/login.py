"""
Telling a server who we are: with which credentials, and by which mechanism.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, cast

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITransport

from imapsync.config.server import ServerConfig
from imapsync.errors import ConfigError, Distrusted, ImapSyncError, Lost, Refused
from imapsync.imap.access import Access, Credentials
from imapsync.imap.auth import sasl
from imapsync.imap.auth.exchange import Identity
from imapsync.imap.auth.redaction import forms, redacted
from imapsync.imap.client import SyncClient
from imapsync.log import Log

if TYPE_CHECKING:
    from imapsync.imap.auth.binding import Binding

#: How long credentials may be waited for, in seconds: somebody may have to unlock
#: them first.
_CREDENTIALS_PATIENCE = 120.0

_log = Log()


async def login(
    reactor: Any,
    client: SyncClient,
    server: ServerConfig,
    access: Access,
    binding: Callable[[], Binding | None] | None,
) -> None:
    """
    Log in.

    @param binding: tells what of the TLS connection a login can be tied to; C{None}
        if there is no TLS.
    @raise Distrusted: if the server does not accept the credentials.
    @raise Lost: if it would not accept any just now.
    @raise ConfigError: if there are none.
    """
    capabilities = await client.capability()
    tie = binding() if binding and _mayBind(server) else None
    with _named(server):
        method = sasl.choose(server.mechanisms, capabilities, tie)
    if not binding:
        _checkLine(client, server, sasl.shows(method))
    username, password = server.username or "", ""
    if sasl.asks(method):
        username, password = await _credentials(reactor, server, access)
    client.user = server.authorizeAs or username
    identity = Identity(
        username, password, server.authorizeAs or "", server.host, server.port
    )
    try:
        if method == sasl.LOGIN_COMMAND:
            client.secrets = forms(password)
            await client.loginCommand(username, password)
        else:
            exchange = sasl.begin(method, identity, capabilities, tie)
            client.secrets = forms(password, exchange.initial or b"")
            await client.sasl(method, exchange)
    except ImapSyncError as error:
        # The server may repeat what only it should know: not even a traceback is
        # to show that.
        raise _failed(server, method, error, client.secrets) from None


def _mayBind(server: ServerConfig) -> bool:
    return any(name.startswith("SCRAM-") for name in server.auth)


def _checkLine(client: SyncClient, server: ServerConfig, shows: bool) -> None:
    """
    Without TLS, make sure that nobody learns a password unless its user wants it so.

    @param shows: whether who can read what is sent learns it.
    @raise Distrusted: if somebody might.
    """
    if server.type == "tunnel" or _isNear(client):
        return
    if server.type != "imap" or server.starttls:
        if shows:
            raise Distrusted(f"{server.where}: the line is not encrypted")
        return
    what = "the password" if shows else "all mail"
    _log.warn(
        "{where}: {what} goes over the net in clear text", where=server.where, what=what
    )


def _failed(
    server: ServerConfig, method: str, error: ImapSyncError, secrets: tuple[str, ...]
) -> ImapSyncError:
    """
    What to tell of a login that failed.
    """
    where = server.where
    if not isinstance(error, Refused):
        text = redacted(str(error), secrets)
        if not text.startswith(where):
            text = f"{where}: {text}"
        return error if text == str(error) else type(error)(text)
    from imapsync.imap.auth.refusal import judged

    said = redacted(error.text, secrets)
    refused = Refused(error.command, error.status, error.responseCode, said)
    who = "username and password" if sasl.asks(method) else "SSL_certificate"
    if server.authorizeAs is not None:
        who = f"{who}, and authorize-as"
    return judged(where, refused, who)


async def _credentials(
    reactor: Any, server: ServerConfig, access: Access
) -> Credentials:
    if access.credentials is not None:
        credentials = await _asked(reactor, server, access.credentials)
    else:
        credentials = await _configured(reactor, server)
    with _named(server):
        sasl.checkCredentials(*credentials)
    return credentials


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
    return await asking.addTimeout(_CREDENTIALS_PATIENCE, reactor, late)


async def _configured(reactor: Any, server: ServerConfig) -> Credentials:
    """
    What the configuration says.
    """
    username, password = server.username, server.password
    if username is not None and server.passwordCommand is not None:
        from imapsync.imap.auth.password import readPassword

        password = await readPassword(reactor, server.passwordCommand, server.where)
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


@contextmanager
def _named(server: ServerConfig) -> Iterator[None]:
    """
    Put the server's name in front of an error that does not know it.
    """
    try:
        yield
    except (ConfigError, Distrusted) as error:
        raise type(error)(f"{server.where}: {error}") from error
