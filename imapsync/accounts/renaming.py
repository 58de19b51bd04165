"""
Renaming mailboxes on one side, since they were renamed on the other.

The servers come first, the database last: whatever is cut off is seen again as
it then is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from imapsync.accounts.history import History
from imapsync.accounts.identification import Identifier
from imapsync.accounts.listing import Listing
from imapsync.errors import Refused
from imapsync.gather import onBoth
from imapsync.imap.client import SyncClient
from imapsync.log import Log
from imapsync.mailbox.context import Say, told
from imapsync.mailbox.report import Report
from imapsync.model import Known, Name, Side, Trouble
from imapsync.names import shown
from imapsync.plan import renames
from imapsync.plan.account import Account
from imapsync.plan.concluded import arrivals, concluded, subscriptions
from imapsync.plan.identity import Places
from imapsync.plan.mailboxes import Step
from imapsync.plan.outlook import Outlook, Rename
from imapsync.plan.renameorder import below
from imapsync.plan.selection import Selection
from imapsync.state.interface import State

Accounts = Mapping[Side, Account]

#: So often a mailbox is renamed before it is in vain.
_PATIENCE = 3


class Renamer:
    """
    Has each known mailbox be called the same on both sides, and in the
    database.

    @param identifier: finds out where they are.
    @param say: takes what a dry run says; C{None} if it is none.
    @param memory: of the sessions before.
    """

    log = Log()

    def __init__(
        self,
        clients: Mapping[Side, SyncClient],
        state: State,
        listing: Listing,
        identifier: Identifier,
        report: Report,
        say: Say | None,
        memory: History,
    ) -> None:
        self._clients = clients
        self._state = state
        self._listing = listing
        self._identifier = identifier
        self._report = report
        self._say = say
        self._tried: Counter[Rename] = Counter()
        self._stuck = memory.stuck
        self._parted = memory.parted
        self._told = memory.remarks
        self._names = memory.named.names

    async def settle(
        self, accounts: Accounts, selection: Selection, refused: Collection[Step]
    ) -> tuple[Accounts, Outlook]:
        """
        Take the next step.

        @param refused: what need not be tried.
        @return: what is listed, and the outlook on it.  If there are renames,
            they were just made, and it has to be looked at again; if there are
            steps, they are to be taken, and it has to be looked at again.
        """
        complete = False
        while True:
            known = self._state.mailboxes()
            places = await self._identifier.trace(accounts, known)
            cut = await self._conclude(known, places, accounts, refused)
            if cut is not None:
                accounts, late = cut
                if late.steps and self._say is None:
                    return accounts, late
                accounts = self._rehearsed(late, accounts)
                continue
            outlook = renames.plan(
                accounts, known, selection, places, self._stuck, self._parted
            )
            if outlook.parted - self._parted:
                self._parted |= outlook.parted
                continue
            if (outlook.agreed or outlook.forgotten) and not complete:
                # Subscriptions stay behind, which nobody wants any more.
                accounts, complete = await self._listing.completed(accounts), True
                continue
            outlook.steps = [step for step in outlook.steps if step not in refused]
            self._remark(outlook.remarks)
            if self._say is not None:
                accounts = self._rehearsed(outlook, accounts)
            elif outlook.renames:
                await self._rename(outlook, accounts, places)
                return accounts, outlook
            elif outlook.steps:
                return accounts, outlook
            pending = outlook.renames or outlook.steps  # of a dry run
            if not self._record(outlook, known) and not pending:
                return accounts, outlook

    def _rehearsed(self, outlook: Outlook, accounts: Accounts) -> Accounts:
        """
        What is to be listed when that was done, in a dry run.
        """
        for name, operation in outlook.operations():
            told(self._say, name, operation)
        return outlook.applied(accounts)

    async def _conclude(
        self,
        known: Collection[Known],
        places: Mapping[Side, Places],
        accounts: Accounts,
        refused: Collection[Step],
    ) -> tuple[Accounts, Outlook] | None:
        """
        Have the database learn of what a run did before it was cut off, once it is
        done to the end.

        @return: what is listed, and the steps that are left; C{None} if there was no
            news.
        """
        asked = {side: self._state.renamings(side) for side in Side}
        if not any(asked.values()):
            return None
        names, over = concluded(known, places, asked)
        if names:
            accounts = await self._listing.completed(accounts)
        left = subscriptions(known, names, asked, accounts)
        late = Outlook()
        late.steps = [step for step in left if step not in refused]
        if late.steps and self._say is None:
            return accounts, late
        with self._state.transaction():
            self._state.rename(names)
            for side in Side:
                self._state.endRenaming(side, over[side])
        self._called(known, names)
        return (accounts, late) if names else None

    def _called(self, known: Collection[Known], names: Mapping[int, Name]) -> None:
        self._names.update(
            (one.name, names[one.id]) for one in known if one.id in names
        )

    def _remark(self, remarks: list[str]) -> None:
        for remark in remarks:
            if remark not in self._told:
                self.log.warn("{remark}", remark=remark)
        self._told.update(remarks)

    async def _rename(
        self, outlook: Outlook, accounts: Accounts, places: Mapping[Side, Places]
    ) -> None:
        """
        Rename mailboxes, on each side one after another: the order is such that
        no name is taken.  The database knows before what they are to be called.
        """
        with self._state.transaction():
            for side in Side:
                ours = [step for step in outlook.renames if step.side is side]
                asked = arrivals(ours, places[side].names)
                self._state.beginRenaming(side, asked)

        async def onSide(side: Side) -> None:
            ours = [step for step in outlook.renames if step.side is side]
            doomed = {one.name for one in outlook.deletions if one.side is side}
            if ours:
                await self._clients[side].unselect()
            for step in ours:
                if not await self._done(step, accounts[side]):
                    return  # another order is to be found
                doomed = self._along(step, doomed)

        await onBoth(onSide)

    def _along(self, step: Rename, doomed: set[Name]) -> set[Name]:
        """
        Have the database know that mailboxes were taken along that are to be
        deleted: nobody renamed them.

        @return: what they are called then.
        """
        along = {name for name in doomed if below(name, step.old)}
        if not along:
            return doomed
        names = {
            one.id: step.new + one.name[len(step.old) :]
            for one in self._state.mailboxes()
            if one.name in along
        }
        with self._state.transaction():
            self._state.rename(names)
        return doomed - along | set(names.values())

    async def _done(self, step: Rename, account: Account) -> bool:
        """
        Rename one.

        @return: whether the server did it.
        """
        self._tried[step] += 1
        if self._tried[step] > _PATIENCE:
            self._giveUp(step, "RENAME was answered with OK, but in vain")
            return False
        names = account.spelled(step.old), account.spelled(step.new)
        try:
            await self._clients[step.side].onMailbox("RENAME", *names)
        except Refused as error:
            if _isLevel(account, step.new):
                self._parted.add((step.side, step.mailbox))
                return False
            # Somebody else may have been faster.
            passing = error.responseCode in ("NONEXISTENT", "ALREADYEXISTS")
            if not passing or self._tried[step] == _PATIENCE:
                self._giveUp(step, str(error), error.responseCode)
            return False
        if step.final:
            self._report.took(
                step.new, f"renamed from {shown(step.name)} on {step.side}"
            )
        return True

    def _giveUp(self, step: Rename, reason: str, code: str = "") -> None:
        self._stuck.add((step.side, step.mailbox))
        text = f'cannot become "{shown(step.new)}": {reason}'
        self._report.trouble(Trouble(step.name, text, step.side, code=code))

    def _record(self, outlook: Outlook, known: list[Known]) -> bool:
        """
        Have the database know what both servers show.

        @return: whether it was news.
        """
        lone = (outlook.lost, outlook.kept)
        if not any((outlook.agreed, outlook.forgotten, outlook.anew, *lone)):
            return False
        state = self._state
        names = {one: name for one, (name, _) in outlook.agreed.items()}
        with state.transaction():
            for one in outlook.anew:
                state.forgetPairs(one.id)
            for one, side in outlook.lost:
                # What is known without a pair is never deleted.
                state.forgetPairs(one.id)
                start = one.marks[side]._replace(uidnext=1, modseq=0)
                state.setMark(one.id, side, start)
            for one, side in outlook.kept:
                self._keep(one, side)
            for one in outlook.forgotten:
                state.removeMailbox(one.id)
            state.rename(names)
            for side in Side:
                state.endRenaming(side, names)
            for number, (_, subscribed) in outlook.agreed.items():
                state.setSubscribed(number, subscribed)
        self._called(known, names)
        return True

    def _keep(self, known: Known, side: Side) -> None:
        """
        All that is known of it stays on C{side} alone, even if the other side has
        another mailbox of that name one day.
        """
        state, mark = self._state, known.marks[side]
        uids, strays = state.paired(known.id, side), state.strays(known.id, side)
        state.keep(known.id, side, mark.uidvalidity, uids)
        state.forgetPairs(known.id)
        state.setMark(known.id, side, mark)
        state.setIdentity(known.id, side, known.identities.get(side, ""))
        state.setStrays(known.id, side, strays)
        state.setAlone(known.id, side)
        if self._say is None:
            self.log.info(
                "{name}: gone from {other}; it is left by itself on {side}.",
                name=shown(known.name),
                other=side.other,
                side=side,
            )


def _isLevel(account: Account, name: Name) -> bool:
    """
    Whether there is no mailbox of that name, but a level above others: nothing
    can be renamed to it on some servers, but it can be made a mailbox.
    """
    box = account.listed.get(name)
    return box is not None and not box.selectable
