"""
Following a mailbox through a RENAME that gives it another UIDVALIDITY, as Courier's
does: where all that it holds has the UIDs that it had, nothing is to be paired by
content for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

from imapsync.errors import MailboxError, Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Heard
from imapsync.imap.wire.responses import Row
from imapsync.model import Known, Mark, Side
from imapsync.state.interface import State
from imapsync.uidset import UidSet


class Portrait(NamedTuple):
    """
    Of a mailbox: what it holds.

    @ivar likeness: of UIDs, dates and sizes.
    """

    uidvalidity: int
    uidnext: int
    messages: int
    likeness: int


#: Of some mailboxes, by their numbers.
Portraits = Mapping[int, Portrait]


async def portraits(
    client: SyncClient, state: State, side: Side, names: Iterable[tuple[Known, str]]
) -> Portraits:
    """
    Of those that are as they are known, and are to be renamed, where the server is
    known to renumber what it renames.

    @param names: what it calls them.
    """
    found: dict[int, Portrait] = {}
    for known, name in names if client.host.renumbers else ():
        mark = known.marks.get(side)
        # What else is known by UIDs is not followed.
        if mark and not state.kept(known.id, side):
            one = await _portrait(client, name)
            if one is not None:
                found[known.id] = one
    return found


def renewed(
    side: Side, known: Iterable[Known], before: Portraits, after: Portraits
) -> Iterator[tuple[int, Mark]]:
    """
    The marks of those that hold after it what they held before, by their numbers.
    """
    for one in known:
        was, now, mark = before.get(one.id), after.get(one.id), one.marks.get(side)
        if not (was and now and mark) or was.uidvalidity != mark.uidvalidity:
            continue
        if now == was._replace(uidvalidity=now.uidvalidity):
            yield one.id, mark._replace(uidvalidity=now.uidvalidity)


async def _portrait(client: SyncClient, name: str) -> Portrait | None:
    """
    @return: C{None} if the server does not tell.
    """
    likeness = messages = 0

    def add(rows: list[Row]) -> None:
        nonlocal likeness, messages
        for row in rows:
            messages += 1
            text = f"{row.uid} {row.date} {row.size}".encode()
            digest = blake2b(text, digest_size=16).digest()
            likeness ^= int.from_bytes(digest, "big")

    try:
        selected = await client.open(name, None, Heard(), writable=False)
        last = selected.mark.uidnext - 1
        uids = UidSet(((1, last),) if last > 0 else ())
        await client.fetchRows(uids, "(INTERNALDATE RFC822.SIZE)", add)
        await client.unselect()
    except (MailboxError, Refused):
        return None
    if messages != selected.exists:
        return None
    mark = selected.mark
    return Portrait(mark.uidvalidity, mark.uidnext, messages, likeness)
