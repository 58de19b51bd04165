"""
Commands about messages by their UIDs, which a server may do in part (RFC 9738).
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple, TypeVar

from imapsync.errors import ProtocolViolation
from imapsync.imap.commands.base import Command
from imapsync.imap.wire.arguments import Word
from imapsync.imap.wire.reading import bounded
from imapsync.imap.wire.responses import Condition, Response
from imapsync.uidset import MAXIMUM, UidSet

T = TypeVar("T")

#: What stands for all messages of a mailbox.
ALL = UidSet(((1, MAXIMUM),))


class Limit(NamedTuple):
    """
    What MESSAGELIMIT tells.

    @ivar most: so many messages are done at a time; 0 if that cannot be read.
    @ivar lowest: the UID of the last that was done, in descending order; 0 if that
        is not told.
    """

    most: int
    lowest: int


class Limited(Command[T]):
    """
    One of them.  What it was done for, and what not, is known when it is answered:
    a part must never be read as all.

    @param asked: the UIDs, as they are sent.
    @ivar limit: set if the server says that it does no more messages than that.
    """

    hears = True

    def __init__(self, name: str, asked: str, *words: Word) -> None:
        super().__init__(name, *words)
        self.limit: Limit | None = None
        self._text = asked

    def restart(self) -> None:
        super().restart()
        self.limit = None

    @cached_property
    def asked(self) -> UidSet:
        """
        The UIDs of the messages that it is about.
        """
        return UidSet.parse(self._text.replace("*", str(MAXIMUM)))

    @property
    def left(self) -> UidSet:
        """
        Those of them for which it is still to be done.
        """
        if self.limit is None:
            return UidSet()
        lowest = self.limit.lowest
        return self.asked & UidSet(((1, lowest - 1),)) if lowest else self.asked

    def claim(self, response: Response) -> bool:
        """
        Where the tagged response has another code, MESSAGELIMIT comes ahead of it, and
        does not say which command it is about.
        """
        if isinstance(response, Condition) and response.code == "MESSAGELIMIT":
            limit = limitOf(response)
            if not limit.lowest or limit.lowest in self._span:
                self.limit = limit
        return False

    def finished(self, condition: Condition) -> None:
        """
        It was done, perhaps in part.
        """
        if condition.code == "MESSAGELIMIT":
            limit = limitOf(condition)
            told = condition.status == "OK" and limit.lowest <= self._span[-1]
            self.limit = limit if told else limit._replace(lowest=0)
        super().finished(condition)

    @property
    def _span(self) -> range:
        ranges = self.asked.ranges
        return range(ranges[0][0], ranges[-1][1] + 1)


def limitOf(condition: Condition) -> Limit:
    """
    What a status response with the code MESSAGELIMIT tells.
    """
    most, _, lowest = condition.arguments.partition(b" ")
    return Limit(_number(most), _number(lowest))


def _number(word: bytes) -> int:
    try:
        return bounded(word, MAXIMUM)
    except ProtocolViolation:
        return 0
