"""
Fetching messages, or what tells them from others, where a server may not be able to
read one of them.

Some servers answer such a FETCH with NO; others hang up.  Either way it costs that
message, and not the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Generic, Protocol, TypeVar

from imapsync.errors import Lost, Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.messages import BodyReceiver
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.suspects import Place, Suspects
from imapsync.model import Octets
from imapsync.uidset import UidSet, UidSetBuilder


class _Digest(Protocol):
    def write(self, data: Octets) -> None: ...


D = TypeVar("D", bound=_Digest)

#: Fetches some messages, and notes which have come.
_Fetch = Callable[[UidSet, UidSetBuilder], Awaitable[object]]


class _Digesting(BodyReceiver, Generic[D]):
    """
    Feeds bodies to digests.

    @param arrived: where to note what has come.
    """

    def __init__(
        self,
        begin: Callable[[], D],
        done: Callable[[Row, D], None],
        arrived: UidSetBuilder,
    ) -> None:
        self._begin = begin
        self._done = done
        self._arrived = arrived
        self._present: D | None = None

    def bodyBegan(self, row: Row, size: int) -> None:
        self._present = self._begin()

    def bodyReceived(self, piece: Octets) -> None:
        if self._present is not None:
            self._present.write(piece)

    def bodyEnded(self, row: Row) -> None:
        if self._present is not None and row.uid and row.size is not None:
            self._arrived.add(row.uid)
            self._done(row, self._present)
        self._present = None


class Source:
    """
    A mailbox that C{client} has selected, to fetch messages from.

    @param suspects: learns of the messages over which the connection breaks.
    @ivar unread: messages that were not fetched, because the server hangs up over
        them, or refuses them.
    """

    def __init__(self, client: SyncClient, suspects: Suspects, place: Place) -> None:
        self._client = client
        self._suspects = suspects
        self._place = place
        self.unread = UidSet()

    async def rows(
        self, uids: UidSet, items: str, take: Callable[[list[Row]], None]
    ) -> None:
        """
        What C{items} names of C{uids}: RFC822.SIZE or INTERNALDATE must be among
        them.

        @raise Lost: the connection broke.  Over which message, is known now.
        """

        def fetch(some: UidSet, arrived: UidSetBuilder) -> Awaitable[object]:
            def add(rows: list[Row]) -> None:
                arrived.update(UidSet.of(row.uid for row in rows if row.uid))
                take(rows)

            return self._client.fetchRows(some, items, add)

        await self._each(uids, fetch)

    async def digests(
        self,
        uids: UidSet,
        items: str,
        begin: Callable[[], D],
        done: Callable[[Row, D], None],
    ) -> None:
        """
        Messages, or the part of them that C{items} names, each as a digest.
        RFC822.SIZE must be among the items.

        @param done: called with each digest when it is complete.
        @raise Lost: as L{rows}.
        """

        def fetch(some: UidSet, arrived: UidSetBuilder) -> Awaitable[object]:
            receiver = _Digesting(begin, done, arrived)
            return self._client.fetchBodies(some, items, receiver)

        await self._each(uids, fetch)

    async def _each(self, uids: UidSet, fetch: _Fetch) -> None:
        """
        All of C{uids}; those first, each by itself, over which the connection may
        break.
        """
        self.unread |= self._suspects.leftOut(self._place) & uids
        uids -= self.unread
        alone = self._suspects.alone(self._place) & uids
        waiting = [uids - alone, *(UidSet.of([uid]) for uid in alone)]
        while waiting:
            if some := waiting.pop():
                waiting += await self._some(some, fetch)

    async def _some(self, uids: UidSet, fetch: _Fetch) -> list[UidSet]:
        """
        @return: what is to be fetched in other portions, because one of them was
            refused, or because not all came.
        """
        arrived = UidSetBuilder()
        try:
            await fetch(uids, arrived)
        except Refused as error:
            if error.delayed:
                return [uids - arrived.build()]
            if error.status == "BAD":
                raise
            return await self._halves(uids - arrived.build())
        except Lost as error:
            # The server was about to send the first of those that have not come.
            missing = uids - arrived.build()
            if not error.blameless:
                self._suspects.brokeOver(self._place, list(islice(missing, 1)))
            raise
        missing = uids - arrived.build()
        if missing == uids:
            return await self._halves(uids)
        # Gone meanwhile, or passed over.
        return [missing] if missing else []

    async def _halves(self, uids: UidSet) -> list[UidSet]:
        there = [*await self._client.exists(uids)] if uids else []
        if len(there) == 1:
            self.unread |= UidSet.of(there)
            return []
        middle = len(there) // 2
        return [UidSet.of(there[middle:]), UidSet.of(there[:middle])]
