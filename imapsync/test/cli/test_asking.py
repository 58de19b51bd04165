"""
Tests for L{imapsync.cli.asking}.
"""

from __future__ import annotations

import io
import os
import signal
import sys

from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.asking import Terminal, person
from imapsync.errors import UsageError


class TerminalTests(SynchronousTestCase):
    """
    Tests for L{Terminal}.
    """

    def terminal(self, *lines: str) -> Terminal:
        """
        One at which these lines are typed.
        """
        self.shown = io.StringIO()
        self.patch(sys, "stdout", self.shown)
        typed = io.StringIO("".join(f"{line}\n" for line in lines))

        def hide(question: str) -> str:
            self.shown.write(question)
            answer = typed.readline()
            if not answer:
                raise EOFError
            return answer.removesuffix("\n")

        return Terminal(typed, self.shown, hide)

    def test_ask(self) -> None:
        """
        An answer is a line, without the spaces at its ends; an empty one is asked for
        again, or stands for what is usual.
        """
        terminal = self.terminal("", " me ", "", "you")
        self.assertEqual("me", terminal.ask("Who?"))
        self.assertEqual("Who? Who? ", self.shown.getvalue())
        self.assertEqual("she", terminal.ask("Who?", "she"))
        self.assertEqual("you", terminal.ask("Who?", "she"))
        self.assertTrue(self.shown.getvalue().endswith("Who? [she] Who? [she] "))

    def test_secret(self) -> None:
        """
        A secret is taken as it is typed.
        """
        terminal = self.terminal(" hush ", "")
        self.assertEqual(" hush ", terminal.secret("Password?"))
        self.assertEqual("", terminal.secret("Password?"))
        self.assertRaises(UsageError, terminal.secret, "Password?")

    def test_choose(self) -> None:
        """
        One of the letters that are shown is an answer; the first is usual.
        """
        choices = {"t": "try again", "q": "quit"}
        terminal = self.terminal("x", "Quit", "")
        self.assertEqual("q", terminal.choose("What now?", choices))
        self.assertEqual(
            "What now?\n  t  try again\n  q  quit\nChoose: [t] Choose: [t] ",
            self.shown.getvalue(),
        )
        self.assertEqual("t", terminal.choose("What now?", choices))

    def test_yesNo(self) -> None:
        """
        A question with yes and no takes a line.
        """
        terminal = self.terminal("", "N")
        choices = {"y": "yes", "n": "no"}
        self.assertEqual("y", terminal.choose("So?", choices))
        self.assertEqual("So? (y: yes, n: no) [y] ", self.shown.getvalue())
        self.assertEqual("n", terminal.choose("So?", choices))

    def test_hostile(self) -> None:
        """
        What others have written does no harm in a question.
        """
        terminal = self.terminal("x", "x")
        terminal.ask("Found \x1b[2J?", "\x1b]0;")
        terminal.say("a\x07")
        self.assertNotIn("\x1b", self.shown.getvalue())
        self.assertNotIn("\x07", self.shown.getvalue())

    def test_left(self) -> None:
        """
        Who leaves answers nothing.
        """
        terminal = self.terminal()
        self.assertRaises(UsageError, terminal.ask, "Who?", "me")

    def test_gone(self) -> None:
        """
        A terminal that was closed answers nothing, either.
        """

        class Gone(io.StringIO):
            def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
                raise OSError(5, "Input/output error")

            def write(self, text: str, /) -> int:
                raise OSError(5, "Input/output error")

        def hide(question: str) -> str:
            raise OSError(5, "Input/output error")

        for terminal in (
            Terminal(Gone(), io.StringIO(), hide),
            Terminal(io.StringIO("me\n"), Gone(), hide),
        ):
            self.assertRaises(UsageError, terminal.ask, "Who?")
            self.assertRaises(UsageError, terminal.secret, "Password?")

    def test_interrupted(self) -> None:
        """
        A signal ends the question, not only the program some time later; and
        afterwards means what it meant before.
        """
        before = signal.getsignal(signal.SIGTERM)

        class Typing(io.StringIO):
            def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
                os.kill(os.getpid(), signal.SIGTERM)
                return "late\n"

        terminal = Terminal(Typing(), io.StringIO())
        self.assertRaises(KeyboardInterrupt, terminal.ask, "Who?")
        self.assertIs(before, signal.getsignal(signal.SIGTERM))

    def test_encoding(self) -> None:
        """
        What is not UTF-8 is asked for again.
        """
        self.terminal()
        typed = io.TextIOWrapper(io.BytesIO(b"\xff\n"), "utf-8")
        terminal = Terminal(typed, self.shown)
        self.assertRaises(UsageError, terminal.ask, "Who?")
        self.assertIn("That is not UTF-8.", self.shown.getvalue())

    def test_person(self) -> None:
        """
        Nobody is there without a terminal.
        """
        self.patch(sys, "stdin", io.StringIO())
        self.assertIs(None, person())
        self.patch(sys, "stdin", None)
        self.assertIs(None, person())
