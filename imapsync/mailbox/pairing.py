"""
Pairing by content: what both sides hold is recognised, not copied.

Only as much is fetched as decides: sizes first, then the headers of messages
of equal size, then whole messages where headers leave a doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from imapsync.content.digest import BodyDigest, KeyDigest, instant, stamp
from imapsync.content.matcher import Matcher
from imapsync.gather import onBoth
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.messages import BodyReceiver
from imapsync.imap.wire.responses import Row
from imapsync.model import Side
from imapsync.uidset import UidSet, UidSetBuilder


class _Digest(Protocol):
    def write(self, data: bytes) -> None: ...


D = TypeVar("D", bound=_Digest)


class _Digesting(BodyReceiver, Generic[D]):
    """
    Feeds bodies to digests.
    """

    def __init__(self, begin: Callable[[], D], done: Callable[[Row, D], None]) -> None:
        self._begin = begin
        self._done = done
        self._present: D | None = None

    def bodyBegan(self, row: Row, size: int) -> None:
        self._present = self._begin()

    def bodyReceived(self, piece: bytes) -> None:
        if self._present is not None:
            self._present.write(piece)

    def bodyEnded(self, row: Row) -> None:
        if self._present is not None and row.uid and row.size is not None:
            self._done(row, self._present)
        self._present = None


async def matched(
    clients: Mapping[Side, SyncClient], new: Mapping[Side, UidSet]
) -> Matcher:
    """
    Find equal messages among those that have no pair yet.

    @return: to be asked for its matches and what has none, and closed.
    """
    matcher = Matcher()
    try:
        await onBoth(lambda side: _sizes(clients[side], side, new[side], matcher))
        await onBoth(lambda side: _headers(clients[side], side, matcher))
        await onBoth(lambda side: _bodies(clients[side], side, matcher))
    except BaseException:
        matcher.close()
        raise
    return matcher


async def _sizes(
    client: SyncClient, side: Side, uids: UidSet, matcher: Matcher
) -> None:
    def add(rows: list[Row]) -> None:
        matcher.add(
            side,
            ((row.uid, row.size or 0, row.flags or frozenset()) for row in rows),
        )

    await client.fetchRows(uids, "(FLAGS RFC822.SIZE)", add)


async def _headers(client: SyncClient, side: Side, matcher: Matcher) -> None:
    def keyed(row: Row, digest: KeyDigest) -> None:
        key, known = digest.key(row.size or 0), _stamp(row, digest)
        matcher.keyed(side, row.uid, key, digest.singular, known)

    items = "(INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])"
    receiver = _Digesting(KeyDigest, keyed)
    await client.fetchBodies(matcher.wanted(side), items, receiver)


async def _bodies(client: SyncClient, side: Side, matcher: Matcher) -> None:
    def digested(row: Row, digest: BodyDigest) -> None:
        matcher.digested(side, row.uid, digest.digest(row.size or 0))

    items = "(RFC822.SIZE BODY.PEEK[])"
    receiver = _Digesting(BodyDigest, digested)
    await client.fetchBodies(matcher.doubtful(side), items, receiver)


async def stamped(
    client: SyncClient, uids: UidSet, take: Callable[[int, int, int], None]
) -> None:
    """
    Fetch what tells messages that may be known from others: C{take} gets UID,
    size and stamp of each.
    """

    def done(row: Row, digest: KeyDigest) -> None:
        take(row.uid, row.size or 0, _stamp(row, digest))

    items = "(INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"
    await client.fetchBodies(uids, items, _Digesting(KeyDigest, done))


def _stamp(row: Row, digest: KeyDigest) -> int:
    return stamp(row.size or 0, row.date, digest.messageId)


async def keyed(
    client: SyncClient, uids: UidSet, take: Callable[[int, bytes, int], None]
) -> None:
    """
    Fetch as much of messages as their content keys need: C{take} gets UID and
    key of each; and the instant of its INTERNALDATE if it has no Message-ID,
    so that the same content may well have been stored twice.
    """
    doubtful = UidSetBuilder()

    def headed(row: Row, digest: KeyDigest) -> None:
        if digest.singular:
            take(row.uid, digest.key(row.size or 0), 0)
        else:
            doubtful.add(row.uid)

    def done(row: Row, digest: KeyDigest) -> None:
        take(row.uid, digest.key(row.size or 0), instant(row.date))

    header = "(RFC822.SIZE BODY.PEEK[HEADER])"
    whole = "(INTERNALDATE RFC822.SIZE BODY.PEEK[])"
    await client.fetchBodies(uids, header, _Digesting(KeyDigest, headed))
    await client.fetchBodies(doubtful.build(), whole, _Digesting(KeyDigest, done))


async def dated(client: SyncClient, uids: UidSet) -> Mapping[int, int]:
    """
    The instants of INTERNALDATE, by UID.
    """
    dates: dict[int, int] = {}

    def add(rows: list[Row]) -> None:
        dates.update((row.uid, instant(row.date)) for row in rows)

    await client.fetchRows(uids, "(INTERNALDATE RFC822.SIZE)", add)
    return dates
