"""
Whether messages and their flags are where they are known to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from imapsync.model import Flags
from imapsync.uidset import Range, UidSet


class Expected(NamedTuple):
    """
    What is known of one side of a mailbox.

    @ivar pairs: the UIDs of the messages that have a pair, by the flags that are
        agreed.
    @ivar ignored: the flags that mean nothing there.
    @ivar uidnext: what has no pair, and is below, has been dealt with.
    @ivar messages: how many there are in all.
    """

    pairs: Mapping[Flags, UidSet]
    ignored: Flags
    uidnext: int
    messages: int

    def flags(self) -> Flags:
        """
        All flags that any message has.
        """
        return frozenset[str]().union(*self.pairs)


def agree(expected: Expected, every: UidSet, places: Mapping[str, UidSet]) -> bool:
    """
    Whether all is so.

    @param every: the messages that there are.
    @param places: which of them have a flag, by all flags that there are, in lower
        case.
    """
    known = _union(*expected.pairs.values())
    new = every - known
    if (
        known - every
        or len(every) != expected.messages
        or (new and new.ranges[-1][1] >= expected.uidnext)
    ):
        return False
    wanted: dict[str, list[UidSet]] = {}
    for flags, uids in expected.pairs.items():
        for flag in {flag.lower() for flag in flags}:
            wanted.setdefault(flag, []).append(uids)
    ignored = {flag.lower() for flag in expected.ignored}
    return all(
        _union(*wanted.get(flag, ())) == places.get(flag, UidSet()) - new
        for flag in (wanted.keys() | places.keys()) - ignored
    )


def _union(*some: UidSet) -> UidSet:
    ranges: list[Range] = [one for uids in some for one in uids.ranges]
    return UidSet.ofRanges(ranges)
