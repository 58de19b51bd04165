"""
Connecting to a host by its name or address, as far as the system itself does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IProtocol,
    IProtocolFactory,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure
from zope.interface import directlyProvides, implementer


@implementer(IStreamClientEndpoint)
class HostEndpoint:
    """
    A L{HostnameEndpoint} that takes names which are none by the rules, such as
    one with an underscore, and addresses that are good on one network interface
    only (RFC 4007, 11), and tries addresses of both kinds by turns.

    @param reactor: provides what L{HostnameEndpoint} needs.
    @param timeout: for each address, in seconds.
    """

    def __init__(self, reactor: Any, host: str, port: int, timeout: float) -> None:
        self._host = host
        # It looks only at what it believes to be the name, not what we look up.
        self._endpoint = HostnameEndpoint(
            _Reactor(reactor, host), "host", port, timeout=timeout
        )

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """
        Connect.
        """
        connecting: Deferred[IProtocol] = self._endpoint.connect(protocolFactory)
        return connecting.addErrback(self._named)

    def _named(self, failure: Failure) -> Failure:
        if failure.check(DNSLookupError):
            raise _unknown(self._host)
        return failure


def addresses(reactor: Any, host: str, port: int) -> Deferred[list[str]]:
    """
    The addresses of a host, in the order in which to try them.
    """
    receiver = _Gathering(host)
    resolver = _Resolver(reactor.nameResolver, host)
    resolver.resolveHostName(receiver, host, port)
    return receiver.done


@implementer(IResolutionReceiver)
class _Gathering:
    """
    Gathers addresses.
    """

    def __init__(self, host: str) -> None:
        self.done: Deferred[list[str]] = Deferred()
        self._host = host
        self._found: list[str] = []

    def resolutionBegan(self, resolution: IHostResolution) -> None:
        """
        They are looked for.
        """

    def addressResolved(self, address: IAddress) -> None:
        """
        One is known.
        """
        if isinstance(address, (IPv4Address, IPv6Address)):
            self._found.append(address.host)

    def resolutionComplete(self) -> None:
        """
        There are no more.
        """
        if self._found:
            self.done.callback(self._found)
        else:
            self.done.errback(_unknown(self._host))


def _unknown(host: str) -> DNSLookupError:
    return DNSLookupError(f"no address is known for {host}")


class _Reactor:
    """
    A reactor that looks up one name only, whatever it is asked for.
    """

    def __init__(self, reactor: Any, host: str) -> None:
        self._reactor = reactor
        self.nameResolver = _Resolver(reactor.nameResolver, host)
        directlyProvides(self, IReactorPluggableNameResolver)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)


@implementer(IHostnameResolver)
class _Resolver:
    """
    Looks that name up.
    """

    def __init__(self, resolver: IHostnameResolver, host: str) -> None:
        self._resolver = resolver
        self._host = host

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """
        Have its addresses told.
        """
        return self._resolver.resolveHostName(
            _Receiver(resolutionReceiver),
            self._host,
            portNumber,
            addressTypes,
            transportSemantics,
        )


@implementer(IResolutionReceiver)
class _Receiver:
    """
    Tells addresses so that they lead somewhere by themselves, and by turns of IPv6 and
    IPv4, whichever comes first, so that one of the two soon works (RFC 8305, 4).
    """

    def __init__(self, receiver: IResolutionReceiver) -> None:
        self.resolutionBegan = receiver.resolutionBegan
        self._receiver = receiver
        self._resolved: dict[type[IAddress], list[IAddress]] = {}

    def addressResolved(self, address: IAddress) -> None:
        """
        One is known.
        """
        if isinstance(address, IPv6Address) and address.scopeID:
            host = f"{address.host.partition('%')[0]}%{address.scopeID}"
            address = IPv6Address(address.type, host, address.port)
        self._resolved.setdefault(type(address), []).append(address)

    def resolutionComplete(self) -> None:
        """
        There are no more.
        """
        for turn in zip_longest(*self._resolved.values()):
            for address in filter(None, turn):
                self._receiver.addressResolved(address)
        self._receiver.resolutionComplete()
