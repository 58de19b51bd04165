"""
Tests for L{imapsync.config.status}.
"""

from __future__ import annotations

from imapsync.config.status import StatusConfig, isPrivate, socketOf
from imapsync.test.config.test_file import LOCAL, REMOTE, ConfigTestCase

TOKEN = "0123456789abcdef"


class StatusTests(ConfigTestCase):
    """
    Tests for C{[status]}.
    """

    def status(self, text: str) -> StatusConfig:
        """
        What these lines mean.
        """
        config = self.load(f"{LOCAL}{REMOTE}[status]\n{text}").status
        assert config is not None
        return config

    def assertWrongStatus(self, text: str, message: str) -> None:
        """
        Assert that the first of these lines is refused.
        """
        before = (LOCAL + REMOTE).count("\n")
        self.assertWrong(f"{LOCAL}{REMOTE}[status]\n{text}", f"{before + 2}: {message}")

    def test_none(self) -> None:
        """
        There is no page unless it is asked for.
        """
        self.assertIsNone(self.load(LOCAL + REMOTE).status)

    def test_default(self) -> None:
        """
        On the loopback, nothing else need be said.
        """
        listen = "tcp:8143:interface=127.0.0.1"
        before = (LOCAL + REMOTE).count("\n")
        where = f"{self.file}:{before + 2}: listen in [status]"
        self.assertEqual(StatusConfig(where, listen), self.status(f"listen = {listen}"))

    def test_all(self) -> None:
        """
        Each option has its value; the token is not shown where the others are.
        """
        page = self.status(
            f"listen = tcp:8143\ntoken = {TOKEN}\nhost = A.example b.example\n"
            "hide-names = YES\n"
        )
        self.assertEqual(TOKEN, page.token)
        self.assertEqual(("a.example", "b.example"), page.hosts)
        self.assertTrue(page.hideNames)
        self.assertIn("hosts=('a.example', 'b.example')", repr(page))
        self.assertNotIn(TOKEN, repr(page))

    def test_private(self) -> None:
        """
        What is nobody else's needs no token.
        """
        for listen in (
            "tcp:8143:interface=127.0.0.1",
            "tcp:port=8143:interface=localhost",
            r"tcp:8143:interface=\:\:1",
            r"tcp6:8143:interface=\:\:1",
            "unix:/run/imapsync:mode=660",
            "unix:address=/run/imapsync:mode=660",
            "systemd:domain=UNIX:index=0",
            "ssl:8143:interface=127.0.0.2:privateKey=key.pem",
        ):
            self.assertEqual(listen, self.status(f"listen = {listen}").listen)
            self.assertTrue(isPrivate(listen), listen)

    def test_public(self) -> None:
        """
        What others can reach does.
        """
        for listen in (
            "tcp:8143",
            "tcp:8143:interface=0.0.0.0",
            r"tcp:8143:interface=\:\:",
            "tcp:8143:interface=127.0.0.1.example",
            "systemd:domain=INET:index=0",
            "haproxy:tcp:8143:interface=127.0.0.1",
        ):
            self.assertWrongStatus(
                f"listen = {listen}",
                "listen in [status] lets others on the network in: give a token or"
                " token-file, or use a UNIX socket or interface=127.0.0.1",
            )
            page = self.status(f"listen = {listen}\ntoken-file = {self.file}")
            self.assertEqual(str(self.file), page.tokenFile)

    def test_kind(self) -> None:
        """
        A kind of endpoint that Twisted does not bring is named as that; it may be one
        of a plugin, which others may reach.
        """
        for kind, hint in ("tpc", "; did you mean tcp?"), ("onion", ""):
            self.assertWrongStatus(
                f"listen = {kind}:8143:interface=127.0.0.1",
                f'listen in [status] names an unknown kind of endpoint "{kind}"{hint};'
                " if a plugin of Twisted brings it, give a token or token-file",
            )
        self.assertEqual(
            "onion:80", self.status(f"listen = onion:80\ntoken = {TOKEN}").listen
        )

    def test_hosts(self) -> None:
        """
        Names are compared as browsers say them.
        """
        page = self.status(
            "listen = unix:/run/imapsync\nhost = M\u00fcller.example. b.example.\n"
        )
        self.assertEqual(("xn--mller-kva.example", "b.example"), page.hosts)

    def test_socket(self) -> None:
        """
        A UNIX socket is the user's own, unless it says otherwise.
        """
        page = self.status("listen = unix:/run/imapsync")
        self.assertEqual("unix:/run/imapsync:mode=600", page.listen)
        page = self.status("listen = unix:/run/imapsync:660")
        self.assertEqual("unix:/run/imapsync:660", page.listen)

    def test_path(self) -> None:
        """
        Where that is, is known, however it is written.
        """
        for listen, path in (
            ("unix:/run/imapsync:mode=660", "/run/imapsync"),
            ("unix:address=/run/imapsync", "/run/imapsync"),
            (r"unix:/run/a\:b", "/run/a:b"),
            ("unix:mode=660", None),
            ("tcp:8143", None),
        ):
            self.assertEqual(path, socketOf(listen), listen)

    def test_listen(self) -> None:
        """
        What is no endpoint is refused.
        """
        for value in "8143", "/run/imapsync", ":", "a b:c", "\\", "tcp":
            self.assertWrongStatus(
                f"listen = {value}",
                "listen in [status] must be a server endpoint of Twisted, such as"
                " tcp:8143:interface=127.0.0.1 or unix:/run/imapsync, not"
                f' "{value}"',
            )
        self.assertWrongStatus(
            "listen = tcp:81430:interface=127.0.0.1",
            'listen in [status] must be a number from 1 to 65535, not "81430"',
        )

    def test_missing(self) -> None:
        """
        A page is somewhere.
        """
        before = (LOCAL + REMOTE).count("\n")
        self.assertWrong(
            f"{LOCAL}{REMOTE}[status]\n",
            f"{before + 1}: listen in [status] is missing: say where, such as"
            " tcp:8143:interface=127.0.0.1",
        )

    def test_token(self) -> None:
        """
        A token is long, can be sent, and stands in one place.
        """
        for value in "short", "with spaces in it, though long", "\u00e4" * 20:
            self.assertWrongStatus(
                f"token = {value}\nlisten = tcp:8143",
                "token in [status] must have 16 characters at least, all in ASCII and"
                " without spaces: openssl rand -hex 16 makes one",
            )
        self.assertWrongStatus(
            f"token-file = {self.file}\ntoken = {TOKEN}\nlisten = tcp:8143",
            "token-file in [status] and token exclude each other",
        )

    def test_exposed(self) -> None:
        """
        A token that others can read is warned of.
        """
        text = f"{LOCAL}[remote]\nhost = a.example\n[status]\nlisten = tcp:8143\n"
        config = self.load(f"{text}token = {TOKEN}\n", 0o644)
        self.assertIn(
            f"{self.file}: others can read the token in it: make it mode 0600",
            config.warnings,
        )
        other = self.folder / "token"
        other.write_text(TOKEN)
        other.chmod(0o644)
        config = self.load(f"{text}token-file = {other}\n")
        self.assertIn(
            f"{other}: others can read the token in it: make it mode 0600",
            config.warnings,
        )
