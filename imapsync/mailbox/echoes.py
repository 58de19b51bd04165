"""
Copies that another program made at the same time as we did: L{echoes}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from imapsync.errors import Refused
from imapsync.mailbox import pairing
from imapsync.mailbox.bothsides import BothSides
from imapsync.model import Side
from imapsync.plan.growth import Equal
from imapsync.uidset import UidSet

#: By content key, UIDs of messages that may be echoes and of our copies.
_Alike = dict[bytes, tuple[list[int], list[int]]]


async def echoes(view: BothSides, side: Side, new: UidSet) -> UidSet:
    """
    Those of the C{new} messages of C{side} that are left to another program
    (L{imapsync.plan.growth}).  Mostly that costs nothing.

    @raise Feedback: one of the others has gone round too often.
    """
    growth, mailbox = view.context.records.growth, view.known.id
    late = growth.late(mailbox, side, new)
    if not late:
        return late
    alike: _Alike = {}

    def keyed(uid: int, key: bytes, _: int) -> None:
        alike.setdefault(key, ([], []))[0].append(uid)

    client = view.sides[side].client
    try:
        await pairing.keyed(view.source(side), late, keyed)
        for pair in view.state.pairs(mailbox, side, growth.own(mailbox, side)):
            if pair.key in alike:
                alike[pair.key][1].append(pair.uid(side))
        alike = {key: uids for key, uids in alike.items() if uids[1]}
        both = UidSet.of(uid for uids in alike.values() for uid in chain(*uids))
        dates = await pairing.dated(client, both) if both else {}
    except Refused:
        return UidSet()  # there is a message that the server cannot read
    return growth.waiting(view.name, mailbox, side, _equal(alike, dates))


def _equal(alike: _Alike, dates: Mapping[int, int]) -> Iterator[Equal]:
    """
    Who copies a message keeps its INTERNALDATE.
    """
    for late, own in alike.values():
        for date in {dates.get(uid) for uid in late}:
            some, copies = (_of(date, uids, dates) for uids in (late, own))
            if copies:
                yield some, copies


def _of(
    date: int | None, uids: Sequence[int], dates: Mapping[int, int]
) -> Sequence[int]:
    return [uid for uid in uids if dates.get(uid) == date]
