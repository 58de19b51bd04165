"""
Looking at what may have come late: L{imapsync.plan.late} says which of it is ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from imapsync.content.digest import OctetDigest, instant
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.pairing import dated
from imapsync.model import Doubt, Pair, Side
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
    rows = await _alike(view, side, pairs, new)
    if not any(uid in new for uid in rows):
        return None
    dates = await dated(view.sides[side.other].client, UidSet.of(pairs))
    sights = await _sights(view, side, rows)
    sent = []
    for doubt in doubts:
        pair = pairs.get(doubt.uid)
        if pair is not None and pair.uid(side) in sights:
            date, copy = dates.get(doubt.uid, 0), sights[pair.uid(side)]
            sent.append(Sent(doubt, date, pair.flags, copy))
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
    view: BothSides, side: Side, pairs: Mapping[int, Pair], new: UidSet
) -> Mapping[int, Row]:
    """
    The copies that are known, and the new messages that are of the size of one.
    """
    found: dict[int, Row] = {}
    sizes: set[int | None] = set()

    def copies(rows: list[Row]) -> None:
        found.update((row.uid, row) for row in rows)
        sizes.update(row.size for row in rows)

    def others(rows: list[Row]) -> None:
        found.update((row.uid, row) for row in rows if row.size in sizes)

    items = "(FLAGS INTERNALDATE RFC822.SIZE)"
    source = view.source(side)
    await source.rows(UidSet.of(p.uid(side) for p in pairs.values()), items, copies)
    await source.rows(new, items, others)
    return found


async def _sights(
    view: BothSides, side: Side, rows: Mapping[int, Row]
) -> dict[int, Sight]:
    sights: dict[int, Sight] = {}

    def digested(row: Row, digest: OctetDigest) -> None:
        flags, date = rows[row.uid].flags, rows[row.uid].date
        if flags is not None:
            octets = digest.digest()
            sights[row.uid] = Sight(row.uid, flags, instant(date), octets)

    items = "(RFC822.SIZE BODY.PEEK[])"
    await view.source(side).digests(UidSet.of(rows), items, OctetDigest, digested)
    return sights
