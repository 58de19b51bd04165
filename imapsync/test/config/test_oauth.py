"""
Tests for L{imapsync.config.oauth}.
"""

from __future__ import annotations

import sys

from imapsync.config.oauth import OAuthConfig, url
from imapsync.config.settings import Config
from imapsync.model import Side
from imapsync.test.config.test_file import LOCAL, ConfigTestCase

GOOGLE = "username = me\noauth2 = google\noauth2-client-id = us\n"
MICROSOFT = "username = me\noauth2 = microsoft\noauth2-client-id = us\n"
CUSTOM = "username = me\noauth2 = custom\noauth2-client-id = us\n"


class OAuthTests(ConfigTestCase):
    """
    Tests for the options that begin with C{oauth2}.
    """

    def oauth(self, text: str) -> OAuthConfig:
        """
        What these lines in C{[remote]} mean.
        """
        config = self.remote(text).oauth2
        assert config is not None
        return config

    def keyFile(self, text: str, name: str = "key") -> str:
        """
        The line that names a file with this text.
        """
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return f"oauth2-key-file = {name}\n"

    def test_default(self) -> None:
        """
        A provider that is known needs no more than who we are.
        """
        server = self.remote(GOOGLE)
        self.assertEqual(("OAUTHBEARER", "XOAUTH2"), server.auth)
        self.assertEqual(
            OAuthConfig(
                provider="google",
                flow="browser",
                clientId="us",
                tokenFile="/home/me/.local/share/imapsync/me@localhost.oauth2",
                mend=f"imapsync --authorize=remote --config={self.file}",
            ),
            server.oauth2,
        )
        self.assertIsNone(self.remote("username = me\npassword = x").oauth2)

    def test_withoutFile(self) -> None:
        """
        A configuration that stands in no file names none where it is mended; tokens
        are kept beside the database.
        """
        config = Config.of(
            database="/var/mail/x/db",
            local={"type": "tunnel", "command": "x"},
            remote={
                "host": "h",
                "username": "a/b",
                "authorize-as": "you",
                "oauth2": "google",
                "oauth2-client-id": "us",
            },
        )
        oauth = config.servers[Side.REMOTE].oauth2
        assert oauth is not None
        self.assertEqual("/var/mail/x/you@h.oauth2", oauth.tokenFile)
        self.assertEqual("imapsync --authorize=remote", oauth.mend)

    def test_flows(self) -> None:
        """
        What is given tells what is meant.
        """
        json, pem = self.keyFile('\n{"a": 1}', "json"), self.keyFile("-----")
        secret = "oauth2-client-secret = s\n"
        token = "oauth2-token-url = https://a/t\n"
        for flow, text in (
            ("browser", GOOGLE),
            ("paste", f"{GOOGLE}oauth2-flow = PASTE"),
            ("service-account", f"username = me\noauth2 = google\n{json}"),
            ("browser", f"{MICROSOFT}{secret}"),
            ("device", f"{MICROSOFT}oauth2-flow = device"),
            ("client-credentials", f"{MICROSOFT}{pem}oauth2-tenant = example.com"),
            ("browser", f"{CUSTOM}oauth2-issuer = https://a"),
            ("browser", f"{CUSTOM}{token}oauth2-authorization-url = https://a/a"),
            ("device", f"{CUSTOM}{token}oauth2-device-url = https://a/d"),
            ("client-credentials", f"{CUSTOM}{token}{secret}"),
            ("service-account", f"{CUSTOM}{token}{pem}"),
        ):
            self.assertEqual(flow, self.oauth(text).flow, text)

    def test_attended(self) -> None:
        """
        For some flows somebody has to be there, once.
        """
        for flow, attended in (
            *(("browser", True), ("device", True), ("paste", True)),
            *(("client-credentials", False), ("service-account", False)),
        ):
            self.assertEqual(attended, OAuthConfig("custom", flow).attended)

    def test_secret(self) -> None:
        """
        The secret is never shown, wherever a configuration comes to be.
        """
        server = self.remote(f"{GOOGLE}oauth2-client-secret = hush-hush")
        self.assertIn("clientId='us'", repr(server))
        self.assertNotIn("hush", repr(server))

    def test_exposed(self) -> None:
        """
        There is a warning if others can read a secret or a key.
        """
        text = f"{LOCAL}[remote]\n{GOOGLE}"
        secret = f"{text}oauth2-client-secret = s\n"
        self.assertEqual((), self.load(text, mode=0o644).warnings)
        [warning] = self.load(secret, mode=0o644).warnings
        self.assertTrue(warning.startswith(f"{self.file}: others can read"))
        text += self.keyFile("{")
        self.assertEqual((), self.load(text).warnings)
        (self.folder / "key").chmod(0o640)
        [warning] = self.load(text).warnings
        self.assertTrue(warning.startswith(f"{self.folder}/key: others can read"))

    def test_wrong(self) -> None:
        """
        What is wrong or missing is told with its line.
        """
        token = "oauth2-token-url = https://a/t\n"
        pem, json = self.keyFile("-----"), self.keyFile("{", "json")
        for text, message in (
            (
                "username = me\noauth2 = gogle",
                "2: oauth2 in [remote] must be google, microsoft or custom, not"
                ' "gogle"',
            ),
            ("oauth2 = google", "0: username in [remote] is missing: oauth2 needs it"),
            (
                f"{GOOGLE}password = x",
                "4: password in [remote] and oauth2 exclude each other",
            ),
            (
                "username = me\noauth2 = google",
                "0: oauth2-client-id in [remote] is"
                " missing: it is what google knows this program by",
            ),
            (
                f"{GOOGLE}auth = PLAIN",
                "4: auth in [remote] names PLAIN: with oauth2"
                " there are OAUTHBEARER and XOAUTH2",
            ),
            (
                f"{GOOGLE}oauth2-flow = device",
                "4: oauth2-flow in [remote] = device is"
                " not for mail at oauth2 = google; there are browser, paste,"
                " service-account",
            ),
            (
                f"{GOOGLE}oauth2-flow = service-account",
                "0: oauth2-key-file in [remote]"
                " is missing: oauth2-flow = service-account needs it",
            ),
            (
                f"{MICROSOFT}oauth2-flow = client-credentials",
                "0: oauth2-client-secret"
                " in [remote] is missing: oauth2-flow = client-credentials needs it, or"
                " oauth2-key-file",
            ),
            (
                f"{MICROSOFT}{pem}",
                "0: oauth2-tenant in [remote] must name your own"
                " tenant: oauth2-flow = client-credentials needs it",
            ),
            (
                f"{MICROSOFT}oauth2-tenant = a/b",
                "4: oauth2-tenant in [remote] must be"
                " the ID of a tenant, a domain of it, common, organizations or"
                ' consumers, not "a/b"',
            ),
            (
                f"{CUSTOM}oauth2-client-secret = s",
                "0: oauth2-token-url in [remote] is"
                " missing: oauth2-flow = client-credentials needs it, or oauth2-issuer",
            ),
            (
                f"{CUSTOM}{token}oauth2-flow = browser",
                "0: oauth2-authorization-url in [remote]"
                " is missing: oauth2-flow = browser needs it, or oauth2-issuer",
            ),
            (
                f"{CUSTOM}{token}oauth2-flow = device",
                "0: oauth2-device-url in [remote]"
                " is missing: oauth2-flow = device needs it, or oauth2-issuer",
            ),
            (
                f"username = me\noauth2 = custom\n{token}{pem}",
                "0: oauth2-client-id in [remote] is missing: oauth2 needs it",
            ),
            (
                f"{CUSTOM}oauth2-token-url = http://a/t",
                "4: oauth2-token-url in [remote]"
                ' must begin with https://, not "http://a/t"',
            ),
            (
                f"{GOOGLE}oauth2-token-store = safe",
                '4: oauth2-token-store in [remote] must be file or keyring, not "safe"',
            ),
            (
                f"{GOOGLE}oauth2-key-file = none",
                "4: oauth2-key-file in [remote] names a"
                f" file that cannot be read: {self.folder}/none",
            ),
        ):
            self.assertWrongRemote(text, message)
        self.oauth(f"username = me\noauth2 = custom\n{token}{json}")

    def test_noKeyring(self) -> None:
        """
        A keyring needs a package that not everybody has.
        """
        self.patch(sys, "meta_path", [])
        self.patch(sys, "modules", {**sys.modules})
        sys.modules.pop("keyring", None)
        self.assertWrongRemote(
            f"{GOOGLE}oauth2-token-store = keyring",
            "4: oauth2-token-store in [remote] = keyring needs the Python package"
            " keyring, which is not installed: install imapsync[keyring]",
        )

    def test_url(self) -> None:
        """
        A URL is one of HTTPS, or leads to this computer.
        """
        for good in (
            *("https://a", "https://a:1/b?c=d", "http://127.0.0.1:80/"),
            *("http://localhost/x", "http://[::1]:1/", "https://[2001:db8::1]/"),
        ):
            self.assertEqual(good, url(good))
        for bad in (
            *(
                "",
                "a",
                "https:",
                "https://",
                "ftp://a/",
                "https://a/#b",
                "https://u@a/",
            ),
            *(
                "https://a/ b",
                "https://\xe4/",
                "http://127.0.0.1.example/",
                "https://a:x",
            ),
            *("http://a/", "https://a\t/", "//a/", "https://[::1"),
        ):
            self.assertRaises(ValueError, url, bad)

    def test_idle(self) -> None:
        """
        There is a warning about what has no effect.
        """
        for text, message in (
            (
                "username = me\npassword = x\noauth2-scope = y",
                "3: oauth2-scope in [remote] has no effect without oauth2",
            ),
            (
                f"{GOOGLE}oauth2-issuer = https://a",
                "4: oauth2-issuer in [remote] has no effect with oauth2 = google",
            ),
            (
                f"{GOOGLE}oauth2-tenant = a",
                "4: oauth2-tenant in [remote] has no effect with oauth2 = google",
            ),
            (
                f"{MICROSOFT}oauth2-flow = device\n{self.keyFile('x')}",
                "5:"
                " oauth2-key-file in [remote] has no effect with oauth2-flow = device",
            ),
            (
                f"{GOOGLE}oauth2-client-secret = s\n{self.keyFile('x')}",
                "4:"
                " oauth2-client-secret in [remote] has no effect with oauth2-flow ="
                " service-account",
            ),
        ):
            [warning] = self.load(f"{LOCAL}[remote]\n{text}").warnings
            number, _, rest = message.partition(":")
            line = int(number) + LOCAL.count("\n") + 1
            self.assertEqual(f"{self.file}:{line}:{rest}: remove it", warning)
