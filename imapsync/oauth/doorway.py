"""
Where a browser comes to with a user's consent: a page on the loopback
(RFC 8252, 7.3).

It speaks as much HTTP as that takes: one short request for each connection.
"""

from __future__ import annotations

import html
from typing import Any, cast

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from imapsync.oauth.consent import answers

#: A visitor who says nothing for so many seconds is none.
_PATIENCE = 20.0

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>imapsync</title>
<p>{text}</p>
</html>
"""

_HEAD = """\
HTTP/1.1 {status}\r
Content-Type: text/html; charset=utf-8\r
Content-Length: {length}\r
Content-Security-Policy: default-src 'none'\r
Referrer-Policy: no-referrer\r
Cache-Control: no-store\r
Connection: close\r
\r
"""


class Doorway(Factory):
    """
    Waits for a browser with an answer.

    @ivar came: fires with the address that it was sent to: path and query.
    """

    noisy = False

    def __init__(self, reactor: Any) -> None:
        """
        @param reactor: provides C{IReactorTCP} and C{IReactorTime}.
        @raise CannotListenError: if there is no loopback.
        """
        self.came: Deferred[str] = Deferred()
        self._clock = reactor
        self._guest: _Visit | None = None
        self._visits: set[_Visit] = set()
        self._port: Any = reactor.listenTCP(0, self, interface="127.0.0.1")

    @property
    def number(self) -> int:
        """
        The port.
        """
        return int(self._port.getHost().port)

    def buildProtocol(self, _: object) -> _Visit:
        """
        Somebody comes.
        """
        visit = _Visit(self, self._clock)
        self._visits.add(visit)
        return visit

    def tell(self, text: str, refused: bool = False) -> None:
        """
        Show who brought the answer what became of it; nobody if nobody did.
        """
        if self._guest is not None:
            self._guest.show("400 Bad Request" if refused else "200 OK", text)

    async def close(self) -> None:
        """
        Let nobody in any more, and those out who are.
        """
        self.came.addErrback(lambda _: None)
        self.came.cancel()
        await maybeDeferred(self._port.stopListening)
        going = DeferredList([visit.gone for visit in self._visits])
        for visit in [*self._visits]:
            visit.leave()
        await going

    def left(self, visit: _Visit) -> None:
        """
        A visitor has gone.
        """
        self._visits.discard(visit)

    def asked(self, visit: _Visit, target: str) -> None:
        """
        A visitor asks for a page.
        """
        if not answers(target):
            visit.show("404 Not Found", "There is nothing here.")
        elif self.came.called:
            visit.show("409 Conflict", "imapsync has had an answer already.")
        else:
            self._guest = visit
            self.came.callback(target)


class _Visit(LineOnlyReceiver):
    """
    A connection of a browser.

    @ivar gone: fires when it is closed.
    """

    def __init__(self, doorway: Doorway, clock: Any) -> None:
        self.gone: Deferred[None] = Deferred()
        self._doorway = doorway
        self._request: str | None = None
        self._bored = clock.callLater(_PATIENCE, self._leaveUnheard)
        self._shown = False

    def lineReceived(self, line: bytes) -> None:
        """
        The request is the first one, and an empty one is its end.
        """
        if self._request is None:
            self._request = line.decode("ascii", "replace")
        elif not line and self._bored.active():
            self._bored.cancel()
            method, _, rest = self._request.partition(" ")
            if method == "GET":
                self._doorway.asked(self, rest.partition(" ")[0])
            else:
                self.show("405 Method Not Allowed", "There is nothing to do here.")

    def show(self, status: str, text: str) -> None:
        """
        Answer.
        """
        if self._shown:
            return
        self._shown = True
        page = _PAGE.format(text=html.escape(text)).encode()
        head = _HEAD.format(status=status, length=len(page)).encode("ascii")
        transport = cast(ITCPTransport, self.transport)
        transport.write(head + page)
        transport.loseConnection()

    def leave(self) -> None:
        """
        Close the connection, if need be at once.
        """
        if not self._shown:
            self._leaveUnheard()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        It is closed.
        """
        if self._bored.active():
            self._bored.cancel()
        self._doorway.left(self)
        self.gone.callback(None)

    def _leaveUnheard(self) -> None:
        cast(ITCPTransport, self.transport).abortConnection()
