"""
Tests for L{imapsync.http.web}.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseNeverReceived

import imapsync
from imapsync.errors import Lost
from imapsync.http.web import MOST, PATIENCE, Answer, Web
from imapsync.test.fakes.sites import Reply, Sites

URL = "https://auth.example:1/x?y=z"


class WebTests(SynchronousTestCase):
    """
    Tests for L{Web}.
    """

    def setUp(self) -> None:
        """
        Have a web with one page.
        """
        self.clock = Clock()
        self.sites = Sites()
        self.web = Web(self.clock, self.sites)

    def begin(self, asking: Coroutine[Any, Any, Answer]) -> Deferred[Answer]:
        """
        Ask.
        """
        return Deferred.fromCoroutine(asking)

    def assertLost(self, asking: Deferred[Answer], text: str) -> None:
        """
        Assert that nothing comes of it.
        """
        failure = self.failureResultOf(asking, Lost)
        self.assertEqual(f"auth.example:1: {text}", str(failure.value))

    def test_get(self) -> None:
        """
        What there is at an URL.
        """
        self.sites.pages[URL] = Reply(b"some words", 418, {"Retry-After": "7"})
        answer = self.successResultOf(self.begin(self.web.get(URL)))
        self.assertEqual(Answer(418, b"some words", 7.0), answer)
        self.assertEqual("<Answer 418>", repr(answer))
        [asked] = self.sites.asked
        self.assertEqual(("GET", URL, {}), (asked.verb, asked.url, asked.form))
        told = dict(asked.headers.getAllRawHeaders())
        self.assertEqual([b"application/json"], told[b"Accept"])
        self.assertEqual(
            [f"imapsync/{imapsync.__version__}".encode()], told[b"User-Agent"]
        )

    def test_post(self) -> None:
        """
        What is answered to a form.
        """
        self.sites.pages[URL] = Reply(b"yes")
        answer = self.successResultOf(self.begin(self.web.post(URL, "a=b+c&d=%26")))
        self.assertEqual(Answer(200, b"yes"), answer)
        [asked] = self.sites.asked
        self.assertEqual(("POST", {"a": "b c", "d": "&"}), (asked.verb, asked.form))
        self.assertEqual(
            ["application/x-www-form-urlencoded"],
            asked.headers.getRawHeaders("Content-Type"),
        )

    def test_wait(self) -> None:
        """
        How long a server wants to be left alone is heard if it is a number of seconds.
        """
        for said, seconds in ("120", 120.0), ("Fri, 31 Dec", 0.0), ("9" * 99, 0.0):
            self.sites.pages[URL] = Reply(b"", 503, {"Retry-After": said})
            answer = self.successResultOf(self.begin(self.web.get(URL)))
            self.assertEqual(seconds, answer.wait)

    def test_late(self) -> None:
        """
        An answer comes within bounded time.
        """
        self.sites.pages[URL] = Deferred()
        asking = self.begin(self.web.get(URL))
        self.clock.advance(PATIENCE - 1)
        self.assertNoResult(asking)
        self.clock.advance(1)
        self.assertLost(asking, "no answer within 30 seconds")

    def test_long(self) -> None:
        """
        An answer is of bounded length.
        """
        self.sites.pages[URL] = Reply(b"x" * MOST)
        self.successResultOf(self.begin(self.web.get(URL)))
        self.sites.pages[URL] = Reply(b"x" * (MOST + 1))
        self.assertLost(self.begin(self.web.get(URL)), "its answer is too long")

    def test_short(self) -> None:
        """
        One that is cut off is none.
        """
        self.sites.pages[URL] = Reply(b"some", end=ConnectionLost)
        self.assertLost(
            self.begin(self.web.get(URL)),
            "cannot be asked: Connection to the other side was lost in a non-clean"
            " fashion",
        )

    def test_unreachable(self) -> None:
        """
        Whatever comes between is told in one line.
        """
        inner = SSL.Error([("SSL routines", "", "wrong version number")])
        for error, text in (
            (ValueError("a\nb."), "a b"),
            (OSError(), "OSError"),
            (
                ResponseNeverReceived([Failure(inner)]),
                "TLS failed: wrong version number",
            ),
            (ResponseNeverReceived([Failure(ConnectionLost("\x1b"))]), ""),
        ):
            self.sites.pages[URL] = error
            failure = self.failureResultOf(self.begin(self.web.get(URL)), Lost)
            self.assertIn(
                f"auth.example:1: cannot be asked: {text}", str(failure.value)
            )
            self.assertNotIn("\x1b", str(failure.value))

    def test_cancelled(self) -> None:
        """
        Whoever does not want to know any more may say so.
        """
        self.sites.pages[URL] = Deferred()
        asking = self.begin(self.web.get(URL))
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.assertEqual([], self.clock.getDelayedCalls())


class WireTests(SynchronousTestCase):
    """
    What goes over the wire.
    """

    def setUp(self) -> None:
        """
        Ask a server on this computer.
        """
        self.reactor: Any = MemoryReactorClock()
        asking = Web(self.reactor).post("http://127.0.0.1:8/x", "a=b")
        self.asking = Deferred.fromCoroutine(asking)
        host, port, factory, *_ = self.reactor.tcpClients[-1]
        self.assertEqual(("127.0.0.1", 8), (host, port))
        protocol: Any = factory.buildProtocol(None)
        self.protocol = protocol
        self.transport = StringTransport()
        self.protocol.makeConnection(self.transport)

    def test_answer(self) -> None:
        """
        A form is sent whole, and the answer heard; then the connection is closed.
        """
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"POST /x HTTP/1.1\r\n"))
        self.assertEqual(b"a=b", body)
        self.protocol.dataReceived(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")
        self.assertEqual(Answer(200, b"yes"), self.successResultOf(self.asking))
        self.assertTrue(self.transport.disconnecting)

    def test_redirection(self) -> None:
        """
        Nobody else gets to see what was for this server.
        """
        self.protocol.dataReceived(
            b"HTTP/1.1 307 Over There\r\nLocation: http://127.0.0.1:9/\r\n"
            b"Content-Length: 0\r\n\r\n"
        )
        answer = Answer(307, b"", location="http://127.0.0.1:9/")
        self.assertEqual(answer, self.successResultOf(self.asking))
        self.assertEqual(1, len(self.reactor.tcpClients))

    def test_long(self) -> None:
        """
        A server that does not come to an end is left.
        """
        self.protocol.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MOST + 1))
        self.failureResultOf(self.asking, Lost)
        self.assertTrue(self.transport.disconnecting)

    def test_silent(self) -> None:
        """
        So is one that begins, and falls silent.
        """
        self.protocol.dataReceived(b"HTTP/1.1 200 OK\r\n\r\nx")
        self.reactor.advance(PATIENCE)
        self.failureResultOf(self.asking, Lost)
        self.assertTrue(self.transport.disconnecting)

    def test_nonsense(self) -> None:
        """
        One that speaks no HTTP is told of in one line.
        """
        self.protocol.dataReceived(b"* OK hi\r\n")
        failure = self.failureResultOf(self.asking, Lost)
        self.assertTrue(str(failure.value).startswith("127.0.0.1:8: cannot be asked: "))
        self.assertNotIn("\n", str(failure.value))
