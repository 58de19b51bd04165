"""
Moves and copies between mailboxes: what was moved or copied on one side, the
other side's server does by itself, and no message is sent again.

Nothing depends on it.  What a server refuses is expunged and copied by the passes;
what was done and not committed is paired by its content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from imapsync.errors import MailboxError, Refused
from imapsync.imap.commands.mailbox import Heard
from imapsync.log import Log
from imapsync.mailbox import identical, pairing
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.context import Context
from imapsync.mailbox.summary import Deed
from imapsync.model import Flags, Known, Name, Pair, Side, differ
from imapsync.plan.flags import common
from imapsync.plan.moves import Transfer
from imapsync.uidset import UidSet, UidSetBuilder

_log = Log()


async def duplicates(view: BothSides, side: Side, new: UidSet) -> list[Transfer]:
    """
    What the server of C{side} can copy by itself, because C{new} messages of
    the other side are equal to messages that both have elsewhere.

    An ordinary new message costs its stamp.  What is like several others, as where it
    gets one label after another, must be the same as one of them, as its server says.
    """
    notes, source = view.context.records.notes, view.source(side.other)
    if not notes.acquainted or side in view.context.exclusive:
        return []
    client = view.sides[side.other].client
    alike: dict[int, tuple[Name, Pair]] = {}
    equal: dict[tuple[Name, int], list[int]] = {}
    doubtful = UidSetBuilder()

    def stamped(uid: int, _: int, stamp: int) -> None:
        known = view.state.stamped(stamp) if stamp else []
        if len(known) > 1 and identical.tells(client.features):
            known = [one for one in known if one[0] != view.name][:1]
            doubtful.update(UidSet.of([uid] if known else ()))
        if len(known) == 1:
            alike[uid] = known[0]

    def keyed(uid: int, key: bytes, _: int) -> None:
        name, pair = alike[uid]
        if key == pair.key:
            equal.setdefault((name, pair.local), []).append(uid)

    try:
        new = notes.unasked(view.name, side.other, new)
        await pairing.stamped(source, new, stamped)
        several = doubtful.build()
        identities = await identical.identified(client, several)
        sure = UidSet.of(alike) - several | UidSet.of(identities)
        await pairing.keyed(source, sure, keyed)
    except Refused:
        return []  # there is a message that the server cannot read
    twins: dict[Name, dict[int, Pair]] = {}
    for (name, _), uids in equal.items():
        if len(uids) == 1:
            twins.setdefault(name, {})[uids[0]] = alike[uids[0]][1]
    return [
        Transfer(
            *(side, name, view.name, some, False),
            identities={u: identities[u] for u in some if u in identities},
        )
        for name, some in twins.items()
    ]


async def transfer(what: Transfer, source: Context, target: Context) -> None:
    """
    Have it done, as far as the server does it.  Afterwards, any mailbox may be
    the selected one.

    @param source: of the mailbox that the messages are in.
    @param target: of the mailbox that they are to be in.
    """
    side, state, records = what.side, source.state, source.records
    here, there = known(what.source, source), known(what.target, target)
    moving = what.gone and "MOVE" in source.clients[side].features
    pairs: dict[int, Pair] = {}
    done = UidSet()
    asked = what
    if what.identities:
        what = await _identical(what, here, source)
    with state.transaction():
        flags = {u: p.flags if what.gone else None for u, p in what.twins.items()}
        state.foretell(there.id, side.other, flags)
    try:
        if what.twins and await _select(side, here, source):
            uids, done = await _handOver(what, there, target, moving)
            shown = await _flags(side, target, UidSet.of(uids.values()))
            pairs = dict(_pairs(what, uids, shown))
    except Refused as error:
        _log.info("{name}: {error}", name=what.target, error=error)
    records.notes.asked(asked)
    try:
        with state.transaction():
            if moving:
                state.removePairs(here.id, side, UidSet.of(pairs))
            state.addPairs(there.id, pairs.values())
    except ValueError:
        # COPYUID names messages that were there before: it is a hint and no more.
        _log.warn(
            "{name}: {side} tells other UIDs than those of the messages that it"
            " copied; pairing by content.",
            name=what.target,
            side=side,
        )
        return
    if what.gone and not moving:
        done |= UidSet.of(pairs)
        records.brake.forgive(side, len(done))
        records.notes.supersede(what.source, side, done)
    records.growth.copied(there.id, side, [*pairs.values()])
    deed: Deed = "moved" if what.gone else "duplicated"
    records.report.did(deed, what.target, side, len(pairs))


def suppose(what: Transfer, source: Context) -> None:
    """
    In a dry run, take it as done: no pass is to tell of the same messages.
    """
    source.records.notes.asked(what)
    if what.gone:
        uids = UidSet.of(pair.uid(what.side) for pair in what.twins.values())
        source.records.notes.supersede(what.source, what.side, uids)
        with source.state.transaction():
            mailbox = known(what.source, source).id
            source.state.removePairs(mailbox, what.side, uids)


def known(name: Name, context: Context) -> Known:
    """
    What the database knows of a mailbox.

    @raise MailboxError: nothing.
    """
    found = context.state.mailbox(name)
    if found is None:
        raise MailboxError("unknown to the database")
    return found


async def _identical(what: Transfer, here: Known, source: Context) -> Transfer:
    """
    The same without what its server does not say to be its twin.
    """
    other, known = what.side.other, what.identities
    twins = {uid: what.twins[uid].uid(other) for uid in known}
    found: Mapping[int, str] = {}
    with suppress(Refused):  # what the server does not tell is not proven
        if await _select(other, here, source, writable=False):
            client = source.clients[other]
            found = await identical.identified(client, UidSet.of(twins.values()))
    return what._replace(
        twins={
            uid: pair
            for uid, pair in what.twins.items()
            if uid not in known or known[uid] == found.get(twins[uid])
        }
    )


async def _select(
    side: Side, known: Known, context: Context, writable: bool = True
) -> bool:
    """
    Select a mailbox on one side.

    @return: whether it is still the same one, and can be written if it is to be.
    """
    client, name, mark = (
        context.clients[side],
        context.names[side],
        known.marks.get(side),
    )
    selected = await client.open(name, None, Heard(), writable)
    return (
        mark is not None
        and mark.uidvalidity == selected.mark.uidvalidity
        and not differ(known.identities.get(side, ""), selected.identity)
        and not (writable and selected.readOnly)
    )


async def _handOver(
    what: Transfer, there: Known, target: Context, moving: bool
) -> tuple[Mapping[int, int], UidSet]:
    """
    MOVE or COPY from the selected mailbox.

    @return: the new UIDs, by the old ones, not those that were not told; and all old
        ones, if none was told, so that they are paired by the next pass.
    """
    side = what.side
    uids = UidSet.of(pair.uid(side) for pair in what.twins.values())
    verb = "MOVE" if moving else "COPY"
    told = await target.clients[side].transfer(verb, uids, target.names[side])
    mark = there.marks.get(side)
    new = {
        old: new
        for one in told
        if mark is not None and one.uidvalidity == mark.uidvalidity
        for old, new in one.uids.items()
    }
    return new, UidSet() if any(one.uids for one in told) else uids


async def _flags(side: Side, target: Context, uids: UidSet) -> Mapping[int, Flags]:
    """
    What the server has made of the flags: it may have dropped some.
    """
    heard = Heard(uids)
    if uids:
        client = target.clients[side]
        await client.open(target.names[side], None, heard, writable=False)
        await client.reportFlags(uids)
    return heard.flags


def _pairs(
    what: Transfer, uids: Mapping[int, int], flags: Mapping[int, Flags]
) -> Iterator[tuple[int, Pair]]:
    """
    The new pairs, each with the UID on C{what.side} of the one before.

    Both sides agree on the flags that they agreed on before and that the server
    has kept, so that what was changed along with a move differs from it.  The
    flags of a copy are its own: those that the server gave it are agreed on,
    and the other side's differ.
    """
    side = what.side
    for uid, pair in what.twins.items():
        old = pair.uid(side)
        if old not in uids:
            continue
        shown = flags.get(uids[old], pair.flags)
        agreed = common(pair.flags, shown) if what.gone else shown
        local, remote = uid, uids[old]
        if side is Side.LOCAL:
            local, remote = remote, local
        yield old, pair._replace(local=local, remote=remote, flags=agreed)
