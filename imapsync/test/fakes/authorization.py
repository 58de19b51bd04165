"""
An authorization server in memory (RFC 6749), with all flows that there are: what it
answers, without a connection.

Nothing here asks for the time: a token is expired when a test says so.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

#: What a client is called that has no secret, and one that has.
PUBLIC, CONFIDENTIAL = "public", "confidential"
SECRET = "the client's secret"

_JSON = "application/json"
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

Fields = Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """
    What it answers to a request.

    @ivar location: where it sends who asked.
    """

    status: int
    body: bytes = b""
    kind: str = _JSON
    location: str = ""


class _Wrong(Exception):
    """
    A request is refused.

    @ivar code: an error of RFC 6749, 5.2, or of an extension.
    """

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(code, why)
        self.code, self.why = code, why


@dataclass
class Grant:
    """
    What somebody has consented to.

    @ivar alive: until it is revoked.
    @ivar current: the refresh token that is good; others of it were used up.
    @ivar told: whether its user has let us in, where that is asked later.
    """

    client: str
    user: str
    scope: str
    redirect: str = ""
    challenge: str = ""
    alive: bool = True
    current: str = ""
    told: bool | None = None


@dataclass
class Authority:
    """
    The server.

    @ivar url: where it is reached.
    @ivar user: who sits at the browser.
    @ivar denies: whether that user says no.
    @ivar forges: whether it sends the browser on with a state that nobody gave.
    @ivar rotates: whether each refresh gives another refresh token.
    @ivar lifetime: what it says of how long an access token is good, in seconds.
    @ivar interval: how often a device may ask, in seconds.
    @ivar says: what it answers next at the token endpoint, first of all.
    @ivar keys: public keys of service accounts.
    @ivar secrets: those of clients; an empty one is none.
    @ivar asked: paths and fields of all requests so far.
    """

    url: str = "http://127.0.0.1"
    user: str = "user"
    denies: bool = False
    forges: bool = False
    rotates: bool = False
    lifetime: int = 3600
    interval: int = 0
    says: list[Answer] = field(default_factory=list)
    keys: dict[str, RSAPublicKey] = field(default_factory=dict)
    secrets: dict[str, str] = field(
        default_factory=lambda: {PUBLIC: "", CONFIDENTIAL: SECRET}
    )
    asked: list[tuple[str, Fields]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._codes: dict[str, Grant] = {}
        self._devices: dict[str, tuple[str, Grant]] = {}
        self._refresh: dict[str, Grant] = {}
        self._access: dict[str, Grant] = {}

    # What a test does

    def expire(self) -> None:
        """
        No access token is good any more.
        """
        self._access.clear()

    def revoke(self) -> None:
        """
        Nobody is allowed anything any more.
        """
        for grant in (*self._refresh.values(), *self._access.values()):
            grant.alive = False

    def forget(self) -> None:
        """
        The time of all devices is over.
        """
        self._devices.clear()

    def decide(self, userCode: str, consents: bool = True) -> None:
        """
        The user types what a device shows, and says yes or no.
        """
        [grant] = [one for code, one in self._devices.values() if code == userCode]
        grant.user, grant.told = self.user, consents

    def allow(self, client: str = PUBLIC, scope: str = "mail") -> str:
        """
        The user has consented before.

        @return: a refresh token.
        """
        return self._refreshing(Grant(client, self.user, scope))

    def holds(self, token: str) -> bool:
        """
        Whether an access token is good.
        """
        return token in self._access and self._access[token].alive

    def count(self, path: str, **fields: str) -> int:
        """
        How often something was asked, with these among its fields.
        """
        wanted = fields.items()
        return sum(one == path and wanted <= given.items() for one, given in self.asked)

    # What it does

    @property
    def metadata(self) -> Mapping[str, object]:
        """
        What it tells of itself (RFC 8414).
        """
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "device_authorization_endpoint": f"{self.url}/device",
            "introspection_endpoint": f"{self.url}/introspect",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        }

    def answer(self, method: str, target: str, body: bytes = b"") -> Answer:
        """
        Answer a request.

        @param target: path and query.
        """
        parts = urlsplit(target)
        fields = dict(parse_qsl(body.decode() or parts.query, True))
        self.asked.append((parts.path, fields))
        routes: Mapping[tuple[str, str], Callable[[Fields], Answer]] = {
            ("GET", "/.well-known/oauth-authorization-server"): self._described,
            ("GET", "/authorize"): self._authorize,
            ("POST", "/token"): self._token,
            ("POST", "/device"): self._device,
            ("POST", "/introspect"): self._introspect,
        }
        route = routes.get((method, parts.path))
        if route is None:
            return Answer(404, b"<html>not here</html>", "text/html")
        if parts.path == "/token" and self.says:
            return self.says.pop(0)
        try:
            return route(fields)
        except _Wrong as wrong:
            return error(wrong.code, wrong.why)

    def _described(self, fields: Fields) -> Answer:
        return _told(self.metadata)

    def _authorize(self, fields: Fields) -> Answer:
        client = fields.get("client_id", "")
        redirect = fields.get("redirect_uri", "")
        # RFC 8252, 7.3: any port of the loopback.
        near = urlsplit(redirect).hostname in ("127.0.0.1", "localhost", "::1")
        if client not in self.secrets or not near:
            return Answer(400, b"<html>Who are you?</html>", "text/html")
        back = {"state": "forged" if self.forges else fields.get("state", "")}
        challenge = fields.get("code_challenge", "")
        if fields.get("code_challenge_method") != "S256" or not challenge:
            back |= {"error": "invalid_request", "error_description": "no PKCE"}
        elif fields.get("response_type") != "code":
            back |= {"error": "unsupported_response_type"}
        elif self.denies:
            back |= {"error": "access_denied", "error_description": "not today"}
        else:
            back["code"] = secrets.token_urlsafe()
            scope = fields.get("scope", "")
            grant = Grant(client, self.user, scope, redirect, challenge)
            self._codes[back["code"]] = grant
        return Answer(302, location=f"{redirect}?{urlencode(back)}")

    def _token(self, fields: Fields) -> Answer:
        grants = {
            "authorization_code": self._fromCode,
            "refresh_token": self._fromRefresh,
            "client_credentials": self._fromClient,
            _DEVICE: self._fromDevice,
            _JWT: self._fromAssertion,
        }
        redeem = grants.get(fields.get("grant_type", ""))
        if redeem is None:
            raise _Wrong("unsupported_grant_type")
        return _told(redeem(fields))

    def _client(self, fields: Fields) -> str:
        client = fields.get("client_id", "")
        if self.secrets.get(client) != fields.get("client_secret", ""):
            raise _Wrong("invalid_client")
        return client

    def _fromCode(self, fields: Fields) -> Mapping[str, object]:
        client = self._client(fields)
        grant = self._codes.pop(fields.get("code", ""), None)
        if grant is None or grant.client != client:
            raise _Wrong("invalid_grant", "no such code")
        if grant.redirect != fields.get("redirect_uri"):
            raise _Wrong("invalid_grant", "another redirect_uri")
        if grant.challenge != challenge(fields.get("code_verifier", "")):
            raise _Wrong("invalid_grant", "another code_verifier")
        return self._issued(grant, self._refreshing(grant))

    def _fromRefresh(self, fields: Fields) -> Mapping[str, object]:
        client = self._client(fields)
        token = fields.get("refresh_token", "")
        grant = self._refresh.get(token)
        if grant is None or grant.client != client or not grant.alive:
            raise _Wrong("invalid_grant", "Token has been expired or revoked.")
        if grant.current != token:
            # Two have it: who of them stole it?
            grant.alive = False
            raise _Wrong("invalid_grant", "used twice")
        if self.rotates:
            return self._issued(grant, self._refreshing(grant))
        return self._issued(grant)

    def _fromClient(self, fields: Fields) -> Mapping[str, object]:
        client = self._client(fields)
        if not self.secrets[client]:
            raise _Wrong("unauthorized_client")
        return self._issued(Grant(client, self.user, fields.get("scope", "")))

    def _fromDevice(self, fields: Fields) -> Mapping[str, object]:
        client, code = self._client(fields), fields.get("device_code", "")
        _, grant = self._devices.get(code, ("", None))
        if grant is None or grant.client != client:
            raise _Wrong("expired_token")
        if grant.told is None:
            raise _Wrong("authorization_pending")
        del self._devices[code]
        if not grant.told:
            raise _Wrong("access_denied")
        return self._issued(grant, self._refreshing(grant))

    def _fromAssertion(self, fields: Fields) -> Mapping[str, object]:
        claims = self._verified(fields.get("assertion", ""))
        if claims["aud"] != f"{self.url}/token":
            raise _Wrong("invalid_grant", "for somebody else")
        if not 0 < claims["exp"] - claims["iat"] <= 3600:
            raise _Wrong("invalid_grant", "good for too long")
        return self._issued(Grant(claims["iss"], claims["sub"], claims["scope"]))

    def _verified(self, assertion: str) -> Mapping[str, Any]:
        """
        What a signed assertion claims (RFC 7523).
        """
        try:
            head, body, signature = map(_decoded, assertion.split("."))
            claims: dict[str, Any] = json.loads(body)
            signed = assertion.rpartition(".")[0].encode()
            if json.loads(head)["alg"] != "RS256":
                raise ValueError("another algorithm")
            key = self.keys[claims["iss"]]
            key.verify(signature, signed, PKCS1v15(), SHA256())
        except (ValueError, KeyError, InvalidSignature):
            raise _Wrong("invalid_grant", "Invalid JWT Signature.") from None
        return claims

    def _device(self, fields: Fields) -> Answer:
        client = self._client(fields)
        code, userCode = secrets.token_urlsafe(), _userCode()
        self._devices[code] = userCode, Grant(client, "", fields.get("scope", ""))
        told = {
            "device_code": code,
            "user_code": userCode,
            "verification_uri": f"{self.url}/activate",
            "expires_in": 900,
            "interval": self.interval,
        }
        return _told(told)

    def _introspect(self, fields: Fields) -> Answer:
        """
        RFC 7662.
        """
        token = fields.get("token", "")
        if not self.holds(token):
            return _told({"active": False})
        grant = self._access[token]
        return _told({"active": True, "username": grant.user, "scope": grant.scope})

    def _refreshing(self, grant: Grant) -> str:
        grant.current = secrets.token_urlsafe()
        self._refresh[grant.current] = grant
        return grant.current

    def _issued(self, grant: Grant, refresh: str = "") -> Mapping[str, object]:
        token = secrets.token_urlsafe()
        self._access[token] = grant
        told = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "scope": grant.scope,
        }
        return {**told, "refresh_token": refresh} if refresh else told


def challenge(verifier: str) -> str:
    """
    That of a code verifier (RFC 7636, 4.2).
    """
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def error(code: str, why: str = "", status: int = 400) -> Answer:
    """
    An error as the token endpoint tells it.
    """
    told = {"error": code, "error_description": why} if why else {"error": code}
    return _told(told, status)


def odd() -> Iterator[Answer]:
    """
    What no token endpoint should answer, but some web server before it does.
    """
    yield Answer(200, b"<html><title>Wi-Fi login</title></html>", "text/html")
    yield Answer(200, b"[1, 2, 3]")
    yield Answer(200, b'{"access_token": ')
    yield Answer(200, b"{}")
    yield Answer(200, b'{"token_type": "Bearer", "access_token": 7}')
    yield Answer(200, b"\xff\xfe\0")
    yield Answer(200, b'{"access_token": "' + b"x" * 10_000_000 + b'"}')
    yield Answer(302, location="http://127.0.0.1:9/elsewhere")


def _told(fields: Mapping[str, object], status: int = 200) -> Answer:
    return Answer(status, json.dumps(fields).encode())


def _userCode() -> str:
    """
    Without vowels, as RFC 8628, 6.1 has it.
    """
    letters = [secrets.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(8)]
    return f"{''.join(letters[:4])}-{''.join(letters[4:])}"


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
