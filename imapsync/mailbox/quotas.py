"""
Where there is no room left: L{Quotas}.
"""

from __future__ import annotations

from imapsync.errors import MailboxError
from imapsync.model import Side

#: After so many refusals in a row, a mailbox is full: of some messages each may have
#: been too large for what was left.
_MESSAGES = 3

#: After so many full mailboxes in a row, the account is.
_MAILBOXES = 3


def noRoom(reason: object, side: Side | None = None) -> MailboxError:
    """
    What there is to say of a mailbox into which nothing more can be copied.
    """
    text = f"nothing more is copied there for now, it has no room: {reason}"
    return MailboxError(text, side, "OVERQUOTA")


def isNoRoom(error: BaseException | None) -> bool:
    """
    Whether it is that.
    """
    return isinstance(error, MailboxError) and error.responseCode == "OVERQUOTA"


class Quotas:
    """
    What servers have said of it (OVERQUOTA, RFC 9208).

    A quota may be that of the whole account, or of some of its mailboxes only (RFC
    9208, 3), and few servers tell of which.  So the others are tried, with one message
    each, until it is clear enough.

    A mailbox is meant by the database's number for it.
    """

    def __init__(self) -> None:
        self._full: dict[Side, dict[int, str]] = {side: {} for side in Side}
        self._refusals: dict[tuple[Side, int], int] = {}
        self._row = dict.fromkeys(Side, 0)  # of mailboxes, without one that was not

    def refused(self, side: Side, mailbox: int, reason: str) -> None:
        """
        There was no room for a message by itself.
        """
        place = side, mailbox
        self._refusals[place] = self._refusals.get(place, 0) + 1
        if self._refusals[place] >= self.enough(side):
            if mailbox not in self._full[side]:
                self._row[side] += 1
            self._full[side][mailbox] = reason

    def enough(self, side: Side) -> int:
        """
        After how many refusals in a row the next mailbox is full.
        """
        return 1 if self._full[side] else _MESSAGES

    def took(self, side: Side, mailbox: int) -> None:
        """
        There was room for a message.
        """
        if self._refusals or self._full[side]:
            self._refusals.pop((side, mailbox), None)
            self._full[side].pop(mailbox, None)
            self._row[side] = 0

    def check(self, side: Side, mailbox: int) -> None:
        """
        @raise MailboxError: nothing more can be copied into this mailbox.
        """
        if self.isFull(side, mailbox):
            full = self._full[side]
            reason = full.get(mailbox) or next(reversed(full.values()))
            raise noRoom(reason, side)

    def isFull(self, side: Side, mailbox: int) -> bool:
        """
        Whether this mailbox is, or the account.
        """
        return mailbox in self._full[side] or self._row[side] >= _MAILBOXES

    def isTight(self, side: Side) -> bool:
        """
        Whether any mailbox is.
        """
        return bool(self._full[side])

    def freed(self, side: Side) -> None:
        """
        There may be room again.
        """
        self._full[side].clear()
        self._row[side] = 0
        for place in [place for place in self._refusals if place[0] is side]:
            del self._refusals[place]

    def forget(self) -> None:
        """
        There may be anywhere.
        """
        for side in Side:
            self.freed(side)
