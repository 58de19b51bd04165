"""
Messages that go over together, in one APPEND.
"""

from __future__ import annotations

from typing import IO, NamedTuple

from imapsync.content.digest import KeyDigest, stamp
from imapsync.imap.commands.append import BARE, Appending, Head
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.outcome import Copied

#: One APPEND takes so many octets at the most: a server commits once for all of them.
OCTETS = 4 * 1024 * 1024


class Manner(NamedTuple):
    """
    How a message is handed over: a server may object to its date or to a
    keyword, and then gets it without.
    """

    keywords: bool
    date: bool


#: In which order they are tried.
MANNERS = (
    Manner(keywords=True, date=True),
    Manner(keywords=True, date=False),
    Manner(keywords=False, date=True),
    Manner(keywords=False, date=False),
)


class Message:
    """
    One that is passing through.

    @ivar head: what the copy is given, once that is known.
    @ivar key: once it is complete.
    @ivar messageId: likewise.
    @ivar spool: where it waits, if it cannot go on at once.
    """

    __slots__ = ("head", "key", "messageId", "octets", "row", "spool")

    def __init__(self, octets: int, row: Row, head: Head = BARE) -> None:
        self.octets = octets
        self.row = row
        self.head = head
        self.key = b""
        self.messageId = b""
        self.spool: IO[bytes] | None = None

    @property
    def size(self) -> int:
        """
        What its server says that it is.
        """
        size = self.row.size
        return self.octets if size is None else size

    def complete(self, row: Row, digest: KeyDigest) -> None:
        """
        All of it has come.

        @param row: all of its attributes.
        """
        self.row = row
        self.key, self.messageId = digest.key(self.size), digest.messageId


class Batch:
    """
    The messages of one APPEND.

    @ivar manner: in which they are handed over.
    @ivar most: so many they are at the most.
    """

    def __init__(self, appending: Appending, manner: int, most: int) -> None:
        self.appending = appending
        self.manner = manner
        self.most = most
        self.messages: list[Message] = []
        self.octets = 0

    @property
    def full(self) -> bool:
        return (
            len(self.messages) >= self.most
            or self.octets >= OCTETS
            or self.appending.refusal is not None
        )


def culprits(batch: Batch, code: str) -> list[int]:
    """
    Of messages that were refused together, those of which one may be why.
    """
    most = max((message.octets for message in batch.messages), default=0)
    return [
        message.row.uid
        for message in batch.messages
        if code != "TOOBIG" or 2 * message.octets > most
    ]


def copied(message: Message, uid: int) -> Copied:
    """
    What became of a message that has this UID there.
    """
    row, head, size = message.row, message.head, message.size
    flags = row.flags or frozenset()
    known = stamp(size, row.date, message.messageId)
    return Copied(row.uid, uid, flags, head.flags, message.key, size, known, head.date)
