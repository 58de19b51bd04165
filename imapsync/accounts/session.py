"""
Two connected servers: which mailboxes there are, in what order they are
worked on, and when both sides are equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from imapsync.accounts.creation import Steps
from imapsync.accounts.deletion import Deleter
from imapsync.accounts.history import Memory
from imapsync.accounts.identification import Tracer
from imapsync.accounts.listing import Listing
from imapsync.accounts.ownership import Ownership
from imapsync.accounts.renaming import Renamer
from imapsync.accounts.scope import Scope
from imapsync.accounts.workers import Clients, Crew, Reserve
from imapsync.config.file import Config
from imapsync.config.request import Request
from imapsync.errors import Displaced, MailboxError
from imapsync.log import Log
from imapsync.mailbox.bothsides import Policy, Surroundings, Trash
from imapsync.mailbox.report import Report
from imapsync.model import Known, Listed, Mark, Name, Side, Status
from imapsync.plan import mailboxes as tree
from imapsync.plan.account import Account
from imapsync.plan.brake import Brake
from imapsync.plan.moves import Suspect, between, suspected
from imapsync.plan.renames import Delete, Outlook
from imapsync.state.interface import State

if TYPE_CHECKING:
    from imapsync.mailbox.sync import Pass


class Legacy(NamedTuple):
    """
    What a session leaves to the next one on the same connections.
    """

    listing: Listing
    tracer: Tracer
    memory: Memory


class Session:
    """
    One attempt to make both accounts equal.

    @param state: for a dry run, a copy that may be written.
    @param clients: the first pair of connections.
    @param say: takes the lines of a dry run.
    @param legacy: of the sessions before this one, if there were any.
    @param reserve: has further pairs; none can be had without.
    """

    log = Log()

    def __init__(
        self,
        config: Config,
        request: Request,
        clients: Clients,
        state: State,
        brake: Brake,
        report: Report,
        say: Callable[[str], None],
        legacy: Legacy | None = None,
        reserve: Reserve | None = None,
    ) -> None:
        self._config = config
        self._request = request
        self._clients = clients
        self._state = state
        self._report = report
        self._say = say
        readOnly = frozenset(side for side in Side if config.servers[side].readOnly)
        self._policy = Policy(config.mergeFlags, readOnly, request.dryRun)
        self._brake = brake
        self._acquainted = state.totalPairs() > 0
        several = reserve is not None and config.connections > 1 and not request.dryRun
        if legacy is None:
            legacy = Legacy(Listing(config, clients), Tracer(clients, state), Memory())
        self._crew = Crew(clients, reserve, config.connections if several else 1)
        self._listing = legacy.listing
        self._memory = memory = legacy.memory
        self._ownership = Ownership(
            config, clients, state, legacy.listing, sure=bool(memory.accounts)
        )
        self._trashes: Mapping[Side, Trash] = {}
        self._steps = Steps(clients, state, report, say, memory)
        self._refused = memory.refused
        self._failed = self._steps.failed
        self._tried = memory.tried
        self._tracer = legacy.tracer
        self._renamer = Renamer(
            clients,
            state,
            self._listing,
            self._tracer,
            report,
            say if request.dryRun else None,
            memory,
        )
        self._deleter = Deleter()
        self._displaced: set[Name] = set()
        self._foreseen: dict[int, Mapping[Side, Mark]] = {}
        self._scope = Scope(config, request.mailboxes, self._listing, memory.named)

    async def run(self) -> None:
        """
        Sync until neither side has news.

        @raise NotFound: a mailbox that was asked for is on neither server.
        @raise MassDeletion: too much would be removed.
        """
        while await self._round() or await self._restless():
            pass

    async def _restless(self) -> bool:
        """
        Leave the mailboxes that are still selected: of what happened in them
        since the last look, no server may ever tell.

        @return: whether anything did.
        """
        if not self._request.live or not any(
            c.selecting for c in self._clients.values()
        ):
            return False
        return not self._memory.isSame(await self._listing.look())

    async def _round(self) -> bool:
        """
        Look at all mailboxes, and work on those that need it.

        @return: whether anything changed, so that there may be more to do.
        """
        accounts, plan, outlook = await self._plan()
        doomed = await self._deleter.confirmed(
            {one: self._surroundings(one.name, accounts) for one in outlook.deletions}
        )
        self._foretold(accounts)
        dirty = self._dirty(plan, accounts)
        changed = await self._followMoves(accounts, dirty, doomed)
        await self._checkBrake(accounts, dirty, doomed)
        synced = self._tasks(dirty, accounts)

        async def sync(name: Name, clients: Clients) -> None:
            nonlocal changed
            changed = await self._sync(name, accounts, clients) or changed

        await self._crew.work(synced, sync)
        if not self._request.dryRun:
            await self._tracer.learn(accounts, synced)
        if not changed or self._request.dryRun:
            changed = await self._deleter.delete(doomed)
        if not changed:
            for waiting in outlook.waiting:
                self._trouble(waiting.name, waiting.text)
        return changed and not self._request.dryRun

    # All mailboxes

    async def _plan(self) -> tuple[Mapping[Side, Account], tree.Plan, Outlook]:
        """
        Make the same mailboxes exist and be subscribed on both sides.
        """
        while True:
            accounts = await self._ownership.look()
            with self._state.transaction():
                self._state.noteReadOnly(self._policy.readOnly)
            self._noteReferences(accounts)
            self._trashes = dict(self._listing.trashes(accounts))
            selection = await self._scope.select(accounts)
            accounts, outlook = await self._renamer.settle(
                accounts, selection, self._refused
            )
            if outlook.renames:
                continue
            if outlook.steps:
                await self._steps.take(outlook.steps, accounts)
                continue
            selection = self._scope.followed(selection, accounts)
            plan = tree.plan(accounts, self._mailboxes(), selection, outlook.held)
            for trouble in (*outlook.troubles, *plan.troubles):
                self._trouble(trouble.name, trouble.text)
            steps = [step for step in plan.steps if step not in self._refused]
            for step in plan.steps:
                if isinstance(step, tree.Create) and step in self._refused:
                    self._steps.collided(step, accounts[step.side])
            if self._request.dryRun:
                self._steps.rehearse(steps, accounts)
            else:
                await self._steps.take(steps, accounts)
            self._agree(plan, {step.name for step in (*steps, *self._refused)})
            if not steps or self._request.dryRun:
                self._memory.looked(accounts, frozenset(plan.mailboxes))
                return accounts, plan, outlook

    def _noteReferences(self, accounts: Mapping[Side, Account]) -> None:
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

    def _agree(self, plan: tree.Plan, unsettled: set[Name]) -> None:
        """
        Remember what both sides were seen to agree on as subscribed.
        """
        before = self._mailboxes()
        with self._state.transaction():
            for name, subscribed in plan.mailboxes.items():
                known = before.get(name)
                if known is None:
                    known = self._state.addMailbox(name, subscribed=False)
                if name not in unsettled and known.subscribed != subscribed:
                    self._state.setSubscribed(known.id, subscribed)

    def _mailboxes(self) -> Mapping[Name, Known]:
        return {known.name: known for known in self._state.mailboxes()}

    def _known(self, name: Name) -> Known:
        known = self._state.mailbox(name)
        if known is None:
            raise MailboxError(f"{name}: unknown to the database")
        return known

    def _dirty(
        self, plan: tree.Plan, accounts: Mapping[Side, Account]
    ) -> Mapping[Name, Known]:
        """
        The mailboxes in which something has happened.
        """
        known = self._mailboxes()
        return {
            name: known[name]
            for name in plan.mailboxes
            if tree.dirty(known[name], _listed(name, accounts))
        }

    def _foretold(self, accounts: Mapping[Side, Account]) -> None:
        """
        Where the servers now tell what was foreseen, nothing else has happened
        since the last look, which has dealt with all.
        """
        foreseen, self._foreseen = self._foreseen, {}
        with self._state.transaction():
            for known in self._state.mailboxes() if foreseen else ():
                marks, listed = foreseen.get(known.id), _listed(known.name, accounts)
                if marks and tree.fulfilled(known, marks, listed):
                    for side, mark in marks.items():
                        self._state.setMark(known.id, side, mark)

    async def _followMoves(
        self,
        accounts: Mapping[Side, Account],
        dirty: Mapping[Name, Known],
        doomed: Iterable[Delete],
    ) -> bool:
        """
        Have what was moved on one side be moved on the other, before it looks
        like removals and new messages.
        """
        suspects = [
            Suspect(one.name, frozenset([one.side.other]), frozenset())
            for one in doomed
        ]
        for name, known in dirty.items():
            if name not in self._failed:
                suspects.append(suspected(known, _listed(name, accounts)))
        if not suspects:
            return False
        # Imported here, as the pass, because most runs have nothing to do.
        from imapsync.mailbox import transfer as moves

        changed = False
        for side in Side:
            if side in self._policy.readOnly:
                continue
            lost, gained = (
                {name: self._surroundings(name, accounts) for name in some}
                for some in between(suspects, side.other)
            )
            gone = {one.name for one in doomed if one.side is side}
            changed = await moves.follow(side, lost, gained, gone) or changed
        return changed

    # Each mailbox

    def _tasks(
        self, dirty: Iterable[Name], accounts: Mapping[Side, Account]
    ) -> Mapping[Name, int]:
        """
        The mailboxes to be worked on, and about how many messages of either side
        are new there.
        """
        tasks = {}
        for name in dirty:
            known, listed = self._known(name), _listed(name, accounts)
            if name in self._tried:
                # What was refused once in a run is not tried again in it.
                known = known._replace(retries=False)
            hopeless = name in self._failed or self._memory.hopeless(name, listed)
            if tree.dirty(known, listed) and not hopeless:
                tasks[name] = tree.arrived(known, listed)
        return tasks

    async def _sync(
        self, name: Name, accounts: Mapping[Side, Account], clients: Clients
    ) -> bool:
        from imapsync.mailbox import transfer as moves

        known = self._known(name)
        around = self._surroundings(name, accounts, clients)
        changed = False
        try:
            while await (one := self._pass(known, around)).run():
                changed = True
                for errand in one.errands:
                    source = self._surroundings(errand.source, accounts, clients)
                    await moves.perform(errand, source, around)
                if around.foreseen:
                    self._foreseen[known.id] = around.foreseen
                    break
                known = self._known(name)
        except Displaced as error:
            if self._request.dryRun or name in self._displaced:
                self._failed.add(name)
                self._trouble(name, str(error))
                return changed
            self._displaced.add(name)
            self._tracer.doubt(known)
            return True
        except MailboxError as error:
            self._failed.add(name)
            self._trouble(name, str(error))
        if not changed:
            told, failed = _listed(name, accounts), name in self._failed
            self._memory.unfinished(name, told, failed)
        return changed

    def _pass(self, known: Known, around: Surroundings) -> Pass:
        again = known.name not in self._tried
        self._tried.add(known.name)
        return _passOver(known, around, again)

    def _surroundings(
        self,
        name: Name,
        accounts: Mapping[Side, Account],
        clients: Clients | None = None,
    ) -> Surroundings:
        return Surroundings(
            clients or self._clients,
            {side: accounts[side].spelled(name) for side in Side},
            self._state,
            self._policy,
            self._brake,
            self._report,
            self._say,
            self._acquainted,
            self._trashes,
        )

    async def _checkBrake(
        self,
        accounts: Mapping[Side, Account],
        dirty: Iterable[Name],
        doomed: Iterable[Delete],
    ) -> None:
        """
        Know before the first removal whether there would be too many.  STATUS
        alone mostly tells; else each mailbox is looked into.
        """
        suspects = []
        bound: Counter[Side] = Counter()
        for one in doomed:
            known = self._known(one.name)
            box = _listed(one.name, accounts).get(one.side)
            bound[one.side] += tree.atStake(known, box)
        count = bound.copy()
        for name in dirty:
            known, listed = self._known(name), _listed(name, accounts)
            if not tree.dirty(known, listed):
                continue
            missing = {
                side.other: tree.removable(known, side, box.status or Status())
                for side, box in listed.items()
            }
            if any(missing.values()):
                bound.update(missing)
                suspects.append(known)
        if not self._brake.trips(bound):
            return
        for known in suspects:
            around = self._surroundings(known.name, accounts)
            try:
                count.update(await _passOver(known, around, again=False).survey())
            except MailboxError:
                continue  # its pass will tell
        self._brake.check(count)

    def _trouble(self, name: Name, text: str) -> None:
        if self._report.trouble(name, text):
            self.log.error("{name}: {text}", name=name, text=text)


def _listed(name: Name, accounts: Mapping[Side, Account]) -> Mapping[Side, Listed]:
    return {
        side: account.listed[name]
        for side, account in accounts.items()
        if name in account.listed
    }


def _passOver(known: Known, around: Surroundings, again: bool) -> Pass:
    from imapsync.mailbox.sync import Pass

    return Pass(known, around, again)
