"""
Tests for L{imapsync.imap.auth.secretfile}.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError
from imapsync.imap.auth.secretfile import readSecret

WHERE = "remote (imaps://mail.example:993)"


class SecretTests(SynchronousTestCase):
    """
    Tests for L{readSecret}.
    """

    def secret(self, octets: bytes) -> Path:
        """
        A file.
        """
        path = Path(self.mktemp())
        path.write_bytes(octets)
        return path

    def test_firstLine(self) -> None:
        """
        The first line is the password, with the blanks in it.
        """
        for octets in b"a \xc3\xa4 ", b"a \xc3\xa4 \n", b"a \xc3\xa4 \r\nanother\n":
            self.assertEqual("a ä ", readSecret(str(self.secret(octets)), WHERE))

    def test_wrong(self) -> None:
        """
        What can be no password is told, without what is in the file.
        """
        for octets, words in (
            (b"", "is empty"),
            (b"\nsecret", "is empty"),
            (b"secret\xff", "is not UTF-8"),
            (b"secret" * 20000, "is endless"),
        ):
            path = str(self.secret(octets))
            error = self.assertRaises(ConfigError, readSecret, path, WHERE)
            self.assertTrue(str(error).startswith(f"{WHERE}: "))
            self.assertIn(path, str(error))
            self.assertTrue(str(error).endswith(words), str(error))
            self.assertNotIn("secret", str(error).replace(path, ""))

    def test_nothingToRead(self) -> None:
        """
        Who would have to wait for what is in it does not.
        """
        path = self.mktemp()
        os.mkfifo(path)
        error = self.assertRaises(ConfigError, readSecret, path, WHERE)
        self.assertIn("is empty", str(error))

    def test_gone(self) -> None:
        """
        So is that it is not there any more.
        """
        error = self.assertRaises(ConfigError, readSecret, "/nonexistent/x", WHERE)
        self.assertIn(
            "password-file /nonexistent/x cannot be read: No such", str(error)
        )
