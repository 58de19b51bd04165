"""
Tests for L{imapsync.system.keyring}.
"""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError, StateUnavailable
from imapsync.system.keyring import Keyring
from imapsync.test.fakes.processes import Processes

T = TypeVar("T")

NAMES = ("mail.example; x", "me")


class KeyringTests(SynchronousTestCase):
    """
    Tests for L{Keyring}.
    """

    def setUp(self) -> None:
        """
        The package is there, and nobody asks it.
        """
        self.patch(sys, "modules", {**sys.modules, "keyring": sys.modules[__name__]})
        self.reactor = Processes()
        self.keyring = Keyring(self.reactor)

    def answered(self, asking: Coroutine[Any, Any, T], answer: bytes) -> T:
        """
        What is made of an answer.
        """
        asked = Deferred.fromCoroutine(asking)
        self.reactor.protocol.childDataReceived(1, answer + b"\n")
        self.reactor.end()
        return self.successResultOf(asked)

    def reading(self) -> Deferred[str | None]:
        """
        Look for an entry.
        """
        return Deferred.fromCoroutine(self.keyring.read(*NAMES))

    def test_read(self) -> None:
        """
        An entry is looked for by another process of this Python, without a shell.
        """
        found = self.answered(self.keyring.read(*NAMES), b'"p\\u00e4ss\\nw\\u00f6rd"')
        self.assertEqual("päss\nwörd", found)
        program, option, _, *words = self.reactor.arguments
        self.assertEqual((sys.executable, "-c"), (program, option))
        self.assertEqual(["read", *NAMES], words)
        self.assertIsNone(self.answered(self.keyring.read(*NAMES), b"null"))

    def test_written(self) -> None:
        """
        What is to be kept is not for those to see who see the arguments of processes.
        """
        self.answered(self.keyring.write(*NAMES, "päss\nwörd"), b"null")
        self.assertEqual(["write", *NAMES], self.reactor.arguments[3:])
        self.assertEqual(b'"p\\u00e4ss\\nw\\u00f6rd"', self.reactor.process.written)
        self.assertEqual(["EOF", "closed"], self.reactor.process.events)

    def test_usable(self) -> None:
        """
        A keyring that is there for want of another, and one that fails, is none.
        """
        self.assertTrue(self.answered(self.keyring.isUsable(), b"true"))
        self.assertFalse(self.answered(self.keyring.isUsable(), b"false"))
        asked = Deferred.fromCoroutine(self.keyring.isUsable())
        self.reactor.end(1)
        self.assertFalse(self.successResultOf(asked))

    def test_noPackage(self) -> None:
        """
        Without the package there is none, and who wants it is told what to do.
        """
        self.patch(sys, "meta_path", [])
        sys.modules.pop("keyring")
        asked = Deferred.fromCoroutine(self.keyring.isUsable())
        self.assertFalse(self.successResultOf(asked))
        error = self.failureResultOf(self.reading(), ConfigError).value
        self.assertIn("install imapsync[keyring]", str(error))
        self.assertEqual([], self.reactor.arguments)

    def test_refused(self) -> None:
        """
        A keyring that stays locked is told in its own words.
        """
        asked = self.reading()
        self.reactor.protocol.childDataReceived(2, b"KeyringLocked: \x1bno\n")
        self.reactor.end(1)
        error = self.failureResultOf(asked, StateUnavailable).value
        self.assertEqual(
            "the keyring of the system: its process exited with status 1; its last"
            " words: KeyringLocked: \\u001bno",
            str(error),
        )

    def test_late(self) -> None:
        """
        Nobody unlocks it: then it is not waited for.
        """
        asked = self.reading()
        self.reactor.advance(120)
        error = self.failureResultOf(asked, StateUnavailable).value
        self.assertIn("its process did not end within 120 seconds", str(error))
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)
        self.reactor.end(signal=15)

    def test_stopped(self) -> None:
        """
        Who does not wait any more leaves nobody who does.
        """
        asked = self.reading()
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)
        self.reactor.end(signal=15)
