"""
Setting mailboxes aside before they are deleted.

Whether a mailbox holds what nobody knows is asked, and then it is deleted; what
arrives between the two would be lost.  So it first gets a name of ours, by which
nothing arrives, and is looked into once more.  If there is something, or the server
does not delete it, it gets its own name back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

from imapsync.errors import MailboxError, Refused
from imapsync.imap.commands.mailbox import Heard
from imapsync.log import Log
from imapsync.mailbox.context import Clients
from imapsync.mailbox.report import Report
from imapsync.model import Act, Known, Name, Side, Trouble, differ
from imapsync.names import shown
from imapsync.plan.account import Account
from imapsync.plan.renameorder import below, isTemporary, temporary
from imapsync.state.interface import State
from imapsync.uidset import MAXIMUM, UidSet

_ITEMS = "MESSAGES UIDNEXT UIDVALIDITY"

_ALL = UidSet(((1, MAXIMUM),))


class Aside:
    """
    Those of both sides.  Which they are is in the database before they are set
    aside, so that a run that is cut off leaves it to the next one to go on.
    """

    log = Log()

    def __init__(self, clients: Clients, state: State, report: Report) -> None:
        self._clients = clients
        self._state = state
        self._report = report
        self._tried: set[tuple[Side, int]] = set()

    async def put(self, side: Side, known: Known, account: Account) -> str:
        """
        Set one aside, unless others are below it, which would be taken along.

        @return: what the server calls it now; empty if it has its own name.
        """
        if any(below(name, known.name) for name in account.listed):
            return ""
        # Cyrus deletes no name twice within a second.
        number = known.id * 10**13 + int(time.time() * 1000)
        name = temporary(number, account.listed)
        old, new = account.spelled(known.name), account.spelled(name)
        with self._state.transaction():
            self._state.beginRenaming(side, {known.id: name})
        try:
            await self._clients[side].onMailbox("RENAME", old, new)
        except Refused as error:
            self._end(side, known)
            self.log.info(
                "{name}: {side} does not rename it before it is deleted; what arrives"
                " in that moment is lost with it: {error}",
                name=shown(known.name),
                side=side,
                error=error,
            )
            return ""
        level = new + (account.naming.separator or "/")
        if any(
            b.selectable for b in await self._clients[side].listMailboxes(f"{level}*")
        ):
            # Made meanwhile, and taken along.
            await self.giveBack(side, known, new, account)
            return ""
        if not known.identities[side]:
            with suppress(Refused):
                status = await self._clients[side].mailboxStatus(new, _ITEMS)
                await self._isSame(side, known, new, status.uidvalidity)
        return new

    async def giveBack(
        self, side: Side, known: Known, name: str, account: Account, gone: bool = True
    ) -> None:
        """
        Give one its name back.  If somebody has made another of that name, what is
        not known of it is moved there, and it is deleted.

        @param name: what the server calls it now.
        @param gone: whether it is still gone from the other side: else all of it is
            moved.
        @raise Refused: the server does not do that.
        """
        client, old = self._clients[side], account.spelled(known.name)
        await client.unselect()
        try:
            await client.onMailbox("RENAME", name, old)
        except Refused as error:
            if error.responseCode != "NONEXISTENT":
                # Wildcards in a name may find others as well.
                there = await client.listMailboxes(old)
                if not any(box.selectable and box.name == old for box in there):
                    raise
                await self._merge(side, known, name, old, gone)
        self._end(side, known)

    async def recover(self, accounts: Mapping[Side, Account]) -> bool:
        """
        Give all that were left aside their names back: what is to become of them is
        found out anew.

        @return: whether there were any.
        """
        done = False
        for side, account in accounts.items():
            if not account.may(Act.DELETE):
                continue
            boxes = {one.id: one for one in self._state.mailboxes()}
            for number, name in self._state.renamings(side).items():
                if isTemporary(name) and (side, number) not in self._tried:
                    known = boxes[number]
                    others = {one.name for one in boxes.values()} - {known.name}
                    gone = not _isThere(known, side.other, accounts, others)
                    done |= await self._recover(side, known, name, account, gone)
        return done

    async def _recover(
        self, side: Side, known: Known, name: Name, account: Account, gone: bool
    ) -> bool:
        box, mark = account.listed.get(name), known.marks.get(side)
        status = box.status if box and box.selectable else None
        if not (
            box
            and status
            and mark
            and await self._isSame(side, known, box.name, status.uidvalidity)
        ):
            self._end(side, known)  # it is deleted, or never was set aside
            return False
        known = self._state.mailbox(known.name) or known
        try:
            await self.giveBack(side, known, box.name, account, gone)
        except (MailboxError, Refused) as error:
            self._tried.add((side, known.id))
            text = f'it is "{shown(box.name)}" there, and cannot get its name back'
            self._report.trouble(Trouble(known.name, f"{text}: {error}", side))
        return True

    async def _isSame(
        self, side: Side, known: Known, name: str, uidvalidity: int | None
    ) -> bool:
        """
        Whether what was set aside is what is known.

        A server may give another UIDVALIDITY to what is renamed, as Courier does, and
        keep its UIDs: if known messages are found by them, the mark gets that one.

        @param name: what the server calls it now.
        """
        client, mark = self._clients[side], known.marks[side]
        if uidvalidity == mark.uidvalidity or not uidvalidity:
            return bool(uidvalidity)
        from imapsync.accounts.proof import evidence  # seldom of use

        proof = await evidence(client, side, name, self._state, known)
        await client.unselect()
        hasNone = not self._state.paired(known.id, side)
        if proof.differing or proof.found < proof.asked or not (proof.asked or hasNone):
            return False
        with self._state.transaction():
            now = mark._replace(uidvalidity=uidvalidity)
            self._state.setMark(known.id, side, now)
        return True

    async def _merge(
        self, side: Side, known: Known, name: str, into: str, gone: bool
    ) -> None:
        client, mark = self._clients[side], known.marks[side]
        selected = await client.open(name, None, Heard(), writable=True)
        same = selected.mark.uidvalidity == mark.uidvalidity and not differ(
            known.identities.get(side, ""), selected.identity
        )
        paired = self._state.paired(known.id, side) if same and gone else UidSet()
        unknown = await client.exists(_ALL) - paired
        if unknown:
            verb = "MOVE" if "MOVE" in client.features else "COPY"
            await client.transfer(verb, unknown, into)
            left = await client.exists(_ALL) - paired
            if left - (unknown if verb == "COPY" else UidSet()):
                raise MailboxError("it changes all the time")
        await client.unselect()
        await client.onMailbox("DELETE", name)
        self.log.info(
            "{name}: {side}: there is another mailbox of that name; UID {uids} moved"
            " there.",
            name=shown(known.name),
            side=side,
            uids=unknown,
        )

    def _end(self, side: Side, known: Known) -> None:
        with self._state.transaction():
            self._state.endRenaming(side, [known.id])


def _isThere(
    known: Known, side: Side, accounts: Mapping[Side, Account], others: set[Name]
) -> bool:
    """
    Whether C{side} may have a mailbox again, by whatever name, but those of C{others}:
    UIDVALIDITY need not be unique.
    """
    mark = known.marks.get(side)
    return any(
        mark and box.status and box.status.uidvalidity == mark.uidvalidity
        for name, box in accounts[side].listed.items()
        if name not in others
    )
