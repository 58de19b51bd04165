"""
What a server has stored, though it may have said NO: L{strangers} and L{trashed}.
"""

from __future__ import annotations

from collections.abc import Mapping

from imapsync.errors import Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Heard
from imapsync.mailbox import pairing
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.fetching import Source
from imapsync.mailbox.recognition import above
from imapsync.mailbox.suspects import Place, Suspects
from imapsync.model import Side
from imapsync.uidset import UidSet


async def strangers(view: BothSides, side: Side) -> dict[int, bytes]:
    """
    The messages that have come to a mailbox since it was selected, and have no pair:
    content keys by UID.

    @raise Refused: its server does not tell, of one at least.
    """
    this, source = view.sides[side], view.source(side)
    await view.resume(side)
    there = await this.client.exists(above(this.selected.mark.uidnext))
    there -= this.reading.paired(there)
    keys = await _keys(source, there)
    if unread := source.unread & there:
        raise Refused("FETCH", "NO", "", f"UID {unread} cannot be read")
    return keys


async def trashed(client: SyncClient, trash: str, keys: Mapping[int, bytes]) -> UidSet:
    """
    Which messages have their like among the newest of the trash, which is then the
    selected mailbox.

    @param keys: their content keys, by UID.
    @raise Refused: its server does not tell.
    """
    selected = await client.open(trash, None, Heard(), writable=False)
    there = await client.exists(above(selected.mark.uidnext - 2 * len(keys)))
    source = Source(client, Suspects(), Place(0, Side.LOCAL, selected.mark.uidvalidity))
    known = {*(await _keys(source, there)).values()}
    return UidSet.of(uid for uid, key in keys.items() if key in known)


async def _keys(source: Source, uids: UidSet) -> dict[int, bytes]:
    keys: dict[int, bytes] = {}

    def keyed(uid: int, key: bytes, _: int) -> None:
        keys[uid] = key

    await pairing.keyed(source, uids, keyed)
    return keys
