"""
Tests for L{imapsync.system.process}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.system.process import argumentsOf


class ArgumentsTests(SynchronousTestCase):
    """
    Tests for L{argumentsOf}.
    """

    def test_words(self) -> None:
        """
        A plain command is split into words; quotes keep words together.
        """
        self.assertEqual(
            ["ssh", "-o", "User=me you", "host", "imap"],
            argumentsOf("ssh -o 'User=me you'  host imap"),
        )

    def test_shell(self) -> None:
        """
        What only a shell understands is left to one.
        """
        for command in (
            "a | b",
            "a && b",
            "a; b",
            "a >b",
            "a $HOME",
            "a `b`",
            "a ~/b",
            "a *",
            "a \\b",
            "V=1 a",
        ):
            self.assertEqual(["/bin/sh", "-c", command], argumentsOf(command))
