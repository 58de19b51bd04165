"""
Tests for L{imapsync.config.template}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.template import (
    Template,
    checkFile,
    environment,
    fileName,
    template,
    word,
)

COLUMNS = {"user": 0, "host": 1, "full name": 2}


def filled(text: str, *values: str) -> str:
    """
    What comes of a C{text} in a row with these C{values}.
    """
    return template(text, COLUMNS).filled(values)


class TemplateTests(SynchronousTestCase):
    """
    Tests for L{template} and L{Template}.
    """

    def test_filled(self) -> None:
        """
        Columns by name, in any case, or by place, and the parts of an address.
        """
        for text, meant in (
            ("{user}", "me@example.org"),
            ("<{USER}>", "<me@example.org>"),
            ("{1}{2}", "me@example.orgh"),
            ("{user.local}/{1.domain}", "me/example.org"),
            ("{full name}", "Me"),
            ("plain", "plain"),
            ("{{user}} }}{{ {{{user.local}}}", "{user} }{ {me}"),
        ):
            self.assertEqual(meant, filled(text, "me@example.org", "h", "Me"))

    def test_wrong(self) -> None:
        """
        What means nothing is refused, without what else stands there.
        """
        for text, message in (
            ("secret{", "has a brace that is no placeholder's: double it"),
            ("}secret", "has a brace that is no placeholder's: double it"),
            ("secret{usr}", "has {usr}, but the list has no such column: there are"),
            ("{0}", "has {0}, but the list has no such column: there are {user}, {ho"),
            ("{}", "has {}, but"),
            ("{user.x}", "has {user.x}, but"),
        ):
            error = self.assertRaises(ValueError, template, text, COLUMNS)
            self.assertEqual(message, str(error)[: len(message)])

    def test_lacking(self) -> None:
        """
        A row may lack what is asked of it.
        """
        error = self.assertRaises(ValueError, filled, "{2}", "me")
        self.assertEqual("has no column 2 for {2}", str(error))
        error = self.assertRaises(ValueError, filled, "{user.domain}", "me")
        self.assertEqual('has no @, and so no {user.domain}: "me"', str(error))
        self.assertEqual("me", filled("{user.local}", "me"))

    @given(st.text(), st.text())
    def test_data(self, one: str, other: str) -> None:
        """
        Whatever is in a value, nothing in it is replaced.
        """
        self.assertEqual(f"{one}-{other}", filled("{user}-{host}", one, other))

    @given(st.text())
    def test_any(self, text: str) -> None:
        """
        A text with its braces doubled is itself.
        """
        doubled = text.replace("{", "{{").replace("}", "}}")
        self.assertEqual(text, template(doubled, COLUMNS).filled(()))

    def test_placeholders(self) -> None:
        """
        It is known which columns are used.
        """
        found = template("a{host}b{4}", COLUMNS)
        self.assertEqual([1, 3], [one.place for one in found.placeholders])
        self.assertEqual((), Template(("a",)).placeholders)


class FileTests(SynchronousTestCase):
    """
    Tests for L{fileName} and L{checkFile}.
    """

    def test_plain(self) -> None:
        """
        Ordinary values stay as they are.
        """
        self.assertEqual("me+x@example.org", fileName("me+x@example.org"))

    @given(st.text(min_size=1))
    def test_any(self, value: str) -> None:
        """
        Any other is a piece of one name, that leads nowhere else.
        """
        name = fileName(value)
        self.assertNotIn("/", name)
        self.assertNotIn("\0", name)
        self.assertNotIn(name[0], ".~")
        self.assertLessEqual(len(name.encode()), 203)

    @given(st.text(min_size=1), st.text(min_size=1))
    def test_apart(self, one: str, other: str) -> None:
        """
        Different values make different names.
        """
        self.assertEqual(one == other, fileName(one) == fileName(other))

    def test_empty(self) -> None:
        """
        There is none for nothing.
        """
        self.assertRaises(ValueError, fileName, "")

    def test_long(self) -> None:
        """
        A name that no system takes is refused.
        """
        self.assertEqual("/a/b", checkFile("/a/b"))
        self.assertRaises(ValueError, checkFile, f"/{'a' * 241}/b")


class WordTests(SynchronousTestCase):
    """
    Tests for L{word}.
    """

    def test_plain(self) -> None:
        """
        Users are words.
        """
        for value in ("me", "me+x@example.org", "j\u00fcrgen", "a%b:c-d_e.f"):
            self.assertEqual(value, word(value))

    def test_refused(self) -> None:
        """
        What a shell, or the command, might take for something else is not; and it is
        not repeated, as it may be a secret.
        """
        for value in (
            *("", "a b", "-x", ".", "..", "../x", "a/b", "a;b", "$(a)", "`a`", "a'b"),
            *('a"b', "a\\b", "~a", "a=b", "*", "a?", "!a", "#a", "{a}", "a\nb", "@a"),
            *("a,b", "a|b", "a&b", "a>b", "a<b", "[a]", "\ufeff", "\u2028"),
        ):
            self.assertRaises(ValueError, word, value)
        error = self.assertRaises(ValueError, word, "my secret")
        self.assertNotIn("my secret", str(error))


class EnvironmentTests(SynchronousTestCase):
    """
    Tests for L{environment}.
    """

    def test_names(self) -> None:
        """
        Each value is there by its place, and by its name if that has one; but for
        secrets.
        """
        columns = {"host": 0, "user": 1, "full name": 2, "password": 3}
        self.assertEqual(
            (
                "IMAPSYNC_USER=me; x",
                "IMAPSYNC_COLUMN_1=h=1",
                "IMAPSYNC_COLUMN_2=me; x",
                "IMAPSYNC_COLUMN_3=Me",
                "IMAPSYNC_COLUMN_HOST=h=1",
                "IMAPSYNC_COLUMN_USER=me; x",
                "IMAPSYNC_COLUMN_FULL_NAME=Me",
            ),
            environment(columns, ("h=1", "me; x", "Me", "secret"), {3}),
        )
