"""
The way to a server by a proxy.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from imapsync.config.proxy import Proxy
from imapsync.errors import ImapSyncError, Lost
from imapsync.imap.auth.redaction import forms, redacted
from imapsync.imap.transport.host import HostEndpoint, addresses
from imapsync.imap.transport.negotiation import Ask, Negotiation, connect, socks5

#: So many of a server's addresses are tried: with more, none would have time enough.
_MOST_ADDRESSES = 6


class _Unable(Lost):
    """
    The proxy does not connect us to this address.
    """


@implementer(IStreamClientEndpoint)
class ProxyEndpoint:
    """
    Connects by a proxy.  What goes wrong with that names it, and so is told from what
    goes wrong with the server.

    Where we look up the server's name, its addresses are tried one after the other,
    each for its share of the time.
    """

    def __init__(
        self,
        reactor: Any,
        proxy: Proxy,
        host: str,
        port: int,
        where: str,
        timeout: float,
    ) -> None:
        """
        @param host: the server's.
        @param port: likewise.
        @param where: how to call the server in an error.
        @param timeout: for all, in seconds.
        """
        self._reactor = reactor
        self._proxy = proxy
        self._host = host
        self._port = port
        self._where = where
        self._timeout = timeout

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """
        Connect.
        """
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        until = self._reactor.seconds() + self._timeout
        hosts = [self._host]
        if self._proxy.scheme == "socks5":
            asking = addresses(self._reactor, self._host, self._port)
            hosts = await asking.addTimeout(self._timeout, self._reactor, self._unknown)
        hosts = hosts[:_MOST_ADDRESSES]
        *first, last = hosts
        for index, host in enumerate(first):
            share = (until - self._reactor.seconds()) / (len(hosts) - index)
            with suppress(_Unable):
                return await self._through(host, factory, share)
        return await self._through(last, factory, until - self._reactor.seconds())

    def _unknown(self, result: object, seconds: float) -> NoReturn:
        raise DNSLookupError(
            f"no address of {self._host} was found within {seconds:.0f} seconds"
        )

    async def _through(
        self, host: str, factory: IProtocolFactory, timeout: float
    ) -> IProtocol:
        proxy = self._proxy
        negotiate = socks5 if proxy.scheme.startswith("socks5") else connect
        login = proxy.login
        making = Factory.forProtocol(
            lambda: _Negotiator(negotiate(host, self._port, login), factory)
        )
        making.noisy = False
        until = self._reactor.seconds() + timeout
        negotiator = cast(_Negotiator, await self._reached(making, timeout))
        left = until - self._reactor.seconds()
        try:
            return await negotiator.done.addTimeout(left, self._reactor, _late)
        except ImapSyncError as error:
            # As HTTP sends it, too.
            secrets = forms(login[1], ":".join(login).encode()) if login else ()
            told = redacted(str(error), secrets)
            kind = _Unable if isinstance(error, Lost) else type(error)
            raise kind(f"{self._where}: the proxy {proxy} {told}") from None

    async def _reached(self, factory: IProtocolFactory, timeout: float) -> IProtocol:
        """
        Connect to the proxy itself.
        """
        proxy = self._proxy
        endpoint = HostEndpoint(self._reactor, proxy.host, proxy.port, 2 * timeout)
        connecting = endpoint.connect(factory)
        try:
            return await connecting.addTimeout(timeout, self._reactor, _unreached)
        except (ConnectError, DNSLookupError) as error:
            reason = str(error).rstrip(".")
            raise Lost(
                f"{self._where}: the proxy {proxy} cannot be reached: {reason};"
                " see proxy"
            ) from error


def _unreached(result: object, seconds: float) -> NoReturn:
    raise ConnectError(string=f"no connection within {seconds:.0f} seconds")


def _late(result: object, seconds: float) -> NoReturn:
    raise Lost(f"did not connect us within {seconds:.0f} seconds; see proxy")


class _Negotiator(Protocol):
    """
    Talks with a proxy, and leaves the connection to whom it was made for.

    @ivar done: fires with that one.  When it is cancelled, the connection is dropped.
    """

    # ITransport does not tell all that a TCP connection can do.
    transport: Any

    def __init__(self, negotiation: Negotiation, factory: IProtocolFactory) -> None:
        self.done: Deferred[IProtocol] = Deferred(lambda _: self._drop())
        self._negotiation = negotiation
        self._factory = factory
        self._received = bytearray()
        self._wanted = 0

    def connectionMade(self) -> None:
        """
        Begin.
        """
        self._step(lambda: next(self._negotiation))

    def dataReceived(self, data: bytes) -> None:
        """
        Go on, as far as that goes.
        """
        self._received += data
        while not self.done.called and len(self._received) >= self._wanted:
            answer = bytes(self._received[: self._wanted])
            del self._received[: self._wanted]
            self._step(partial(self._negotiation.send, answer))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The proxy hung up.
        """
        if not self.done.called:
            self.done.errback(Lost("hung up before it had connected us; see proxy"))

    def _step(self, step: Callable[[], Ask]) -> None:
        try:
            sent, self._wanted = step()
        except StopIteration:
            self._handOver()
        except ImapSyncError as error:
            self.done.errback(error)
            self._drop()
        else:
            self.transport.write(sent)

    def _handOver(self) -> None:
        inner = cast(Any, self._factory.buildProtocol(self.transport.getPeer()))
        # As STARTTLS does it: nobody stands between them any more.
        self.transport.protocol = inner
        inner.makeConnection(self.transport)
        if self._received:
            inner.dataReceived(bytes(self._received))
        self.done.callback(inner)

    def _drop(self) -> None:
        self.transport.abortConnection()
