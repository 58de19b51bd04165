"""
What was agreed on messages that another program has paired, which keeps no flags.

Pure: it only knows that both sides had the same flags when that program was done.  A
message that has not changed since then on one side shows them still.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from imapsync.model import Flags, Mark, Pair, Side
from imapsync.plan.flags import common, same


class Seen(NamedTuple):
    """
    A message as a server shows it.

    @ivar changed: whether it may have changed since the other program was done.
    """

    flags: Flags
    changed: bool


class Adopted(NamedTuple):
    """
    A pair to be taken over.

    @ivar gone: the side on which its message is no more.
    @ivar hidden: whether its flags differ, although neither side would tell that
        anything has changed.
    """

    pair: Pair
    gone: Side | None = None
    hidden: bool = False


def isChanged(uid: int, modseq: int, mark: Mark) -> bool:
    """
    Whether a message may have changed since C{mark}.

    @param modseq: its own; 0 if that is not known.
    """
    return not 0 < modseq <= mark.modseq or uid >= mark.uidnext


def adopted(
    pairs: Iterable[tuple[int, int]],
    local: Mapping[int, Seen],
    remote: Mapping[int, Seen],
) -> Iterator[Adopted]:
    """
    What to take over of these pairs: nothing of one that is gone on both sides.
    """
    for ours, theirs in pairs:
        here, there = local.get(ours), remote.get(theirs)
        if here is not None and there is not None:
            hidden = not (here.changed or there.changed)
            hidden = hidden and not same(here.flags, there.flags)
            yield Adopted(Pair(ours, theirs, _agreed(here, there)), hidden=hidden)
        elif here is not None:
            yield Adopted(Pair(ours, theirs, here.flags), gone=Side.REMOTE)
        elif there is not None:
            yield Adopted(Pair(ours, theirs, there.flags), gone=Side.LOCAL)


def _agreed(here: Seen, there: Seen) -> Flags:
    """
    What changed on both sides was one or the other: what both show now is all that
    can be relied on, so that nothing is taken away.
    """
    if here.changed == there.changed:
        return common(here.flags, there.flags)
    return there.flags if here.changed else here.flags


def start(mark: Mark, whole: bool) -> Mark:
    """
    Where the next sync begins, if C{mark} is where the other program ended.

    @param whole: whether it must look at all messages.
    """
    if whole or not (mark.uidnext and mark.modseq):
        return Mark(mark.uidvalidity, 1, 0)
    return mark


def doubt(mark: Mark, now: Mark) -> str:
    """
    Why UIDs may mean other messages C{now} than at C{mark}; or an empty string.
    """
    if mark.uidvalidity != now.uidvalidity:
        return "its UIDVALIDITY has changed"
    if now.uidnext and mark.uidnext > now.uidnext:
        return "its UIDs begin anew"
    return ""
