"""
Whether messages and their flags are where they are known to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from imapsync.model import Flags
from imapsync.uidset import UidSet

#: Stands for all messages, where others are by a flag.
EVERY = ""

_NONE = UidSet()


class Expected(NamedTuple):
    """
    What is known of one side of a mailbox.

    @ivar places: the messages that have a pair, all of them and by each flag, in lower
        case, that is agreed.
    @ivar ignored: the flags that mean nothing there.
    @ivar uidnext: what has no pair, and is below, has been dealt with.
    @ivar messages: how many there are in all.
    """

    places: Mapping[str, UidSet]
    ignored: Flags
    uidnext: int
    messages: int


def placed(pairs: Mapping[Flags, Sequence[int]]) -> Mapping[str, UidSet]:
    """
    Where each flag is.

    @param pairs: the UIDs that have the same flags, by these.
    """
    some: dict[str, list[Sequence[int]]] = {EVERY: [*pairs.values()]}
    for flags, uids in pairs.items():
        for flag in {flag.lower() for flag in flags}:
            some.setdefault(flag, []).append(uids)
    return {flag: UidSet.of(chain(*lists)) for flag, lists in some.items()}


def agree(expected: Expected, told: Mapping[str, UidSet]) -> bool:
    """
    Whether all is so.

    @param told: the messages that there are, all of them and by each flag that there
        is, in lower case.
    """
    known, every = expected.places[EVERY], told[EVERY]
    new = every - known
    if (
        known - every
        or len(every) != expected.messages
        or (new and new.ranges[-1][1] >= expected.uidnext)
    ):
        return False
    ignored = {flag.lower() for flag in expected.ignored}
    return all(
        expected.places.get(flag, _NONE) == told.get(flag, _NONE) - new
        for flag in (expected.places.keys() | told.keys()) - {EVERY, *ignored}
    )
