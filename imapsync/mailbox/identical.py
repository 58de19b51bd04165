"""
What a server tells of a message that it shows in several mailboxes: by what it is known
to be the same in all of them, and that it is in others, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from imapsync.errors import MailboxError, Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Heard
from imapsync.imap.features import Features
from imapsync.imap.wire.responses import Row
from imapsync.mailbox import pairing
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.context import Context
from imapsync.mailbox.removal import thrown
from imapsync.model import Flags, Name, Side
from imapsync.names import isInbox, shown
from imapsync.plan.moves import Transfer
from imapsync.plan.refusals import Why
from imapsync.uidset import UidSet, UidSetBuilder

#: The mailboxes among what Gmail calls labels, and that no user has made.
_MAILBOXES = frozenset(("\\inbox", "\\sent", "\\draft", "\\drafts"))


def tells(features: Features) -> str:
    """
    What to ask a server for that identifies a message; empty if there is nothing.
    """
    if "X-GM-EXT-1" in features:
        return "X-GM-MSGID"
    return "EMAILID" if "OBJECTID" in features else ""


async def identified(client: SyncClient, uids: UidSet) -> Mapping[int, str]:
    """
    What identifies each message of the selected mailbox, as far as the server tells.

    @raise Refused: it does not.
    """
    found: dict[int, str] = {}

    def add(rows: list[Row]) -> None:
        found.update((row.uid, row.identity) for row in rows if row.identity)

    items = f"(INTERNALDATE {tells(client.features)})"
    await client.fetchRows(uids, items, add)
    return found


async def labelled(client: SyncClient, name: str, uids: UidSet) -> UidSet:
    """
    Those messages of the selected mailbox that are in others, too, because mailboxes
    are labels there: one that is moved from one of them to the trash leaves all.  Where
    the server does not tell, it may be so.

    @param name: what the server calls the mailbox.
    """
    if "X-GM-EXT-1" not in client.features:
        return UidSet()
    alone = UidSetBuilder()

    def add(rows: list[Row]) -> None:
        told = (row for row in rows if row.labels is not None)
        alone.update(UidSet.of(r.uid for r in told if not _others(r.labels, name)))

    with suppress(Refused):
        await client.fetchRows(uids, "(INTERNALDATE X-GM-LABELS)", add)
    return uids - alone.build()


async def spared(view: BothSides, side: Side, uids: UidSet, trash: Name) -> UidSet:
    """
    Those messages of C{side} that need not go to the trash: their like is there, or
    they stay in another mailbox; nor must those of which the like is brought next, as
    the server keeps one only.
    """
    this, state, mailbox = view.sides[side], view.state, view.known.id
    there = thrown(state, mailbox, side, uids, trash)
    if this.client.host.labels:
        originals = state.original(mailbox, side.other)
        there |= state.partners(mailbox, side.other, originals, side) & uids
        there |= await _moved(view, side, uids - there)
    return there | await labelled(this.client, this.selected.name, uids - there)


async def refused(view: BothSides, side: Side, new: UidSet) -> Mapping[int, Why]:
    """
    Those of the C{new} messages of C{side} that the other was seen to refuse a moment
    ago; and those that must not be brought there, as their like is in another mailbox,
    and this one would take it away.
    """
    found = {**view.context.records.suspects.refusals(view.place(side))}

    def stamped(uid: int, _: int, stamp: int) -> None:
        known = view.state.stamped(stamp) if stamp else []
        others = [shown(name) for name, _ in known if name != view.name]
        if others:
            text = (
                f'it is in "{others[0]}" as well, and can be in one of the two only'
                f" on {side.other}: keep one"
            )
            found[uid] = text, ""

    if side.other in view.context.exclusive:
        await pairing.stamped(view.source(side), new, stamped)
    return found


async def movable(what: Transfer, source: Context, target: Context) -> Transfer:
    """
    The same without what is in other mailboxes, too, if the target would take it away.
    """
    if what.side not in target.exclusive:
        return what
    client, name = source.clients[what.side], source.names[what.side]
    uids = UidSet.of(pair.uid(what.side) for pair in what.twins.values())
    with suppress(MailboxError, Refused):
        await client.open(name, None, Heard(), writable=False)
        uids = await labelled(client, name, uids)
    twins = what.twins.items()
    return what._replace(twins={u: p for u, p in twins if p.uid(what.side) not in uids})


async def _moved(view: BothSides, side: Side, uids: UidSet) -> UidSet:
    """
    Those of which the other side has the like anew, as if they were moved out and back.
    """
    stamps: set[int] = set()
    new = view.sides[side.other].changes.new if uids else UidSet()
    source = view.source(side.other)
    await pairing.stamped(source, new, lambda _, __, stamp: stamps.add(stamp))
    pairs = view.state.pairs(view.known.id, side, uids) if stamps else ()
    return UidSet.of(
        one.uid(side) for one in pairs if one.stamp and one.stamp in stamps
    )


def _others(labels: Flags | None, name: str) -> set[str]:
    """
    Those of the labels that are mailboxes, but for C{name}.
    """
    system = {label.lower() for label in labels or () if label.startswith("\\")}
    made = {label for label in labels or () if not label.startswith("\\")}
    own = "\\inbox" if isInbox(name) else name
    return (system & _MAILBOXES | made) - {own}
