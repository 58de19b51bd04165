"""
Web servers in memory, and one that gives tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qsl

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from imapsync.config.oauth import OAuthConfig

#: Where L{Grantor} gives tokens.
TOKEN_URL = "https://auth.example/token"

#: What is to be known of it.
CONFIG = OAuthConfig(
    "custom",
    "browser",
    clientId="us",
    clientSecret="hush-hush",
    scope="imap",
    authorizationUrl="https://auth.example/authorize",
    tokenUrl=TOKEN_URL,
    deviceUrl="https://auth.example/device",
    mend="imapsync --authorize=remote",
)


class Asked(NamedTuple):
    """
    What a server was asked.

    @ivar form: what was sent, if that is one.
    @ivar body: what was sent.
    """

    verb: str
    url: str
    headers: Headers
    form: Mapping[str, str]
    body: bytes = b""


class Reply(NamedTuple):
    """
    What it answers.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}
    end: Callable[[], Exception] = ResponseDone


def told(fields: object, status: int = 200) -> Reply:
    """
    An answer in JSON.
    """
    return Reply(json.dumps(fields).encode(), status)


#: To who asks for something that was good once.
REVOKED = told({"error": "invalid_grant", "error_description": "It was revoked."}, 400)

NOT_FOUND = Reply(b"<html>There is nothing here</html>", 404)


@implementer(IAgent)
class Sites:
    """
    All that there are.

    @ivar pages: what is answered at each URL; an exception is raised.
    @ivar asked: what was.
    """

    def __init__(
        self, pages: Mapping[str, Reply | Exception | Deferred[Reply]] | None = None
    ) -> None:
        self.pages = dict(pages or {})
        self.asked: list[Asked] = []

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        """
        Ask one.
        """
        body = _Written()
        if bodyProducer is not None:
            bodyProducer.startProducing(cast(Any, body))
        headers = headers or Headers()
        isJson = headers.getRawHeaders("content-type") == ["application/json"]
        text = "" if isJson else body.octets.decode()
        form = dict(parse_qsl(text, strict_parsing=bool(text)))
        asked = Asked(method.decode(), uri.decode(), headers, form, bytes(body.octets))
        self.asked.append(asked)
        answering = self.answer(asked)
        if isinstance(answering, Exception):
            return fail(answering)
        if isinstance(answering, Reply):
            answering = succeed(answering)
        return answering.addCallback(lambda reply: cast(IResponse, Response(reply)))

    def answer(self, asked: Asked) -> Reply | Exception | Deferred[Reply]:
        """
        What is answered.
        """
        return self.pages.get(asked.url, NOT_FOUND)


class Grantor(Sites):
    """
    An authorization server.

    @ivar refresh: what it grants tokens for; each rotates it if C{rotates}.
    @ivar lasts: for how many seconds each is good.
    @ivar refusal: answered in place of tokens.
    @ivar held: what waits for L{release}, if it is to.
    @ivar good: the access tokens that it has given.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refresh = "refresh-0"
        self.rotates = True
        self.lasts: int | None = 3600
        self.refusal: Reply | Exception | None = None
        self.held: list[Callable[[], None]] | None = None
        self.good: list[str] = []

    def answer(self, asked: Asked) -> Reply | Exception | Deferred[Reply]:
        """
        What is answered.
        """
        if asked.url != TOKEN_URL:
            return NOT_FOUND
        if self.refusal is not None:
            return self.refusal
        if self.held is None:
            return self._granted(asked)
        waiting: Deferred[Reply] = Deferred()
        self.held.append(lambda: waiting.callback(self._granted(asked)))
        return waiting

    def release(self) -> None:
        """
        Answer all.
        """
        held, self.held = self.held or [], None
        for answer in held:
            answer()

    def _granted(self, asked: Asked) -> Reply:
        fields: dict[str, object] = {}
        if asked.form["grant_type"] == "refresh_token":
            if asked.form["refresh_token"] != self.refresh:
                return REVOKED
            if self.rotates:
                self.refresh = fields["refresh_token"] = f"refresh-{len(self.asked)}"
        self.good.append(f"access-{len(self.asked)}")
        if self.lasts is not None:
            fields["expires_in"] = self.lasts
        fields |= {"access_token": self.good[-1], "token_type": "Bearer"}
        return told(fields)


class _Written:
    """
    What is produced.
    """

    octets = b""

    def write(self, data: bytes) -> None:
        """
        More of it.
        """
        self.octets += data


class Response:
    """
    What L{Sites} answer with.
    """

    def __init__(self, reply: Reply) -> None:
        self.code = reply.status
        self.headers = Headers({name: [word] for name, word in reply.headers.items()})
        self._reply = reply

    def deliverBody(self, protocol: Protocol) -> None:
        """
        In two pieces.
        """
        protocol.makeConnection(StringTransport())
        middle = len(self._reply.body) // 2
        for piece in self._reply.body[:middle], self._reply.body[middle:]:
            protocol.dataReceived(piece)
        protocol.connectionLost(Failure(self._reply.end()))
