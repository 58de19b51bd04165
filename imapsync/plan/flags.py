"""
What to do about the messages of one mailbox.

Pure: it takes what was known and what both sides report, and says which
flags to set where.  Flags are compared without regard to case (RFC 9051,
2.3.2), and keep the spelling that they came with.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from imapsync.model import Flags, Side
from imapsync.uidset import UidSet

#: The UIDs of one message: the local one, and the remote one.
Uids = tuple[int, int]


def same(ours: Flags, theirs: Flags) -> bool:
    """
    Whether these are the same flags.
    """
    return ours == theirs or _folded(ours) == _folded(theirs)


def without(flags: Flags, others: Flags) -> Flags:
    """
    Those of C{flags} that are not among C{others}.
    """
    if not flags or not others:
        return flags
    folded = _folded(others)
    return frozenset(flag for flag in flags if flag.lower() not in folded)


def common(flags: Flags, others: Flags) -> Flags:
    """
    Those of C{flags} that are among C{others}.
    """
    return without(flags, without(flags, others))


def joined(flags: Flags, others: Flags) -> Flags:
    """
    All of them, each once, in the spelling of C{flags} if it is there.
    """
    return flags | without(others, flags)


def merged(base: Flags, ours: Flags, theirs: Flags) -> Flags:
    """
    What both sides should show, when they last agreed on C{base}: each flag
    that changed on either side takes its new value.
    """
    kept = common(ours, theirs)
    return joined(joined(kept, without(ours, base)), without(theirs, base))


def settled(base: Flags, ours: Flags, theirs: Flags) -> Flags:
    """
    What both sides agree on once they show C{ours} and C{theirs}: a flag on
    which they differ stays as it last was agreed, so that the difference is
    seen again.
    """
    return joined(common(ours, theirs), common(joined(ours, theirs), base))


class Drift(NamedTuple):
    """
    What has become of a message's flags since both sides agreed on them.

    @ivar fresh: whether it was paired just now, so that both sides never
        agreed on anything.
    @ivar retried: whether a flag of it was refused before: then a side differs
        from what is agreed without anybody's doing.
    @ivar doubted: whether what is agreed is less than it was, since a side has
        forgotten some.
    @ivar copy: the side on which it is a copy that we made and see for the first
        time: what that shows is its server's doing, and never carried over.
    """

    agreed: Flags
    local: Flags
    remote: Flags
    fresh: bool = False
    retried: bool = False
    doubted: bool = False
    copy: Side | None = None

    def shows(self, side: Side) -> Flags:
        """
        The flags that C{side} has at present.
        """
        return self.local if side is Side.LOCAL else self.remote


def judged(
    drift: Drift, lapsed: Collection[Side], copy: Side | None, retried: bool
) -> Drift:
    """
    The same, where what a side shows may be nobody's doing.

    @param lapsed: the sides that have lost track of what changed.
    @param copy: see L{Drift}.
    @param retried: likewise.
    """
    if copy is not None:
        return drift._replace(copy=copy)
    if lapsed:
        # That such a server lacks flags does not mean that somebody took them
        # away: both sides do not agree on them any more.
        base = drift.agreed
        for side in lapsed:
            base = common(base, drift.shows(side))
        return drift._replace(agreed=base, doubted=True)
    return drift._replace(retried=retried)


#: Messages by what has become of their flags, of which there is far less: what
#: is to be done is worked out once for all that share it.
Drifts = Mapping[Drift, Sequence[Uids]]


def on(side: Side, many: Sequence[Uids]) -> list[int]:
    """
    The UIDs that messages have on C{side}.
    """
    column = 0 if side is Side.LOCAL else 1
    return [uids[column] for uids in many]


class Store(NamedTuple):
    """
    Add (C{+}) or remove (C{-}) one flag of many messages.
    """

    side: Side
    sign: str
    flag: str
    uids: UidSet


class FlagPlan:
    """
    What is to be done so that both sides show the same flags.

    @ivar stores: one for each side, sign and flag.
    @ivar expected: for each side and UID, the flags it should then show.
    @ivar conflicts: messages that changed on both sides, differently.
    """

    def __init__(self) -> None:
        self.stores: list[Store] = []
        self.expected: dict[Side, dict[int, Flags]] = {side: {} for side in Side}
        self.conflicts: list[Uids] = []


def planFlags(drifts: Drifts, merge: bool, fixed: frozenset[Side]) -> FlagPlan:
    """
    Carry flags over.

    @param merge: how a message that changed on both sides is settled: flag by
        flag, or by the union of both.
    @param fixed: sides on which no flag is changed; changes made elsewhere stay
        there.
    """
    plan = FlagPlan()
    wanted: dict[tuple[Side, str, str], list[int]] = {}
    for drift, many in drifts.items():
        target = _target(drift, merge, fixed)
        if not (merge or fixed) and _conflicting(drift):
            plan.conflicts += many
        for side in Side:
            if side in fixed:
                continue
            shown = drift.shows(side)
            plus, minus = without(target, shown), without(shown, target)
            if fixed and drift.copy is None:
                # What was changed over here alone is nobody else's business.
                source = drift.shows(side.other)
                plus = common(plus, without(source, drift.agreed))
                minus = common(minus, without(drift.agreed, source))
            if not (plus or minus):
                continue
            uids = on(side, many)
            after = joined(without(shown, minus), plus)
            plan.expected[side].update(dict.fromkeys(uids, after))
            for sign, flags in (("+", plus), ("-", minus)):
                for flag in flags:
                    wanted.setdefault((side, sign, flag), []).extend(uids)
    plan.stores = [
        Store(side, sign, flag, UidSet.of(uids))
        for (side, sign, flag), uids in sorted(
            wanted.items(), key=lambda item: (item[0][0].value, *item[0][1:])
        )
    ]
    return plan


def _target(drift: Drift, merge: bool, fixed: frozenset[Side]) -> Flags:
    if drift.copy is not None:
        return drift.shows(drift.copy.other)
    for side in fixed:
        return drift.shows(side)
    base, local, remote = drift[:3]
    if drift.fresh:
        return joined(local, remote)
    if _follows(base, remote, local):
        return local
    if _follows(base, local, remote):
        return remote
    if merge or drift.retried or drift.doubted:
        return merged(base, local, remote)
    return joined(local, remote)


def _follows(base: Flags, ours: Flags, theirs: Flags) -> bool:
    """
    Whether every change of ours is one of theirs as well: then it is no say of
    its own, but perhaps what we did ourselves before we were cut off.
    """
    added, removed = without(ours, base), without(base, ours)
    return not without(added, theirs) and not common(removed, theirs)


def _conflicting(drift: Drift) -> bool:
    base, local, remote = drift[:3]
    return (
        not (drift.fresh or drift.retried or drift.doubted or drift.copy)
        and not _follows(base, remote, local)
        and not _follows(base, local, remote)
    )


@lru_cache(4096)
def _folded(flags: Flags) -> frozenset[str]:
    return frozenset(flag.lower() for flag in flags)
