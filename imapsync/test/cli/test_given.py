"""
Tests for L{imapsync.cli.given}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.given import Given, read
from imapsync.cli.options import parse
from imapsync.errors import UsageError
from imapsync.model import Side


class ReadTests(SynchronousTestCase):
    """
    Tests for L{read}.
    """

    def test_words(self) -> None:
        """
        A side's address, and its options by the names of the manual.
        """
        found = read(
            [
                "local=me@example.org",
                "remote.password-command=pass show a=b",
                "remote=imap.example.net:993",
                "local.PASSWORD_FILE=x",
                "remote.SSL_CAfile=/ca.pem",
            ]
        )
        self.assertEqual(
            {
                Side.LOCAL: Given("me@example.org", {"password-file": "x"}),
                Side.REMOTE: Given(
                    "imap.example.net:993",
                    {"password-command": "pass show a=b", "SSL_ca_file": "/ca.pem"},
                ),
            },
            found,
        )
        nothing = Given("", {})
        self.assertEqual(dict.fromkeys(Side, nothing), read([]))

    def test_shown(self) -> None:
        """
        What stands for a password is not shown of it.
        """
        words = ["local=me@example.org", "local.password=hush"]
        line = parse(["--init", *words])
        self.assertNotIn("hush", repr(line))
        found = read(line.init or ())
        self.assertNotIn("hush", repr(found))
        self.assertIn("password", repr(found))

    def test_wrong(self) -> None:
        """
        Others say what they should be.
        """
        for words, told in (
            (["INBOX"], 'not "INBOX"'),
            (["local"], 'not "local"'),
            (["lokal.password=hush"], 'not "lokal.password"'),
            (["local=a@b.c", "local.command=x"], "exclude each other"),
            (["both=x"], "local=ADDRESS, remote=ADDRESS"),
            (["local="], "local is empty"),
            (["local.host="], "local.host is empty"),
            (["local.pasword=x"], "did you mean password?"),
            (["local.=x"], "unknown option"),
            (["local.database=x"], "it belongs to the default section"),
            (["local=a@b.c", "local=a@b.c"], "local is given twice"),
            (["local.host=a", "local.HOST=b"], "local.HOST is given twice"),
        ):
            error = self.assertRaises(UsageError, read, words)
            self.assertIn(told, str(error))
            self.assertNotIn("hush", str(error))

    @given(st.lists(st.text(max_size=20), max_size=3))
    def test_any(self, words: list[str]) -> None:
        """
        Whatever is typed, it is understood or refused.
        """
        try:
            read(words)
        except UsageError:
            return
