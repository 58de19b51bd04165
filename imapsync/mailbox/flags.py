"""
Carrying flags over: all STOREs in flight at once, and a look at what became
of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from imapsync.display import keyword
from imapsync.errors import Refused
from imapsync.gather import together
from imapsync.log import Log
from imapsync.mailbox.bothsides import BothSides
from imapsync.model import Flags, Side
from imapsync.plan.flags import (
    Drift,
    Drifts,
    FlagPlan,
    Store,
    Uids,
    common,
    judged,
    on,
    same,
    settled,
    without,
)
from imapsync.plan.messages import SetFlags
from imapsync.uidset import UidSet

#: So many messages are worked on at a time.
CHUNK = 10_000

_log = Log()


def touched(view: BothSides) -> Iterator[Drifts]:
    """
    The messages whose flags changed on a side or on both, some at a time.
    """
    for side in Side:
        for uids in UidSet.of(view.sides[side].changes.flags).split(CHUNK):
            if drifts := _drifts(view, side, uids):
                yield drifts


def _drifts(view: BothSides, side: Side, uids: UidSet) -> Drifts:
    """
    What has become of the messages on which C{side} reported, but for those that
    are gone, or were among those of the other side.
    """
    ours, theirs = (view.sides[side].changes.flags for side in Side)
    gone = {side: this.gone for side, this in view.sides.items() if this.gone}
    odd = not view.again or any(
        this.lapsed or this.reading.again for this in view.sides.values()
    )
    drifts: dict[Drift, list[Uids]] = {}
    for local, remote, agreed in view.state.agreed(view.known.id, side, uids):
        if side is Side.REMOTE and local in ours:
            continue
        if gone and (_in(gone, Side.LOCAL, local) or _in(gone, Side.REMOTE, remote)):
            continue
        drift = Drift(agreed, ours.get(local, agreed), theirs.get(remote, agreed))
        if odd:
            drift = _judged(view, {Side.LOCAL: local, Side.REMOTE: remote}, drift)
        drifts.setdefault(drift, []).append((local, remote))
    return drifts


def _in(uids: Mapping[Side, UidSet], side: Side, uid: int) -> bool:
    return side in uids and uid in uids[side]


def _judged(view: BothSides, uids: Mapping[Side, int], drift: Drift) -> Drift:
    """
    The same, where what a side shows may be nobody's doing.
    """
    sides, notes = view.sides, view.context.records.notes
    reported = [side for side in Side if uids[side] in sides[side].changes.flags]
    copied = (
        not view.again
        and any(_isNew(view, side, uids[side]) for side in reported)
        and not any(notes.isFollowed(view.name, side, uids[side]) for side in Side)
    )
    return judged(
        drift,
        [side for side in reported if sides[side].lapsed],
        copied,
        retried=any(uids[side] in sides[side].reading.again for side in Side),
    )


def _isNew(view: BothSides, side: Side, uid: int) -> bool:
    mark = view.known.marks.get(side)
    return mark is not None and uid >= mark.uidnext


async def carryFlags(view: BothSides, operation: SetFlags) -> int:
    """
    Make messages show the same flags on both sides.

    @return: about how many of them more is agreed on than before.
    """
    drifts, plan = operation
    _warnOfConflicts(view, plan)
    for side, this in view.sides.items():
        this.reading.expect(plan.expected[side])
    storing = [_store(view, store) for store in plan.stores]
    written = {store.side for store in plan.stores}
    # Some servers tell only then what others have changed meanwhile.
    catching = [view.sides[side].client.catchUp() for side in written]
    await together([*storing, *catching])
    for side, this in view.sides.items():
        unheard = UidSet.of(plan.expected[side].keys() - this.reading.heard.keys())
        if unheard:
            # Nothing changed, they say: see why.
            this.reading.disturbed = True
            await this.client.reportFlags(unheard)
    done = _agree(view, drifts, plan)
    for this in view.sides.values():
        this.reading.expect(())
    return done


def _store(view: BothSides, store: Store) -> Deferred[object]:
    this = view.sides[store.side]
    if not this.selected.keeps(store.flag):
        return succeed(None)

    def refused(failure: Failure) -> Failure | None:
        error = failure.value
        if not isinstance(error, Refused):
            return failure
        flag = keyword(store.flag)
        view.trouble(f"{flag}: {error}", store.side, code=error.responseCode)
        return None

    flags = frozenset((store.flag,))
    return this.client.store(store.uids, store.sign, flags).addErrback(refused)


def _agree(view: BothSides, drifts: Drifts, plan: FlagPlan) -> int:
    """
    Both sides agree on what they were seen to show.
    """
    report = view.context.records.report
    agreed: dict[int, Flags] = {}
    astray: dict[tuple[Side, str], list[int]] = {}
    for drift, moved in drifts.items():
        # Where both had changed alike when they were read, they agreed then: what
        # differs by now has changed since, and the next look is to see it.
        base = settled(*drift[:3])
        for (ours, theirs), many in _shown(view, drift, moved, plan).items():
            flags = settled(base, ours, theirs)
            if drift.fresh or drift.doubted or flags != drift.agreed:
                agreed.update(dict.fromkeys(on(Side.LOCAL, many), flags))
            for side in Side:
                wanted = plan.expected[side].get(on(side, many)[0])
                if wanted is None:
                    continue
                now = ours if side is Side.LOCAL else theirs
                if not same(now, wanted):
                    view.sides[side].reading.disturbed = True
                if unchanged := _unchanged(drift.shows(side), wanted, now):
                    key = (side, " ".join(sorted(unchanged)))
                    astray.setdefault(key, []).extend(on(side.other, many))
                else:
                    report.did("flagged", view.name, side, len(many))
    with view.state.transaction():
        view.state.setFlags(view.known.id, Side.LOCAL, agreed)
    for (side, wrong), uids in astray.items():
        text = f"{side} would not change {keyword(wrong)}"
        view.postpone(side.other, UidSet.of(uids), text)
    return len(agreed)


def _unchanged(before: Flags, wanted: Flags, now: Flags) -> Flags:
    """
    The flags that were to change and did not.  Others may well have: somebody
    else is at work, too.
    """
    added, removed = without(wanted, before), without(before, wanted)
    return without(added, now) | common(removed, now)


def _shown(
    view: BothSides, drift: Drift, many: Sequence[Uids], plan: FlagPlan
) -> Mapping[tuple[Flags, Flags], Sequence[Uids]]:
    """
    The messages by the flags that both sides show by now; without those that are
    gone meanwhile, which the next look tells.
    """
    sides = []
    for side, this in view.sides.items():
        uids = on(side, many)
        # Something is stored in all of them, or in none.
        stored = uids[0] in plan.expected[side]
        heard = map(this.reading.heard.get, uids)
        sides.append(heard if stored else repeat(drift.shows(side)))
    shown: dict[tuple[Flags, Flags], list[Uids]] = {}
    for uids, ours, theirs in zip(many, *sides, strict=False):
        if ours is not None and theirs is not None:
            shown.setdefault((ours, theirs), []).append(uids)
    return shown


def _warnOfConflicts(view: BothSides, plan: FlagPlan) -> None:
    for local, remote in plan.conflicts:
        _log.warn(
            "{name}: flags of message {local} (remote {remote}) changed on both"
            " sides; both get all of them.",
            name=view.name,
            local=local,
            remote=remote,
        )
