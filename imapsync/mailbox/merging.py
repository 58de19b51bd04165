"""
Messages that a server does not store, since it has them: Gmail keeps one with a known
Message-ID once, and tells the UID of that.

The two that are there on the other side stand for one message then: one has a pair with
it, the other is folded into that pair, and is left alone as long as there is the pair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imapsync.content.traits import alike
from imapsync.log import Log
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.outcome import Copied
from imapsync.mailbox.recognition import found, traits
from imapsync.model import Side
from imapsync.names import shown
from imapsync.state.interface import State
from imapsync.uidset import UidSet

_log = Log()


async def merged(
    view: BothSides, side: Side, messages: Sequence[Copied]
) -> tuple[Sequence[Copied], Sequence[int]]:
    """
    The server of C{side} said of these that they are what has a pair there.  Those that
    it has not stored, and that are so, are folded into these pairs.

    @return: those that it has stored all the same; and the sources of the others.
    @raise Refused: it does not tell what it has.
    """
    stored = await found(view, side, messages, guess=False)
    left = {one.source: one for one in messages}
    for one in stored:
        del left[one.source]
    targets = UidSet.of(one.target for one in left.values())
    ours = await traits(view.source(side.other), UidSet.of(left))
    theirs = await traits(view.source(side), targets)
    pairs = {
        pair.uid(side): pair for pair in view.state.pairs(view.known.id, side, targets)
    }
    originals: dict[int, int] = {}
    for uid, one in left.items():
        pair, here, there = pairs.get(one.target), ours.get(uid), theirs.get(one.target)
        if pair and here and there and alike([(uid, here[0])], [(uid, there[0])]):
            originals[uid] = pair.uid(side.other)
    _fold(view, side.other, originals)
    return stored, [uid for uid in left if uid not in originals]


def _fold(view: BothSides, side: Side, originals: dict[int, int]) -> None:
    if not originals:
        return
    uids, mailbox, state = UidSet.of(originals), view.known.id, view.state
    uidvalidity = view.sides[side].selected.mark.uidvalidity
    with state.transaction():
        state.keep(mailbox, side, uidvalidity, uids)
        state.fold(mailbox, side, originals)
        state.settle(mailbox, side, uids)
    view.copies.settle(side, uids)
    _log.info(
        "{name}: {side}: UID {uids}: the other side keeps equal messages once, and has"
        " these already.",
        name=shown(view.name),
        side=side,
        uids=uids,
    )


def divided(state: State, mailbox: int) -> Mapping[Side, UidSet]:
    """
    Pairs are gone: what was folded into one of them is a message of its own again.  It
    is called within a transaction.

    @return: the messages of each side that are.
    """
    each: dict[Side, UidSet] = {}
    for side in Side:
        each[side] = uids = state.unfolded(mailbox, side)
        state.foldNoMore(mailbox, side, uids)
        state.keepNoMore(mailbox, side, uids)
    return each
