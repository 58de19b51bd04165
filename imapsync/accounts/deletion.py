"""
Deleting a mailbox on one side, since it was deleted on the other: only if all
that is in it was known on both, and after everything was asked twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from imapsync.errors import MailboxError, Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Heard
from imapsync.log import Log
from imapsync.mailbox.bothsides import Surroundings
from imapsync.mailbox.removal import remove, thrown
from imapsync.model import Known, Side, Status, differ
from imapsync.names import shown
from imapsync.plan.renames import Delete
from imapsync.uidset import UidSet

_ITEMS = "MESSAGES UIDNEXT UIDVALIDITY"

#: So often it is tried.
_PATIENCE = 3


class Deleter:
    """
    Deletes mailboxes in one run.
    """

    log = Log()

    def __init__(self) -> None:
        self._tried: Counter[Delete] = Counter()
        self._failed: set[Delete] = set()
        self._once: set[Delete] = set()
        self._twice: set[Delete] = set()

    async def confirmed(
        self, wanted: Mapping[Delete, Surroundings]
    ) -> dict[Delete, Surroundings]:
        """
        Ask once more whether mailboxes are gone.

        @return: those that are.
        """
        wanted = {one: a for one, a in wanted.items() if one not in self._failed}
        doubts = {one: await _doubt(one, around) for one, around in wanted.items()}
        for one, doubt in doubts.items():
            if doubt:
                text = f"vanished from {one.side.other}; left alone: {doubt}"
                self._trouble(one, wanted[one], text)
        sure = {one: around for one, around in wanted.items() if not doubts[one]}
        # While LIST is told, a mailbox may go from a name that is still to come
        # to one that was passed.
        self._twice = self._once & sure.keys()
        self._once = {*sure}
        return sure

    async def delete(self, doomed: Mapping[Delete, Surroundings]) -> bool:
        """
        Delete mailboxes that two looks have shown to be gone, or have them made
        again.  Nothing may have been done since they were L{confirmed}.

        @return: whether there is to be another look.
        """
        changed = False
        for one, around in doomed.items():
            known = around.state.mailbox(one.name)
            if known is None:
                continue
            changed = changed or not around.policy.dryRun
            if one not in self._twice and not around.policy.dryRun:
                continue
            try:
                if around.policy.dryRun:
                    await _rehearse(one, known, around)
                else:
                    await self._deleteOne(one, known, around)
            except (MailboxError, Refused) as error:
                self._failed.add(one)
                self._trouble(one, around, f"{one.side}: {error}")
        return changed

    async def _deleteOne(self, one: Delete, known: Known, around: Surroundings) -> None:
        self._tried[one] += 1
        if self._tried[one] > _PATIENCE:
            raise MailboxError("deleted, but in vain")
        if doubt := await _doubt(one, around):
            raise MailboxError(f"vanished from {one.side.other}, or not: {doubt}")
        client, name = around.clients[one.side], around.names[one.side]
        there = await _known(one.side, known, around)
        if there and (wanted := _forTrash(one, known, there, around)):
            await _clear(one, around, wanted, around.trashes[one.side].spelled)
            there = await _known(one.side, known, around)
        if there is None:
            # It is to be made again, and filled.
            with around.state.transaction():
                around.state.forgetPairs(known.id)
            return
        try:
            await client.onMailbox("DELETE", name)
        except Refused as error:
            if error.responseCode != "HASCHILDREN":
                raise
            # The server keeps it, because of what is below it.
            await _clear(one, around, there, "")
            with around.state.transaction():
                around.state.removeMailbox(known.id)
        else:
            # The next look shows that it is gone from both.
            steps = around.report.steps.setdefault(one.name, [])
            steps.append(f"deleted on {one.side}")
            around.brake.removed(one.side, len(there))

    def _trouble(self, one: Delete, around: Surroundings, text: str) -> None:
        if around.report.trouble(one.name, text):
            self.log.error("{name}: {text}", name=one.name, text=text)


async def _rehearse(one: Delete, known: Known, around: Surroundings) -> None:
    """
    Say what would be done.
    """
    there, name, side = await _known(one.side, known, around), one.name, one.side
    if there is None:
        text = f"make again on {side.other}, it has unknown messages on {side}"
        around.say(f"{name}: {text}")
        return
    # It is said already of what would be moved elsewhere.
    there -= around.report.superseded[name, side]
    if wanted := _forTrash(one, known, there, around):
        trash = shown(around.trashes[side].spelled)
        around.say(f"{name}: move UID {wanted} to {trash}, and delete on {side}")
    else:
        around.say(f"{name}: delete on {side} ({len(there)} messages)")


def _forTrash(one: Delete, known: Known, there: UidSet, around: Surroundings) -> UidSet:
    """
    What is to go to the trash before a mailbox is deleted.
    """
    side = one.side
    trash = around.trashes.get(side)
    if trash is None or trash.spelled == around.names[side]:
        return UidSet()
    # What was moved is not thrown away: its copy is where it is to be.
    there -= around.report.superseded[one.name, side]
    return there - thrown(around.state, known.id, side, there, trash.name)


async def _doubt(one: Delete, around: Surroundings) -> str:
    """
    Ask a server by itself whether it has the mailbox no more.

    @return: why that is not certain; empty if it is.
    """
    side = one.side.other
    client, name = around.clients[side], around.names[side]
    try:
        status = await client.mailboxStatus(name, _ITEMS)
    except Refused as error:
        if error.status != "NO" or error.responseCode not in ("", "NONEXISTENT"):
            return str(error)
        return "" if error.responseCode else await _missing(client, name)
    known = around.state.mailbox(one.name)
    if known is None or not status.uidvalidity:
        return "the server does not tell"
    if status.uidvalidity == known.marks[side].uidvalidity:
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


async def _known(side: Side, known: Known, around: Surroundings) -> UidSet | None:
    """
    The messages in a mailbox, if it is the one that is known, and if they all
    are known.  Afterwards no mailbox is selected.
    """
    client, name, mark = around.clients[side], around.names[side], known.marks[side]
    for _ in range(_PATIENCE):
        selected = await client.open(name, None, Heard(), writable=False)
        moved = around.report.superseded[known.name, side]
        there = await client.exists(around.state.paired(known.id, side) | moved)
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
        if last == Status(len(there), now.uidnext, now.uidvalidity, last.modseq):
            return there
    raise MailboxError("not deleted, it changes all the time")


async def _clear(one: Delete, around: Surroundings, uids: UidSet, trash: str) -> None:
    """
    Remove what is known of a mailbox, or move it to the trash.
    """
    client, name = around.clients[one.side], around.names[one.side]
    selected = await client.open(name, None, Heard(), writable=True)
    left, refusal = await remove(client, selected, uids, trash)
    report, done = around.report, len(uids) - len(left)
    counter = report.trashed if trash else report.expunged
    counter[one.name, one.side] += done
    around.brake.removed(one.side, done)
    if left:
        raise MailboxError(f"would not remove UID {left}: {refusal}")
