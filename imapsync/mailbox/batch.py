"""
Messages that go over together, in one APPEND.
"""

from __future__ import annotations

from typing import IO

from imapsync.content.digest import KeyDigest, instant, likeness, stamp
from imapsync.imap.commands.append import BARE, Appending, Head
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.outcome import Copied
from imapsync.model import Octets

#: An APPEND that has so many octets takes no more messages: a server commits once for
#: all of them.
OCTETS = 4 * 1024 * 1024


class Message:
    """
    One that is passing through.

    @ivar head: what the copy is given, once that is known.
    @ivar size: what its server says that it is.
    @ivar key: once it is complete.
    @ivar messageId: likewise.
    @ivar spool: where it waits, if it cannot go on at once.
    """

    __slots__ = ("head", "key", "messageId", "octets", "row", "size", "spool")

    def __init__(self, octets: int, row: Row, head: Head = BARE) -> None:
        self.octets = octets
        self.row = row
        self.head = head
        self.size = octets if row.size is None else row.size
        self.key = b""
        self.messageId = b""
        self.spool: IO[bytes] | None = None

    @classmethod
    def whole(cls, octets: Octets, row: Row, head: Head) -> Message:
        """
        One that is here with all of its octets.
        """
        message = cls(len(octets), row, head)
        message.key, message.messageId = likeness(octets, message.size)
        return message

    @property
    def lessened(self) -> bool:
        """
        Whether the copy is given less than it has, or an odd date.
        """
        head = self.head
        return not head.usual or len(head.flags) < len(self.row.flags or ())

    def complete(self, row: Row, digest: KeyDigest) -> None:
        """
        All of it has come.

        @param row: all of its attributes.
        """
        self.row = row
        self.size = self.octets if row.size is None else row.size
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
    def room(self) -> int:
        """
        How many more messages it takes.
        """
        return self.most - len(self.messages)

    @property
    def full(self) -> bool:
        return (
            self.room <= 0
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
    date = instant(row.date)
    known = stamp(size, date, message.messageId)
    given, usual = date if head.date else 0, head.usual
    return Copied(
        row.uid, uid, flags, head.flags, message.key, size, known, given, usual
    )
