"""
Removing messages: for good, or into a trash.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from imapsync.errors import Refused
from imapsync.gather import together
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.commands.messages import Transferred
from imapsync.log import Log
from imapsync.model import Name, Side
from imapsync.state.interface import State
from imapsync.uidset import UidSet

#: So many messages are copied before they are expunged, in one command: what a
#: server copied in vain would be copied once more by the next run.
_AT_ONCE = 500

_DELETED = frozenset(("\\Deleted",))

#: Expunges some messages, and no others.
Plainly = Callable[[UidSet], Awaitable[None]]

_log = Log()


async def remove(
    client: SyncClient,
    selected: Selected,
    uids: UidSet,
    plainly: Plainly,
    trash: str = "",
    vanished: Callable[[], UidSet] = UidSet,
) -> tuple[UidSet, str]:
    """
    Remove messages from the selected mailbox, of which nobody but the caller
    knows that they may go.  Its listener then knows of all that others have done
    meanwhile, too.

    @param plainly: expunges where the server has no UID EXPUNGE.
    @param trash: what the server calls the mailbox to move them to, which is
        made if need be; they are expunged if it is empty.
    @param vanished: which messages the mailbox's listener has heard to be gone:
        they need not be asked for.
    @return: those that are still there; and what was said if the trash was
        refused.
    """
    refusal = ""
    if selected.keeps("\\Deleted"):
        try:
            if trash:
                await _discard(client, uids, trash, plainly)
            else:
                await _expunge(client, uids, plainly)
        except Refused as error:
            if not trash:
                raise
            refusal = str(error)
    left = uids - vanished()
    return (await client.exists(left) if left else left), refusal


def thrown(state: State, mailbox: int, side: Side, uids: UidSet, trash: Name) -> UidSet:
    """
    Those of C{uids} whose like is in the trash: programs without MOVE copy a
    message there, and expunge it later.
    """
    return UidSet.of(
        pair.uid(side)
        for pair in state.pairs(mailbox, side, uids)
        if pair.stamp
        and any(
            name == trash and other.key == pair.key
            for name, other in state.stamped(pair.stamp)
        )
    )


async def _expunge(client: SyncClient, uids: UidSet, plainly: Plainly) -> None:
    if "UIDPLUS" in client.features:
        # What is sent behind a STORE may not see yet what that has marked.
        await client.store(uids, "+", _DELETED)
        try:
            await together([client.expungeUids(uids), client.catchUp()])
            return
        except Refused as error:
            if error.status != "BAD":
                raise  # else it does not know what it has said that it can do
    await plainly(uids)
    await client.catchUp()


async def _discard(
    client: SyncClient, uids: UidSet, trash: str, plainly: Plainly
) -> None:
    """
    Move messages to the trash, not marked as deleted: whoever expunges what is
    so marked there would take them along.
    """
    await client.store(uids, "-", _DELETED)
    if "MOVE" in client.features:
        await _transfer(client, "MOVE", uids, trash)
        await client.catchUp()
        return
    for some in uids.split(_AT_ONCE):
        told = await _transfer(client, "COPY", some, trash)
        copied = UidSet.of(old for one in told for old in one.uids)
        # Where the server tells no UIDs, its OK is all there is.
        await _expunge(client, copied & some if copied else some, plainly)


async def _transfer(
    client: SyncClient, verb: str, uids: UidSet, trash: str
) -> list[Transferred]:
    try:
        return await client.transfer(verb, uids, trash)
    except Refused as error:
        if error.responseCode not in ("TRYCREATE", "NONEXISTENT"):
            raise
    try:
        await client.onMailbox("CREATE", trash)
    except Refused as refused:
        try:  # another may have been faster
            return await client.transfer(verb, uids, trash)
        except Refused:
            raise refused from None
    try:
        await client.onMailbox("SUBSCRIBE", trash)
    except Refused as error:
        _log.warn("{trash}: {error}", trash=trash, error=error)
    return await client.transfer(verb, uids, trash)
