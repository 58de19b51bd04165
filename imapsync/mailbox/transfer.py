"""
Moves and copies between mailboxes: what was moved or copied on one side, the
other side's server does by itself, and no message is sent again.

Nothing depends on it.  What is not recognised, or what a server refuses, is
expunged and copied by the passes; what was done and not committed is paired by
its content.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from imapsync.errors import MailboxError, ProtocolViolation, Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Heard
from imapsync.log import Log
from imapsync.mailbox import pairing
from imapsync.mailbox.bothsides import Surroundings, View
from imapsync.model import Flags, Known, Name, Pair, Side, differ
from imapsync.plan.flags import common
from imapsync.plan.moves import Errand, Missing, Sign
from imapsync.uidset import UidSet, UidSetBuilder

#: So many missing messages are looked for at a time.
WINDOW = 20_000

_log = Log()


async def follow(
    side: Side,
    lost: Mapping[Name, Surroundings],
    gained: Mapping[Name, Surroundings],
    gone: Collection[Name] = (),
) -> bool:
    """
    Have the server of C{side} move what was moved on the other side.

    @param lost: mailboxes from which something may have been moved there.
    @param gained: mailboxes to which.
    @param gone: those of the first that are not there any more.
    @return: whether anything was done.
    """
    done = False
    doomed = {
        name: _all(side, name, around)
        if name in gone
        else await _doomed(side, name, around)
        for name, around in lost.items()
    }
    for missing in _windows(side, lost, doomed):
        for name, around in gained.items():
            await _seek(missing, name, around)
        for found in missing.errands():
            errand = await _proven(found, lost[found.source])
            if errand.twins:
                await perform(errand, lost[errand.source], gained[errand.target])
                done = True
    return done


def _all(side: Side, name: Name, around: Surroundings) -> UidSet:
    """
    All known messages of a mailbox.
    """
    return around.state.paired(_known(name, around).id, side)


async def _doomed(side: Side, name: Name, around: Surroundings) -> UidSet:
    """
    The messages on C{side} that the next pass would expunge.
    """
    view = await _viewed(name, around)
    return view.doomed(side) if view else UidSet()


async def _viewed(name: Name, around: Surroundings) -> View | None:
    view = View(_known(name, around), around, again=False)
    try:
        return view if await view.read() else None
    except (MailboxError, Refused):
        return None  # its pass will tell


def _windows(
    side: Side, lost: Mapping[Name, Surroundings], doomed: Mapping[Name, UidSet]
) -> Iterator[Missing]:
    """
    Those that are missing, a bounded number at a time.
    """
    missing, room = Missing(side), WINDOW
    for name, uids in doomed.items():
        around = lost[name]
        mailbox = _known(name, around).id
        for some in uids.split(WINDOW):
            if len(some) > room:
                yield missing
                missing, room = Missing(side), WINDOW
            missing.add(name, around.state.pairs(mailbox, side, some))
            room -= len(some)
    if room < WINDOW:
        yield missing


async def _seek(missing: Missing, name: Name, around: Surroundings) -> None:
    """
    Look for missing messages among the new ones in the mailbox C{name}.
    """
    view = await _viewed(name, around)
    if view is None:
        return
    here, there = view.sides[missing.side.other], view.sides[missing.side]
    if there.selected.readOnly and not around.policy.dryRun:
        return
    new = here.changes.new - around.report.recognised[name, missing.side.other]
    try:
        found = await _signs(here.client, new, missing)
        others = found and await _signs(there.client, there.changes.new, missing)
    except Refused:
        return  # there is a message that the server cannot read
    for uid, (sign, date) in found.items():
        missing.found(name, uid, sign, date)
    for sign, _ in others.values():
        missing.present(name, sign)


async def _proven(errand: Errand, source: Surroundings) -> Errand:
    """
    The errand without what has only the content of a missing message, not its
    INTERNALDATE: it was stored there anew.
    """
    if not errand.dates:
        return errand
    side, twins = errand.side, errand.twins
    client = source.clients[side]
    await client.open(source.names[side], None, Heard(), writable=False)
    dates = await pairing.dated(
        client, UidSet.of(twins[uid].uid(side) for uid in errand.dates)
    )
    return errand._replace(
        twins={
            uid: pair
            for uid, pair in twins.items()
            if uid not in errand.dates or errand.dates[uid] == dates.get(pair.uid(side))
        },
    )


async def _signs(
    client: SyncClient, uids: UidSet, missing: Missing
) -> Mapping[int, tuple[Sign, int]]:
    """
    Those of C{uids} that have the sign of a missing message; with the date that
    it must have too, or 0.
    """
    signs: dict[int, tuple[Sign, int]] = {}
    likely = UidSetBuilder()

    def stamped(uid: int, size: int, stamp: int) -> None:
        if stamp in missing:
            signs[uid] = stamp, 0
        elif missing.likely(size):
            likely.add(uid)

    def keyed(uid: int, key: bytes, date: int) -> None:
        if key in missing:
            signs[uid] = key, date

    await pairing.stamped(client, uids, stamped)
    await pairing.keyed(client, likely.build(), keyed)
    return signs


async def duplicates(view: View, side: Side, new: UidSet) -> list[Errand]:
    """
    What the server of C{side} can copy by itself, because C{new} messages of
    the other side are equal to messages that both have elsewhere.

    An ordinary new message costs its stamp.
    """
    report, client = view.around.report, view.sides[side.other].client
    if not view.around.acquainted:
        return []
    alike: dict[int, tuple[Name, Pair]] = {}
    equal: dict[tuple[Name, int], list[int]] = {}

    def stamped(uid: int, _: int, stamp: int) -> None:
        known = view.state.stamped(stamp) if stamp else []
        if len(known) == 1:
            alike[uid] = known[0]

    def keyed(uid: int, key: bytes, _: int) -> None:
        name, pair = alike[uid]
        if key == pair.key:
            equal.setdefault((name, pair.local), []).append(uid)

    try:
        new -= report.recognised[view.name, side.other]
        await pairing.stamped(client, new, stamped)
        await pairing.keyed(client, UidSet.of(alike), keyed)
    except Refused:
        return []  # there is a message that the server cannot read
    twins: dict[Name, dict[int, Pair]] = {}
    for (name, _), uids in equal.items():
        if len(uids) == 1:
            twins.setdefault(name, {})[uids[0]] = alike[uids[0]][1]
    return [
        Errand(side, name, view.name, some, gone=False) for name, some in twins.items()
    ]


async def perform(errand: Errand, source: Surroundings, target: Surroundings) -> None:
    """
    Have it done, as far as the server does it.  Afterwards, any mailbox may be
    the selected one.

    @param source: of the mailbox that the messages are in.
    @param target: of the mailbox that they are to be in.
    """
    if source.policy.dryRun:
        rehearse(errand, source)
        return
    side, state = errand.side, source.state
    here, there = _known(errand.source, source), _known(errand.target, target)
    moving = errand.gone and "MOVE" in source.clients[side].features
    pairs: dict[int, Pair] = {}
    with state.transaction():
        flags = {u: p.flags if errand.gone else None for u, p in errand.twins.items()}
        state.foretell(there.id, side.other, flags)
    try:
        if await _select(side, here, source):
            uids = await _transfer(errand, there, target, moving)
            shown = await _flags(side, target, UidSet.of(uids.values()))
            pairs = dict(_pairs(errand, uids, shown))
    except Refused as error:
        _log.info("{name}: {error}", name=errand.target, error=error)
    _remember(errand, source)
    try:
        with state.transaction():
            if moving:
                state.removePairs(here.id, side, UidSet.of(pairs))
            state.addPairs(there.id, pairs.values())
    except ValueError as error:
        raise ProtocolViolation(
            f"{side}: COPYUID names messages that were there before"
        ) from error
    if errand.gone and not moving:
        source.brake.forgive(side, len(pairs))
        source.report.superseded[errand.source, side] |= UidSet.of(pairs)
    _account(errand, pairs.values(), source)


def _known(name: Name, around: Surroundings) -> Known:
    known = around.state.mailbox(name)
    if known is None:
        raise MailboxError(f"{name}: unknown to the database")
    return known


async def _select(side: Side, known: Known, around: Surroundings) -> bool:
    """
    Select a mailbox on one side.

    @return: whether it is still the same one, and can be written.
    """
    client, name, mark = around.clients[side], around.names[side], known.marks.get(side)
    selected = await client.open(name, None, Heard(), writable=True)
    return (
        mark is not None
        and mark.uidvalidity == selected.mark.uidvalidity
        and not differ(known.identities.get(side, ""), selected.identity)
        and not selected.readOnly
    )


async def _transfer(
    errand: Errand, there: Known, target: Surroundings, moving: bool
) -> Mapping[int, int]:
    """
    MOVE or COPY from the selected mailbox.

    @return: the new UIDs, by the old ones; not those that were not told.
    """
    side = errand.side
    uids = UidSet.of(pair.uid(side) for pair in errand.twins.values())
    verb = "MOVE" if moving else "COPY"
    told = await target.clients[side].transfer(verb, uids, target.names[side])
    mark = there.marks.get(side)
    return {
        old: new
        for one in told
        if mark is not None and one.uidvalidity == mark.uidvalidity
        for old, new in one.uids.items()
    }


async def _flags(side: Side, target: Surroundings, uids: UidSet) -> Mapping[int, Flags]:
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
    errand: Errand, uids: Mapping[int, int], flags: Mapping[int, Flags]
) -> Iterator[tuple[int, Pair]]:
    """
    The new pairs, each with the UID on C{errand.side} of the one before.

    Both sides agree on the flags that they agreed on before and that the server
    has kept, so that what was changed along with a move differs from it.  The
    flags of a copy are its own: those that the server gave it are agreed on,
    and the other side's differ.
    """
    side = errand.side
    for uid, pair in errand.twins.items():
        old = pair.uid(side)
        if old not in uids:
            continue
        shown = flags.get(uids[old], pair.flags)
        agreed = common(pair.flags, shown) if errand.gone else shown
        local, remote = uid, uids[old]
        if side is Side.LOCAL:
            local, remote = remote, local
        yield old, pair._replace(local=local, remote=remote, flags=agreed)


def _account(errand: Errand, pairs: Iterable[Pair], around: Surroundings) -> None:
    """
    Report what was done.
    """
    done = UidSet.of(pair.uid(errand.side.other) for pair in pairs)
    report = around.report
    counter = report.moved if errand.gone else report.duplicated
    counter[errand.target, errand.side] += len(done)
    report.followed[errand.target, errand.side.other] |= done


def _remember(errand: Errand, around: Surroundings) -> None:
    """
    It is tried once.
    """
    uids = UidSet.of(errand.twins)
    around.report.recognised[errand.target, errand.side.other] |= uids


def rehearse(errand: Errand, around: Surroundings) -> None:
    """
    Say what would be done, so that no pass says the same in its own way.
    """
    side, state = errand.side, around.state
    uids = UidSet.of(pair.uid(side) for pair in errand.twins.values())
    verb = "move" if errand.gone else "copy"
    around.say(f"{errand.source}: {verb} UID {uids} to {errand.target} on {side}")
    _remember(errand, around)
    if errand.gone:
        around.report.superseded[errand.source, side] |= uids
        with state.transaction():
            state.removePairs(_known(errand.source, around).id, side, uids)
