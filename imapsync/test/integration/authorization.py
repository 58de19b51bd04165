"""
An authorization server on loopback, and a browser.

Nothing here uses the reactor: the server is a thread of its own, so that a test can
wait for a child process meanwhile, and change what the server does.
"""

from __future__ import annotations

import functools
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from imapsync.test.fakes.authorization import Authority

#: No proxy leads to the loopback.
_opener = build_opener(ProxyHandler({}))


class AuthorizationServer:
    """
    An L{Authority} that is reached by HTTP.

    @ivar answering: while this is not set, it keeps all who ask waiting.
    """

    def __init__(self) -> None:
        request = functools.partial(_Request, self)
        self._server = _Server(("127.0.0.1", 0), request)
        self.authority = Authority(f"http://127.0.0.1:{self._server.server_port}")
        self.answering = threading.Event()
        self.answering.set()
        serve = functools.partial(self._server.serve_forever, 0.02)
        threading.Thread(target=serve, daemon=True).start()

    def renew(self) -> Authority:
        """
        Forget all that was.
        """
        self.authority = Authority(self.authority.url)
        return self.authority


class _Server(ThreadingHTTPServer):
    """
    Lets whoever asked go away.
    """

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """
        Keep quiet of that.
        """
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Request(BaseHTTPRequestHandler):
    """
    One request.
    """

    def __init__(self, server: AuthorizationServer, *rest: object) -> None:
        self._asked = server
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """
        Answer it.
        """
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._asked.answering.wait()
        answer = self._asked.authority.answer(self.command, self.path, body)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.location:
            self.send_header("Location", answer.location)
        self.end_headers()
        self.wfile.write(answer.body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """
        Keep quiet.
        """


def visit(url: str) -> tuple[int, str]:
    """
    Have a browser go to a page, and wherever it is sent from there.

    @return: the status and text of the page that it ends at.
    """
    try:
        with _opener.open(url, timeout=20) as page:
            return page.status, page.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
