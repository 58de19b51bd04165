"""
What becomes of messages that are handed over to a server: L{Outcome}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from imapsync.model import Flags
from imapsync.uidset import UidSet


class Copied(NamedTuple):
    """
    A message that is now on both sides.

    @ivar flags: those that it has there.
    @ivar given: those of them that the copy was given.
    @ivar date: the L{instant<imapsync.content.digest.instant>} that it was given, or 0.
    @ivar usual: whether any server can take that.
    """

    source: int
    target: int
    flags: Flags
    given: Flags
    key: bytes
    size: int
    stamp: int
    date: int = 0
    usual: bool = True


class Outcome(Protocol):
    """
    What becomes of the messages.
    """

    def begins(self, uids: UidSet) -> None:
        """
        Octets of these are about to be sent.

        @raise StateError: they must not be.
        """

    def copied(self, messages: list[Copied]) -> None:
        """
        The server acknowledged them.
        """

    async def strangers(self, doubted: Sequence[Copied]) -> Mapping[int, bytes]:
        """
        The messages that have come to the mailbox since it was selected, and that
        nobody accounts for: content keys by UID.

        @param doubted: what may be among them; their targets are 0.
        @raise Refused: its server does not tell.
        """

    async def found(
        self, untold: Sequence[Copied], guess: bool = False
    ) -> Sequence[Copied]:
        """
        These were copied, but the server did not tell the UIDs (RFC 4315, 3): their
        targets are 0.

        @param guess: whether each is the one that came in its turn, if none is
            recognised.
        @return: those that are found, with their UIDs.
        @raise Refused: its server does not tell what has come.
        """

    def unproven(self, uids: list[int]) -> None:
        """
        These were copied, but it is not known which copy is whose.
        """

    def parted(self, uids: list[int]) -> None:
        """
        These were sent over a connection that was lost, while others go on: it is not
        known whether they are there.
        """

    def refused(self, uid: int, reason: str, code: str = "") -> None:
        """
        One could not be copied.

        @param code: the server's response code, if it gave one.
        """

    def isFull(self, refusals: int) -> bool:
        """
        Whether there is no room, after so many refusals in a row that say so.
        """

    def full(self, uid: int, reason: str, code: str = "") -> None:
        """
        One could not be copied, since there is no room for it.

        @raise MailboxError: nor will there be for others.
        """

    def undated(self, uid: int) -> None:
        """
        One was copied, but the server did not take its INTERNALDATE.
        """

    def missized(self, uid: int, octets: int, size: int) -> None:
        """
        One was copied, but it has not as many octets as its server said (RFC822.SIZE).
        """

    def misread(self, uids: list[int], reason: str) -> None:
        """
        The server may have taken one of these for commands, so that its connection
        was dropped.
        """

    def doubted(self, uids: list[int]) -> None:
        """
        The server refused one of these, and its connection was lost before it was
        found out which.
        """

    def broken(self, uids: list[int]) -> None:
        """
        A connection was lost when it was the turn of these: one of them may be
        why.
        """
