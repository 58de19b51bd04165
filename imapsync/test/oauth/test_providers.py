"""
Tests for L{imapsync.oauth.providers}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.oauth import ALLOWED, OAuthConfig, url
from imapsync.oauth.providers import (
    PROVIDERS,
    Endpoints,
    endpointsOf,
    extraOf,
    forHost,
    scopeOf,
    titleOf,
)

GOOGLE = OAuthConfig("google", "browser", "us")
MICROSOFT = OAuthConfig("microsoft", "browser", "us")
CUSTOM = OAuthConfig("custom", "browser", "us")


class ProvidersTests(SynchronousTestCase):
    """
    What is known of each.
    """

    def test_hosts(self) -> None:
        """
        A provider is known by its IMAP servers.
        """
        for host, name in (
            ("imap.gmail.com", "google"),
            ("IMAP.Googlemail.com.", "google"),
            ("outlook.office365.com", "microsoft"),
            ("imap-mail.outlook.com", "microsoft"),
        ):
            provider = forHost(host)
            assert provider is not None
            self.assertEqual(name, provider.name)
        self.assertIsNone(forHost("imap.example.com"))

    def test_endpoints(self) -> None:
        """
        All are URLs that a configuration could name; a tenant has its own.
        """
        base = "https://login.microsoftonline.com/common/oauth2/v2.0"
        self.assertEqual(
            Endpoints(f"{base}/token", f"{base}/authorize", f"{base}/devicecode"),
            endpointsOf(MICROSOFT),
        )
        own = endpointsOf(MICROSOFT._replace(tenant="example.com"))
        assert own is not None
        self.assertEqual(
            "https://login.microsoftonline.com/example.com/oauth2/v2.0/token", own.token
        )
        google = endpointsOf(GOOGLE)
        assert google is not None
        self.assertIsNone(google.device)  # which is not for mail
        for each in filter(None, (*own[:3], *google[:3])):
            self.assertEqual(each, url(each))

    def test_scopes(self) -> None:
        """
        A program's own token has another scope than that of a user, who may name one.
        """
        self.assertEqual("https://mail.google.com/", scopeOf(GOOGLE))
        own = GOOGLE._replace(flow="service-account")
        self.assertEqual("https://mail.google.com/", scopeOf(own))
        self.assertEqual(
            "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
            scopeOf(MICROSOFT),
        )
        own = MICROSOFT._replace(flow="client-credentials")
        self.assertEqual("https://outlook.office365.com/.default", scopeOf(own))
        self.assertEqual("x", scopeOf(own._replace(scope="x")))
        self.assertEqual("", scopeOf(CUSTOM))
        self.assertEqual("mail", scopeOf(CUSTOM._replace(scope="mail")))

    def test_names(self) -> None:
        """
        All that a configuration can name are known; Google wants to be asked for what
        renews a token.
        """
        self.assertEqual({*ALLOWED}, {*PROVIDERS, "custom"})
        self.assertEqual("Google", titleOf(GOOGLE))
        self.assertEqual("the provider", titleOf(CUSTOM))
        self.assertEqual("offline", extraOf(GOOGLE)["access_type"])
        self.assertEqual({}, extraOf(CUSTOM))

    def test_custom(self) -> None:
        """
        What the configuration names need not be discovered, but what its flow needs
        and it does not name does.
        """
        issuer = CUSTOM._replace(issuer="https://a")
        self.assertIsNone(endpointsOf(issuer))
        token = issuer._replace(tokenUrl="https://a/t")
        self.assertIsNone(endpointsOf(token))
        self.assertEqual(
            Endpoints("https://a/t", "https://a/a"),
            endpointsOf(token._replace(authorizationUrl="https://a/a")),
        )
        own = token._replace(flow="client-credentials")
        self.assertEqual(Endpoints("https://a/t"), endpointsOf(own))
