"""
Carrying flags over: all STOREs in flight at once, and a look at what became
of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from imapsync.errors import Refused
from imapsync.logs import Log
from imapsync.model import Flags, Pair, Side
from imapsync.plan import (
    FlagPlan,
    Store,
    Touched,
    common,
    planFlags,
    settled,
    without,
)
from imapsync.together import together
from imapsync.uidset import UidSet
from imapsync.view import View

#: So many pairs are worked on at a time.
CHUNK = 2000

_log = Log()


def touched(view: View) -> Iterator[list[Touched]]:
    """
    The pairs whose flags changed on a side or on both, some at a time.
    """
    for side in Side:
        for uids in UidSet.of(view.sides[side].changes.flags).split(CHUNK):
            pairs = view.state.pairs(view.known.id, side, uids)
            some = [_touched(view, pair) for pair in pairs if _due(view, side, pair)]
            if some:
                yield some


def _due(view: View, side: Side, pair: Pair) -> bool:
    """
    Whether a pair that C{side} reported on is to be dealt with now: it is not
    gone, and was not among those of the other side.
    """
    for here in Side:
        if pair.uid(here) in view.sides[here].gone:
            return False
    local = view.sides[Side.LOCAL].changes.flags
    return side is Side.LOCAL or pair.local not in local


def _touched(view: View, pair: Pair) -> Touched:
    present = {
        side: this.changes.flags[pair.uid(side)]
        for side, this in view.sides.items()
        if pair.uid(side) in this.changes.flags
    }
    lapsed = [side for side in present if view.sides[side].lapsed]
    if lapsed:
        return _doubted(pair, present, lapsed)
    retried = any(pair.uid(s) in this.reading.again for s, this in view.sides.items())
    followed = view.around.report.followed
    if (
        view.again
        or not any(_isNew(view, pair, side) for side in present)
        or any(pair.uid(side) in followed[view.name, side] for side in Side)
    ):
        return Touched(pair, present, retried=retried)
    # It was copied a moment ago.  That it lacks flags does not mean that
    # somebody took them away: the server may have kept none.
    ours, theirs = (present.get(side, pair.flags) for side in Side)
    pair = replace(pair, flags=common(ours, theirs))
    return Touched(pair, {Side.LOCAL: ours, Side.REMOTE: theirs}, fresh=True)


def _doubted(
    pair: Pair, present: Mapping[Side, Flags], lapsed: Iterable[Side]
) -> Touched:
    """
    That a server which has lost track lacks flags does not mean that somebody
    took them away: both sides do not agree on them any more.
    """
    base, present = pair.flags, {s: present.get(s, pair.flags) for s in Side}
    for side in lapsed:
        base = common(base, present[side])
    return Touched(replace(pair, flags=base), present, doubted=True)


def _isNew(view: View, pair: Pair, side: Side) -> bool:
    mark = view.known.marks.get(side)
    return mark is not None and pair.uid(side) >= mark.uidnext


def plannedFor(view: View, some: list[Touched]) -> FlagPlan:
    """
    What is to be done for these pairs; conflicts are told.
    """
    policy = view.around.policy
    plan = planFlags(some, policy.merge, policy.readOnly)
    _warnOfConflicts(view, plan)
    return plan


async def carryFlags(view: View, some: list[Touched]) -> int:
    """
    Make these pairs show the same flags on both sides.

    @return: about how many of them more is agreed on than before.
    """
    plan = plannedFor(view, some)
    for side, this in view.sides.items():
        this.reading.expected = plan.expected[side]
        this.reading.heard.clear()
    await together(_store(view, store) for store in plan.stores)
    for side, this in view.sides.items():
        heard = this.reading.heard
        unheard = UidSet.of(uid for uid in plan.expected[side] if uid not in heard)
        if unheard:
            # Nothing changed, they say: see why.
            await this.client.reportFlags(unheard)
    return _agree(view, some, plan)


def _store(view: View, store: Store) -> Deferred[object]:
    this = view.sides[store.side]
    if not this.selected.keeps(store.flag):
        return succeed(None)

    def refused(failure: Failure) -> None:
        failure.trap(Refused)
        view.trouble(f"{store.side}: {store.flag}: {failure.value}")

    flags = frozenset((store.flag,))
    return this.client.store(store.uids, store.sign, flags).addErrback(refused)


def _agree(view: View, some: list[Touched], plan: FlagPlan) -> int:
    """
    Both sides agree on what they were seen to show.
    """
    agreed: dict[int, Flags] = {}
    astray: dict[tuple[Side, str], list[int]] = {}
    for one in some:
        now = _shown(view, one, plan)
        if now is None:
            continue
        # Where both had changed alike when they were read, they agreed then: what
        # differs by now has changed since, and the next look is to see it.
        base = settled(one.pair.flags, *map(one.shows, Side))
        flags = settled(base, now[Side.LOCAL], now[Side.REMOTE])
        if one.fresh or one.doubted or flags != one.pair.flags:
            agreed[one.pair.local] = flags
        for side, expected in plan.expected.items():
            wanted = expected.get(one.pair.uid(side))
            if wanted is None:
                continue
            if unchanged := _unchanged(one.shows(side), wanted, now[side]):
                key = (side, " ".join(sorted(unchanged)))
                astray.setdefault(key, []).append(one.pair.uid(side.other))
            else:
                view.around.report.flagged[view.name, side] += 1
    with view.state.transaction():
        view.state.setFlags(view.known.id, Side.LOCAL, agreed)
    for (side, wrong), uids in astray.items():
        view.postpone(side.other, UidSet.of(uids), f"{side} would not change {wrong}")
    return len(agreed)


def _unchanged(before: Flags, wanted: Flags, now: Flags) -> Flags:
    """
    The flags that were to change and did not.  Others may well have: somebody
    else is at work, too.
    """
    added, removed = without(wanted, before), without(before, wanted)
    return without(added, now) | common(removed, now)


def _shown(view: View, one: Touched, plan: FlagPlan) -> Mapping[Side, Flags] | None:
    """
    The flags that both sides show now; C{None} if the message is gone
    meanwhile, which the next look tells.
    """
    now = {}
    for side, this in view.sides.items():
        uid = one.pair.uid(side)
        shown: Flags | None = one.shows(side)
        if uid in plan.expected[side]:
            shown = this.reading.heard.get(uid)
        if shown is None:
            return None
        now[side] = shown
    return now


def _warnOfConflicts(view: View, plan: FlagPlan) -> None:
    for pair in plan.conflicts:
        _log.warn(
            "{name}: flags of message {local} (remote {remote}) changed on both"
            " sides; both get all of them.",
            name=view.name,
            local=pair.local,
            remote=pair.remote,
        )
