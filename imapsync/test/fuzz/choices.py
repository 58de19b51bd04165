"""
Choices made by octets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """
    Takes from C{data} what is to be chosen; where it has ended, zeros.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def number(self, below: int) -> int:
        """
        One of C{range(below)}.
        """
        width = ((below - 1).bit_length() + 7) // 8
        return int.from_bytes(self.octets(width), "big") % below

    def octets(self, count: int) -> bytes:
        """
        So many octets, or fewer at the end.
        """
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def one(self, of: Sequence[T]) -> T:
        """
        One of several.
        """
        return of[self.number(len(of))]

    def rest(self) -> bytes:
        """
        All that is left.
        """
        return self.octets(len(self._data))
