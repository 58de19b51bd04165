"""
What servers tell of whose account they show: identities of mailboxes, and known
messages in them.

All of it costs time, and is asked only where an account is in doubt: this module is
imported only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import sample
from zlib import crc32

from imapsync.errors import Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Heard
from imapsync.imap.wire.responses import Row
from imapsync.mailbox import pairing
from imapsync.mailbox.fetching import Source
from imapsync.mailbox.suspects import Place, Suspects
from imapsync.model import GUID, Known, Side, differ
from imapsync.plan.account import Account
from imapsync.plan.ownership import Evidence
from imapsync.state.interface import State
from imapsync.uidset import UidSet

#: So many messages of a mailbox are looked at to recognise it.
_SAMPLE = 25


async def identity(client: SyncClient, spelled: str, known: str = "") -> str:
    """
    What identifies a mailbox; empty, if the server does not tell.

    @param known: what did, if that is known.
    """
    try:
        if "OBJECTID" in client.features:
            selected = await client.open(spelled, None, Heard(), writable=False)
            return selected.identity
        if known.startswith(GUID) or (not known and client.tellsGuids):
            _, guid = await client.mailboxGuid(spelled)
            return guid and GUID + guid
    except Refused:
        pass  # what cannot be asked for proves nothing
    return ""


async def identical(
    client: SyncClient, side: Side, account: Account, known: Iterable[Known]
) -> bool:
    """
    Whether no mailbox has another identity than it had.
    """
    wanting = [one for one in known if one.identities[side]]
    told: Mapping[str, str] = {}
    if len(wanting) > 1 and "METADATA" in client.features:
        told = await client.identities()
    for one in wanting:
        before, spelled = one.identities[side], account.spelled(one.name)
        now = told.get(spelled) or await identity(client, spelled, before)
        if differ(before, now):
            return False
    return True


async def evidence(
    client: SyncClient, side: Side, spelled: str, state: State, known: Known
) -> Evidence:
    """
    Look for some of the known messages in a mailbox.
    """
    uids = state.paired(known.id, side)
    # Not all of a few, nor the same ones each time: over one of them the
    # connection may break.
    count = min(_SAMPLE, (len(uids) + 1) // 2)
    chosen = set(sample(range(len(uids)), count))
    some = UidSet.of(uid for at, uid in enumerate(uids) if at in chosen)
    pairs = state.pairs(known.id, side, some)
    expected = {pair.uid(side): pair.key for pair in pairs if pair.key}
    found: dict[int, bytes] = {}

    def take(uid: int, key: bytes, _: int) -> None:
        found[uid] = key

    try:
        selected = await client.open(spelled, None, Heard(), writable=False)
        place = Place(known.id, side, selected.mark.uidvalidity)
        # What a connection breaks over is not remembered from one proof to another.
        source = Source(client, Suspects(), place)
        await pairing.keyed(source, UidSet.of(expected), take)
    except Refused:
        return Evidence()
    differing = sum(key != expected[uid] for uid, key in found.items())
    return Evidence(len(expected), len(found), differing)


async def rows(client: SyncClient, spelled: str) -> tuple[int, int]:
    """
    What two mailboxes have in common that hold messages of the same sizes and dates,
    with the same flags, under the same UIDs, and others hardly have.
    """
    count = total = 0

    def add(rows: list[Row]) -> None:
        nonlocal count, total
        for row in rows:
            told = row.uid, row.size, row.date, sorted(row.flags or ())
            count, total = count + 1, total + crc32(ascii(told).encode("ascii"))

    selected = await client.open(spelled, None, Heard(), writable=False)
    uids = UidSet(((1, selected.mark.uidnext - 1),))
    await client.fetchRows(uids, "(RFC822.SIZE INTERNALDATE FLAGS)", add)
    return count, total
