"""
Tests for L{imapsync.system.listing}.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError, ImapSyncError, Lost
from imapsync.system import listing
from imapsync.system.listing import output
from imapsync.test import children


class OutputTests(SynchronousTestCase):
    """
    Tests for L{output}.
    """

    def assertFails(
        self,
        kind: type[ImapSyncError],
        text: str,
        command: str,
        stopped: Callable[[], bool] = lambda: False,
        longest: float = 120.0,
        most: int = 1000,
    ) -> None:
        """
        Assert that a command fails with C{text}.
        """
        error = self.assertRaises(kind, output, command, "it", stopped, longest, most)
        self.assertEqual(text, str(error))

    def test_whole(self) -> None:
        """
        All is read, with a shell and without.
        """
        self.assertEqual(b"a b\n", output("echo 'a b'", "it"))
        self.assertEqual(b"a\nb\n", output("echo a; echo b; echo c >&2", "it"))
        self.assertEqual(b"", output("cat", "it"))
        many = output("yes | head -n 100000", "it")
        self.assertEqual(200_000, len(many))

    def test_failed(self) -> None:
        """
        What a command has written that failed is no list; why, it may say.
        """
        self.assertFails(
            ConfigError,
            "it exited with status 3; its last words: no / way",
            "echo a; echo no >&2; echo way >&2; exit 3",
        )
        self.assertFails(
            ConfigError, "it was ended by signal 15 (Terminated)", "kill $$"
        )
        self.assertFails(
            ConfigError,
            "it cannot be run: /no/such: No such file or directory",
            "/no/such",
        )
        self.assertFails(ConfigError, "it cannot be run: No closing quotation", "a 'b")

    def test_tooMuch(self) -> None:
        """
        There is an end to what it may write.
        """
        self.assertFails(
            ConfigError,
            "it wrote more than 1000 octets: what it is to write is a list of accounts",
            "yes",
        )

    def test_tooLong(self) -> None:
        """
        And to how long it may take.
        """
        self.assertFails(
            Lost, "it did not end within 0 seconds", "sleep 600", longest=0.1
        )

    def test_stopped(self) -> None:
        """
        When nobody wants it any more, it ends with all that it has started.
        """
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        held, begun = folder / "held", folder / "begun"
        os.mkfifo(held)
        reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        command = f"(echo >{begun}; sleep 600; true) >{held} & wait"
        self.assertFails(Lost, "it was stopped", command, stopped=begun.exists)
        # Who has the other end is gone, or about to be.
        self.assertTrue(select.select([reader], [], [], children.PATIENCE)[0])
        self.assertEqual(b"", os.read(reader, 1))

    def test_left(self) -> None:
        """
        What it leaves running is not waited for, though that has its output open.
        """
        left = Path(self.mktemp()).absolute()
        command = f"echo a; sleep 600 & echo $! >{left}"
        self.assertEqual(b"a\n", output(command, "it"))
        os.kill(int(left.read_text()), signal.SIGKILL)

    def test_leftWriting(self) -> None:
        """
        Nor is it if it goes on to write.
        """
        left = Path(self.mktemp()).absolute()
        command = f"echo a; (while echo b; do sleep 0.1; done) & echo $! >{left}"
        written = output(command, "it", longest=30)
        self.assertEqual({b"a", b"b"}, {*written.split()})
        os.kill(int(left.read_text()), signal.SIGKILL)

    def test_all(self) -> None:
        """
        But all that it wrote itself is read, however late.
        """
        self.patch(listing, "PATIENCE", -1.0)
        written = output("head -c 60000 /dev/zero; echo a >&2", "it", most=100_000)
        self.assertEqual(60_000, len(written))
