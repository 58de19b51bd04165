"""
Tests for L{imapsync.cli.screen}.
"""

from __future__ import annotations

import io
import os
import signal
import sys

from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.logfile import standardError
from imapsync.cli.screen import Screen
from imapsync.cli.terminal import complain, emit, say
from imapsync.test.fakes.terminal import Terminal


class ScreenTests(SynchronousTestCase):
    """
    Tests for L{Screen}, on a terminal of 20 columns.
    """

    def setUp(self) -> None:
        """
        Make one.
        """
        self.terminal = Terminal(20)
        self.patch(sys, "stdout", self.terminal)
        self.patch(sys, "stderr", self.terminal)
        self.log = standardError()
        self.ours = True
        self.screen = Screen(lambda: self.terminal.width, lambda: self.ours)
        self.addCleanup(self.screen.close)

    def draw(self, *lines: str) -> None:
        """
        Draw lines.
        """
        self.screen.draw(lines, [*map(len, lines)])

    def test_drawn(self) -> None:
        """
        Lines take the place of those before, whether these are more or fewer.
        """
        self.draw("one", "two", "three")
        self.assertEqual(["one", "two", "three"], self.terminal.lines)
        self.draw("a", "b")
        self.assertEqual(["a", "b"], self.terminal.lines)
        self.draw("1", "2", "3", "4")
        self.assertEqual(["1", "2", "3", "4"], self.terminal.lines)

    def test_above(self) -> None:
        """
        Whatever is written, and by whom, goes above them, whole.
        """
        self.draw("one", "two")
        self.log.write("logged\n")
        self.assertEqual(["logged", ""], self.terminal.lines)
        self.draw("one", "two")
        say("said")
        complain("why")
        self.draw("one", "two")
        expected = ["logged", "said", "imapsync: why", "one", "two"]
        self.assertEqual(expected, self.terminal.lines)

    def test_pieces(self) -> None:
        """
        Nothing is drawn into a line that is not written to its end.
        """
        self.draw("one")
        sys.stdout.write("half ")
        self.draw("two")
        self.assertEqual(["half"], self.terminal.lines)
        emit(["a ", "line"])
        self.draw("three")
        self.assertEqual(["half a line", "three"], self.terminal.lines)

    def test_narrow(self) -> None:
        """
        A terminal that becomes narrower breaks lines; they go all the same.
        """
        say("above")
        self.draw("x" * 19, "y" * 19)
        self.terminal.narrow(10)
        self.draw("a", "b")
        self.assertEqual(["above", "a", "b"], self.terminal.lines)

    def test_typed(self) -> None:
        """
        What a terminal shows of what is typed, such as C{^C}, breaks no line.
        """
        say("above")
        self.draw("x" * 19, "y" * 19)
        self.terminal.write("^C")
        self.screen.close()
        self.assertEqual(["above", ""], self.terminal.lines)

    def test_close(self) -> None:
        """
        In the end, nothing is left, and what is written goes where it went before.
        """
        say("above")
        self.draw("one", "two")
        self.screen.close()
        self.assertEqual(["above", ""], self.terminal.lines)
        self.assertIs(self.terminal, sys.stdout)
        self.assertIs(self.terminal, sys.stderr)
        self.log.write("logged\n")
        self.assertEqual(["above", "logged", ""], self.terminal.lines)

    def test_stopped(self) -> None:
        """
        Whoever was stopped, and goes on, leaves what the shell has written since.
        """
        self.draw("one", "two", "three")
        for line in ("^Z\n", "stopped\n", "$ fg\n"):
            self.terminal.write(line)
        os.kill(os.getpid(), signal.SIGCONT)
        self.draw("a", "b")
        expected = ["^Zree", "stopped", "$ fg", "a", "b"]
        self.assertEqual(expected, [line for line in self.terminal.lines if line][-5:])
        before = signal.getsignal(signal.SIGCONT)
        self.screen.close()
        self.assertNotEqual(before, signal.getsignal(signal.SIGCONT))

    def test_background(self) -> None:
        """
        While the terminal is another program's, nothing is drawn nor cleared there.
        """
        self.draw("one", "two")
        self.ours = False
        self.terminal.write("$ \n")
        say("said")
        self.draw("three")
        self.ours = True
        self.draw("a", "b")
        self.assertEqual(["$ o", "said", "a", "b"], self.terminal.lines[-4:])


class PipeTests(SynchronousTestCase):
    """
    Only standard error is a terminal.
    """

    def test_apart(self) -> None:
        """
        What goes elsewhere stays as it is.
        """
        terminal, pipe = Terminal(20), io.StringIO()
        self.patch(sys, "stdout", pipe)
        self.patch(sys, "stderr", terminal)
        screen = Screen(lambda: 20)
        self.addCleanup(screen.close)
        screen.draw(["one"], [3])
        say("said")
        self.assertEqual("said\n", pipe.getvalue())
        self.assertEqual(["one"], terminal.lines)

    def test_gone(self) -> None:
        """
        A terminal that is gone does no harm.
        """

        def full(_: str) -> int:
            raise OSError

        terminal = Terminal(20)
        self.patch(sys, "stdout", None)
        self.patch(sys, "stderr", terminal)
        screen = Screen(lambda: 20)
        self.addCleanup(screen.close)
        self.patch(terminal, "write", full)
        screen.draw(["one"], [3])
        screen.clear()
