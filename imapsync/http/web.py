"""
Asking a web server.

An answer is of bounded length and comes within bounded time, or there is none.  A
redirection is an answer: what was sent to one server is for no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn, cast
from urllib.parse import urlsplit

from OpenSSL import SSL
from service_identity.exceptions import VerificationError
from twisted.internet import defer, protocol
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IConsumer, IReactorTime
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    BrowserLikePolicyForHTTPS,
    ResponseDone,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

import imapsync
from imapsync.display import line
from imapsync.errors import Distrusted, ImapSyncError, Lost
from imapsync.http.bound import Pool

#: So long may an answer take in all, in seconds.
PATIENCE = 30.0

#: More than that, in octets, is none that we want.
MOST = 256 * 1024

_FORM = "application/x-www-form-urlencoded"


class Answer(NamedTuple):
    """
    What a web server says.

    @ivar status: as HTTP has it.
    @ivar wait: so many seconds it wants to be left alone; 0 if it does not say.
    @ivar location: where it says that something else is to be found.
    """

    status: int
    body: bytes
    wait: float = 0.0
    location: str = ""

    def __repr__(self) -> str:
        return f"<Answer {self.status}>"


class Web:
    """
    All web servers that there are.

    @param agent: asks them, in place of one that trusts the authorities of the
        system.
    """

    def __init__(self, reactor: Any, agent: IAgent | None = None) -> None:
        self._clock: IReactorTime = reactor
        self._agent = agent or Agent(
            reactor,
            BrowserLikePolicyForHTTPS(),
            connectTimeout=PATIENCE,
            pool=Pool(reactor, 2 * MOST),
        )

    async def get(self, url: str, accept: str = "application/json") -> Answer:
        """
        What there is at C{url}.

        @param accept: the media type that is wanted.
        @raise Lost: if no such answer comes.
        @raise Distrusted: if it is not that server.
        """
        return await self._asked("GET", url, {"Accept": accept}, None)

    async def post(
        self, url: str, form: str, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """
        What is answered to C{form}.

        @raise Lost: if no such answer comes.
        @raise Distrusted: if it is not that server.
        """
        said = {"Content-Type": _FORM, **(headers or {})}
        return await self._asked("POST", url, said, _Body(form.encode()))

    async def tell(self, url: str, document: str) -> int:
        """
        Post some JSON.

        @return: the status of the answer, of which nothing else is read: it may be long
            in coming.
        @raise Lost: if there is none.
        @raise Distrusted: if it is not that server.
        """
        said = {"Content-Type": "application/json"}
        body = _Body(document.encode())
        return (await self._asked("POST", url, said, body, isRead=False)).status

    async def _asked(
        self,
        verb: str,
        url: str,
        headers: Mapping[str, str],
        body: _Body | None,
        isRead: bool = True,
    ) -> Answer:
        answered = self._answered(verb, url, headers, body, isRead)
        asking = Deferred.fromCoroutine(answered)
        asking.addErrback(_caused)
        try:
            return await asking.addTimeout(PATIENCE, self._clock)
        except defer.TimeoutError:
            raise Lost(
                f"{_host(url)}: no answer within {PATIENCE:.0f} seconds"
            ) from None
        except (CancelledError, Lost):
            raise
        except Exception as error:  # noqa: BLE001 (whatever HTTP or TLS has against it)
            raise _failed(_host(url), error) from None

    async def _answered(
        self,
        verb: str,
        url: str,
        headers: Mapping[str, str],
        body: _Body | None,
        isRead: bool,
    ) -> Answer:
        said = {
            "Accept": "application/json",
            "User-Agent": f"imapsync/{imapsync.__version__}",
            **headers,
        }
        response = await self._agent.request(
            verb.encode(),
            url.encode("ascii"),
            Headers({name: [value] for name, value in said.items()}),
            cast(IBodyProducer | None, body),
        )
        if not isRead:
            response.deliverBody(_Closer())
            return Answer(response.code, b"")
        reader = _Reader(_host(url))
        response.deliverBody(reader)
        location = response.headers.getRawHeaders("location", [""])[0]
        return Answer(response.code, await reader.whole, _wait(response), location)


@implementer(IBodyProducer)
class _Body:
    """
    What is sent with a request.
    """

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.length = len(octets)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._octets)
        return defer.succeed(None)

    def pauseProducing(self) -> None:
        pass

    def resumeProducing(self) -> None:
        pass

    def stopProducing(self) -> None:
        pass


class _Reader(protocol.Protocol):
    """
    Collects what is answered.

    @ivar whole: fires with it.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._octets = bytearray()
        self.whole: Deferred[bytes] = Deferred(lambda _: self._close())

    def dataReceived(self, data: bytes) -> None:
        if self.whole.called:
            return
        self._octets += data
        if len(self._octets) > MOST:
            self.whole.errback(Lost(f"{self._host}: its answer is too long"))
            self._close()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        if self.whole.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.whole.callback(bytes(self._octets))
        else:
            self.whole.errback(reason)

    def _close(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()


class _Closer(protocol.Protocol):
    """
    Wants nothing of what is answered.
    """

    def connectionMade(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()


def _host(url: str) -> str:
    return line(urlsplit(url).netloc, 260)


def _wait(response: IResponse) -> float:
    """
    What C{Retry-After} says (RFC 9110, 10.2.3), if in seconds.
    """
    said = response.headers.getRawHeaders(b"retry-after") or [b""]
    return float(said[0]) if said[0].isdigit() and len(said[0]) < 6 else 0.0


def _caused(failure: Failure) -> NoReturn:
    """
    Of several reasons have the first; of what failed because of another, that.
    """
    error = failure.value
    while inner := getattr(error, "reasons", None):
        error = cast(BaseException, getattr(inner[0], "value", inner[0]))
    assert error is not None
    raise error


def _failed(host: str, error: BaseException) -> ImapSyncError:
    """
    What to tell of what went wrong.
    """
    if isinstance(error, VerificationError):
        return Distrusted(f"{host}: its certificate is for another host")
    if isinstance(error, SSL.Error):
        entries = error.args[0] if error.args else ()
        words = ", ".join(str(entry[-1]) for entry in entries) or "no reason given"
        if "certificate" in words:
            return Distrusted(
                f"{host}: its certificate cannot be trusted ({words}); SSL_CERT_FILE in"
                " the environment names other authorities than those of the system"
            )
        return Lost(f"{host}: cannot be asked: TLS failed: {words}")
    if len(error.args) == 2 and isinstance(error.args[1], bytes):
        # That could not be read.
        return Lost(f"{host}: cannot be asked: it does not speak HTTP")
    reason = line(str(error) or type(error).__name__, 400).rstrip(".")
    return Lost(f"{host}: cannot be asked: {reason}")
