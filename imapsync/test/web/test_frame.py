"""
Tests for L{imapsync.web.frame}.
"""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from twisted.trial.unittest import SynchronousTestCase

from imapsync.test.web.test_markup import ESCAPED, HOSTILE
from imapsync.web.frame import Frame, link, place


class FrameTests(SynchronousTestCase):
    """
    Tests for L{Frame}.
    """

    def test_page(self) -> None:
        """
        A page finds all that it needs from where it is, and has nothing in it that
        would be run.
        """
        page = Frame("stamp", "v1", False).page("A & B", "text", "../", events="e?a=b")
        self.assertTrue(page.startswith('<!DOCTYPE html><html lang="en">'))
        self.assertIn("<title>A &amp; B \u2013 imapsync</title>", page)
        self.assertIn('href="../static/page.css?v=v1"', page)
        self.assertIn('<script src="../static/page.js?v=v1" defer></script>', page)
        self.assertIn('<body data-events="e?a=b">', page)
        self.assertNotIn("style=", page)
        self.assertNotIn("logout", page)

    def test_leave(self) -> None:
        """
        Who had to come in can go.
        """
        page = Frame("stamp", "v1", True).page("A", "text", events="e")
        self.assertIn('<form method="post" action="logout">', page)
        self.assertIn('<input type="hidden" name="stamp" value="stamp">', page)

    def test_notice(self) -> None:
        """
        What is only said needs no program.
        """
        page = Frame().notice("No", HOSTILE)
        self.assertIn(ESCAPED, page)
        self.assertNotIn("<script", page)

    def test_login(self) -> None:
        """
        Where the token is said, and where it was not the right one.
        """
        self.assertIn('action="login"', Frame().login(False))
        self.assertNotIn("not the token", Frame().login(False))
        self.assertIn("That is not the token.", Frame().login(True))

    def test_link(self) -> None:
        """
        Whatever an account is called, its page has an address that nobody on the way
        takes for another one.
        """
        self.assertEqual("account/me%40a.example", link("me@a.example"))
        for name in "", ".", "..", "/etc/mail/me", "a/../b":
            address = urlsplit(link(name))
            self.assertEqual("account/", address.path)
            query = parse_qs(address.query, keep_blank_values=True)
            self.assertEqual({"name": [name]}, query)
        for name in "a b", "a?b=c", "a#b", "\u00e4%2f", "a&b", HOSTILE.replace("/", ""):
            address = urlsplit(link(name))
            self.assertEqual(f"account/{name}", unquote(address.path))
            self.assertEqual("", address.query + address.fragment)

    def test_place(self) -> None:
        """
        So it is called in a page, where there are no spaces in names.
        """
        self.assertEqual("account:a%20b", place("account", "a b"))
