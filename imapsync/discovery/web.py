"""
Asking web servers for a document, over TLS only.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import Agent, ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IResponse

from imapsync import __version__
from imapsync.errors import Lost

#: Octets: more of them are no document of use to us.
_MOST = 256 * 1024

#: A document may have moved so often.
_MOVES = 3

_MOVED = (301, 302, 303, 307, 308)


class Web:
    """
    Web servers.

    @param agent: knows which certificates are to be trusted: see L{agentOf}.
    """

    def __init__(self, agent: IAgent) -> None:
        self._agent = agent

    async def get(self, url: str) -> bytes:
        """
        A document.

        @raise Lost: if there is none, or too much.
        """
        for _ in range(_MOVES + 1):
            response = await self._response(url)
            if response.code == 200:
                return await _body(response, url)
            places = response.headers.getRawHeaders("location", [])
            _leave(response)
            if response.code not in _MOVED or not places:
                raise Lost(f"{url}: no document (status {response.code})")
            url = urljoin(url, places[0])
        raise Lost(f"{url}: moved too often")

    async def _response(self, url: str) -> IResponse:
        if not _isSafe(url):
            raise Lost(f"{url}: not by TLS, and so not to be believed")
        headers = Headers({"User-Agent": [f"imapsync/{__version__}"]})
        try:
            return await self._agent.request(b"GET", url.encode("ascii"), headers)
        except CancelledError:
            raise
        except Exception as error:
            raise Lost(f"{url}: {error!r}") from error


def agentOf(reactor: Any) -> IAgent:
    """
    What asks web servers that the system's authorities vouch for.
    """
    agent: IAgent = Agent(reactor)
    return agent


def _isSafe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    shown = url.isascii() and url.isprintable() and " " not in url
    return named and shown and parts.scheme == "https" and parts.username is None


class _Body(Protocol):
    """
    Collects a document, of which there may not be too much.
    """

    def __init__(self, url: str, collected: Deferred[bytes]) -> None:
        self._url = url
        self._collected = collected
        self._octets = b""

    def dataReceived(self, data: bytes) -> None:
        """
        A part of it.
        """
        self._octets += data
        if len(self._octets) > _MOST:
            self._end(Failure(Lost(f"{self._url}: too large")))
            if self.transport is not None:
                self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        That was all.
        """
        whole = reason.check(ResponseDone)
        self._end(
            self._octets if whole else Failure(Lost(f"{self._url}: {reason.value!r}"))
        )

    def _end(self, result: bytes | Failure) -> None:
        if not self._collected.called:
            self._collected.callback(result)


def _body(response: IResponse, url: str) -> Deferred[bytes]:
    def leave(_: object) -> None:
        if collecting.transport is not None:
            collecting.transport.loseConnection()

    collected: Deferred[bytes] = Deferred(leave)
    collecting = _Body(url, collected)
    response.deliverBody(collecting)
    return collected


def _leave(response: IResponse) -> None:
    """
    Close the connection, whatever comes behind the head.
    """
    nobody = Protocol()
    response.deliverBody(nobody)
    if nobody.transport is not None:
        nobody.transport.loseConnection()
