"""
Tests for L{imapsync.cli.person}.
"""

from __future__ import annotations

import io
import os
import pty
import sys
import termios
from collections.abc import Coroutine, Mapping
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.person import Line, Person
from imapsync.errors import UsageError


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

    def test_say(self) -> None:
        """
        They read what can do no harm to a terminal.
        """
        output = io.StringIO()
        self.patch(sys, "stdout", output)
        self.person(None).say("one\ntwo\x1b[2J")
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


class AnswerTests(SynchronousTestCase):
    """
    Tests for the answers of L{Person}.
    """

    def setUp(self) -> None:
        """
        There is a terminal that shows what is said.
        """
        self.reactor = MemoryReactor()
        self.master, self.terminal = pty.openpty()
        for descriptor in self.master, self.terminal:
            self.addCleanup(os.close, descriptor)
        self.person = Person(self.reactor, {}, self.terminal)
        self.shown = io.StringIO()
        self.patch(sys, "stdout", self.shown)

    def asked(self, asking: Coroutine[Any, Any, str], *lines: str) -> Deferred[str]:
        """
        A question to which these lines are typed.
        """
        deferred = Deferred.fromCoroutine(asking)
        for line in lines:
            self.types(f"{line}\n".encode())
        return deferred

    def types(self, octets: bytes) -> None:
        """
        Some are typed while they are waited for.
        """
        [reader] = self.reactor.readers
        os.write(self.master, octets)
        reader.doRead()

    def answer(self, asking: Coroutine[Any, Any, str], *lines: str) -> str:
        """
        What comes of that.
        """
        answer = self.successResultOf(self.asked(asking, *lines))
        self.assertEqual(set(), self.reactor.readers)
        return answer

    def test_ask(self) -> None:
        """
        An answer is a line, without the spaces at its ends; an empty one is asked for
        again, or stands for what is usual.
        """
        person = self.person
        self.assertEqual("m\u00e9", self.answer(person.ask("Who?"), "", " m\u00e9 "))
        self.assertEqual("Who? Who? ", self.shown.getvalue())
        self.assertEqual("she", self.answer(person.ask("Who?", "she"), ""))
        self.assertEqual("you", self.answer(person.ask("Who?", "she"), "you"))
        self.assertTrue(self.shown.getvalue().endswith("Who? [she] Who? [she] "))

    def test_secret(self) -> None:
        """
        A secret is taken as it is typed, and not shown, however that ends.
        """
        person = self.person
        for acting in True, False:
            asked = self.asked(person.secret("Password?"))
            self.assertFalse(self.isShown())
            if acting:
                self.types(b" hush \n")
                self.assertEqual(" hush ", self.successResultOf(asked))
                self.assertEqual("Password? \n", self.shown.getvalue())
            else:
                asked.cancel()
                self.failureResultOf(asked, CancelledError)
            self.assertTrue(self.isShown())
        self.assertEqual("", self.answer(person.secret("Password?"), ""))

    def isShown(self) -> bool:
        """
        Whether the terminal shows what is typed.
        """
        flags: int = termios.tcgetattr(self.terminal)[3]
        return bool(flags & termios.ECHO)

    def test_choose(self) -> None:
        """
        One of the letters that are shown is an answer; the first is usual.
        """
        choices = {"t": "try again", "q": "quit"}
        choosing = self.person.choose("What now?", choices)
        self.assertEqual("q", self.answer(choosing, "x", "Quit"))
        self.assertEqual(
            "What now?\n  t  try again\n  q  quit\nChoose: [t] Choose: [t] ",
            self.shown.getvalue(),
        )
        self.assertEqual("t", self.answer(self.person.choose("What?", choices), ""))

    def test_yesNo(self) -> None:
        """
        A question with yes and no takes a line.
        """
        choices = {"y": "yes", "n": "no"}
        self.assertEqual("y", self.answer(self.person.choose("So?", choices), ""))
        self.assertEqual("So? (y: yes, n: no) [y] ", self.shown.getvalue())
        self.assertEqual("n", self.answer(self.person.choose("So?", choices), "N"))

    def test_hostile(self) -> None:
        """
        What others have written does no harm in a question.
        """
        self.answer(self.person.ask("Found \x1b[2J?", "\x1b]0;"), "x")
        self.assertNotIn("\x1b", self.shown.getvalue())

    def test_left(self) -> None:
        """
        Who leaves answers nothing, nor does a terminal that was closed.
        """
        asked = self.asked(self.person.ask("Who?", "me"))
        self.types(b"\x04")
        self.failureResultOf(asked, UsageError)
        asked = self.asked(self.person.ask("Who?", "me"))
        [reader] = self.reactor.readers
        reader.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(asked, UsageError)
        self.patch(sys, "stdout", None)
        self.failureResultOf(self.asked(self.person.ask("Who?")), UsageError)
        self.failureResultOf(self.asked(self.person.secret("Password?")), UsageError)
        self.assertTrue(self.isShown())

    def test_encoding(self) -> None:
        """
        What is not UTF-8 is asked for again.
        """
        asked = self.asked(self.person.secret("Who?"))
        self.types(b"\xff\n")
        self.types(b"me\n")
        self.assertEqual("me", self.successResultOf(asked))
        self.assertIn("That is not UTF-8.", self.shown.getvalue())

    def test_there(self) -> None:
        """
        Nobody is there without a terminal, for what they type and what they see.
        """
        self.assertFalse(self.person.isThere())
        with os.fdopen(os.dup(self.terminal), "w") as output:
            self.patch(sys, "stdout", output)
            self.assertTrue(self.person.isThere())
            for descriptor in None, self.shut():
                self.assertFalse(Person(self.reactor, {}, descriptor).isThere())
        self.patch(sys, "stdout", None)
        self.assertFalse(self.person.isThere())

    def shut(self) -> int:
        """
        A descriptor that is no terminal.
        """
        end, other = os.pipe()
        os.close(other)
        self.addCleanup(os.close, end)
        return end


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
