"""
How far a run has come, as it is seen on a terminal, and as machines are told.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import select
import struct
import sys
import termios

from imapsync.test import children
from imapsync.test.fakes.schema import complaints
from imapsync.test.fakes.terminal import Terminal
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import PROGRAM, Scene, SceneCase

#: So many octets go over the line in a second.
RATE = 50_000

#: The last line of what is drawn, when it is known what there is to do.
_BAR = re.compile(r"\A[\u2501\u2500]+ +\d+ %")


class ProgressTests(SceneCase):
    """
    A first sync over a line that is slow.
    """

    def slow(self) -> Scene:
        """
        The remote server has messages, and is far away.
        """
        scene = self.scene()
        scene.remote.fill("INBOX", mails(30, size=5000))
        server = scene.remoteServer
        line = children.begun(
            [
                *(sys.executable, "-m", "imapsync.test.integration.line"),
                *(server.host, str(server.port), "0.02", str(RATE)),
            ],
            stdout=children.PIPE,
        )
        self.addCleanup(children.ended, line)
        self.addCleanup(line.kill)
        assert line.stdout is not None
        self.addCleanup(line.stdout.close)
        port = line.stdout.readline().decode().strip()
        scene.configure({"remote": {"port": port}})
        return scene

    def test_terminal(self) -> None:
        """
        On a terminal of 40 columns there is a bar; in the end, only the log is left,
        and a table of what was done.
        """
        scene = self.slow()
        ours, its = os.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
        process = children.begun(
            [*PROGRAM, "--oneshot", f"--config={scene.file}"],
            stdin=children.DEVNULL,
            stdout=its,
            stderr=its,
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"},
        )
        os.close(its)
        self.addCleanup(os.close, ours)
        terminal, seen = Terminal(40), []
        for piece in iter(lambda: self.read(ours), b""):
            terminal.write(piece.decode())
            seen.append(terminal.lines)
        self.assertEqual(0, children.ended(process))
        bars = [lines for lines in seen if _BAR.match(lines[-1])]
        self.assertTrue(bars, seen)
        self.assertIn("Copying INBOX", bars[-1][-3])
        self.assertRegex(bars[-1][-2], r"^to local   \d+ of 30 messages")
        styles = ";".join(terminal.styles).split(";")
        self.assertEqual([], [one for one in styles if one[:1] in ("3", "9")])
        text = "\n".join(terminal.lines)
        rows = "to local  mailbox", "      30  INBOX", "      30  1 mailbox"
        self.assertIn("\n".join(rows), text)
        self.assertNotIn("\u2501", text)
        self.assertNotIn("Copying", text)

    def read(self, descriptor: int) -> bytes:
        """
        Read what the program writes; nothing, at its end.
        """
        if not select.select([descriptor], [], [], children.PATIENCE)[0]:
            raise AssertionError("nothing was written")
        with contextlib.suppress(OSError):  # so it ends on Linux
            return os.read(descriptor, 4096)
        return b""

    def test_machines(self) -> None:
        """
        Each line is as it is promised, and the last one is about the whole run.
        """
        scene = self.slow()
        run = self.ends(scene, 0, "--json", "--progress=json")
        *told, last = map(json.loads, run.output.splitlines())
        self.assertEqual("sync", last["kind"])
        self.assertEqual({"progress"}, {one["kind"] for one in told})
        for one in told:
            self.assertEqual([], complaints(one))
        counts = [one["progress"]["local"] for one in told]
        self.assertEqual(
            sorted(one["messages"] for one in counts),
            [one["messages"] for one in counts],
        )
        self.assertTrue(any(one["left"] for one in counts), counts)
