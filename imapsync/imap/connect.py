"""
From a server's configuration to a connection that is ready for work.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import (
    ISSLTransport,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.logger import LogLevel
from twisted.python.failure import Failure

from imapsync.config.server import ServerConfig
from imapsync.errors import (
    Distrusted,
    ImapSyncError,
    Lost,
    Refused,
)
from imapsync.imap.access import ORDINARY, Access, Foreign
from imapsync.imap.client import SyncClient
from imapsync.imap.credentials import credentials
from imapsync.imap.features import QRESYNC
from imapsync.imap.login import IDENTITY, compresses, enable, login

if TYPE_CHECKING:
    from imapsync.imap.plain import Begun
    from imapsync.imap.transport.tls import Trust


#: How long it may take until a server takes our connection, in seconds.
_PATIENCE = 30.0

#: A peer that is silently gone is found within four minutes: the system's own
#: first look is after two hours.  In seconds, and a count.
_KEEPALIVE = {"TCP_KEEPIDLE": 120, "TCP_KEEPINTVL": 30, "TCP_KEEPCNT": 4}

#: So many octets are read at once, and may wait to be sent before whoever writes
#: them is paused.  With Twisted's 64 KB, most messages come in pieces.
_BUFFER = 256 * 1024


async def connect(
    reactor: Any,
    server: ServerConfig,
    makeClient: Callable[[], SyncClient],
    access: Access = ORDINARY,
) -> SyncClient:
    """
    Connect to C{server}, make sure that it is the right one, log in, and
    enable what is needed.

    Only the server that the configuration describes gets to see a credential.
    After a failure there is nothing left to close.  The answer to ENABLE need not
    have come yet; if it is not as it should be, the connection ends with
    L{MissingCapability}.

    @param access: what takes the place of parts of C{server}.
    @param reactor: provides L{IReactorTime}, L{IReactorProcess}, and what
        L{HostEndpoint} needs.
    @raise Lost: if it cannot be reached, or goes away.
    @raise Distrusted: if it is not the server it should be, or does not
        accept the credentials.
    @raise MissingCapability: if it cannot do what is needed.
    @raise ConfigError: if what the configuration names cannot be used.
    """
    if server.oauth2 is None or access.credentials is not None:
        return await _connected(reactor, server, makeClient, access)
    # Imported here because few use it.
    from imapsync.imap.renewal import Renewal

    renewal = Renewal(reactor, server)
    access = access._replace(credentials=renewal.credentials)
    try:
        return await _connected(reactor, server, makeClient, access)
    except Distrusted:
        if not renewal.isDue():
            raise
    # Over another connection: not every server hears a second login.
    return await _connected(reactor, server, makeClient, access)


async def _connected(
    reactor: Any,
    server: ServerConfig,
    makeClient: Callable[[], SyncClient],
    access: Access,
) -> SyncClient:
    trust = _trustIn(server)
    client = await _reach(reactor, server, makeClient, trust, access.endpoint)
    client.trust = trust
    try:
        if trust and server.type == "imaps":
            await _trusted(client, trust)
        preauthenticated = await client.greeted
        if trust and server.type == "imap":
            await _startTLS(client, server, trust, preauthenticated)
        if not preauthenticated:
            asked = partial(
                credentials, reactor, client, server, access, trust is not None
            )
            if trust:
                await login(client, server, asked, trust.binding)
            else:
                await login(client, server, asked)
        await _enable(client, server)
    except Exception as error:
        given = error if isinstance(error, ImapSyncError) else Lost("given up")
        client.abort(given)
        explanation = trust.explained() if trust and isinstance(error, Lost) else None
        if explanation is not None:
            raise explanation from error
        raise
    finally:
        # Whoever waited for these has heard of their failure.
        client.greeted.addErrback(_passOver)
        client.secured.addErrback(_passOver)
    return client


def adopting(reactor: Any, connection: Begun) -> Access:
    """
    Go on with a connection where C{connect} makes the first one.
    """
    # Imported here because few runs begin so.
    from imapsync.imap.transport.replay import Adopted

    further = partial(_endpoint, reactor, connection.server)
    return Access(Adopted(reactor, connection.socket, connection.tape, further))


def _endpoint(reactor: Any, server: ServerConfig) -> IStreamClientEndpoint:
    if server.proxy is not None:
        # Imported here because few use it.
        from imapsync.imap.transport.proxy import ProxyEndpoint

        # It knows best whom we wait for: so it loses patience before we do.
        timeout, where = _PATIENCE - 1, server.where
        return ProxyEndpoint(
            reactor, server.proxy, server.host, server.port, where, timeout
        )
    # Imported here because a connection that was begun needs no other.
    from imapsync.imap.transport.host import HostEndpoint

    # Its time-out is for each address; ours, for all of them, comes first.
    return HostEndpoint(reactor, server.host, server.port, timeout=2 * _PATIENCE)


def _trustIn(server: ServerConfig) -> Trust | None:
    if not server.encrypted:
        return None
    # Imported here because it takes time and memory, and not all use TLS.
    from imapsync.imap.transport.tls import Trust

    # A certificate is for an address, whichever way there is taken.
    return Trust(server.tls, server.host.partition("%")[0], server.where)


async def _reach(
    reactor: Any,
    server: ServerConfig,
    makeClient: Callable[[], SyncClient],
    trust: Trust | None,
    endpoint: IStreamClientEndpoint | None,
) -> SyncClient:
    if server.command is not None and endpoint is None:
        # Imported here because few use it.
        from imapsync.imap.transport.tunnel import connectTunnel

        client = makeClient()
        client.options = "command"
        connectTunnel(
            *(reactor, server.command, client, server.where, server.nullStderr),
            server.environment,
        )
        return client
    endpoint = Foreign(endpoint) if endpoint else _endpoint(reactor, server)
    if trust and server.type == "imaps":
        from twisted.internet.endpoints import wrapClientTLS

        endpoint = wrapClientTLS(trust, endpoint, reactor)
    factory = Factory.forProtocol(makeClient)
    factory.noisy = False
    connecting = endpoint.connect(factory)
    try:
        connected = await _cancellable(
            connecting.addTimeout(_PATIENCE, reactor, _timedOut)
        )
    except (ConnectError, DNSLookupError) as error:
        reason = str(error).rstrip(".")
        raise Lost(
            f"{server.where}: cannot be reached: {reason}; see host and port"
        ) from error
    client = cast(SyncClient, connected)
    # A TLS transport lends that of the one below.
    transport: Any = client.transport
    tcp = getattr(transport, "socket", None)
    if isinstance(tcp, socket.socket):
        _keepAlive(tcp)
        getattr(transport, "transport", transport).bufferSize = _BUFFER
        client.socket = tcp
    return client


def _keepAlive(tcp: socket.socket) -> None:
    """
    Have the system look whether the peer is still there while nobody talks,
    which also keeps routers from forgetting the connection.
    """
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        option = getattr(socket, name, None)  # not every system has all
        if option is not None:
            tcp.setsockopt(socket.IPPROTO_TCP, option, value)


def _cancellable(connecting: Deferred[Any]) -> Deferred[Any]:
    """
    Cancelled as everything else: an endpoint that is cancelled tells of other
    troubles, such as a host name that it could not look up.
    """

    def cancel(outer: Deferred[Any]) -> None:
        outer.errback(CancelledError())
        connecting.cancel()

    def passOn(result: Any) -> None:
        if not outer.called:
            outer.callback(result)
        elif not isinstance(result, Failure):
            result.abort(Lost("given up"))

    outer: Deferred[Any] = Deferred(cancel)
    connecting.addBoth(passOn)
    return outer


def _timedOut(result: object, seconds: float) -> NoReturn:
    raise ConnectError(string=f"no connection within {seconds:.0f} seconds")


async def _trusted(client: SyncClient, trust: Trust) -> None:
    """
    Wait for the handshake; go on only with the right peer.
    """
    try:
        await client.secured
    except Lost as error:
        raise trust.explained() or Lost(
            f"{client.name}: the server hung up during the TLS handshake; see"
            " SSL_protocol_min, SSL_protocol_max and SSL_cipher_list"
        ) from error
    trust.checkFingerprint(cast(ISSLTransport, client.transport))


async def _startTLS(
    client: SyncClient, server: ServerConfig, trust: Trust, preauthenticated: bool
) -> None:
    advice = "use type = imaps, or STARTTLS = NO to go without encryption"
    if preauthenticated:
        # RFC 9051, 6.2.1: too late for STARTTLS.
        raise Distrusted(
            f"{server.where}: the server logged us in at once (PREAUTH), "
            f"so that TLS can no longer be started; {advice}"
        )
    if "STARTTLS" not in await client.capability():
        raise Distrusted(f"{server.where}: the server offers no STARTTLS; {advice}")
    try:
        await client.starttls(trust)
    except Refused as refusal:
        raise Distrusted(
            f"{server.where}: STARTTLS was refused: {refusal.text}; {advice}"
        ) from refusal
    await _trusted(client, trust)


async def _enable(client: SyncClient, server: ServerConfig) -> None:
    enabling = Deferred.fromCoroutine(_awaited(await enable(client, server)))
    if compresses(client, server):
        await enabling
        _settle(client, server)
        # Compressed or not: what matters is the same.
        with suppress(Refused):
            await client.compress()
    else:
        # It costs a round trip of its own if it is waited for.  All that is asked
        # meanwhile fails as it does.
        enabling.addCallback(lambda _: _settle(client, server))
        enabling.addErrback(_abort, client)
    if "ID" in client.features:
        # Nothing depends on the answer: it is not waited for.
        client.identify(**IDENTITY).addErrback(_passOver)


def _settle(client: SyncClient, server: ServerConfig) -> None:
    """
    It is known what kind of server it is, and in which way changes are found out.
    """
    client.restrain(server.commandsInFlight or client.host.inFlight)
    if client.way != QRESYNC:
        # Imported here because most servers need no such word.
        from imapsync.imap.appraisal import remark

        text = remark(client.features, client.host, client.way)
        told = f"{server.where}: {text}"
        client.log.once(told, "{told}.", LogLevel.info, told=told)


async def _awaited(answer: Awaitable[None]) -> None:
    await answer


def _abort(failure: Failure, client: SyncClient) -> None:
    _passOver(failure)
    client.abort(cast(ImapSyncError, failure.value))


def _passOver(failure: Failure) -> None:
    failure.trap(ImapSyncError)
