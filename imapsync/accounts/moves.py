"""
Finding what was moved on one side, before it looks like removals and new messages.

Nothing depends on it: what is not recognised is expunged and copied.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress

from imapsync.errors import MailboxError, Refused
from imapsync.imap.commands.mailbox import Heard
from imapsync.mailbox import pairing
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.context import Context
from imapsync.mailbox.fetching import Source
from imapsync.mailbox.identical import movable
from imapsync.mailbox.transfer import known, suppose, transfer
from imapsync.model import Name, Side
from imapsync.plan.moves import Missing, Sign, Transfer
from imapsync.plan.operations import HandOver
from imapsync.uidset import UidSet, UidSetBuilder

#: So many missing messages are looked for at a time.
WINDOW = 20_000


async def follow(
    side: Side,
    lost: Mapping[Name, Context],
    gained: Mapping[Name, Context],
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
        name: _all(side, name, context)
        if name in gone
        else await _doomed(side, name, context)
        for name, context in lost.items()
    }
    usual = {name for name, one in gained.items() if side not in one.exclusive}
    for missing in _windows(side, lost, doomed):
        for name, context in gained.items():
            await _seek(missing, name, context)
        for found in missing.transfers():
            source, target = lost[found.source], gained[found.target]
            proven = await movable(await _proven(found, source), source, target)
            if not proven.twins:
                continue
            if source.tell(proven.source, HandOver([proven])):
                suppose(proven, source)
            else:
                await transfer(proven, source, target)
            done = True
        for name, pair in missing.elsewhere(usual):
            uids = UidSet.of([pair.uid(side)])
            lost[name].records.notes.supersede(name, side, uids)
    return done


def _all(side: Side, name: Name, context: Context) -> UidSet:
    """
    All known messages of a mailbox.
    """
    return context.state.paired(known(name, context).id, side)


async def _doomed(side: Side, name: Name, context: Context) -> UidSet:
    """
    The messages on C{side} that the next pass would expunge.
    """
    view = await _viewed(name, context)
    return view.doomed(side) if view else UidSet()


async def _viewed(name: Name, context: Context) -> BothSides | None:
    view = BothSides(known(name, context), context, again=False)
    try:
        return view if await view.read() else None
    except (MailboxError, Refused):
        return None  # its pass will tell


def _windows(
    side: Side, lost: Mapping[Name, Context], doomed: Mapping[Name, UidSet]
) -> Iterator[Missing]:
    """
    Those that are missing, a bounded number at a time.
    """
    missing, room = Missing(side), WINDOW
    for name, uids in doomed.items():
        context = lost[name]
        mailbox = known(name, context).id
        for some in uids.split(WINDOW):
            if len(some) > room:
                yield missing
                missing, room = Missing(side), WINDOW
            missing.add(name, context.state.pairs(mailbox, side, some))
            room -= len(some)
    if room < WINDOW:
        yield missing


async def _seek(missing: Missing, name: Name, context: Context) -> None:
    """
    Look for missing messages among the new ones in the mailbox C{name}.
    """
    view = await _viewed(name, context)
    if view is None:
        return
    here, there = view.sides[missing.side.other], view.sides[missing.side]
    if there.selected.readOnly and not context.dryRun:
        return
    notes = context.records.notes
    new = notes.unasked(name, missing.side.other, here.changes.new)
    try:
        found = await _signs(view.source(missing.side.other), new, missing)
        present = view.source(missing.side)
        others = found and await _signs(present, there.changes.new, missing)
    except Refused:
        return
    if present.unread:
        return  # it may be there already, as one that the server cannot read
    for uid, (sign, date) in found.items():
        missing.found(name, uid, sign, date)
    for sign, _ in others.values():
        missing.present(name, sign)


async def _proven(found: Transfer, source: Context) -> Transfer:
    """
    The same without what has only the content of a missing message, not its
    INTERNALDATE: it was stored there anew.
    """
    if not found.dates:
        return found
    side, twins = found.side, found.twins
    client, uids = source.clients[side], (twins[uid].uid(side) for uid in found.dates)
    dates: Mapping[int, int] = {}
    with suppress(Refused):  # what the server does not tell is not proven
        await client.open(source.names[side], None, Heard(), writable=False)
        dates = await pairing.dated(client, UidSet.of(uids))
    return found._replace(
        twins={
            uid: pair
            for uid, pair in twins.items()
            if uid not in found.dates or found.dates[uid] == dates.get(pair.uid(side))
        },
    )


async def _signs(
    source: Source, uids: UidSet, missing: Missing
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

    await pairing.stamped(source, uids, stamped)
    await pairing.keyed(source, likely.build(), keyed)
    return signs
