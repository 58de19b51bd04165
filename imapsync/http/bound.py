"""
Bounding what a web server may say in all.

Of the body of an answer, no more is read than is wanted; but an HTTP client keeps the
headers before it, however many they are.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import HTTPConnectionPool
from zope.interface import implementer


class TooLong(Exception):
    """
    More came than there may be.
    """


class Pool(HTTPConnectionPool):
    """
    Makes a new connection for each request.

    @param most: so many octets may come over it.
    """

    def __init__(self, reactor: Any, most: int) -> None:
        super().__init__(reactor, False)  # type: ignore[no-untyped-call]
        self._most = most

    def getConnection(self, key: object, endpoint: Any) -> Deferred[Any]:
        """
        Connect.
        """
        bounded = _Endpoint(endpoint, self._most)
        made: Deferred[Any] = super().getConnection(key, bounded)
        return made


@implementer(IStreamClientEndpoint)
class _Endpoint:
    def __init__(self, endpoint: Any, most: int) -> None:
        self._endpoint = endpoint
        self._most = most

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        quiet: Any = protocolFactory
        quiet.noisy = False
        bounded = _Factory(protocolFactory)
        bounded.most = self._most
        made: Deferred[Any] = self._endpoint.connect(bounded)
        return made.addCallback(lambda connection: connection.wrappedProtocol)


class _Connection(ProtocolWrapper):
    """
    Closed where more comes.
    """

    _come = 0

    def dataReceived(self, data: bytes) -> None:
        self._come += len(data)
        if self._isTooLong():
            self.abortConnection()
        else:
            super().dataReceived(data)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._isTooLong():
            reason = Failure(TooLong("its answer is too long"))
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def _isTooLong(self) -> bool:
        factory: Any = self.factory
        most: int = factory.most
        return self._come > most


class _Factory(WrappingFactory):
    noisy = False
    protocol = _Connection
    most = 0
