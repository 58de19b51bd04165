"""
Where an issuer of tokens wants to be asked (RFC 8414).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from imapsync.config import oauth
from imapsync.display import line
from imapsync.errors import ConfigError, Lost
from imapsync.http.web import Answer, Web
from imapsync.oauth.providers import Endpoints


async def discover(web: Web, issuer: str) -> Endpoints:
    """
    What it says of itself.

    @raise Lost: if it does not answer.
    @raise ConfigError: if it says nothing that can be used.
    """
    host = urlsplit(issuer).netloc
    for place in places(issuer):
        answer = await web.get(place)
        if answer.status == 200:
            return read(answer, issuer)
        if answer.status >= 500 or answer.status == 429:
            raise Lost(f"{host}: HTTP {answer.status} where it should tell of itself")
    raise ConfigError(
        f"{host}: it does not tell where tokens are given (HTTP {answer.status});"
        " see oauth2-issuer, or give oauth2-token-url"
    )


def places(issuer: str) -> Iterator[str]:
    """
    Where that is written (RFC 8414, 3; OpenID Connect Discovery, 4).
    """
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    root = f"{parts.scheme}://{parts.netloc}"
    yield f"{root}/.well-known/oauth-authorization-server{path}"
    yield f"{root}{path}/.well-known/openid-configuration"


def read(answer: Answer, issuer: str) -> Endpoints:
    """
    What is written there.

    @raise ConfigError: if nothing that can be used.
    """
    host = urlsplit(issuer).netloc
    try:
        fields = json.loads(answer.body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ConfigError(f"{host}: what it tells of itself is no JSON object")
    told = fields.get("issuer")
    if told != issuer:
        # RFC 8414, 3.3: else somebody else may pass for it.
        raise ConfigError(
            f"{host}: it calls itself {line(repr(told), 200)}, not {issuer}:"
            " see oauth2-issuer"
        )
    names = "token", "authorization", "device_authorization"
    token, authorization, device = (
        _url(fields.get(f"{name}_endpoint"), host) for name in names
    )
    if token is None:
        raise ConfigError(f"{host}: it tells of no token endpoint")
    methods = fields.get("token_endpoint_auth_methods_supported")
    ways = methods if isinstance(methods, list) else []
    basic = "client_secret_basic" in ways and "client_secret_post" not in ways
    return Endpoints(token, authorization, device, basic)


def _url(value: object, host: str) -> str | None:
    if value is None:
        return None
    try:
        return oauth.url(value if isinstance(value, str) else "")
    except ValueError:
        raise ConfigError(
            f"{host}: it tells of an endpoint that is no https:// URL"
        ) from None
