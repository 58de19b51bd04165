"""
Tests for L{imapsync.config.rows}.
"""

from __future__ import annotations

import csv
import io
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.rows import Row, Table, parse
from imapsync.errors import ConfigError

#: No text of a person, such as control characters.
_OTHER: tuple[Literal["C"], ...] = ("C",)

WHERE = "/etc/users.csv"


def table(text: str, header: bool | None = None) -> Table:
    """
    What a list with this C{text} has.
    """
    return parse(WHERE, text.encode(), header)


class ParseTests(SynchronousTestCase):
    """
    Tests for L{parse}.
    """

    def test_users(self) -> None:
        """
        The simplest list has a user in each line; comments and empty lines are passed
        over, and so are marks and ends of lines of other systems.
        """
        found = parse(WHERE, b"\xef\xbb\xbfa@x\r\n\n  # b\n c@x \n\t\n#d")
        self.assertEqual((Row(1, ("a@x",)), Row(4, ("c@x",))), found.rows)
        self.assertEqual({"user": 0}, found.columns)
        self.assertIsNone(found.width)
        self.assertEqual((), found.bad)

    def test_header(self) -> None:
        """
        A first line with a column called user names them all; it may be told apart,
        too.
        """
        found = table("# who\nHost, User ,\nh,u,x\n")
        self.assertEqual({"host": 0, "user": 1}, found.columns)
        self.assertEqual(3, found.width)
        self.assertEqual((Row(3, ("h", "u", "x")),), found.rows)
        self.assertEqual(2, len(table("host,user\nh,u\n", False).rows))
        found = table("login,host\nh,u\n", True)
        self.assertEqual({"login": 0, "host": 1, "user": 0}, found.columns)
        self.assertEqual({"user": 0}, table("login,host\nh,u\n").columns)

    def test_quotes(self) -> None:
        """
        Values may have quotes around them, as in any CSV; spaces around values do not
        count.
        """
        [row] = table('a , "b, ""c""",d"e, f#g\n').rows
        self.assertEqual(("a", 'b, "c"', 'd"e', "f#g"), row.values)

    def test_bad(self) -> None:
        """
        What cannot be read costs its own line.
        """
        data = b'a\n"b,c\nd\xff\ne\x1bf\n"g"h\ni\tj\nk\x00l\nm\n'
        found = parse(WHERE, data)
        self.assertEqual([1, 8], [row.line for row in found.rows])
        self.assertEqual([2, 3, 4, 5, 6, 7], [bad.line for bad in found.bad])
        texts = [bad.why.partition(" ")[2][:15] for bad in found.bad]
        self.assertEqual("double quotes t", texts[0])
        self.assertEqual("no UTF-8 text: ", texts[1])
        self.assertEqual("a control chara", texts[2])
        self.assertEqual("double quotes t", texts[3])
        self.assertEqual(["a tab: values h", "a control chara"], texts[4:])

    def test_long(self) -> None:
        """
        One that is longer than any account is, is told to be so.
        """
        found = table(f'{"a" * 100_000}\n{"b" * 100_001}\n"{"c" * 140_000}"\n')
        self.assertEqual([1], [row.line for row in found.rows])
        why = "has more than 100,000 characters: it is no account"
        self.assertEqual([(2, why), (3, why)], [bad[:2] for bad in found.bad])

    def test_twice(self) -> None:
        """
        Two columns of one name cannot be told apart.
        """
        error = self.assertRaises(ConfigError, table, "user,a,A\n")
        self.assertEqual(
            f'{WHERE}:1: two columns are called "a": rename one', str(error)
        )

    def test_secret(self) -> None:
        """
        A row does not show its values.
        """
        [row] = table("me,secret\n").rows
        self.assertNotIn("secret", repr(row))

    @given(st.binary())
    def test_any(self, data: bytes) -> None:
        """
        Whatever a list is, each of its lines is a row, bad, or nothing.
        """
        found = parse(WHERE, data, False)
        lines = [row.line for row in found.rows] + [bad.line for bad in found.bad]
        self.assertEqual(len(lines), len({*lines}))
        self.assertLessEqual(len(lines), data.count(b"\n") + 1)
        for row in found.rows:
            for value in row.values:
                self.assertNotRegex(value, "[\0-\x1f\x7f]")

    @given(st.lists(st.text(st.characters(exclude_categories=_OTHER), min_size=1)))
    def test_written(self, values: list[str]) -> None:
        """
        What others write as CSV is read as it was meant, but for spaces around it.
        """
        written = io.StringIO()
        csv.writer(written, quoting=csv.QUOTE_ALL).writerow(values)
        found = table(written.getvalue(), False)
        if values:
            [row] = found.rows
            self.assertEqual(tuple(value.strip(" ") for value in values), row.values)
