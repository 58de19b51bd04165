"""
Tests for L{imapsync.cli.terminal}.
"""

from __future__ import annotations

import fcntl
import io
import os
import struct
import sys
import termios
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli import terminal
from imapsync.errors import StateError

FULL = Path("/dev/full")


class TerminalTests(SynchronousTestCase):
    """
    What is written where.
    """

    def setUp(self) -> None:
        """
        Catch what is written.
        """
        self.output, self.errors = io.BytesIO(), io.BytesIO()
        self.patch(sys, "stdout", io.TextIOWrapper(self.output, "latin-1"))
        self.patch(sys, "stderr", io.TextIOWrapper(self.errors, "latin-1"))

    def fill(self, name: str) -> None:
        """
        Let a stream have no room.
        """
        # Unbuffered below: nothing is left to be written when it is closed.
        raw = FULL.open("wb", buffering=0)
        self.addCleanup(raw.close)
        self.patch(sys, name, io.TextIOWrapper(raw, write_through=True))

    def test_say(self) -> None:
        """
        Lines go to standard output at once, to nowhere else.
        """
        terminal.say("one\ntwo")
        self.assertEqual(b"one\ntwo\n", self.output.getvalue())
        self.assertEqual(b"", self.errors.getvalue())

    def test_hostile(self) -> None:
        """
        Nothing of it moves the cursor, or hides.
        """
        terminal.say("a\x1b[2J\nb\u202e\x9b")
        terminal.complain("c\r\x1b]0;title\x07")
        for stream in sys.stdout, sys.stderr:
            stream.flush()
        self.assertEqual(b"a\\u001b[2J\nb\\u202e\\u009b\n", self.output.getvalue())
        said = b"imapsync: c \\u001b]0;title\\u0007\n"
        self.assertEqual(said, self.errors.getvalue())

    def test_unencodable(self) -> None:
        """
        What the encoding lacks is escaped.
        """
        terminal.tolerate()
        terminal.say("Gr\xf6\xdfe \u2603")
        terminal.complain("\u2603")
        sys.stderr.flush()
        self.assertEqual(b"Gr\xf6\xdfe \\u2603\n", self.output.getvalue())
        self.assertEqual(b"imapsync: \\u2603\n", self.errors.getvalue())

    def test_attended(self) -> None:
        """
        There is a terminal if standard error or standard input is one.
        """
        ours, its = os.openpty()
        self.addCleanup(os.close, ours)
        with os.fdopen(its, "w") as tty:
            for name, stream, there in (
                ("stdin", None, False),
                ("stdin", tty, True),
                ("stdin", io.StringIO(), False),
                ("stderr", tty, True),
                ("stderr", None, False),
            ):
                self.patch(sys, name, stream)
                self.assertEqual(there, terminal.attended())

    def test_show(self) -> None:
        """
        A table is for a terminal, and only if that is wide enough.
        """
        self.assertFalse(terminal.show(["row"]))
        ours, its = os.openpty()
        self.addCleanup(os.close, ours)
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 10, 0, 0))
        with os.fdopen(its, "w") as tty:
            self.patch(sys, "stderr", tty)
            self.assertFalse(terminal.show([]))
            self.assertFalse(terminal.show(["row", "too \u65e5\u672c long"]))
            self.assertTrue(terminal.show(["head", "a \x1b[J"]))
            told = b""
            while told.count(b"\n") < 2:  # a terminal may hand over bit by bit
                told += os.read(ours, 100)
            self.assertEqual(b"head\r\na \\u001b[J\r\n", told)

    def test_full(self) -> None:
        """
        Standard output without room is an error with a reason.
        """
        self.fill("stdout")
        error = self.assertRaises(StateError, terminal.say, "x")
        self.assertIn("cannot be written: No space left", str(error))

    def test_closed(self) -> None:
        """
        So is one that was closed before the command began.
        """
        self.patch(sys, "stdout", None)
        error = self.assertRaises(StateError, terminal.say, "x")
        self.assertIn("cannot be written: it is closed", str(error))

    def test_complain(self) -> None:
        """
        A complaint is one line.
        """
        terminal.complain("this\nand that")
        sys.stderr.flush()
        self.assertEqual(b"imapsync: this and that\n", self.errors.getvalue())

    def test_complainInVain(self) -> None:
        """
        Without standard error, or room in it, there is none, and it never
        goes to standard output.
        """
        self.patch(sys, "stderr", None)
        terminal.complain("x")
        self.fill("stderr")
        terminal.complain("x")
        sys.stdout.flush()
        self.assertEqual(b"", self.output.getvalue())

    def test_release(self) -> None:
        """
        What could not be written does not stand in the way any longer.
        """
        full = os.open(FULL, os.O_WRONLY)
        stream = os.fdopen(full, "w")
        self.addCleanup(stream.close)
        self.patch(sys, "stdout", stream)
        self.patch(sys, "stderr", None)
        stream.write("x")
        terminal.release()
        stream.flush()
