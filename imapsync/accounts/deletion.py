"""
Deleting a mailbox on one side, since it was deleted on the other: only if all
that is in it was known on both, and after everything was asked twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from imapsync.accounts.aside import Aside
from imapsync.errors import MailboxError, Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Heard
from imapsync.log import Log
from imapsync.mailbox.context import Context
from imapsync.mailbox.expunging import Expunger
from imapsync.mailbox.identical import labelled
from imapsync.mailbox.removal import remove, thrown
from imapsync.mailbox.summary import Deed
from imapsync.mailbox.suspects import Place
from imapsync.model import Known, Side, Trouble, differ
from imapsync.plan.account import Account
from imapsync.plan.mailboxes import Deletion
from imapsync.plan.outlook import Delete
from imapsync.uidset import UidSet

_ITEMS = "MESSAGES UIDNEXT UIDVALIDITY"

#: So often it is tried.
_PATIENCE = 3


class Deleter:
    """
    Deletes mailboxes in one run.

    @param aside: where they are set meanwhile.
    """

    log = Log()

    def __init__(self, aside: Aside) -> None:
        self._aside = aside
        self._tried: Counter[Delete] = Counter()
        self._failed: set[Delete] = set()
        self._once: set[Delete] = set()
        self._twice: set[Delete] = set()

    async def confirmed(
        self, wanted: Mapping[Delete, Context]
    ) -> dict[Delete, Context]:
        """
        Ask once more whether mailboxes are gone.

        @return: those that are.
        """
        wanted = {one: c for one, c in wanted.items() if one not in self._failed}
        sure = {}
        for one, context in wanted.items():
            if doubt := await _doubt(one, context):
                text = f"vanished from {one.side.other}; left alone: {doubt}"
                context.records.report.trouble(Trouble(one.name, text))
            else:
                sure[one] = context
        # While LIST is told, a mailbox may go from a name that is still to come
        # to one that was passed.
        self._twice = self._once & sure.keys()
        self._once = {*sure}
        return sure

    async def delete(
        self, doomed: Mapping[Delete, Context], accounts: Mapping[Side, Account]
    ) -> bool:
        """
        Delete mailboxes that two looks have shown to be gone, or have them made
        again.  Nothing may have been done since they were L{confirmed}.

        @return: whether there is to be another look.
        """
        changed = False
        for one, context in doomed.items():
            known = context.state.mailbox(one.name)
            if known is None:
                continue
            changed = changed or not context.dryRun
            if one not in self._twice and not context.dryRun:
                continue
            try:
                await self._deleteOne(one, known, context, accounts[one.side])
            except (MailboxError, Refused) as error:
                self._failed.add(one)
                context.records.report.failed(one.name, error, one.side)
        return changed

    async def _deleteOne(
        self, one: Delete, known: Known, context: Context, account: Account
    ) -> None:
        self._tried[one] += 1
        if self._tried[one] > _PATIENCE:
            raise MailboxError("deleted, but in vain")
        if doubt := await _doubt(one, context):
            raise MailboxError(f"vanished from {one.side.other}, or not: {doubt}")
        planned = await _planned(one, known, context)
        if context.tell(one.name, planned):
            return
        if planned.there is not None and planned.discarded:
            await _clear(one, context, planned.discarded, planned.trash)
            planned = await _planned(one, known, context)
        there = planned.there
        if there is not None:
            there = await self._delete(one, known, there, context, account)
        if there is None:
            # It is to be made again, and filled.
            with context.state.transaction():
                context.state.forgetPairs(known.id)

    async def _delete(
        self,
        one: Delete,
        known: Known,
        there: UidSet,
        context: Context,
        account: Account,
    ) -> UidSet | None:
        """
        Delete a mailbox in which is nothing but C{there}.

        @return: what was in it; C{None} if something has come, so that it stays.
        """
        aside = await self._aside.put(one.side, known, account)
        if not aside:
            await _delete(one, known, there, context)
            return there
        client = context.clients[one.side]
        known = context.state.mailbox(one.name) or known
        try:
            last = await _known(one.side, known, context, aside)
            if last is not None:
                await client.onMailbox("DELETE", aside)
        except (MailboxError, Refused):
            await self._aside.giveBack(one.side, known, aside, account)
            raise
        if last is None:
            await self._aside.giveBack(one.side, known, aside, account)
        else:
            _deleted(one, last, context)
        return last


async def _planned(one: Delete, known: Known, context: Context) -> Deletion:
    """
    What is to become of a mailbox, as far as it is not done.
    """
    side = one.side
    there = await _known(side, known, context, context.names[side])
    moved = context.records.notes.superseded(one.name, side)
    trash = context.policy.trashes.get(side)
    if there is None or trash is None or trash.spelled == context.names[side]:
        return Deletion(side, there, moved=moved)
    # What was moved is not thrown away: its copy is where it is to be.
    rest = there - moved
    discarded = rest - thrown(context.state, known.id, side, rest, trash.name)
    return Deletion(side, there, discarded, trash.spelled, moved)


async def _delete(one: Delete, known: Known, there: UidSet, context: Context) -> None:
    """
    Delete a mailbox in which is nothing but C{there}.
    """
    client, name = context.clients[one.side], context.names[one.side]
    try:
        await client.onMailbox("DELETE", name)
    except Refused as error:
        if error.responseCode != "HASCHILDREN":
            raise
        # The server keeps it, because of what is below it.
        await _clear(one, context, there, "")
        with context.state.transaction():
            context.state.removeMailbox(known.id)
    else:
        _deleted(one, there, context)


def _deleted(one: Delete, there: UidSet, context: Context) -> None:
    """
    The next look shows that a mailbox is gone from both.
    """
    context.records.report.took(one.name, f"deleted on {one.side}")
    context.records.brake.removed(one.side, len(there))


async def _doubt(one: Delete, context: Context) -> str:
    """
    Ask a server by itself whether it has the mailbox no more.

    @return: why that is not certain; empty if it is.
    """
    try:
        return await _found(one, context)
    except Refused as error:
        return str(error)


async def _found(one: Delete, context: Context) -> str:
    """
    The same.

    @raise Refused: nor does the server tell.
    """
    side = one.side.other
    client, name = context.clients[side], context.names[side]
    try:
        status = await client.mailboxStatus(name, _ITEMS)
    except Refused as error:
        if error.status != "NO" or error.responseCode not in ("", "NONEXISTENT"):
            return str(error)
        return "" if error.responseCode else await _missing(client, name)
    known = context.state.mailbox(one.name)
    mark = known and known.marks.get(side)
    if known is None or mark is None or not status.uidvalidity:
        return "the server does not tell"
    if status.uidvalidity == mark.uidvalidity:
        # It may be another one that was made in the same second.
        selected = await client.open(name, None, Heard(), writable=False)
        if not differ(known.identities.get(side, ""), selected.identity):
            return "the server has it, but did not list it"
    return ""


async def _missing(client: SyncClient, name: str) -> str:
    """
    The same, where the server says only to people that it has none.
    """
    # Wildcards in a name may find others as well.
    listed = [box for box in await client.listMailboxes(name) if box.name == name]
    if not any(box.selectable for box in listed):
        return ""
    if "MULTIAPPEND" not in client.features:
        return "the server lists it"
    try:
        await client.appendNothing(name)
    except Refused as error:
        return "" if error.responseCode == "TRYCREATE" else str(error)
    return "the server has it"


async def _known(
    side: Side, known: Known, context: Context, name: str
) -> UidSet | None:
    """
    The messages in a mailbox, if it is the one that is known, and if they all
    are known.  Afterwards no mailbox is selected.

    @param name: what the server calls it.
    """
    client, mark = context.clients[side], known.marks[side]
    for _ in range(_PATIENCE):
        selected = await client.open(name, None, Heard(), writable=False)
        moved = context.records.notes.superseded(known.name, side)
        paired = context.state.paired(known.id, side)
        kept = context.state.kept(known.id, side)
        there = await client.exists(paired | kept | moved)
        await client.unselect()
        now = selected.mark
        if (
            now.uidvalidity != mark.uidvalidity
            or now.uidnext < mark.uidnext
            or differ(known.identities.get(side, ""), selected.identity)
            or len(there) != selected.exists
        ):
            return None
        last = await client.mailboxStatus(name, _ITEMS)
        if last[:3] == (len(there), now.uidnext, now.uidvalidity):
            return there
    raise MailboxError("not deleted, it changes all the time")


async def _clear(one: Delete, context: Context, uids: UidSet, trash: str) -> None:
    """
    Remove what is known of a mailbox, or move it to the trash.
    """
    client, name = context.clients[one.side], context.names[one.side]
    selected = await client.open(name, None, Heard(), writable=True)
    # What is in other mailboxes as well only loses this one.
    uids -= await labelled(client, name, uids) if trash else UidSet()
    known = context.state.mailbox(one.name)
    place = Place(known.id if known else 0, one.side, selected.mark.uidvalidity)
    expunger = Expunger(client, context.state, place)
    left, refusal = await remove(client, selected, uids, expunger.expunge, trash)
    done = len(uids) - len(left)
    deed: Deed = "moved to the trash" if trash else "expunged"
    context.records.report.did(deed, one.name, one.side, done)
    context.records.brake.removed(one.side, done)
    if left:
        raise MailboxError(f"would not remove UID {left}: {refusal}")
