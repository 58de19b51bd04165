"""
Tests for L{imapsync.config.draft}.
"""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config import ini, mapping
from imapsync.config.draft import Draft, text
from imapsync.config.settings import GRAMMAR
from imapsync.errors import ConfigError
from imapsync.model import Side


def drafted(local: Mapping[str, str], remark: str = "") -> str:
    """
    A file whose remote side does not matter.
    """
    remote = {"host": "imap.example.net", "username": "me"}
    drafts = {
        Side.LOCAL: Draft(local, {"": remark}),
        Side.REMOTE: Draft(remote, {}),
    }
    return text(drafts)


class TextTests(SynchronousTestCase):
    """
    Tests for L{text}.
    """

    def test_file(self) -> None:
        """
        Only what is needed is in it, in the order of the manual, with remarks.
        """
        options = {"username": "me", "port": "143", "type": "imap", "host": "mx"}
        lines = drafted(options, "Found.  " + "a remark " * 12).splitlines()
        self.assertEqual(
            [
                *("[local]", "type = imap", "host = mx", "port = 143", "username = me"),
                *("[remote]", "host = imap.example.net", "username = me"),
            ],
            [line for line in lines if line and not line.startswith("#")],
        )
        at = lines.index("[local]")
        first, second = lines[at + 1 : at + 3]
        self.assertTrue(first.startswith("# Found.  a remark a remark"), first)
        self.assertTrue(second.startswith("# "), second)
        self.assertLess(max(map(len, lines)), 89)

    def test_remarks(self) -> None:
        """
        No remark says anything to the program, or does harm on a terminal.
        """
        for remark in ("a\nhost = evil", "a\r\n[remote]", "\x1b[2J", "\u2028host = x"):
            whole = drafted({"host": "mx"}, remark)
            found = ini.parse("f", whole.encode(), GRAMMAR)
            self.assertEqual({"host"}, {*found["local"].options})
            self.assertNotIn("\x1b", whole)

    def test_unfit(self) -> None:
        """
        What would be read as something else is refused, and not shown.
        """
        for value in (
            *("hush\nhost = evil", "hush\r", " hush", "hush ", "\thush", "hush\x00"),
            *("hush\x1b", "hush\ud800", "hush\x85"),
        ):
            error = self.assertRaises(ConfigError, drafted, {"password": value})
            self.assertNotIn("hush", str(error))

    def test_odd(self) -> None:
        """
        What only looks special is taken as it stands.
        """
        for value in (
            *("#x", ";x", "a # b", '"x"', "'x'", "%(host)s", "$HOME", "a = b", "[x]"),
            *("\\n", "p\u00e4ss w\u00f6rd", "\u2028", "x" * 5000, "="),
        ):
            found = ini.parse("f", drafted({"password": value}).encode(), GRAMMAR)
            self.assertEqual(value, found["local"].options["password"].value)

    @given(st.text(max_size=30))
    def test_any(self, value: str) -> None:
        """
        Whatever a value is, it is read back as it was, or refused.
        """
        try:
            whole = drafted({"password": value})
        except ConfigError:
            return
        given = {"password": value}
        wanted = mapping.sections({"local": given, "remote": {}}, GRAMMAR)["local"]
        found = ini.parse("f", whole.encode(), GRAMMAR)["local"]
        self.assertEqual(
            {name: one.value for name, one in wanted.options.items()},
            {name: one.value for name, one in found.options.items()},
        )
