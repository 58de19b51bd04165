"""
Tests for L{imapsync.test.children}.
"""

from __future__ import annotations

import ast
import signal
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.test import children


class ChildTests(SynchronousTestCase):
    """
    Child processes.
    """

    def test_signals(self) -> None:
        """
        They take signals, though the tests were started where these are ignored.
        """
        for number in children.NUMBERS:
            self.addCleanup(signal.signal, number, signal.getsignal(number))
            signal.signal(number, signal.SIG_IGN)
        for number in children.NUMBERS:
            process = children.begun(["sleep", "60"])
            process.send_signal(number)
            self.assertEqual(-number, children.ended(process))

    def test_ended(self) -> None:
        """
        One that does not come to its end is killed.
        """
        process = children.begun([sys.executable, "-c", "while True: pass"])
        self.assertEqual(-signal.SIGKILL, children.ended(process, 0))

    def test_everywhere(self) -> None:
        """
        All tests begin theirs so.
        """
        users = [
            path.name
            for path in Path(children.__file__).parent.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_bytes()))
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
            if "subprocess" in (alias.name, getattr(node, "module", ""))
        ]
        self.assertEqual(["children.py"], users)
