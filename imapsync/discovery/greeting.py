"""
Whether an IMAP server answers at a place where one may be.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from imapsync.config.tls import TLSConfig
from imapsync.imap.transport.host import HostEndpoint
from imapsync.imap.transport.tls import Trust

#: In seconds, for each address.
_PATIENCE = 10.0

#: Octets: greetings are shorter.
_MOST = 4096

_GREETINGS = (b"* OK", b"* PREAUTH")
_OFFER = b"* CAPABILITY "


class Knocker:
    """
    Knocks at servers' doors, and believes only those whose certificates are for their
    names.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    async def answers(self, host: str, port: int, kind: str) -> bool:
        """
        Whether there is a server that greets, over TLS or with an offer of it.

        @param kind: C{"imaps"} or C{"imap"}.
        """
        endpoint: IStreamClientEndpoint
        endpoint = HostEndpoint(self._reactor, host, port, timeout=_PATIENCE)
        if kind == "imaps":
            trust = Trust(TLSConfig(), host, host)
            endpoint = wrapClientTLS(trust, endpoint, self._reactor)
        answered: Deferred[bool] = Deferred()
        knock = Knock(kind == "imap", answered)
        factory = Factory.forProtocol(lambda: knock)
        factory.noisy = False
        await endpoint.connect(factory)
        try:
            return await answered
        finally:
            knock.leave()


class Knock(Protocol):
    """
    Waits for a greeting.

    @param offer: whether to ask for STARTTLS.
    @param answered: fires when it is known what is there.
    """

    def __init__(self, offer: bool, answered: Deferred[bool]) -> None:
        self._offer = offer
        self._answered = answered
        self._octets = b""
        self._greeted = False

    def dataReceived(self, data: bytes) -> None:
        """
        A part of its words.
        """
        self._octets += data
        while b"\n" in self._octets and not self._answered.called:
            line, _, self._octets = self._octets.partition(b"\n")
            self._read(line.upper())
        if len(self._octets) > _MOST:
            self._end(False)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        It has no more to say.
        """
        self._end(False)

    def leave(self) -> None:
        """
        That is enough.
        """
        transport: Any = self.transport
        transport.abortConnection()

    def _read(self, line: bytes) -> None:
        if self._greeted:
            offered = line.startswith(_OFFER) and b"STARTTLS" in line.split()
            self._end(offered)
        elif not line.startswith(_GREETINGS) or not self._offer:
            self._end(line.startswith(_GREETINGS))
        elif self.transport is not None:
            self._greeted = True
            self.transport.write(b"a CAPABILITY\r\n")

    def _end(self, result: bool) -> None:
        if not self._answered.called:
            self._answered.callback(result)
