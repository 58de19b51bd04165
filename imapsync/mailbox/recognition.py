"""
Finding copies whose server did not tell their UIDs (RFC 4315), or has changed what it
was given: by looking at what has come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imapsync.content.digest import instant
from imapsync.content.traits import Known, TraitDigest, Traits, alike, inOrder
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.fetching import Source
from imapsync.mailbox.outcome import Copied
from imapsync.mailbox.pairing import dated, keyed
from imapsync.model import Flags, Pair, Side
from imapsync.uidset import MAXIMUM, UidSet

_ITEMS = "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])"


async def found(
    view: BothSides, side: Side, untold: Sequence[Copied], guess: bool
) -> Sequence[Copied]:
    """
    Those of C{untold}, which the server of C{side} has acknowledged, that are found
    there: each with its UID.

    What has come since the mailbox was selected is looked at: first for all that makes
    messages equal, then for less.

    @param guess: whether each is the one that came in its turn, if none was recognised
        and as many have come, with the dates that they were given.
    @raise Refused: the server does not tell.
    """
    this, source = view.sides[side], view.source(side)
    await view.resume(side)
    there = await this.client.exists(above(this.selected.mark.uidnext))
    there -= this.reading.paired(there)
    keys: dict[bytes, list[int]] = {}

    def take(uid: int, key: bytes, _: int) -> None:
        keys.setdefault(key, []).append(uid)

    await keyed(source, there, take)
    for uids in keys.values():
        uids.sort(reverse=True)
    sure = {one.source: keys[one.key].pop() for one in untold if keys.get(one.key)}
    left = [one for one in untold if one.source not in sure]
    others = there - UidSet.of(sure.values())
    if left and others:
        sources = UidSet.of(one.source for one in left)
        here = await traits(view.source(side.other), sources)
        likely = dict(alike(_known(here), _known(await traits(source, others))))
        sure |= likely
        left = [one for one in left if one.source not in sure]
        others -= UidSet.of(likely.values())
    if guess and others and not sure:
        sure |= await _guessed(view, side, left, others)
    return [
        one._replace(target=sure[one.source]) for one in untold if one.source in sure
    ]


async def _guessed(
    view: BothSides, side: Side, untold: Sequence[Copied], there: UidSet
) -> Mapping[int, int]:
    """
    By the UID of the original, that of the copy.  If one had gone, and another had come
    meanwhile, its date would not be the same.
    """
    dates = await dated(view.sides[side].client, there)
    turns = inOrder(untold, [*there])
    same = all(one.date and one.date == dates.get(uid) for one, uid in turns)
    return {one.source: uid for one, uid in turns} if same else {}


async def unweighed(
    view: BothSides, side: Side, doubted: Sequence[Copied], keys: Mapping[int, bytes]
) -> Mapping[int, bytes]:
    """
    The same C{keys} of messages of C{side}, but for those of which the header is that
    of a doubted one, and which had another key for the sake of their size.  That cannot
    be where sizes are known to be true, or to be none.
    """
    exact = [view.state.sizesExact(each) for each in Side]
    left = {one.source: one.key for one in doubted if one.key not in keys.values()}
    known = {one.key for one in doubted}
    others = UidSet.of(uid for uid, key in keys.items() if key not in known)
    if all(exact) or False in exact or not (left and others):
        return keys
    ours = await traits(view.source(side.other), UidSet.of(left))
    theirs = await traits(view.source(side), others)
    same = alike(_known(ours), _known(theirs), whole=True)
    return {**keys, **{uid: left[source] for source, uid in same}}


async def altered(view: BothSides, side: Side) -> list[tuple[Pair, Flags]]:
    """
    The new messages of C{side} that were being copied when a run was cut off, and
    whose copies are on the other side, though not equal to them in all: each as a
    pair, with its local flags, and the remote ones.

    What was there before they were sent is none of them; nor what has another date,
    unless the whole header is the same: it has come another way.
    """
    other = side.other
    doubted = UidSet.of(one.uid for one in view.copies.doubts(side))
    sent = view.sides[side].changes.new & (view.copies.originals(side) | doubted)
    first = view.state.sentFrom(view.known.id, side)
    came = view.sides[other].changes.new & above(first)
    if not (first and sent and came):
        return []
    ours = await traits(view.source(side), sent)
    theirs = await traits(view.source(other), came)
    pairs: list[tuple[Pair, Flags]] = []
    for uid, copy in alike(_known(ours), _known(theirs), dated=True):
        local, remote = (uid, copy) if side is Side.LOCAL else (copy, uid)
        shown = {side: ours[uid][1], other: theirs[copy][1]}
        pair = Pair(local, remote, shown[Side.LOCAL])
        pairs.append((pair, shown[Side.REMOTE]))
    return pairs


def above(uid: int) -> UidSet:
    """
    All that are not below that one.
    """
    return UidSet(((max(1, uid), MAXIMUM),))


def _known(seen: Mapping[int, tuple[Traits, Flags]]) -> list[Known]:
    return [(uid, one) for uid, (one, _) in seen.items()]


async def traits(source: Source, uids: UidSet) -> dict[int, tuple[Traits, Flags]]:
    """
    What messages are known by, and their flags.
    """
    seen: dict[int, tuple[Traits, Flags]] = {}

    def done(row: Row, digest: TraitDigest) -> None:
        if row.flags is not None:
            known = digest.traits._replace(date=instant(row.date))
            seen[row.uid] = known, row.flags

    await source.digests(uids, _ITEMS, TraitDigest, done)
    return seen
