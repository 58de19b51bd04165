"""
Asking for tokens.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from oauthlib.oauth2.rfc6749.parameters import prepare_token_request

from imapsync.config.oauth import OAuthConfig
from imapsync.errors import ConfigError
from imapsync.http.web import Web
from imapsync.oauth.discovery import discover
from imapsync.oauth.providers import Endpoints, endpointsOf, scopeOf
from imapsync.oauth.tokens import Tokens, fieldsIn, tokensIn

_KIND = "urn:ietf:params:oauth"

#: What is no secret in a request.
_OPEN = frozenset(("scope", "redirect_uri", "client_assertion_type"))


class Client:
    """
    We, as what gives tokens knows us (RFC 6749, 1.1).

    @param now: tells the time, in seconds since 1970.
    """

    def __init__(self, web: Web, config: OAuthConfig, now: Callable[[], float]) -> None:
        self._web = web
        self._config = config
        self._now = now
        self._endpoints: Endpoints | None = None

    async def endpoints(self) -> Endpoints:
        """
        Where to ask.

        @raise Lost: if that has to be discovered, and cannot be just now.
        @raise ConfigError: if it cannot be.
        """
        if self._endpoints is None:
            self._endpoints = endpointsOf(self._config) or await self._discovered()
        return self._endpoints

    async def granted(self, grant: str, **parameters: str) -> Tokens:
        """
        The tokens that are given for a grant (RFC 6749, 4).

        @param grant: its C{grant_type}.
        @param parameters: the rest of the request, but who we are.
        @raise Declined: if none are.
        @raise Lost: if it may be otherwise soon.
        """
        endpoints = await self.endpoints()
        url = endpoints.token
        who, headers = self._identified(endpoints.basic)
        words: dict[str, Any] = {**who, **parameters}
        form = prepare_token_request(grant, **words)
        answer = await self._web.post(url, form, headers)
        host = urlsplit(url).netloc
        tokens = tokensIn(answer, host, self._now(), self._secrets(parameters))
        return tokens._replace(identity=self.identity)

    async def refreshed(self, tokens: Tokens) -> Tokens:
        """
        New ones for old ones (RFC 6749, 6); otherwise as L{granted}.
        """
        fresh = await self.granted("refresh_token", refresh_token=tokens.refresh)
        return fresh._replace(refresh=fresh.refresh or tokens.refresh)

    async def own(self, user: str) -> Tokens:
        """
        Those for which nobody has to say yes; otherwise as L{granted}.

        @param user: whose mail it is.
        """
        if self._config.flow == "service-account":
            return await self._delegated(user)
        if self._config.keyFile is None:
            return await self.granted("client_credentials", scope=self.scope)
        # RFC 7523, 2.2.
        name = self._config.clientId
        proof = await self._signed({"iss": name, "sub": name})
        kind = f"{_KIND}:client-assertion-type:jwt-bearer"
        return await self.granted(
            "client_credentials",
            scope=self.scope,
            client_assertion_type=kind,
            client_assertion=proof,
        )

    async def _delegated(self, user: str) -> Tokens:
        """
        Those that we may have in somebody's name (RFC 7523, 2.1).
        """
        claims = {"sub": user}
        # Google wants the scope there, others beside it.
        if self.scope:
            claims["scope"] = self.scope
        words = {} if self._config.provider == "google" else {"scope": self.scope}
        proof = await self._signed(claims)
        return await self.granted(
            f"{_KIND}:grant-type:jwt-bearer", assertion=proof, **words
        )

    async def _signed(self, claims: Mapping[str, str]) -> str:
        # Imported here because few need it: it takes time.
        from imapsync.oauth import assertion

        key = assertion.load(self._config.keyFile or "")
        said = {
            "aud": (await self.endpoints()).token,
            "iss": key.issuer or self._config.clientId,
            **claims,
        }
        return assertion.signed(key, said, self._now())

    async def begun(self) -> Mapping[str, object]:
        """
        What the device endpoint answers (RFC 8628, 3.2); otherwise as L{granted}.
        """
        endpoints = await self.endpoints()
        url = endpoints.device
        if url is None:
            raise ConfigError("the provider has no device flow; see oauth2-flow")
        who, headers = self._identified(endpoints.basic)
        form = urlencode({**who, "scope": self.scope})
        answer = await self._web.post(url, form, headers)
        return fieldsIn(answer, urlsplit(url).netloc, self._secrets({}))

    @property
    def scope(self) -> str:
        """
        What a token is to be good for; empty for what is usual.
        """
        return scopeOf(self._config)

    @property
    def identity(self) -> str:
        """
        Who a token is granted to, and what for: one that is for something else is of
        no use.
        """
        config = self._config
        where = config.tokenUrl or config.issuer or config.tenant
        words = config.provider, where, config.clientId, config.flow, self.scope
        return " ".join(quote(word, safe="") for word in words)

    async def _discovered(self) -> Endpoints:
        """
        What the issuer says, where the configuration does not.
        """
        config = self._config
        found = await discover(self._web, config.issuer or "")
        return Endpoints(
            config.tokenUrl or found.token,
            config.authorizationUrl or found.authorization,
            config.deviceUrl or found.device,
            found.basic,
        )

    def _identified(self, basic: bool) -> tuple[dict[str, str], dict[str, str]]:
        """
        Who we are, as far as that is not in what we sign.

        @param basic: whether our secret is told by HTTP Basic.
        @return: what is in the form, and in the headers.
        """
        config = self._config
        keyed = config.keyFile is not None and not config.attended
        secret = None if keyed else config.clientSecret
        if basic and secret:
            pair = f"{quote_plus(config.clientId)}:{quote_plus(secret)}"
            coded = b64encode(pair.encode()).decode()
            return {}, {"Authorization": f"Basic {coded}"}
        words = {"client_id": config.clientId, "client_secret": secret}
        return {name: word for name, word in words.items() if word}, {}

    def _secrets(self, parameters: Mapping[str, str]) -> list[str]:
        told = [word for name, word in parameters.items() if name not in _OPEN]
        return [self._config.clientSecret or "", *told]
