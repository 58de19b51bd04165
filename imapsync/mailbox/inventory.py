"""
Having a server tell of all messages of the selected mailbox.
"""

from __future__ import annotations

from contextlib import suppress

from twisted.internet.defer import Deferred

from imapsync.errors import MailboxError, Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.limited import ALL
from imapsync.mailbox.changes import Reading
from imapsync.model import Side
from imapsync.uidset import UidSet

#: So many UIDs may be told in one line.
_LINE = 200_000

#: How many messages are shown, and how many there are said to be.
Partial = tuple[int, int]


class Inventory:
    """
    It.

    @param exists: how many messages there were when it was selected.
    """

    def __init__(
        self, side: Side, client: SyncClient, reading: Reading, exists: int
    ) -> None:
        self._side = side
        self._client = client
        self._reading = reading
        self._exists = exists

    @property
    def there(self) -> int:
        """
        How many there are, as is said by now.
        """
        told = self._reading.exists
        return self._exists if told is None else told

    @property
    def _lacking(self) -> int:
        """
        How many messages were not told, though there are said to be so many.
        """
        return self.there - len(self._reading.listed or ())

    async def take(
        self, unknown: bool = False, found: Deferred[UidSet | None] | None = None
    ) -> Partial | None:
        """
        Have the flags of all messages told.

        @param unknown: whether no message has a pair: then flags do not matter yet,
            and SEARCH tells what there is in one line.
        @param found: will tell what it found, if it was asked already.
        @return: as L{complete}.
        @raise MailboxError: likewise.
        """
        if not self._exists:
            return None
        if unknown and fitsInLine(self._client, self._exists):
            with suppress(Refused):
                uids = await (self._client.exists(ALL) if found is None else found)
                # If it tells of more than there are, it cannot be true.
                if uids is not None and len(uids) <= self.there:
                    self._reading.found(uids)
        if self._lacking > 0:
            await self._client.reportFlags(None)
        return await self.complete()

    async def complete(self) -> Partial | None:
        """
        Have told what was not yet.  A server may show only some messages, such as the
        newest.

        @return: how many are shown, and how many there are, where these are more.
        @raise MailboxError: it tells of fewer than it has.
        """
        if self._lacking <= 0:
            return None
        missing = await self._unlisted()
        while missing:
            await self._client.reportFlags(missing)
            before, missing = missing, await self._unlisted()
            if missing == before:
                text = f"the server does not tell the flags of UID {missing}"
                raise MailboxError(text, self._side)
        return (self.there - self._lacking, self.there) if self._lacking > 0 else None

    async def _unlisted(self) -> UidSet:
        if not isTellable(self._client, self.there):
            return UidSet()
        there = await self._client.exists(ALL)
        return there - (self._reading.listed or UidSet())


def fitsInLine(client: SyncClient, messages: int) -> bool:
    """
    Whether the UIDs of all messages are no long line, whatever they are.

    @param messages: there are no more than so many.
    """
    return "ESEARCH" in client.features and messages <= _LINE


def isTellable(client: SyncClient, messages: int) -> bool:
    """
    Whether a line can tell them at all: without ESEARCH, each takes its own place.
    """
    return "ESEARCH" in client.features or messages <= 2 * _LINE
