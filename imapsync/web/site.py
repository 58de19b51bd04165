"""
The page as a site of C{twisted.web}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from imapsync.web.events import Events
from imapsync.web.exchange import Answer, Asked, Stream
from imapsync.web.pages import Pages

#: No form of ours has more, in octets.
_LARGEST = 64 * 1024

#: So many connections may be open: each is an open file, which mail may need.
CONNECTIONS = 100

#: With every answer.  Only what comes from here is shown and run; but for our own
#: pages, nobody learns whose pages are looked at.
_HEADERS = {
    "Server": "imapsync",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors"
        " 'none'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class _Visit(Request):
    """
    A request, which is not long.
    """

    def gotLength(self, length: int | None) -> None:
        """
        So long is what comes with it, if that is told.
        """
        # Nothing of ours is sent in chunks, of which there could be any number.
        self._isLong = length is None or length > _LARGEST
        super().gotLength(0 if self._isLong else length)  # type: ignore[no-untyped-call]

    def handleContentChunk(self, data: bytes) -> None:
        """
        A part of it is there.
        """
        if self._isLong:
            transport: Any = self.channel.transport
            transport.abortConnection()
        else:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]


class _Root(Resource):
    """
    Answers all requests.
    """

    isLeaf = True

    def __init__(self, pages: Pages, events: Events) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._pages = pages
        self._events = events

    def render(self, request: Any) -> bytes | int:
        """
        Answer one.
        """
        answer = self._pages.answer(_asked(request))
        if isinstance(answer, Stream):
            if request.method == b"HEAD":
                return _said(request, Answer(200, "", "text/event-stream"))
            return self._stream(request, answer)
        return _said(request, answer)

    def _stream(self, request: Any, stream: Stream) -> bytes | int:
        line = _Stream(request)
        listener = self._events.listen(line, stream.name, stream.since)
        if listener is None:
            headers = {"Retry-After": "60"}
            text = "Too many look at this page: try again later.\n"
            return _said(request, Answer(503, text, "text/plain", headers))
        request.notifyFinish().addBoth(lambda _: listener.stopProducing())
        request.registerProducer(listener, True)
        return NOT_DONE_YET


class _Stream:
    """
    An answer that goes on.
    """

    def __init__(self, request: Any) -> None:
        self._request = request
        self._begun = False

    def write(self, data: bytes) -> None:
        if not self._begun:
            self._begun = True
            # A proxy has to pass on each event as it comes.
            headers = {"X-Accel-Buffering": "no"}
            _begin(self._request, Answer(200, "", "text/event-stream", headers))
        self._request.write(data)

    def abort(self) -> None:
        self._request.channel.transport.abortConnection()


class _Channel(HTTPChannel):
    """
    A connection, which is counted.  One request is answered at a time: who sends more
    before that would have all else wait (RFC 9112, 9.3.2 lets a server close then).
    """

    factory: StatusSite

    def connectionMade(self) -> None:
        # What Twisted has to say of it is no line of ours.
        self._log = Logger("twisted.web.http")
        self.factory.connections += 1
        super().connectionMade()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.factory.connections -= 1
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def requestDone(self, request: Any) -> None:
        if self.clearLineBuffer():
            self.persistent = 0
        super().requestDone(request)  # type: ignore[no-untyped-call]


class StatusSite(Site):
    """
    The site.  What is looked at there is not logged.

    @ivar connections: how many are open.
    """

    noisy = False
    protocol: Any = _Channel

    def __init__(self, pages: Pages, events: Events, reactor: Any) -> None:
        root = _Root(pages, events)
        super().__init__(root, _Visit, reactor=reactor)  # type: ignore[no-untyped-call]
        self.connections = 0

    def buildProtocol(self, addr: Any) -> Any:
        """
        Somebody connects: there may be no place.
        """
        if self.connections >= CONNECTIONS:
            return None
        return super().buildProtocol(addr)  # type: ignore[no-untyped-call]

    def acceptableProtocols(self) -> list[bytes]:
        """
        What is spoken over TLS (RFC 7301).
        """
        return [b"http/1.1"]

    def log(self, request: Any) -> None:
        """
        A request was answered.
        """


def _asked(request: Any) -> Asked:
    _, _, query = request.uri.partition(b"?")
    headers = {
        name.decode("latin-1").lower(): _header(name, values)
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    isForm = kind == "application/x-www-form-urlencoded"
    form = request.content.read() if isForm and request.method == b"POST" else b""
    return Asked(
        request.method.decode("ascii", "replace"),
        tuple(part.decode("utf-8", "replace") for part in request.postpath),
        _first(query),
        _first(form),
        headers,
    )


def _header(name: bytes, values: Sequence[bytes]) -> str:
    """
    What a field says that may be there more than once.
    """
    match name.lower():
        case b"cookie":
            said = b"; ".join(values)
        case b"host" if len(values) > 1:
            said = b""  # who is meant cannot be told (RFC 9112, 3.2)
        case _:
            said = values[0]
    return said.decode("latin-1")


def _first(text: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(
            text.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=100
        )
    except ValueError:  # no form of ours has so many
        return {}
    return dict(reversed(pairs))


def _begin(request: Any, answer: Answer) -> None:
    status = HTTPStatus(answer.status)
    request.setResponseCode(status.value, status.phrase.encode())
    for name, value in {
        **_HEADERS,
        "Content-Type": answer.kind,
        **answer.headers,
    }.items():
        request.setHeader(name, value)


def _said(request: Any, answer: Answer) -> bytes:
    _begin(request, answer)
    body = answer.body
    octets = body.encode() if isinstance(body, str) else body
    if request.method == b"HEAD" and octets:
        request.setHeader("Content-Length", str(len(octets)))
        return b""
    return octets
