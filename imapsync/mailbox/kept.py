"""
Messages that stay on one side though they are gone from the other: whether they may
be there again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from imapsync.errors import Refused
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.bothsides import BothSides
from imapsync.model import Side
from imapsync.uidset import UidSet


async def returned(
    view: BothSides, new: Mapping[Side, UidSet]
) -> Mapping[Side, UidSet]:
    """
    Those of each side that may be among the C{new} messages of the other: all of them,
    where all is compared; else those of the same size, as when somebody takes back
    what he has moved or deleted.  A dry run knows no sizes of what is gone only now.
    """
    whole = any(this.whole for this in view.sides.values()) or view.context.dryRun
    found: dict[Side, UidSet] = {}
    for side, this in view.sides.items():
        kept = this.reading.kept if new[side.other] else UidSet()
        if kept and not whole:
            sizes = await _sizes(view, side.other, new[side.other])
            kept &= view.state.keptOf(view.known.id, side, sizes)
        found[side] = kept
    return found


async def _sizes(view: BothSides, side: Side, uids: UidSet) -> set[int]:
    sizes: set[int] = set()

    def told(rows: list[Row]) -> None:
        sizes.update(row.size for row in rows if row.size)

    with suppress(Refused):  # then they are taken for new ones
        await view.source(side).rows(uids, "(RFC822.SIZE)", told)
    return sizes
