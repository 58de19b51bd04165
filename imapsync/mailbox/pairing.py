"""
Pairing by content: what both sides hold is recognised, not copied.

Only as much is fetched as decides: sizes first, then the headers of messages
of equal size, then whole messages where headers leave a doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from imapsync.content.digest import BodyDigest, KeyDigest, instant, stamp
from imapsync.content.matcher import Matcher
from imapsync.gather import onBoth
from imapsync.imap.client import SyncClient
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.fetching import Source
from imapsync.model import Side
from imapsync.uidset import UidSet, UidSetBuilder


async def matched(
    sources: Mapping[Side, Source], new: Mapping[Side, UidSet]
) -> Matcher:
    """
    Find equal messages among those that have no pair yet.

    @return: to be asked for its matches and what has none, and closed.  It does not
        know of what the sources could not read.
    """
    matcher = Matcher()
    try:
        await onBoth(lambda side: _sizes(sources[side], side, new[side], matcher))
        await onBoth(lambda side: _headers(sources[side], side, matcher))
        await onBoth(lambda side: _bodies(sources[side], side, matcher))
    except BaseException:
        matcher.close()
        raise
    return matcher


async def _sizes(source: Source, side: Side, uids: UidSet, matcher: Matcher) -> None:
    def add(rows: list[Row]) -> None:
        matcher.add(
            side,
            ((row.uid, row.size or 0, row.flags or frozenset()) for row in rows),
        )

    await source.rows(uids, "(FLAGS RFC822.SIZE)", add)


async def _headers(source: Source, side: Side, matcher: Matcher) -> None:
    def keyed(row: Row, digest: KeyDigest) -> None:
        key, known = digest.key(row.size or 0), _stamp(row, digest)
        matcher.keyed(side, row.uid, key, digest.singular, known)

    items = "(INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])"
    await source.digests(matcher.wanted(side), items, KeyDigest, keyed)


async def _bodies(source: Source, side: Side, matcher: Matcher) -> None:
    def digested(row: Row, digest: BodyDigest) -> None:
        matcher.digested(side, row.uid, digest.digest(row.size or 0))

    items = "(RFC822.SIZE BODY.PEEK[])"
    await source.digests(matcher.doubtful(side), items, BodyDigest, digested)


async def stamped(
    source: Source, uids: UidSet, take: Callable[[int, int, int], None]
) -> None:
    """
    Fetch what tells messages that may be known from others: C{take} gets UID,
    size and stamp of each.
    """

    def done(row: Row, digest: KeyDigest) -> None:
        take(row.uid, row.size or 0, _stamp(row, digest))

    items = "(INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"
    await source.digests(uids, items, KeyDigest, done)


def _stamp(row: Row, digest: KeyDigest) -> int:
    return stamp(row.size or 0, instant(row.date), digest.messageId)


async def keyed(
    source: Source, uids: UidSet, take: Callable[[int, bytes, int], None]
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
    await source.digests(uids, header, KeyDigest, headed)
    await source.digests(doubtful.build(), whole, KeyDigest, done)


async def dated(client: SyncClient, uids: UidSet) -> Mapping[int, int]:
    """
    The instants of INTERNALDATE, by UID: a server need not read a message for that.
    """
    dates: dict[int, int] = {}

    def add(rows: list[Row]) -> None:
        dates.update((row.uid, instant(row.date)) for row in rows)

    await client.fetchRows(uids, "(INTERNALDATE)", add)
    return dates
