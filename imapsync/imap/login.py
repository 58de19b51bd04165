"""
What is said between a greeting and the work, whoever waits for the answers: with
which mechanism we log in, what a server must be able to do, and what it is to enable.

Nothing here knows how octets come and go.  A L{Client} is a connection of Twisted's,
or a plain one that a program looks at its servers with before it needs a reactor.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import imapsync
from imapsync.config.mechanisms import PLUS
from imapsync.config.server import ServerConfig
from imapsync.errors import (
    ConfigError,
    Distrusted,
    ImapSyncError,
    Later,
    MissingCapability,
    Refused,
)
from imapsync.imap.auth import sasl
from imapsync.imap.auth.exchange import Exchange, Identity
from imapsync.imap.auth.redaction import forms, redacted
from imapsync.imap.commands.base import Command, Simple
from imapsync.imap.commands.login import Authenticate, Enable, LoginCommand
from imapsync.imap.features import CONDSTORE, QRESYNC, Features
from imapsync.imap.hosts import Host, recognised
from imapsync.imap.wire.responses import Condition

if TYPE_CHECKING:
    from imapsync.imap.auth.binding import Binding

T = TypeVar("T")

#: Who we are (RFC 2971).
IDENTITY = {"name": "imapsync", "version": imapsync.__version__}


class Client(Protocol):
    """
    A connection that logs in.

    @ivar state: C{"auth"} as soon as it has.
    @ivar user: who has.
    @ivar secrets: what is left out of what the server says, where that is told.
    @ivar offered: what the server could do before the login.
    @ivar method: how the login is done, or was.
    @ivar features: what the server can do; nothing while that is unknown.
    @ivar greeting: what it said of itself first.
    @ivar host: of which kind it is.
    @ivar way: how changes are found out there, see L{imapsync.imap.features}.
    @ivar resyncs: whether that is by QRESYNC.
    """

    state: str | None
    user: str
    offered: frozenset[str]
    method: str
    features: Features
    greeting: str
    host: Host
    way: str
    resyncs: bool
    secrets: tuple[str, ...]

    def perform(self, command: Command[T], /) -> Awaitable[T]:
        """
        Send a command as soon as those before it allow.
        """

    def forgetCapabilities(self) -> None:
        """
        They may have changed.
        """


async def capability(client: Client) -> frozenset[str]:
    """
    What the server can do, asked only if it has not told yet.
    """
    if not client.features.told:
        await client.perform(Simple("CAPABILITY"))
    return client.features.told


async def login(
    client: Client,
    server: ServerConfig,
    credentials: Callable[[str], Awaitable[tuple[str, str]]],
    binding: Callable[[], Binding | None] = lambda: None,
) -> None:
    """
    Log in.

    @param credentials: asked for the user's name, and the password or token, as the
        method of the login needs them.
    @param binding: tells what of the connection a login can be tied to.
    @raise Distrusted: if the server does not accept the credentials.
    @raise Lost: if it would not accept any just now.
    @raise ConfigError: if there are none.
    """
    client.offered = capabilities = await capability(client)
    scram = any(name.startswith("SCRAM-") for name in server.auth)
    tie = binding() if scram else None
    with _named(server):
        client.method = method = sasl.choose(server.mechanisms, capabilities, tie)
    username, password = await credentials(method)
    with _named(server):
        sasl.checkCredentials(username, password)
    client.user = server.authorizeAs or username
    identity = Identity(
        username, password, server.authorizeAs or "", server.host, server.port
    )
    try:
        if method == sasl.LOGIN_COMMAND:
            client.secrets = forms(password)
            await enter(client, LoginCommand(username, password))
        else:
            exchange = sasl.begin(method, identity, capabilities, tie)
            client.secrets = forms(password, exchange.initial or b"")
            await authenticate(client, method, exchange)
    except ImapSyncError as error:
        # The server may repeat what only it should know: not even a traceback is
        # to show that.
        raise _failed(server, method, error, client.secrets) from None


async def authenticate(client: Client, mechanism: str, exchange: Exchange) -> None:
    """
    AUTHENTICATE.
    """
    initial = "SASL-IR" in client.features
    await enter(client, Authenticate(mechanism, exchange, initial))


async def enter(client: Client, command: Command[Condition]) -> None:
    """
    Log in by this command.
    """
    condition = await client.perform(command)
    client.state = "auth"
    if condition.code != "CAPABILITY":
        client.forgetCapabilities()


async def enable(client: Client, server: ServerConfig) -> Coroutine[Any, Any, None]:
    """
    Decide in which way changes are found out, and have the server enable what that
    takes.  If it does not, the next way is taken.

    @return: for the answer: other commands may be sent before it comes, but none that
        selects a mailbox.  Whoever does not wait for it has to close this.
    @raise MissingCapability: the server cannot do what is required.
    """
    await capability(client)
    if missing := client.features.lacking:
        raise MissingCapability(
            f"{server.where}: the server lacks {', '.join(missing)}, "
            "without which mail cannot be kept exact"
        )
    told = client.features.told | client.offered
    client.host = recognised(told, client.greeting, server.host)
    client.features = client.features.without(client.host.distrusted)
    _follow(client, client.features.way)
    if "ENABLE" not in client.features or client.way not in (QRESYNC, CONDSTORE):
        return _nothing()
    return _enabled(client, client.perform(Enable(client.way)), server)


def compresses(client: Client, server: ServerConfig) -> bool:
    """
    Whether the connection is to be compressed.
    """
    return server.compress and "COMPRESS=DEFLATE" in client.features


async def _nothing() -> None:
    """
    There is nothing to wait for.
    """


async def _enabled(
    client: Client, enabling: Awaitable[frozenset[str]], server: ServerConfig
) -> None:
    try:
        enabled = await enabling
    except Refused as refusal:
        from imapsync.imap.backoff import PASSING

        if refusal.responseCode in PASSING:
            raise Later(f"{server.where}: {refusal}") from refusal
        enabled = frozenset()
    if client.way not in enabled:
        # That is asked for as a mailbox is selected, without ENABLE (RFC 7162, 3.1).
        _follow(client, CONDSTORE)


def _follow(client: Client, way: str) -> None:
    client.way, client.resyncs = way, way == QRESYNC


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
    if method.endswith(PLUS) and error.responseCode in ("", "AUTHENTICATIONFAILED"):
        # No server says which ones it knows (RFC 9266, 4).
        said += "; it may know another channel binding than ours; see auth"
    refused = Refused(error.command, error.status, error.responseCode, said)
    who = "username and password" if sasl.asks(method) else "SSL_certificate"
    if server.oauth2 is not None:
        who = "username and oauth2-scope"
    if server.authorizeAs is not None:
        who = f"{who}, and authorize-as"
    if server.oauth2 is not None and server.oauth2.attended:
        who = f"{who}, or run {server.oauth2.mend}"
    return judged(where, refused, who)


@contextmanager
def _named(server: ServerConfig) -> Iterator[None]:
    """
    Put the server's name in front of an error that does not know it.
    """
    try:
        yield
    except (ConfigError, Distrusted) as error:
        raise type(error)(f"{server.where}: {error}") from error
