"""
Having the same mailboxes exist and be subscribed on both sides, before any of them
is opened: L{Mailboxes}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from twisted.internet.defer import Deferred

from imapsync.accounts.aside import Aside
from imapsync.accounts.creation import Steps
from imapsync.accounts.history import History
from imapsync.accounts.identification import Identifier
from imapsync.accounts.listing import Listing
from imapsync.accounts.ownership import Ownership
from imapsync.accounts.polling import Polling
from imapsync.accounts.renaming import Renamer
from imapsync.accounts.scope import Scope
from imapsync.config.settings import Config
from imapsync.errors import MailboxError
from imapsync.gather import together
from imapsync.log import Log
from imapsync.mailbox.context import Clients, Say
from imapsync.mailbox.report import Report
from imapsync.mailbox.suspects import Suspects
from imapsync.model import Known, Listed, Name, Side
from imapsync.names import shown
from imapsync.plan.account import Account
from imapsync.plan.listing import leftOut, respelled
from imapsync.plan.mailboxes import Create, Plan, applied, plan
from imapsync.plan.operations import Trash
from imapsync.plan.outlook import Outlook
from imapsync.plan.selection import Selection
from imapsync.state.interface import State

#: So often is it looked again whether something has happened meanwhile.
ROUNDS = 100

#: What to say of what is still not at rest then.
RESTLESS = f"were never at rest, in {ROUNDS} looks; the next run goes on from here"

#: So many names are told of what is left out.
_SHOWN = 10

#: What both servers list.
Accounts = Mapping[Side, Account]


class Legacy(NamedTuple):
    """
    What a session leaves to the next one on the same connections.
    """

    listing: Listing
    identifier: Identifier
    history: History

    @classmethod
    def of(
        cls,
        config: Config,
        clients: Clients,
        state: State,
        suspects: Suspects,
        history: History | None = None,
        pause: float | None = None,
    ) -> Legacy:
        """
        What the first one finds.

        @param pause: so long, in seconds, need what is as it was not be asked again;
            C{None} if all is asked each time.
        """
        pollings = {side: Polling(pause, suspects.now) for side in clients if pause}
        return cls(
            Listing(config, clients, pollings),
            Identifier(clients, state, suspects),
            history or History(avoided=suspects.avoided),
        )


class Settled(NamedTuple):
    """
    All mailboxes are as they are to be.

    @ivar plan: which are to be synced.
    @ivar outlook: what is to be deleted in the end.
    @ivar trashes: where messages are moved instead of being expunged.
    """

    accounts: Accounts
    plan: Plan
    outlook: Outlook
    trashes: Mapping[Side, Trash]


class Mailboxes:
    """
    Sees to that in one session.

    @param typed: the mailboxes that the user named; none means all.
    @param say: takes what a dry run says; C{None} if it is none.
    @param sparing: whether nothing is removed.
    @ivar failed: those that cannot be synced, which others add to.
    @ivar aside: those that are about to be deleted.
    """

    log = Log()

    def __init__(
        self,
        config: Config,
        typed: tuple[str, ...],
        clients: Clients,
        state: State,
        report: Report,
        say: Say | None,
        legacy: Legacy,
        sparing: bool = False,
    ) -> None:
        self._clients = clients
        self._state = state
        self._report = report
        self._say = say
        self._sparing = sparing
        self._listing, self._identifier, self._history = legacy
        self.aside = Aside(clients, state, report)
        self._allowed = {side: config.servers[side].allowed for side in Side}
        self._ownership = Ownership(
            config, clients, state, self._listing, sure=bool(self._history.accounts)
        )
        self._refused = self._history.refused
        self._steps = Steps(clients, state, report, say, self._history)
        self._renamer = Renamer(
            *(clients, state, self._listing, self._identifier),
            *(report, say, self._history),
        )
        self._scope = Scope(config, typed, self._listing, self._history.named)
        self.failed = self._steps.failed

    async def survey(self) -> tuple[Accounts, Selection]:
        """
        What there is, and what of it is to be synced; nothing is done about it.

        @raise NotFound: as L{settle}.
        """
        accounts = await self._look()
        self._noteReferences(accounts)
        return accounts, await self._scope.select(accounts)

    async def settle(self) -> Settled:
        """
        Do it.

        @raise NotFound: a mailbox that was asked for is on neither server.
        @raise MailboxError: a server lists others whenever it is asked.
        """
        await self._clear()
        for _ in range(ROUNDS):
            settled = await self._settled()
            if settled is not None:
                return settled
            self._listing.doubt()  # under any name there may be another mailbox now
        raise MailboxError(f"the lists of mailboxes {RESTLESS}")

    async def _clear(self) -> None:
        """
        Delete what mailboxes of our own a run has left.
        """
        for side, client in self._clients.items() if self._say is None else ():
            if self._state.bins(side):
                from imapsync.mailbox.expunging import clear  # few need it

                await clear(client, self._state, side)

    async def _settled(self) -> Settled | None:
        """
        Take the next steps.

        @return: how it is, unless it has to be looked again.
        """
        accounts = await self._look()
        with self._state.transaction():
            self._state.noteAllowed(self._allowed, self._sparing)
        self._noteReferences(accounts)
        selection = await self._scope.select(accounts)
        trashes = dict(self._listing.trashes(accounts, selection))
        self._noteLeftOut(accounts, selection)
        accounts, outlook = await self._renamer.settle(
            accounts, selection, self._refused
        )
        if outlook.renames:
            return None
        if outlook.steps:
            await self._steps.take(outlook.steps, accounts)
            return None
        selection = self._scope.followed(selection, accounts)
        known = self.known()
        planned = plan(accounts, known, selection, outlook.held)
        for trouble in (*outlook.troubles, *planned.troubles):
            self._report.trouble(trouble)
        unmade = [
            step
            for step in planned.steps
            if isinstance(step, Create) and step in self._refused
        ]
        for one in unmade:
            self._steps.collided(one, accounts[one.side])
        # The name may be another one's there.
        missed = {one.name for one in unmade}
        steps = [
            step
            for step in planned.steps
            if step not in self._refused and step.name not in missed
        ]
        with self._state.transaction():
            for name in planned.mailboxes.keys() - known.keys():
                self._state.addMailbox(name, subscribed=False)
            for name in {one.name for one in steps if isinstance(one, Create)} & {
                *known
            }:
                # Made again, nobody has agreed on it, whatever is cut off now.
                self._state.setSubscribed(known[name].id, False)
        await self._steps.take(steps, accounts)
        self._agree(planned, {step.name for step in (*steps, *self._refused)})
        if self._say is not None:
            accounts = applied(accounts, steps)
            steps = []
        if not steps:
            self._history.looked(accounts, frozenset(planned.mailboxes))
            return Settled(accounts, planned, outlook, trashes)
        return None

    async def _look(self) -> Accounts:
        """
        What both servers list, by the names that both sides share.
        """
        for _ in range(ROUNDS):
            self._listing.learn(self._state.mailboxes())
            looking = Deferred.fromCoroutine(self._ownership.look())
            # Their answers come along with that of LIST.
            others = self._steps.taken(), self._identifier.learn()
            await together([looking, *map(Deferred.fromCoroutine, others)])
            accounts = await looking
            known = self._state.mailboxes()
            accounts = await self._listing.assured(accounts, known)
            if self._learn(accounts):
                continue
            if self._say is not None or not await self.aside.recover(accounts):
                return accounts
        raise MailboxError(f"the names of mailboxes {RESTLESS}")

    def _learn(self, accounts: Accounts) -> bool:
        """
        Remember where a server has made a mailbox, and called it a little
        otherwise.

        @return: whether any has.
        """
        found = [*respelled(accounts, self.known())]
        with self._state.transaction():
            for known, side, spelling in found:
                self._state.setSpelling(known.id, side, spelling)
                self.log.info(
                    '{name}: the mailbox "{spelling}" on {side}, as that calls it.',
                    name=shown(known.name),
                    spelling=shown(spelling),
                    side=side,
                )
        return bool(found)

    def _noteReferences(self, accounts: Accounts) -> None:
        """
        Where other mailboxes are ours than before, the old ones are not gone.
        """
        for side, account in accounts.items():
            with self._state.transaction():
                other = self._state.noteReference(side, account.naming.reference)
            if other:
                self.log.warn(
                    "{side}: list-reference has changed; pairing by content.", side=side
                )

    def _noteLeftOut(self, accounts: Accounts, selection: Selection) -> None:
        """
        Say once what is left out, since it is not the user's own.
        """
        for side, account in accounts.items():
            why = "it is in no personal namespace"
            self._noteSome(side, leftOut(account, selection), why)
            views = (name for name in selection.views if name in account.listed)
            some = [account.spelled(n) for n in views if not selection.covers(n, True)]
            why = "it only shows what is in others, and no list-mailbox asks for it"
            self._noteSome(side, some, why)

    def _noteSome(self, side: Side, left: Iterable[str], why: str) -> None:
        names = {f'"{shown(name)}"' for name in left}
        new = sorted(names - self._history.remarks)
        self._history.remarks |= names
        if new:
            more = len(new) - _SHOWN
            self.log.info(
                "{side}: left out, as {why}: {names}{more}",
                side=side,
                why=why,
                names=", ".join(new[:_SHOWN]),
                more=f" and {more} more" if more > 0 else "",
            )

    def _agree(self, plan: Plan, unsettled: set[Name]) -> None:
        """
        Remember what both sides were seen to agree on as subscribed.
        """
        before = self.known()
        with self._state.transaction():
            for name, subscribed in plan.mailboxes.items():
                known = before[name]
                if name not in unsettled and known.subscribed != subscribed:
                    self._state.setSubscribed(known.id, subscribed)

    def known(self) -> Mapping[Name, Known]:
        """
        What the database knows, by name.
        """
        return {known.name: known for known in self._state.mailboxes()}


def listedOn(name: Name, accounts: Accounts) -> Mapping[Side, Listed]:
    """
    What each server that lists a mailbox tells of it.
    """
    return {
        side: account.listed[name]
        for side, account in accounts.items()
        if name in account.listed
    }
