"""
Whether messages have as many octets as their server says (RFC822.SIZE).  Some estimate
it: then sizes tell no message from another, on either side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from imapsync.errors import Refused
from imapsync.imap.commands.limited import ALL
from imapsync.imap.wire.responses import Row
from imapsync.log import Log
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.context import heed
from imapsync.mailbox.fetching import Source
from imapsync.model import Octets, Side
from imapsync.names import shown
from imapsync.uidset import UidSet

#: So many messages are looked at where there is nothing else to go by.
_SAMPLE = 3
#: The smallest of so many is read.
_CHOICE = 20

_log = Log()


class Missized(NamedTuple):
    """
    A message whose server was wrong.
    """

    uid: int
    octets: int
    size: int


async def weigh(view: BothSides, new: Mapping[Side, UidSet]) -> None:
    """
    Before messages of both sides are compared, see for once whether the servers tell
    the size of one.
    """
    for side, uids in new.items():
        if not view.sides[side].client.exact:
            continue  # it would not be told
        if view.state.sizesExact(side) is None and not view.context.dryRun:
            weighed = await _weighed(view, side, await _smallest(view, side, uids))
            if weighed:
                _note(view, side, all(one.octets == one.size for one in weighed))


async def judged(
    view: BothSides, side: Side, wrong: Sequence[Missized], copied: int
) -> Sequence[Missized]:
    """
    Of messages of C{side} that were C{copied}, some had other sizes than it said.  It
    estimates sizes if most had, and those that are looked at besides, if they were few.

    @return: those that are to be named, since it does not.
    """
    if not wrong or not view.sides[side].client.exact:
        return ()
    others: Sequence[Missized] = ()
    if copied <= _SAMPLE:
        if view.released:
            return wrong  # nothing can be looked at any more
        there = UidSet()
        with suppress(Refused):
            there = await view.sides[side].client.exists(ALL)
        there -= UidSet.of(one.uid for one in wrong)
        some = UidSet.of([*there][-_SAMPLE:])
        others = await _weighed(view, side, some)
    right = copied - len(wrong) + sum(one.octets == one.size for one in others)
    if right >= len(wrong):
        return wrong
    _note(view, side, exact=False)
    return ()


def _note(view: BothSides, side: Side, exact: bool) -> None:
    with view.state.transaction():
        view.state.noteSizes(side, exact)
    heed(view.context.clients, view.state)
    if not exact:
        _log.info(
            "{name}: {side} does not tell the sizes of messages as they are: they are"
            " recognised without.",
            name=shown(view.name),
            side=side,
        )


class _Octets:
    """
    Counts them.
    """

    def __init__(self) -> None:
        self.count = 0

    def write(self, data: Octets) -> None:
        """
        Some more.
        """
        self.count += len(data)


async def _smallest(view: BothSides, side: Side, uids: UidSet) -> UidSet:
    sizes: dict[int, int] = {}

    def told(rows: list[Row]) -> None:
        sizes.update((row.uid, row.size or 0) for row in rows)

    await view.source(side).rows(
        UidSet.of(islice(uids, _CHOICE)), "(RFC822.SIZE)", told
    )
    return UidSet.of([min(sizes, key=sizes.__getitem__)] if sizes else ())


async def _weighed(view: BothSides, side: Side, uids: UidSet) -> Sequence[Missized]:
    found: list[Missized] = []

    def done(row: Row, digest: _Octets) -> None:
        found.append(Missized(row.uid, digest.count, row.size or 0))

    items = "(RFC822.SIZE BODY.PEEK[])"
    await _source(view, side).digests(uids, items, _Octets, done)
    return found


def _source(view: BothSides, side: Side) -> Source:
    """
    Another one than others use: what it cannot read matters to nobody.
    """
    suspects = view.context.records.suspects
    return Source(view.sides[side].client, suspects, view.place(side))
