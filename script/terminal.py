"""
A picture of a run, as a terminal shows it: C{run.svg}, for README.rst.

The servers and their mail are those of the integration tests, and the run is a real
one; of all that it showed, two moments are drawn.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from itertools import groupby
from pathlib import Path

from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import PROGRAM, Scene

COLUMNS, ROWS = 92, 24

#: The line to the remote server: seconds, and octets in a second.
ROUND_TRIP, RATE = 0.03, 2_000_000

#: In the picture: of a letter, of a line and of the margin.
WIDTH, HEIGHT, MARGIN = 8.4, 19, 18

#: How rich and we say it to a terminal, and what is drawn for it.
STYLES = {"0": "", "": "", "1": "bold", "2": "dim", "38;5;197": "bar"}

#: A cell: its letter and style.
Cell = tuple[str, str]

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img"
     font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">
  <!-- Made by script/terminal. -->
  <title>imapsync --oneshot: its progress, and what it has done</title>
  <style>
    text {{ fill: #d8dee9; white-space: pre; }}
    .bold {{ font-weight: bold; fill: #ffffff; }}
    .dim {{ fill: #8792a5; }}
    .bar {{ fill: #5fb3a1; }}
    .prompt {{ fill: #5fb3a1; }}
  </style>
  <rect width="{width:g}" height="{height:g}" rx="8" fill="#1d2230"/>
  <circle cx="20" cy="18" r="5" fill="#e0696a"/>
  <circle cx="38" cy="18" r="5" fill="#e3b65c"/>
  <circle cx="56" cy="18" r="5" fill="#6fb270"/>"""


class Screen:
    """
    What a terminal shows, as far as our program makes use of it.
    """

    def __init__(self) -> None:
        self.lines: list[list[Cell]] = [[]]
        self._row = self._column = 0
        self._style = ""

    def write(self, text: str) -> None:
        """
        Show a text.
        """
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x1b]", text):
            if part.startswith("\x1b"):
                self._control(part[2:-1], part[-1])
            elif part == "\r":
                self._column = 0
            elif part == "\n":
                self._row += 1
                if self._row == len(self.lines):
                    self.lines.append([])
            else:
                self._put(part)

    def _control(self, number: str, letter: str) -> None:
        if letter == "m":
            self._style = STYLES[number]
        elif letter == "A":
            self._row -= int(number or 1)
        elif letter == "J":
            del self.lines[self._row + 1 :]
            del self.lines[self._row][self._column :]
        else:
            raise ValueError(f"what is {number}{letter}?")

    def _put(self, letter: str) -> None:
        line = self.lines[self._row]
        line += [(" ", "")] * (self._column - len(line))
        line[self._column : self._column + 1] = [(letter, self._style)]
        self._column += 1


def main(directory: str) -> None:
    """
    Run it and draw it.
    """
    scene = Scene()
    try:
        fill(scene)
        with farAway(scene):
            written = run([*PROGRAM, "--oneshot", f"--config={scene.file}"])
        if scene.differences():
            raise SystemExit("terminal: the accounts differ")
    finally:
        scene.close()
    frames = [*shown(written)]
    told = [f for f in frames if "left" in plain(f) and "messages/s" in plain(f)]
    middle = min(told, key=lambda frame: abs(done(frame) - 50))
    result = [line for line in frames[-1] if line]
    command = [("$", "prompt"), *((letter, "") for letter in " imapsync --oneshot")]
    later: list[Cell] = [(letter, "dim") for letter in "... and in the end:"]
    rows = [command, [], *middle, [], later, [], *map(untimed, result)]
    Path(directory, "run.svg").write_text(drawn(rows), "utf-8")


@contextmanager
def farAway(scene: Scene) -> Iterator[None]:
    """
    Have the remote server be at the end of a line, as remote ones are.
    """
    server = scene.remoteServer
    line = [sys.executable, "-m", "imapsync.test.integration.line"]
    ends = [server.host, str(server.port), str(ROUND_TRIP), str(RATE)]
    with subprocess.Popen([*line, *ends], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        scene.configure({"remote": {"port": process.stdout.readline().strip()}})
        yield
        process.terminate()


def fill(scene: Scene) -> None:
    """
    Mail on both sides, some of it the same.
    """
    local, remote = scene.accounts
    for account in scene.accounts:
        account.fill("INBOX", mails(1200, seed=1))
    remote.fill("INBOX", mails(140, seed=2))
    for account, mailbox, count in (
        (remote, "Lists/debian", 5200),
        (remote, "Family", 310),
        (local, "Work/Invoices", 900),
        (local, "Sent", 1400),
    ):
        account.create(mailbox)
        account.subscribe(mailbox)
        account.fill(mailbox, mails(count, seed=count))


def run(command: Sequence[str]) -> str:
    """
    Run a command on a terminal, and return all that it writes there.
    """
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    environ.pop("NO_COLOR", None)
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environ)
    os.close(its)
    parts = []
    try:
        while part := os.read(ours, 65536):
            parts.append(part)
    except OSError:  # nobody has it open any more
        pass
    if process.wait():
        raise SystemExit(f"terminal: it ended with {process.returncode}")
    return b"".join(parts).decode()


def shown(written: str) -> Iterator[list[list[Cell]]]:
    """
    What the terminal shows, before each time that something is cleared, and at last.
    """
    screen = Screen()
    for part in re.split(r"(?=\r*(?:\x1b\[A)*\x1b\[J)", written):
        screen.write(part)
        yield [[*line] for line in screen.lines]


def plain(rows: Sequence[Sequence[Cell]]) -> str:
    """
    Its text.
    """
    return "\n".join("".join(letter for letter, _ in row) for row in rows)


def done(rows: Sequence[Sequence[Cell]]) -> int:
    """
    How many hundredths are done, as the bar says.
    """
    found = re.search(r"(\d+) %", plain(rows))
    return int(found[1]) if found else 0


def untimed(row: Sequence[Cell]) -> Sequence[Cell]:
    """
    A line of a log without its time.
    """
    text = plain([row])
    stamp = re.match(r"[-\d]{10} [:\d]{8}\+00:00 ", text)
    return row[stamp.end() :] if stamp else row


def drawn(rows: Sequence[Sequence[Cell]]) -> str:
    """
    The picture.
    """
    width = COLUMNS * WIDTH + 2 * MARGIN
    top = 56
    parts = [HEAD.format(width=width, height=top + len(rows) * HEIGHT)]
    for at, row in enumerate(rows):
        column = 0
        for style, cells in groupby(row, lambda cell: cell[1]):
            text = "".join(letter for letter, _ in cells)
            if text.strip():
                x, y = MARGIN + column * WIDTH, top + at * HEIGHT
                long = len(text) * WIDTH
                named = f' class="{style}"' if style else ""
                parts.append(
                    f'  <text{named} xml:space="preserve" x="{x:g}" y="{y:g}"'
                    f' textLength="{long:g}">{escape(text)}</text>'
                )
            column += len(text)
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    main(*sys.argv[1:])
