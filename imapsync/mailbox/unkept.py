"""
Flags that a server does not keep, as its PERMANENTFLAGS say (RFC 9051, 7.1): the other
side has them alone, and that is no difference.
"""

from __future__ import annotations

from collections.abc import Iterable

from imapsync.display import keyword
from imapsync.imap.commands.mailbox import Selected
from imapsync.log import Log
from imapsync.mailbox.bothsides import BothSides
from imapsync.model import Flags, Side
from imapsync.names import shown
from imapsync.plan.flags import Drift, common, joined, without
from imapsync.uidset import MAXIMUM, UidSet

_NONE: Flags = frozenset()

_log = Log()


def limits(selected: Selected) -> bool:
    """
    Whether a mailbox that can be written does not keep whatever keyword it is given.
    """
    kept = selected.permanentFlags
    return not (selected.readOnly or kept is None or "\\*" in kept)


def limited(view: BothSides) -> list[Side]:
    """
    The sides of which that is so.
    """
    return [side for side, this in view.sides.items() if limits(this.selected)]


def unkept(view: BothSides, side: Side, flags: Iterable[str]) -> Flags:
    """
    Those of C{flags} that C{side} does not keep.
    """
    selected = view.sides[side].selected
    if not limits(selected):
        return _NONE
    return frozenset(flag for flag in flags if not selected.keeps(flag))


def passedOver(view: BothSides, sides: Iterable[Side], drift: Drift) -> Drift:
    """
    The same, as if nothing had become of the flags that one of these C{sides} does not
    keep: who lacks them has not lost them, and whose they are keeps them.
    """
    told = joined(joined(drift.agreed, drift.local), drift.remote)
    for side in sides:
        if not (some := unkept(view, side, told)):
            continue
        note(view, side, common(some, drift.shows(side.other)))
        local, remote = (
            without(flags, some) | common(drift.agreed, some)
            for flags in (drift.local, drift.remote)
        )
        drift = drift._replace(local=local, remote=remote)
    return drift


def note(view: BothSides, side: Side, flags: Flags) -> None:
    """
    C{side} does not keep these, which the other has: that is said once.
    """
    state, mailbox = view.state, view.known.id
    if not (new := flags - state.unkeptFlags(side, mailbox)):
        return
    before = state.unkeptFlags(side)
    with state.transaction():
        state.noteUnkept(mailbox, side, new)
    if first := new - before:
        _log.info(
            "{name}: {side} does not keep {flags}; the other side has that alone, there"
            " and wherever else it is so.",
            name=shown(view.name),
            side=side,
            flags=keyword(" ".join(sorted(first))),
        )


def relearn(view: BothSides) -> bool:
    """
    Some may be kept by now: then nothing is agreed on them, and the flags of all
    messages are to be read again.  Nothing else is to be done before.

    @return: whether that is so.
    """
    state, mailbox = view.state, view.known.id
    changed = False
    for side, this in view.sides.items():
        known = state.unkeptFlags(side, mailbox)
        kept = frozenset(flag for flag in known if this.selected.keeps(flag))
        whole = len(view.known.marks) == len(Side)
        if not (kept and whole) or view.context.dryRun:
            continue
        changed = True
        every = state.agreed(mailbox, Side.LOCAL, UidSet(((1, MAXIMUM),)))
        less = {uid: without(flags, kept) for uid, _, flags in every if flags & kept}
        with state.transaction():
            state.noteKept(mailbox, side, kept)
            state.setFlags(mailbox, Side.LOCAL, less)
            for each, mark in view.known.marks.items():
                view.leave(each)
                state.setMark(mailbox, each, mark._replace(modseq=0))
    return changed
