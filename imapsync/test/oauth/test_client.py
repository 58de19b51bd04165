"""
Tests for L{imapsync.oauth.client}.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.oauth import OAuthConfig
from imapsync.errors import ConfigError
from imapsync.http.web import Web
from imapsync.oauth.client import Client
from imapsync.oauth.providers import Endpoints
from imapsync.oauth.tokens import Declined, Tokens
from imapsync.test.fakes.sites import CONFIG, TOKEN_URL, Asked, Grantor, Sites, told
from imapsync.test.oauth.test_assertion import parts, pem, rfcKey
from imapsync.test.oauth.test_discovery import FIRST, ISSUER, METADATA

T = TypeVar("T")

_KEYED = {
    "provider": "custom",
    "clientId": "us",
    "scope": "imap",
    "tokenUrl": TOKEN_URL,
    "clientSecret": None,
}


class ClientTests(SynchronousTestCase):
    """
    Tests for L{Client}.
    """

    def setUp(self) -> None:
        """
        Have somebody who gives tokens.
        """
        self.grantor: Any = Grantor()
        self.clock = Clock()
        self.clock.advance(1000)

    def client(self, config: OAuthConfig = CONFIG) -> Client:
        """
        Us, as it knows us.
        """
        web = Web(self.clock, self.grantor)
        return Client(web, config, self.clock.seconds)

    def done(self, asking: Coroutine[Any, Any, T]) -> T:
        """
        What comes of it at once.
        """
        return self.successResultOf(Deferred.fromCoroutine(asking))

    def keyed(self, **changes: Any) -> Client:
        """
        Us, with the RFC's key.
        """
        path = Path(self.mktemp()).absolute()
        path.write_bytes(pem(rfcKey()))
        fields = {**_KEYED, "keyFile": str(path), **changes}
        return self.client(OAuthConfig(**fields))

    @property
    def asked(self) -> Asked:
        """
        What was asked last.
        """
        last: Asked = self.grantor.asked[-1]
        return last

    def test_granted(self) -> None:
        """
        A grant is told with who we are.
        """
        tokens = self.done(self.client().granted("authorization_code", code="x/y"))
        client = self.client()
        self.assertEqual(Tokens("access-1", 4600.0, "", client.identity), tokens)
        self.assertEqual(TOKEN_URL, self.asked.url)
        self.assertEqual(
            {
                "grant_type": "authorization_code",
                "code": "x/y",
                "client_id": "us",
                "client_secret": "hush-hush",
            },
            self.asked.form,
        )

    def test_refreshed(self) -> None:
        """
        A refresh token is used again unless there comes another one with the new
        token (RFC 6749, 6).
        """
        client, kept = self.client(), Tokens("a", 1.0, "refresh-0", "x")
        for rotates, refresh in (False, "refresh-0"), (True, "refresh-2"):
            self.grantor.rotates = rotates
            tokens = self.done(client.refreshed(kept))
            self.assertEqual(
                {
                    "grant_type": "refresh_token",
                    "refresh_token": "refresh-0",
                    "client_id": "us",
                    "client_secret": "hush-hush",
                },
                self.asked.form,
            )
            self.assertEqual(
                (refresh, client.identity), (tokens.refresh, tokens.identity)
            )

    def test_echo(self) -> None:
        """
        What is secret in a request is not told, though the answer repeats it.
        """
        said = "No: hush-hush, not-this-code, imap."
        self.grantor.refusal = told({"error": "x", "error_description": said}, 400)
        asking = self.client().granted("y", code="not-this-code", scope="imap")
        failure = self.failureResultOf(Deferred.fromCoroutine(asking), Declined)
        self.assertEqual(
            "auth.example: x: No: (not shown), (not shown), imap.", str(failure.value)
        )

    def test_clientCredentials(self) -> None:
        """
        A program with a secret gets a token of its own (RFC 6749, 4.4).
        """
        config = CONFIG._replace(flow="client-credentials")
        self.done(self.client(config).own("me"))
        self.assertEqual(
            {
                "grant_type": "client_credentials",
                "client_id": "us",
                "client_secret": "hush-hush",
                "scope": "imap",
            },
            self.asked.form,
        )

    def test_clientAssertion(self) -> None:
        """
        So does one with a key (RFC 7523, 2.2 and 3).
        """
        self.done(self.keyed(flow="client-credentials").own("me"))
        form = dict(self.asked.form)
        header, claims = parts(form.pop("client_assertion"))
        self.assertEqual({"alg": "RS256", "typ": "JWT"}, header)
        self.assertTrue(claims.pop("jti"))
        self.assertEqual(
            {"iss": "us", "sub": "us", "aud": TOKEN_URL, "iat": 1000, "exp": 1600},
            claims,
        )
        self.assertEqual(
            {
                "grant_type": "client_credentials",
                "client_id": "us",
                "scope": "imap",
                "client_assertion_type": (
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                ),
            },
            form,
        )

    def test_serviceAccount(self) -> None:
        """
        One that may act for users says for whom (RFC 7523, 2.1 and 3).
        """
        self.done(self.keyed(flow="service-account").own("me@example.com"))
        form = dict(self.asked.form)
        _, claims = parts(form.pop("assertion"))
        self.assertEqual(
            {"iss": "us", "sub": "me@example.com", "aud": TOKEN_URL, "scope": "imap"},
            {name: claims[name] for name in ("iss", "sub", "aud", "scope")},
        )
        self.assertEqual(
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "client_id": "us",
                "scope": "imap",
            },
            form,
        )

    def test_account(self) -> None:
        """
        Who signs is who the key is of, where the file says so.
        """
        path = Path(self.mktemp()).absolute()
        key = pem(rfcKey()).decode()
        path.write_text(json.dumps({"private_key": key, "client_email": "robot@x"}))
        config = OAuthConfig("google", "service-account", "us", keyFile=str(path))
        url = "https://oauth2.googleapis.com/token"
        self.grantor = Sites({url: told({"access_token": "a"})})
        self.done(self.client(config).own("me@example.com"))
        self.assertEqual({"client_id", "grant_type", "assertion"}, {*self.asked.form})
        _, claims = parts(self.asked.form["assertion"])
        self.assertEqual(
            {
                "iss": "robot@x",
                "sub": "me@example.com",
                "aud": url,
                "scope": "https://mail.google.com/",
            },
            {name: claims[name] for name in ("iss", "sub", "aud", "scope")},
        )

    def test_discovered(self) -> None:
        """
        Where to ask is discovered once, but for what the configuration says.
        """
        metadata = {**METADATA, "token_endpoint": "https://elsewhere.example/token"}
        self.grantor = Sites({FIRST: told(metadata)})
        client = self.client(
            CONFIG._replace(issuer=ISSUER, authorizationUrl=None, deviceUrl=None)
        )
        for _ in range(2):
            self.assertEqual(
                Endpoints(TOKEN_URL, f"{ISSUER}/authorize", None, True),
                self.done(client.endpoints()),
            )
        self.assertEqual(1, len(self.grantor.asked))

    def test_basic(self) -> None:
        """
        One that takes our secret by HTTP Basic only is told it so (RFC 6749, 2.3.1).
        """
        token = {"access_token": "a"}
        urls = {"token_endpoint": TOKEN_URL}
        pages = {FIRST: told({**METADATA, **urls}), TOKEN_URL: told(token)}
        self.grantor = Sites(pages)
        client = self.client(
            CONFIG._replace(issuer=ISSUER, tokenUrl=None, clientSecret="a b:%")
        )
        self.done(client.refreshed(Tokens("", refresh="x")))
        self.assertEqual(
            {"grant_type": "refresh_token", "refresh_token": "x"}, self.asked.form
        )
        [said] = self.asked.headers.getRawHeaders("Authorization") or []
        self.assertEqual(b"us:a+b%3A%25", b64decode(said.removeprefix("Basic ")))

    def test_device(self) -> None:
        """
        A device says who it is and what it wants (RFC 8628, 3.1).
        """
        fields = {"device_code": "x", "user_code": "y", "expires_in": 1800}
        self.grantor = Sites({"https://auth.example/device": told(fields)})
        self.assertEqual(fields, self.done(self.client().begun()))
        self.assertEqual(
            {"client_id": "us", "client_secret": "hush-hush", "scope": "imap"},
            self.asked.form,
        )
        asking = self.client(CONFIG._replace(deviceUrl=None)).begun()
        self.failureResultOf(Deferred.fromCoroutine(asking), ConfigError)

    def test_identity(self) -> None:
        """
        A token is for who we are, what we want, and who gives it.
        """
        others = {
            self.client(CONFIG._replace(**change)).identity
            for change in (
                *({"clientId": "x"}, {"scope": "x"}, {"flow": "device"}),
                *({"tokenUrl": "https://x/y"}, {"provider": "google"}, {}),
            )
        }
        self.assertEqual(6, len(others))
        self.assertIn(self.client().identity, others)
