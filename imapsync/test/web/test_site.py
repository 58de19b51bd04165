"""
Tests for L{imapsync.web.site}.
"""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from imapsync.test.web.test_pages import TOKEN, PagesTestCase
from imapsync.web.events import MOST
from imapsync.web.site import CONNECTIONS, StatusSite


class SiteTests(PagesTestCase):
    """
    Tests for L{StatusSite}, as it speaks HTTP.
    """

    def setUp(self) -> None:
        """
        Make the site.
        """
        super().setUp()
        self.site = StatusSite(self.pages, self.events, self.clock)
        self.site.startFactory()
        self.addCleanup(self.site.stopFactory)

    def lose(self, channel: HTTPChannel) -> None:
        """
        Have a browser leave.
        """
        channel.connectionLost(Failure(ConnectionDone()))

    def connect(self) -> tuple[HTTPChannel, StringTransport]:
        """
        A connection to it.
        """
        transport = StringTransport()
        channel = self.site.buildProtocol(None)
        channel.makeConnection(transport)
        return channel, transport

    def say(
        self,
        request: bytes,
        body: bytes = b"",
        host: str = "localhost",
        kind: bytes = b"application/x-www-form-urlencoded",
    ) -> bytes:
        """
        What is answered to a request, of which this is the first line.

        @param kind: of what comes with it.
        """
        channel, transport = self.connect()
        channel.dataReceived(
            request + b" HTTP/1.1\r\nHost: " + host.encode() + b"\r\n"
            b"Content-Type: " + kind + b"\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body
        )
        answered: bytes = transport.value()
        self.lose(channel)
        return answered

    def test_headers(self) -> None:
        """
        Nothing from elsewhere is shown or run, and nobody keeps what they see.
        """
        for request in b"GET /", b"GET /nothing", b"GET /status.json":
            head = self.say(request).partition(b"\r\n\r\n")[0].decode()
            for line in (
                "Content-Security-Policy: default-src 'self'; base-uri 'none'; form-"
                "action 'self'; frame-ancestors 'none'; object-src 'none'",
                "X-Content-Type-Options: nosniff",
                "Referrer-Policy: same-origin",
                "Cache-Control: no-store",
                "Server: imapsync",
            ):
                self.assertIn(line, head.split("\r\n"))

    def test_head(self) -> None:
        """
        HEAD is answered as GET, without what there is.
        """
        with capturedLogs() as events:
            head, _, body = self.say(b"HEAD /healthz").partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 OK"))
        self.assertIn(b"Content-Length: 3", head)
        self.assertEqual(b"", body)
        self.assertEqual([], events)
        self.assertIn(b"text/event-stream", self.say(b"HEAD /events"))

    def test_form(self) -> None:
        """
        A form is understood.
        """
        form = f"stamp={self.guard.stamp}&pause=ada".encode()
        kind = b"application/x-www-form-urlencoded"
        for more in b"", b";charset=UTF-8", b";\xff":
            answer = self.say(b"POST /act", form, kind=kind + more)
            self.assertIn(b"303 See Other", answer)
            self.assertEqual(("pause", "ada"), self.fleet.asked.pop())
        for kind in b"text/plain", b"\xff":
            answer = self.say(b"POST /act", form, kind=kind)
            self.assertIn(b"403 Forbidden", answer)

    def test_slow(self) -> None:
        """
        Who says nothing for long is left, without a line in our log.
        """
        channel, transport = self.connect()
        channel.dataReceived(b"GET /healthz HTTP/1.1\r\nHost: ")
        with capturedLogs() as events:
            self.clock.advance(60)
        self.assertTrue(transport.disconnecting)
        told = [one for one in events if "imapsync" in one["log_namespace"]]
        self.assertEqual([], told)
        self.lose(channel)

    def test_paths(self) -> None:
        """
        Names in addresses may have anything in them.
        """
        self.open("a b/\u00e4")
        self.site = StatusSite(self.pages, self.events, self.clock)
        for path in b"a%20b%2F%C3%A4", b"?name=a+b/%C3%A4":
            self.assertIn(b"200 OK", self.say(b"GET /account/" + path))
        for path in b"%FF", b"?name=%FF", b"?" + b"a=b&" * 500:
            self.assertIn(b"404 Not Found", self.say(b"GET /account/" + path))

    def test_host(self) -> None:
        """
        Who calls us otherwise is answered in one line.
        """
        answer = self.say(b"GET /", host="evil.example")
        self.assertTrue(answer.startswith(b"HTTP/1.1 421 Misdirected Request\r\n"))
        self.assertNotIn(b"ada", answer)

    def test_hosts(self) -> None:
        """
        Who calls us by two names calls us by none: on the way, the other may have been
        looked at.
        """
        for more in b"localhost", b"evil.example":
            channel, transport = self.connect()
            channel.dataReceived(
                b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: " + more + b"\r\n\r\n"
            )
            answer: bytes = transport.value()
            self.assertTrue(answer.startswith(b"HTTP/1.1 421 "), answer)
            self.lose(channel)

    def test_cookies(self) -> None:
        """
        Cookies may come in several fields, as from a proxy that speaks HTTP/2.
        """
        self.open("ada", token=TOKEN)
        self.site = StatusSite(self.pages, self.events, self.clock)
        channel, transport = self.connect()
        channel.dataReceived(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: a=b\r\n"
            + f"Cookie: {self.guard.cookie}={self.guard.visa}\r\n\r\n".encode()
        )
        self.assertIn(b"200 OK", transport.value())
        self.lose(channel)

    def test_connections(self) -> None:
        """
        Only so many may be open, whatever they are for; who leaves makes room.
        """
        channels = [self.connect()[0] for _ in range(CONNECTIONS)]
        self.assertIsNone(self.site.buildProtocol(None))
        self.lose(channels.pop())
        self.assertIn(b"200 OK", self.say(b"GET /healthz"))
        channels.append(self.connect()[0])
        self.assertIsNone(self.site.buildProtocol(None))
        for channel in channels:
            self.lose(channel)

    def test_pipeline(self) -> None:
        """
        Requests on a connection are answered one after the other; who does not wait for
        an answer gets one, lest all else have to wait.
        """
        channel, transport = self.connect()
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for count in 1, 2:
            channel.dataReceived(request)
            self.assertEqual(count, transport.value().count(b"200 OK"))
        channel.dataReceived(request * 100)
        self.assertEqual(3, transport.value().count(b"200 OK"))
        self.assertTrue(transport.disconnecting)
        self.lose(channel)

    def test_long(self) -> None:
        """
        No more is taken than a form of ours can be.
        """
        channel, transport = self.connect()
        channel.dataReceived(
            b"POST /act HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
        )
        channel.dataReceived(b"x" * 1000)
        self.assertTrue(transport.disconnected)
        channel, transport = self.connect()
        channel.dataReceived(
            b"POST /act HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"\r\n5\r\nhello\r\n"
        )
        self.assertTrue(transport.disconnected)

    def test_events(self) -> None:
        """
        Events come as they happen, until the browser leaves.
        """
        self.watch.subscribe(self.events.changed)
        self.addCleanup(self.events.stop)
        channel, transport = self.connect()
        since = self.events.serial().encode()
        channel.dataReceived(
            b"GET /events?since=%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % since
        )
        self.assertIn(b"Content-Type: text/event-stream", transport.value())
        self.assertIn(b"X-Accel-Buffering: no", transport.value())
        self.fleet.becomes("ada", error="No.")
        self.clock.advance(1)
        self.assertIn(b"event: pieces", transport.value())
        self.lose(channel)
        transport.clear()
        self.fleet.becomes("ada", error="Never.")
        self.clock.advance(1)
        self.assertEqual(b"", transport.value())

    def test_many(self) -> None:
        """
        Too many who listen are told to come later.
        """
        for _ in range(MOST):
            channel, _ = self.connect()
            channel.dataReceived(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = self.say(b"GET /events")
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "))
        self.assertIn(b"Retry-After: 60", answer)

    def test_stop(self) -> None:
        """
        At the end of the program, whoever listens is let go.
        """
        channel, transport = self.connect()
        channel.dataReceived(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.events.stop()
        self.assertTrue(transport.disconnected)
