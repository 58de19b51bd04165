"""
Tests for L{imapsync.config.accounts}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.accounts import AccountList, read
from imapsync.config.ini import parse
from imapsync.config.paths import Files
from imapsync.config.settings import GRAMMAR, Config
from imapsync.errors import ConfigError


def said(*lines: str) -> AccountList:
    """
    What C{[accounts]} with these C{lines} means.
    """
    text = "\n".join(("[accounts]", *lines)).encode()
    section = parse("/etc/c", text, GRAMMAR)["accounts"]
    return read(section, Files({}, lambda: "/etc"))


class ReadTests(SynchronousTestCase):
    """
    Tests for L{read}.
    """

    def test_file(self) -> None:
        """
        A list in a file, which is beside the configuration, and is read again every
        quarter of an hour.
        """
        self.assertEqual(AccountList("/etc/users.csv", None), said("list = users.csv"))
        self.assertEqual(900.0, said("list = users.csv").interval)

    def test_all(self) -> None:
        """
        All that may be said.
        """
        self.assertEqual(
            AccountList(None, "doveadm user '*'", True, 3600.0, 4, 20),
            said(
                "list-command = doveadm user '*'",
                "list-header = yes",
                "list-interval = 1 h",
                "name = {user}",
                "at-work = 4",
                "connections-per-host = 20",
            ),
        )

    def test_interval(self) -> None:
        """
        In seconds, minutes or hours.
        """
        for text, seconds in (("90", 90), ("90 s", 90), ("15min", 900), ("2 H", 7200)):
            asked = said("list = a", f"list-interval = {text}")
            self.assertEqual(seconds, asked.interval)

    def test_wrong(self) -> None:
        """
        Exactly one list is needed, and what else there is must make sense.
        """
        for lines, message in (
            ((), "/etc/c:1: list in [accounts] is missing: it, or list-command, tells"),
            (("list = a", "list-command = b"), "/etc/c:3: list-command in [accounts] "),
            (("list = a", "list-interval = 0"), "/etc/c:3: list-interval in [accounts"),
            (("list = a", "list-interval = 1 week"), "/etc/c:3: list-interval in [acc"),
            (("list = a", "at-work = 0"), "/etc/c:3: at-work in [accounts] must be a "),
            (("list = a", "list-header = 1"), "/etc/c:3: list-header in [accounts] mu"),
        ):
            error = self.assertRaises(ConfigError, said, *lines)
            self.assertEqual(message, str(error)[: len(message)])

    def test_withoutFile(self) -> None:
        """
        A configuration in Python is about one account.
        """
        error = self.assertRaises(ConfigError, Config.of, accounts={"list": "a"})
        self.assertEqual(
            "[accounts] is for files: make one for each account", str(error)
        )
