"""
Messages of which no size is told, since their server estimates it (RFC822.SIZE).
"""

from __future__ import annotations

from collections.abc import Callable

from imapsync.imap.commands.messages import BodyReceiver
from imapsync.imap.wire.responses import Row
from imapsync.model import Octets


class Unsized(BodyReceiver):
    """
    Hands on bodies with rows of that kind.
    """

    def __init__(self, bodies: BodyReceiver) -> None:
        self._bodies = bodies

    def bodyBegan(self, row: Row, size: int) -> None:
        """
        One follows, whose octets are counted truly.
        """
        self._bodies.bodyBegan(_without(row), size)

    def bodyReceived(self, piece: Octets) -> None:
        """
        Octets of it.
        """
        self._bodies.bodyReceived(piece)

    def bodyEnded(self, row: Row) -> None:
        """
        It is complete.
        """
        self._bodies.bodyEnded(_without(row))

    def messagesReceived(self, messages: list[tuple[Row, Octets]]) -> None:
        """
        Some came whole.
        """
        self._bodies.messagesReceived([(_without(row), one) for row, one in messages])


def unsized(rows: Callable[[list[Row]], None]) -> Callable[[list[Row]], None]:
    """
    Hands on rows of that kind.
    """
    return lambda some: rows([_without(row) for row in some])


def _without(row: Row) -> Row:
    return row if row.size is None else row._replace(size=0)
