"""
A terminal, as far as programs here ask something of it: L{Terminal}.
"""

from __future__ import annotations

import io
import re
import unicodedata

#: What it understands: a sequence that does something, or a piece of text.
_PIECES = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([^\x1b\r\n]+|[\r\n])")


class Terminal(io.TextIOWrapper):
    """
    Shows what is written to it.

    @ivar width: in columns; what is longer goes on in the next line.
    @ivar styles: the sequences that ask for a style.
    """

    def __init__(self, width: int, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding)
        self.width = width
        self.styles: list[str] = []
        self._rows = [""]
        self._row = self._column = 0

    def isatty(self) -> bool:
        """
        It is one.
        """
        return True

    def write(self, text: str) -> int:
        """
        Show that.
        """
        for found in _PIECES.finditer(text):
            if (piece := found[3]) is not None:
                self._put(piece)
            elif found[2] == "m":
                self.styles.append(found[1])
            elif found[2] == "A":
                self._row = max(0, self._row - 1)
            elif found[2] == "J":
                del self._rows[self._row + 1 :]
                self._rows[self._row] = self._rows[self._row][: self._column]
            else:
                raise AssertionError(f"what is {found[0]!r}?")
        return len(text)

    def narrow(self, width: int) -> None:
        """
        Become narrower, and break the lines that are too long now.
        """
        rows, row, column = self._rows, self._row, self._column
        self.width, self._rows, self._row, self._column = width, [""], 0, 0
        self.write("\n".join(rows[:row]) + "\n" * bool(row))
        there = self._row
        self.write("\n".join(rows[row:]))
        # The cursor stays where it was in its line.
        self._row, self._column = there + column // width, column % width

    @property
    def lines(self) -> list[str]:
        """
        What is to be seen.
        """
        return [row.rstrip() for row in self._rows]

    def _put(self, piece: str) -> None:
        if piece == "\n":
            self._row, self._column = self._row + 1, 0
            if self._row == len(self._rows):
                self._rows.append("")
        elif piece == "\r":
            self._column = 0
        else:
            for char in piece:
                self._write(char)

    def _write(self, char: str) -> None:
        if cells(self._rows[self._row][: self._column] + char) > self.width:
            self._put("\n")
        row, at = self._rows[self._row], self._column
        self._rows[self._row] = row[:at] + char + row[at + 1 :]
        self._column += 1


def cells(text: str) -> int:
    """
    How many columns it takes.
    """
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text)
