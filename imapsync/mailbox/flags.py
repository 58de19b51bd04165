"""
Carrying flags over: all STOREs in flight at once, and a look at what became
of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from imapsync.display import keyword
from imapsync.errors import Refused
from imapsync.gather import together
from imapsync.log import Log
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.unkept import limited, note, passedOver, unkept
from imapsync.model import Agreed, Flags, Side
from imapsync.plan.flags import (
    Drift,
    Drifts,
    FlagPlan,
    Store,
    Uids,
    common,
    joined,
    judged,
    on,
    same,
    settled,
    without,
)
from imapsync.plan.operations import SetFlags
from imapsync.uidset import UidSet

#: So many messages are worked on at a time, of either side.
CHUNK = 10_000

#: The messages of one side whose flags the other would not have: by that, and by the
#: flags.
Astray = dict[tuple[Side, Flags], list[int]]

_log = Log()


def touched(view: BothSides) -> Iterator[Drifts]:
    """
    The messages whose flags changed on a side or on both, some at a time.
    """
    ours, theirs = (view.sides[side].changes.agreed for side in Side)
    here = iter(ours.values())
    there = (one for one in theirs.values() if one[0] not in ours)
    while some := [*islice(here, CHUNK), *islice(there, CHUNK)]:
        if drifts := _drifts(view, some):
            yield drifts


def _drifts(view: BothSides, changed: Iterable[Agreed]) -> Drifts:
    """
    What has become of these messages, but for those that are gone.
    """
    ours, theirs = (view.sides[side].changes.flags for side in Side)
    gone = {side: this.absent for side, this in view.sides.items() if this.absent}
    odd = any(
        this.lapsed or this.reading.again or view.copies.originals(side)
        for side, this in view.sides.items()
    )
    limits = limited(view)
    drifts: dict[Drift, list[Uids]] = {}
    for local, remote, agreed in changed:
        if gone and (_in(gone, Side.LOCAL, local) or _in(gone, Side.REMOTE, remote)):
            continue
        drift = Drift(agreed, ours.get(local, agreed), theirs.get(remote, agreed))
        if odd:
            drift = _judged(view, {Side.LOCAL: local, Side.REMOTE: remote}, drift)
        if limits:
            drift = passedOver(view, limits, drift)
        drifts.setdefault(drift, []).append((local, remote))
    return drifts


def _in(uids: Mapping[Side, UidSet], side: Side, uid: int) -> bool:
    return side in uids and uid in uids[side]


def _judged(view: BothSides, uids: Mapping[Side, int], drift: Drift) -> Drift:
    """
    The same, where what a side shows may be nobody's doing.
    """
    sides = view.sides
    reported = [side for side in Side if uids[side] in sides[side].changes.flags]
    copy = view.copies.isOn(uids[Side.LOCAL], uids[Side.REMOTE])
    return judged(
        drift,
        [side for side in reported if sides[side].lapsed],
        copy if copy in reported else None,
        retried=any(uids[side] in sides[side].reading.again for side in Side),
    )


async def carryFlags(view: BothSides, operation: SetFlags) -> int:
    """
    Make messages show the same flags on both sides.

    @return: about how many of them were changed, or are agreed on otherwise than
        before.
    """
    drifts, plan = operation
    _warnOfConflicts(view, plan)
    for side, this in view.sides.items():
        this.reading.expect(plan.expected[side])
    refused: dict[tuple[Side, str], Refused] = {}
    storing = [_store(view, store, refused) for store in plan.stores]
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
    done, astray = _agree(view, drifts, plan)
    _postpone(view, astray, refused)
    for this in view.sides.values():
        this.reading.expect(())
    return done


def _store(
    view: BothSides, store: Store, refusals: dict[tuple[Side, str], Refused]
) -> Deferred[object]:
    """
    @param refusals: where to note what the server said, if it refuses.
    """
    this = view.sides[store.side]
    if not this.selected.keeps(store.flag):
        return succeed(None)

    def refused(failure: Failure) -> Failure | None:
        error = failure.value
        if not isinstance(error, Refused):
            return failure
        refusals[store.side, store.flag] = error
        flag = keyword(store.flag)
        view.trouble(f"{flag}: {error}", store.side, code=error.responseCode)
        return None

    flags = frozenset((store.flag,))
    return this.client.store(store.uids, store.sign, flags).addErrback(refused)


def _agree(view: BothSides, drifts: Drifts, plan: FlagPlan) -> tuple[int, Astray]:
    """
    Both sides agree on what they were seen to show.

    @return: about how many were changed, and those whose flags are not as they were
        to be.
    """
    report, stored = view.context.records.report, 0
    agreed: dict[int, Flags] = {}
    supposed: dict[int, Flags] = {}
    astray: Astray = {}
    for drift, moved in drifts.items():
        for (ours, theirs), many in _shown(view, drift, moved, plan).items():
            flags = _agreedOn(drift, ours, theirs)
            for side in Side:
                wanted = plan.expected[side].get(on(side, many)[0])
                if wanted is None:
                    continue
                now = ours if side is Side.LOCAL else theirs
                if not same(now, wanted):
                    view.sides[side].reading.disturbed = True
                if unchanged := _astray(view, side, drift, wanted, now, many):
                    key = (side, unchanged)
                    astray.setdefault(key, []).extend(on(side.other, many))
                    # The other side is looked at again, and is to differ from what
                    # is agreed, though it was this one that had changed.
                    flags = joined(without(flags, unchanged), common(now, unchanged))
                else:
                    report.did("flagged", view.name, side, len(many))
                    stored += len(many)
            if drift.fresh or drift.doubted:  # not what the database has
                supposed.update(dict.fromkeys(on(Side.LOCAL, many), flags))
            elif flags != drift.agreed:
                agreed.update(dict.fromkeys(on(Side.LOCAL, many), flags))
    agreed |= _news(view, supposed)
    with view.state.transaction():
        view.state.setFlags(view.known.id, Side.LOCAL, agreed)
    return max(len(agreed), stored), astray


def _postpone(
    view: BothSides, astray: Astray, refused: Mapping[tuple[Side, str], Refused]
) -> None:
    """
    Try again another time what a server would not change.

    @param refused: what it said to that, by the flag.
    """
    for (side, unchanged), uids in astray.items():
        forgone = unkept(view, side, unchanged)
        note(view, side, forgone)
        if not (wrong := without(unchanged, forgone)):
            continue
        flags = sorted(wrong)
        text = f"{side} would not change {keyword(' '.join(flags))}"
        said = [refused[side, flag] for flag in flags if (side, flag) in refused]
        code = said[0].responseCode if said else ""
        view.postpone(side.other, UidSet.of(uids), text, code)


def _astray(
    view: BothSides,
    side: Side,
    drift: Drift,
    wanted: Flags,
    now: Flags,
    many: Sequence[Uids],
) -> Flags:
    """
    What C{side} shows otherwise than it was told, and than it may.
    """
    unchanged = _unchanged(drift.shows(side), wanted, now)
    if drift.copy is side:
        _accept(view, side, common(unchanged, now), on(side, many))
        unchanged = without(unchanged, now)
    return unchanged


def _news(view: BothSides, agreed: Mapping[int, Flags]) -> dict[int, Flags]:
    """
    Those of C{agreed} that the database does not have so: else there would be
    something to do time and again.
    """
    known = view.state.agreed(view.known.id, Side.LOCAL, UidSet.of(agreed))
    return {uid: agreed[uid] for uid, _, flags in known if agreed[uid] != flags}


def _agreedOn(drift: Drift, ours: Flags, theirs: Flags) -> Flags:
    """
    What both sides agree on that show this by now.
    """
    if drift.copy is not None:
        # What its server has made of it is no news from here on.
        return ours if drift.copy is Side.LOCAL else theirs
    # Where both had changed alike when they were read, they agreed then: what
    # differs by now has changed since, and the next look is to see it.
    return settled(settled(*drift[:3]), ours, theirs)


def _accept(view: BothSides, side: Side, flags: Flags, uids: Sequence[int]) -> None:
    """
    The server of C{side} gives these flags to copies, if any, and keeps them there.
    """
    if not flags:
        return
    words = keyword(" ".join(sorted(flags)))
    text = f"its server sets {words} on what is copied there, and keeps it"
    view.trouble(text, side, UidSet.of(uids))


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
