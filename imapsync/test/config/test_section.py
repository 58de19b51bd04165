"""
Tests for L{imapsync.config.section}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config import ini
from imapsync.config.section import quoted
from imapsync.errors import ConfigError
from imapsync.test.config.test_ini import GRAMMAR


class SectionTests(SynchronousTestCase):
    """
    Tests for L{Section}.
    """

    section = ini.parse("FILE", b"\n[local]\nhost = 42\n", GRAMMAR)["local"]

    def test_given(self) -> None:
        """
        A given option has the value that its form makes of it.
        """
        self.assertEqual(42, self.section.get("host", int, None))
        self.assertIn("host", self.section)

    def test_default(self) -> None:
        """
        An option that is not given has the default value.
        """
        self.assertEqual(7, self.section.get("SSL_ca_file", int, 7))
        self.assertNotIn("SSL_ca_file", self.section)

    def test_wrongValue(self) -> None:
        """
        What a form has against a value is told with its place.
        """

        def never(value: str) -> None:
            raise ValueError(f"must not be {quoted(value)}")

        error = self.assertRaises(ConfigError, self.section.get, "host", never, 0)
        self.assertEqual('FILE:3: host in [local] must not be "42"', str(error))

    def test_missing(self) -> None:
        """
        An error about an option that is not given points at the heading.
        """
        self.assertEqual(
            "FILE:2: SSL_ca_file in [local] is missing",
            str(self.section.wrong("SSL_ca_file", "is missing")),
        )

    def test_repr(self) -> None:
        """
        A section does not show its values, which may be secret.
        """
        told, _, _ = repr(self.section).partition(" object at ")  # any digits
        self.assertNotIn("42", told)
        self.assertNotIn("42", repr(self.section.options))


class QuotedTests(SynchronousTestCase):
    """
    Tests for L{quoted}.
    """

    def test_long(self) -> None:
        """
        Long text is cut.
        """
        self.assertEqual('"' + "x" * 60 + '..."', quoted("x" * 1000))
