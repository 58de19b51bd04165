"""
Looking at what may have come late: L{imapsync.plan.late} says which of it is ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from imapsync.content.digest import OctetDigest, instant
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.bothsides import BothSides
from imapsync.model import Doubt, Side
from imapsync.plan.late import Late, Sent, Sight
from imapsync.uidset import UidSet


async def late(view: BothSides, side: Side) -> Late | None:
    """
    The new messages of C{side} that may be copies of messages of which an APPEND is
    in doubt, and these.  Mostly there are none, which costs nothing.
    """
    new = view.sides[side].changes.new
    doubts = _open(view, side.other, new)
    if not (doubts and new):
        return None
    sources = UidSet.of(doubt.uid for doubt in doubts)
    pairs = {
        pair.uid(side.other): pair
        for pair in view.state.pairs(view.known.id, side.other, sources)
    }
    if not pairs:
        return None
    dates = {
        pairs[d.uid].uid(side): d.given and d.given.date
        for d in doubts
        if d.uid in pairs
    }
    rows = await _alike(view, side, dates, new)
    if not any(uid in new for uid in rows):
        return None
    sights = await _sights(view, side, rows)
    sent = []
    for doubt in doubts:
        pair = pairs.get(doubt.uid)
        if pair is not None and pair.uid(side) in sights:
            sent.append(Sent(doubt, pair.flags, sights[pair.uid(side)]))
    return Late(sent, [one for uid, one in sorted(sights.items()) if uid in new])


def _open(view: BothSides, side: Side, new: UidSet) -> list[Doubt]:
    """
    The APPENDs of messages of C{side} in doubt; not those of which what came was
    removed by a run that did not live to say so.
    """
    doubts = view.copies.doubts(side)
    over = {d.id for d in doubts if d.copy is not None and d.copy not in new}
    if over:
        view.copies.withdrawn(side, over)
    return [doubt for doubt in doubts if doubt.id not in over]


async def _alike(
    view: BothSides, side: Side, copies: Mapping[int, int | None], new: UidSet
) -> Mapping[int, Row]:
    """
    The copies that are known, and the new messages that are of the size and date of
    one, as far as the server keeps dates: they are to be read whole.

    @param copies: the instants that these were given, 0 for none; C{None} if that is
        not known.
    """
    found: dict[int, Row] = {}
    sizes: set[int | None] = set()
    dates: set[int] = set()
    bent: list[int] = []

    def known(rows: list[Row]) -> None:
        for row in rows:
            found[row.uid] = row
            sizes.add(row.size)
            dates.add(date := instant(row.date))
            if copies.get(row.uid) not in (None, date):
                bent.append(row.uid)

    def others(rows: list[Row]) -> None:
        for row in rows:
            if row.size in sizes and (bent or instant(row.date) in dates):
                found[row.uid] = row

    items = "(FLAGS INTERNALDATE RFC822.SIZE)"
    source = view.source(side)
    await source.rows(UidSet.of(copies), items, known)
    await source.rows(new, items, others)
    return found


async def _sights(
    view: BothSides, side: Side, rows: Mapping[int, Row]
) -> dict[int, Sight]:
    sights: dict[int, Sight] = {}

    def digested(row: Row, digest: OctetDigest) -> None:
        seen = rows.get(row.uid)
        if seen is not None and seen.flags is not None:
            date, octets = instant(seen.date), digest.digest()
            sights[row.uid] = Sight(row.uid, seen.flags, date, octets)

    items = "(RFC822.SIZE BODY.PEEK[])"
    await view.source(side).digests(UidSet.of(rows), items, OctetDigest, digested)
    return sights
