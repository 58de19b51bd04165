"""
Tests for L{imapsync.web.guard}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.web.guard import Guard, isOurs

TOKEN = "0123456789abcdef"


class HostTests(SynchronousTestCase):
    """
    Tests for L{isOurs}.
    """

    def test_ours(self) -> None:
        """
        Names that nobody else can give us.
        """
        for host in (
            *("localhost", "LOCALHOST:8143", "localhost.", "127.0.0.1:8143"),
            *("[::1]", "[::1]:8143", "192.0.2.1", "status.example:443"),
        ):
            self.assertTrue(isOurs(host, ["status.example"]), host)

    def test_others(self) -> None:
        """
        A name that somebody else has chosen may lead here, too.
        """
        for host in (
            *("", "evil.example", "localhost.evil.example", "status.example.evil"),
            *("127.0.0.1.evil.example", "[evil.example]", "evil.example:127", "a b"),
            *("status.example\n", "x@localhost", "127.1"),
        ):
            self.assertFalse(isOurs(host, ["status.example"]), host)


class GuardTests(SynchronousTestCase):
    """
    Tests for L{Guard}.
    """

    def test_open(self) -> None:
        """
        Without a token, all may come in, and none can be said.
        """
        guard = Guard(None)
        self.assertTrue(guard.isOpen)
        self.assertTrue(guard.admits("", ""))
        self.assertFalse(guard.isToken(""))
        self.assertFalse(guard.isToken("None"))

    def test_token(self) -> None:
        """
        With one, those who know it, by whatever way they say so.
        """
        guard = Guard(TOKEN)
        self.assertFalse(guard.isOpen)
        for said in f"Bearer {TOKEN}", f"bearer  {TOKEN} ":
            self.assertTrue(guard.admits(said, ""), said)
        self.assertTrue(guard.admits("", guard.visa))
        for said, cookie in (
            ("", ""),
            (TOKEN, TOKEN),
            (f"Basic {TOKEN}", ""),
            (f"Bearer {TOKEN}x", ""),
            (f"Bearer {guard.visa}", guard.visa[:-1]),
            ("Bearer \u00e4\udc80", "\u00e4\udc80"),
        ):
            self.assertFalse(guard.admits(said, cookie), said)

    def test_visa(self) -> None:
        """
        A browser keeps what is good only for this token, and does not tell it.
        """
        self.assertEqual(Guard(TOKEN).visa, Guard(TOKEN).visa)
        self.assertNotEqual(Guard(TOKEN).visa, Guard(TOKEN[::-1]).visa)
        self.assertNotEqual(Guard(TOKEN).cookie, Guard(TOKEN[::-1]).cookie)
        self.assertNotIn(TOKEN, Guard(TOKEN).visa + Guard(TOKEN).cookie)

    def test_form(self) -> None:
        """
        A form is of this run.
        """
        guard = Guard(None)
        self.assertTrue(guard.isForm(guard.stamp))
        for stamp in "", Guard(None).stamp, f"{guard.stamp}x":
            self.assertFalse(guard.isForm(stamp))

    def test_neighbour(self) -> None:
        """
        What another page sends is known by its origin.
        """
        guard = Guard(None, ["status.example"])
        for origin, site in (
            (None, None),
            (None, "none"),
            ("http://localhost:8143", None),
            ("http://LOCALHOST:8143", "same-origin"),
            ("https://status.example", "same-origin"),
        ):
            self.assertTrue(guard.isNeighbour(origin, site, "localhost:8143"))
        for origin, site in (
            ("null", None),
            ("", None),
            ("http://localhost:8144", None),
            ("http://localhost", None),
            ("http://evil.example", None),
            ("http://localhost:8143", "same-site"),
            (None, "cross-site"),
            ("https://status.example.evil", "same-origin"),
            ("http://[x", None),
        ):
            self.assertFalse(guard.isNeighbour(origin, site, "localhost:8143"), origin)
