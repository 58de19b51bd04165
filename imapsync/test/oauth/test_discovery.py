"""
Tests for L{imapsync.oauth.discovery}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError, ImapSyncError, Lost
from imapsync.http.web import Web
from imapsync.oauth.discovery import discover, places
from imapsync.oauth.providers import Endpoints
from imapsync.test.fakes.sites import Reply, Sites, told

#: As in RFC 8414, 3.2.
METADATA = {
    "issuer": "https://server.example.com",
    "authorization_endpoint": "https://server.example.com/authorize",
    "token_endpoint": "https://server.example.com/token",
    "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
    "userinfo_endpoint": "https://server.example.com/userinfo",
    "jwks_uri": "https://server.example.com/jwks.json",
    "scopes_supported": ["openid", "offline_access"],
    "response_types_supported": ["code", "code token"],
}
ISSUER = "https://server.example.com"
FIRST = f"{ISSUER}/.well-known/oauth-authorization-server"
SECOND = f"{ISSUER}/.well-known/openid-configuration"


class DiscoveryTests(SynchronousTestCase):
    """
    Tests for L{discover}.
    """

    def discovering(self, **pages: Reply) -> Deferred[Endpoints]:
        """
        What comes of it.
        """
        urls = {"first": FIRST, "second": SECOND}
        self.sites = Sites({urls[name]: page for name, page in pages.items()})
        web = Web(Clock(), self.sites)
        return Deferred.fromCoroutine(discover(web, ISSUER))

    def assertFails(self, kind: type[ImapSyncError], text: str, **pages: Reply) -> None:
        """
        Assert that nothing does.
        """
        failure = self.failureResultOf(self.discovering(**pages), kind)
        self.assertEqual(f"server.example.com: {text}", str(failure.value))

    def test_places(self) -> None:
        """
        It is written at places that follow from the issuer's name (RFC 8414, 3.1;
        OpenID Connect Discovery, 4.1).
        """
        self.assertEqual([FIRST, SECOND], [*places(ISSUER)])
        self.assertEqual([FIRST, SECOND], [*places(f"{ISSUER}/")])
        self.assertEqual(
            [f"{FIRST}/issuer1", f"{ISSUER}/issuer1/.well-known/openid-configuration"],
            [*places(f"{ISSUER}/issuer1")],
        )

    def test_example(self) -> None:
        """
        The example of RFC 8414, 3.2.
        """
        self.assertEqual(
            Endpoints(f"{ISSUER}/token", f"{ISSUER}/authorize", None, True),
            self.successResultOf(self.discovering(first=told(METADATA))),
        )
        self.assertEqual([FIRST], [asked.url for asked in self.sites.asked])

    def test_device(self) -> None:
        """
        An issuer may have an endpoint for devices (RFC 8628, 4), and tell all at the
        second place.
        """
        url = f"{ISSUER}/device"
        metadata = {**METADATA, "device_authorization_endpoint": url}
        found = self.successResultOf(self.discovering(second=told(metadata)))
        self.assertEqual(url, found.device)
        self.assertEqual([FIRST, SECOND], [asked.url for asked in self.sites.asked])

    def test_secret(self) -> None:
        """
        Our secret is told in the form, unless it is not taken there.
        """
        name = "token_endpoint_auth_methods_supported"
        for ways, basic in (
            (["client_secret_basic"], True),
            (["client_secret_basic", "client_secret_post"], False),
            (["private_key_jwt"], False),
            (["none", 7, None], False),
            ("client_secret_basic", False),
            (None, False),
        ):
            page = told({**METADATA, name: ways})
            found = self.successResultOf(self.discovering(first=page))
            self.assertEqual(basic, found.basic)

    def test_nowhere(self) -> None:
        """
        One that tells nothing cannot be used.
        """
        self.assertFails(
            ConfigError,
            "it does not tell where tokens are given (HTTP 404); see oauth2-issuer, or"
            " give oauth2-token-url",
        )

    def test_outage(self) -> None:
        """
        One that is out of order may be asked again.
        """
        for status in 429, 503:
            self.assertFails(
                Lost,
                f"HTTP {status} where it should tell of itself",
                first=Reply(b"", status),
            )

    def test_other(self) -> None:
        """
        What is told of another one is not believed (RFC 8414, 3.3).
        """
        self.assertFails(
            ConfigError,
            "it calls itself 'https://evil.example\\x1b', not"
            " https://server.example.com: see oauth2-issuer",
            first=told({**METADATA, "issuer": "https://evil.example\x1b"}),
        )
        self.assertFails(
            ConfigError,
            "it calls itself None, not https://server.example.com: see oauth2-issuer",
            first=told({}),
        )

    def test_odd(self) -> None:
        """
        Nor is what is no metadata, or leads to where others listen.
        """
        for body in b"", b"<html>", b"[]", b"[" * 99_999:
            self.assertFails(
                ConfigError,
                "what it tells of itself is no JSON object",
                first=Reply(body),
            )
        for odd in 7, "", "http://server.example.com/token", ["x"]:
            self.assertFails(
                ConfigError,
                "it tells of an endpoint that is no https:// URL",
                first=told({**METADATA, "token_endpoint": odd}),
            )
        self.assertFails(
            ConfigError,
            "it tells of no token endpoint",
            first=told({"issuer": ISSUER}),
        )
