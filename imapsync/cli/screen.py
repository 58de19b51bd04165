"""
Lines at the foot of a terminal that are always the last ones: L{Screen}.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TextIO, cast

#: Clear all from the cursor on, and go a line up.
_CLEAR, _UP = "\x1b[J", "\x1b[A"


class Screen:
    """
    Whatever is written to standard output or standard error meanwhile goes above
    them, as far as it goes to a terminal.  They come back with the next L{draw}; while
    the terminal is another program's, they do not.

    @param columns: tells how wide the terminal is now.
    @param isOurs: tells whether it is ours now.
    """

    def __init__(
        self, columns: Callable[[], int], isOurs: Callable[[], bool] = lambda: True
    ) -> None:
        self._columns = columns
        self._isOurs = isOurs
        self._widths: Sequence[int] = ()
        self._midst = False
        self._streams = {"stdout": sys.stdout, "stderr": sys.stderr}
        self._foot = sys.stderr
        for name, stream in self._streams.items():
            if stream is not None and stream.isatty():
                setattr(sys, name, cast(TextIO, _Above(stream, self)))
        # Whoever was stopped (^Z) does not know what is on the screen by now.
        self._before = signal.signal(signal.SIGCONT, lambda *_: self._forget())

    def draw(self, lines: Sequence[str], widths: Sequence[int]) -> None:
        """
        Show these lines instead of those before.

        @param widths: how many columns each takes.
        """
        if not self._isOurs():
            self._forget()
            return
        if self._midst:  # of a line of somebody else
            return
        # What a terminal shows of what is typed, such as ^C, goes to the cursor: at the
        # end of a line it might begin another one.
        text = self._cleared() + "\n".join(lines) + "\r"
        self._widths = widths
        self._write(text)

    def clear(self) -> None:
        """
        Show none.
        """
        if self._widths and self._isOurs():
            self._write(self._cleared())
        self._forget()

    def above(self, text: str) -> None:
        """
        That is about to be written.
        """
        self.clear()
        if text:
            self._midst = not text.endswith("\n")

    def close(self) -> None:
        """
        It is over: all is as it was before.
        """
        self.clear()
        signal.signal(signal.SIGCONT, self._before)
        for name, stream in self._streams.items():
            if isinstance(getattr(sys, name), _Above):
                setattr(sys, name, stream)

    def _forget(self) -> None:
        """
        Nothing is known to be shown.
        """
        self._widths = ()

    def _cleared(self) -> str:
        """
        What clears the lines.  If the terminal has become narrower, it has broken them.
        """
        columns = max(1, self._columns())
        before = sum(max(1, -(-width // columns)) for width in self._widths[:-1])
        return "\r" + _UP * before + _CLEAR

    def _write(self, text: str) -> None:
        with suppress(OSError):  # the terminal is gone
            self._foot.write(text)
            self._foot.flush()


class _Above:
    """
    A stream that writes above these lines.
    """

    def __init__(self, stream: TextIO, screen: Screen) -> None:
        self._stream = stream
        self._screen = screen

    def write(self, text: str) -> int:
        """
        Write some.
        """
        self._screen.above(text)
        written = self._stream.write(text)
        self._stream.flush()
        return written

    def writelines(self, pieces: Iterable[str]) -> None:
        """
        Write several.
        """
        for piece in pieces:
            self.write(piece)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def columns(stream: TextIO) -> int:
    """
    How wide a terminal is.
    """
    return _size(stream)[0] or 80


def isOurs(stream: TextIO) -> bool:
    """
    Whether it is not in the background that we use a terminal.
    """
    try:
        # It is 0 where nobody can see who has it, as in some containers.
        return os.tcgetpgrp(stream.fileno()) in (0, os.getpgrp())
    except (OSError, ValueError):  # no shell has given it to anybody
        return True


def rows(stream: TextIO) -> int:
    """
    How high it is.
    """
    return _size(stream)[1] or 24


def _size(stream: TextIO) -> tuple[int, int]:
    try:
        return os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 0, 0
