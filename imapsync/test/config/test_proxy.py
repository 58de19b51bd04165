"""
Tests for L{imapsync.config.proxy}.
"""

from __future__ import annotations

from imapsync.config.proxy import Proxy
from imapsync.errors import ConfigError
from imapsync.test.config.test_file import LOCAL, ConfigTestCase

LOGIN = "username = me\npassword = x\n"


class ProxyTests(ConfigTestCase):
    """
    Tests for L{proxy<imapsync.config.proxy.proxy>}.
    """

    def test_forms(self) -> None:
        """
        A proxy has a kind and a host; a port and a login if they are given.
        """
        for text, wanted in (
            ("socks5://gate", Proxy("socks5", "gate", 1080)),
            ("SOCKS5H://gate/", Proxy("socks5h", "gate", 1080)),
            ("http://gate", Proxy("http", "gate", 8080)),
            ("http://192.0.2.1:3128", Proxy("http", "192.0.2.1", 3128)),
            ("socks5://[2001:db8::1]", Proxy("socks5", "2001:db8::1", 1080)),
            ("socks5://[fe80::1%eth0]:9", Proxy("socks5", "fe80::1%eth0", 9)),
            ("http://me:pw@gate", Proxy("http", "gate", 8080, ("me", "pw"))),
            ("http://me@gate", Proxy("http", "gate", 8080, ("me", ""))),
            ("http://m:p:q@r@gate", Proxy("http", "gate", 8080, ("m", "p:q@r"))),
            (
                "socks5://%40b%3a:%2f%C3%A4%25@gate:1",
                Proxy("socks5", "gate", 1, ("@b:", "/ä%")),
            ),
        ):
            self.assertEqual(wanted, self.remote(f"{LOGIN}proxy = {text}").proxy)
        self.assertIsNone(self.remote(LOGIN).proxy)

    def test_wrong(self) -> None:
        """
        What is wrong is said without what stands there, which may be a password.
        """
        for text, word in (
            ("secret", "must be socks5://"),
            ("", "must be socks5://"),
            ("socks4://gate", "must be socks5://"),
            ("https://gate", "must be socks5://"),
            ("socks5://", "must be socks5://"),
            ("socks5://me:secret", "must be socks5://"),
            ("socks5://me:secret@", "must be socks5://"),
            ("socks5://me:secret@gate:0", "must be socks5://"),
            ("socks5://me:secret@gate:65536", "must be socks5://"),
            ("socks5://me:secret@a/b", "must be socks5://"),
            ("socks5://me:secret@[gate]x", "must be socks5://"),
            ("socks5://me:secret/@2001:db8::1", "must be socks5://"),
            ("socks5://:secret@gate", "has a login without a user's name"),
            ("socks5://me:secret%@gate", "write %25"),
            ("socks5://me:secret%4@gate", "write %25"),
            ("socks5://me:secret%ff@gate", "not UTF-8"),
            ("socks5://me:secret%00@gate", "control character"),
            ("http://me:secret%0d%0a@gate", "control character"),
            ("http://a%3ab:secret@gate", "with a colon"),
            (f"socks5://me:secret{'ä' * 125}@gate", "more than 255 octets"),
        ):
            with self.subTest(text):
                error = str(self.wrong(f"proxy = {text}"))
                self.assertIn("proxy in [remote] ", error)
                self.assertIn(word, error)
                self.assertNotIn("secret", error)

    def wrong(self, text: str) -> ConfigError:
        """
        Why these lines are refused.
        """
        error: ConfigError = self.assertRaises(ConfigError, self.remote, LOGIN + text)
        return error

    def test_zone(self) -> None:
        """
        An address that is good on one of our interfaces says nothing to a proxy.
        """
        error = self.wrong("host = fe80::1%eth0\nproxy = http://gate")
        self.assertIn("proxy in [remote] cannot connect to fe80::1%eth0", str(error))

    def test_shown(self) -> None:
        """
        Nobody is shown its password.
        """
        server = self.remote(f"{LOGIN}proxy = http://me:secret@[::1]:3128")
        self.assertEqual("http://[::1]:3128", str(server.proxy))
        self.assertNotIn("secret", repr(server))
        self.assertIn("proxy=Proxy(http://[::1]:3128, user='me')", repr(server))
        self.assertNotEqual(repr(server), repr(server._replace(proxy=None)))

    def test_exposed(self) -> None:
        """
        A password of a proxy is one that others are not to read.
        """
        text = f"{LOCAL}[remote]\npassword-command = x\nusername = me\nproxy = http://"
        for login, count in ("me:secret@", 1), ("", 0):
            config = self.load(f"{text}{login}gate", 0o644)
            self.assertEqual(count, len(config.warnings))
