"""
Tests for L{imapsync.cli.person}.
"""

from __future__ import annotations

import io
import os
import pty
import sys
from collections.abc import Mapping

from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.person import Line, Person


class PersonTests(SynchronousTestCase):
    """
    Tests for L{Person}.
    """

    def setUp(self) -> None:
        """
        There are a terminal, and a pipe.
        """
        self.reactor = MemoryReactor()
        self.master, self.terminal = pty.openpty()
        self.pipe, self.end = os.pipe()
        for descriptor in self.master, self.terminal, self.pipe:
            self.addCleanup(os.close, descriptor)
        self.opened: list[str] = []

    def person(
        self, descriptor: int | None, environ: Mapping[str, str] | None = None
    ) -> Person:
        """
        Somebody there.
        """
        return Person(self.reactor, environ or {}, descriptor, self.opened.append)

    def test_tell(self) -> None:
        """
        They read what can do no harm to a terminal.
        """
        output = io.StringIO()
        self.patch(sys, "stdout", output)
        self.person(None).tell("one\ntwo\x1b[2J")
        self.assertEqual("one\ntwo\\u001b[2J\n", output.getvalue())

    def test_browser(self) -> None:
        """
        A browser is opened if they named one, or sit at a terminal and have a screen.
        """
        self.patch(sys, "platform", "linux")
        screen, browser = {"DISPLAY": ":0"}, {"BROWSER": "lynx"}
        for descriptor, environ, opens in (
            (None, {}, False),
            (None, screen, False),
            (self.pipe, screen, False),
            (self.terminal, {}, False),
            (self.terminal, {"DISPLAY": ""}, False),
            (self.terminal, screen, True),
            (self.terminal, {"WAYLAND_DISPLAY": "wayland-0"}, True),
            (None, browser, True),
        ):
            self.opened.clear()
            self.person(descriptor, environ).show("https://example.com/")
            self.assertEqual(["https://example.com/"] * opens, self.opened, environ)
        self.patch(sys, "platform", "darwin")
        self.opened.clear()
        self.person(self.terminal).show("https://example.com/")
        self.assertEqual(1, len(self.opened))
        os.close(self.end)

    def test_typed(self) -> None:
        """
        They are waited for at a terminal; elsewhere, only if nothing else will do.
        """
        self.assertIsNone(self.person(None).typed(needed=True))
        self.assertIsNone(self.person(self.pipe).typed(needed=False))
        typed = self.person(self.terminal).typed(needed=False)
        assert typed is not None
        os.write(self.master, b"some words\n")
        [reader] = self.reactor.readers
        reader.doRead()
        self.assertEqual("some words", self.successResultOf(typed))
        self.assertIsNotNone(self.person(self.pipe).typed(needed=True))
        os.close(self.end)


class LineTests(SynchronousTestCase):
    """
    Tests for L{Line}.
    """

    def setUp(self) -> None:
        """
        Read from a pipe.
        """
        self.reactor = MemoryReactor()
        self.pipe, self.end = os.pipe()
        self.addCleanup(os.close, self.pipe)
        self.line = Line(self.reactor, self.pipe)

    def comes(self, octets: bytes) -> None:
        """
        Some are written, and read.
        """
        os.write(self.end, octets)
        self.line.doRead()

    def test_pieces(self) -> None:
        """
        What comes in pieces is one line; what is no UTF-8 is no error.
        """
        self.assertEqual((self.pipe, "typed"), (self.line.fileno(), "typed"))
        self.comes(b"a \xc3")
        self.assertNoResult(self.line.whole)
        self.comes(b"\xa4\xff\nnext")
        self.assertEqual("a \xe4\ufffd", self.successResultOf(self.line.whole))
        self.assertEqual(set(), self.reactor.readers)
        os.close(self.end)

    def test_blank(self) -> None:
        """
        Who presses a key too early can still type.
        """
        self.comes(b"\n")
        self.comes(b" \n  ")
        self.assertNoResult(self.line.whole)
        self.comes(b"code\n")
        self.assertEqual("code", self.successResultOf(self.line.whole))
        os.close(self.end)

    def test_end(self) -> None:
        """
        What there is at the end is enough, even if it is nothing.
        """
        self.comes(b"code")
        os.close(self.end)
        self.line.doRead()
        self.assertEqual("code", self.successResultOf(self.line.whole))
        self.line.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(set(), self.reactor.readers)

    def test_lost(self) -> None:
        """
        What cannot be read is an end.
        """
        os.close(self.end)
        line = Line(self.reactor, -1)
        line.doRead()
        self.assertEqual("", self.successResultOf(line.whole))

    def test_long(self) -> None:
        """
        What does not come to an end is given up.
        """
        for _ in range(17):
            self.comes(b"x" * 4096)
        self.assertEqual(17 * 4096, len(self.successResultOf(self.line.whole)))
        os.close(self.end)

    def test_cancelled(self) -> None:
        """
        Who does not wait any more has nothing read.
        """
        self.line.whole.cancel()
        self.failureResultOf(self.line.whole)
        self.assertEqual(set(), self.reactor.readers)
        os.close(self.end)
