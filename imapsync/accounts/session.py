"""
Two connected servers: which mailboxes there are, in what order they are
worked on, and when both sides are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from imapsync.accounts import removals
from imapsync.accounts.deletion import Deleter
from imapsync.accounts.glances import Glancer
from imapsync.accounts.mailboxes import (
    RESTLESS,
    ROUNDS,
    Accounts,
    Legacy,
    Mailboxes,
    listedOn,
)
from imapsync.accounts.reminders import note, remind
from imapsync.accounts.workers import Reserve, Workers
from imapsync.config.request import Request
from imapsync.config.settings import Config
from imapsync.errors import Displaced, MailboxError
from imapsync.log import Log
from imapsync.mailbox.context import Clients, Context, Records, Say, meet
from imapsync.model import Act, Known, Mark, Name, Side
from imapsync.names import shown
from imapsync.plan import mailboxes
from imapsync.plan.fresh import Fresh, fresh
from imapsync.plan.messages import Policy
from imapsync.plan.moves import Suspect, between, suspected
from imapsync.plan.outlook import Delete
from imapsync.plan.unchanged import Told
from imapsync.state.interface import State

if TYPE_CHECKING:
    from imapsync.mailbox.sync import MailboxSync


class Session:
    """
    One attempt to make both accounts equal.

    @param state: for a dry run, a copy that may be written.
    @param clients: the first pair of connections.
    @param say: takes what a dry run says; C{None} if it is none.
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
        records: Records,
        say: Say | None = None,
        legacy: Legacy | None = None,
        reserve: Reserve | None = None,
    ) -> None:
        self._request = request
        self._clients, self._state = clients, state
        self._records = records
        self._report = records.report
        self._say = say if request.dryRun else None
        allowed = {side: config.servers[side].allowed for side in Side}
        marking = frozenset(side for side in Side if config.servers[side].marks)
        policy = Policy(config.mergeFlags, allowed, marking=marking)
        self._policy = policy._replace(sparing=request.repair)
        meet(clients, state)
        several = reserve is not None and config.connections > 1 and not request.dryRun
        legacy = legacy or Legacy.of(config, clients, state, records.suspects)
        self._workers = Workers(clients, reserve, config.connections if several else 1)
        self._listing, self._identifier, self._history = legacy
        self._tried = self._history.tried
        now, pause = records.suspects.now, request.watch if request.live else None
        look = config.servers, clients, state, self._history
        self._glancer = Glancer(*look, pause, now)
        scope = config, request.mailboxes, clients, state
        reporting = self._report, self._say, legacy, request.repair
        self._mailboxes = Mailboxes(*scope, *reporting)
        self._failed = self._mailboxes.failed
        self._deleter = Deleter(self._mailboxes.aside)
        self._displaced: set[Name] = set()
        self._changing: set[Name] = set()
        self._foreseen: dict[int, Mapping[Side, Mark]] = {}
        self._released: set[Name] = set()
        self._looked = 0.0

    async def run(self) -> None:
        """
        Sync until neither side has news.  Where one always has, live mode comes back
        to it, and a single run leaves it to the next.

        @raise NotFound: a mailbox that was asked for is on neither server.
        @raise MassDeletion: too much would be removed.
        """
        for _ in range(ROUNDS):
            self._changing.clear()
            if not (await self._round() or await self._restless()):
                break
        else:
            if self._request.live:
                return
            self._giveUp()
        scope = self._history.scope
        remind(self._state, self._report, scope)
        if not self._request.dryRun:
            whole = not self._request.mailboxes
            note(self._state, self._report, None if whole else scope)

    async def settledLook(self) -> Mapping[Side, Told]:
        """
        What both servers told when it was looked last, if nothing was to be done then,
        nor was anything given up or remarked on; else not of both.
        """
        if not self._history.isClear(self._mailboxes.known()):
            return {}
        return await self._glancer.completed(self._listing.told)

    def _giveUp(self) -> None:
        """
        Name what never comes to an end.
        """
        if not self._changing:
            raise MailboxError(f"the lists of mailboxes {RESTLESS}")
        for name in sorted(self._changing):
            self._report.failed(name, MailboxError(f"its messages {RESTLESS}"))

    async def _restless(self) -> bool:
        """
        Leave the mailboxes that are still selected: of what happened in them
        since the last look, no server may ever tell.

        @return: whether anything did.
        """
        selecting = any(c.selecting for c in self._clients.values())
        if not (self._request.live and selecting):
            return False
        return not self._history.isSame(await self._listing.look())

    async def _round(self) -> bool:
        """
        Look at all mailboxes, and work on those that need it.

        @return: whether anything changed, so that there may be more to do.
        """
        accounts, plan, outlook, trashes = await self._mailboxes.settle()
        self._looked = self._records.suspects.now()
        self._policy = self._policy._replace(trashes=trashes)
        if self._policy.sparing and outlook.deletions:
            self._spare(outlook.deletions)
            return True
        doomed = await self._deleter.confirmed(
            {one: self._context(one.name, accounts) for one in outlook.deletions}
        )
        self._skipForeseen(accounts)
        await self._glancer.look(plan.mailboxes, accounts)
        dirty = self._dirty(plan, accounts)
        fresh = self._listing.isFresh(dirty)
        self._listing.doubt([*dirty, *(trash.name for trash in trashes.values())])
        if not fresh:  # by now, their names may be those of others
            return True
        changed = await self._followMoves(accounts, dirty, doomed)
        await removals.check(
            self._records.brake,
            {one: self._known(one.name) for one in doomed},
            map(self._known, dirty),
            accounts,
            lambda name: self._context(name, accounts),
        )
        arrived = self._tasks(dirty, accounts)
        course = self._report.course
        course.plans(
            arrived,
            {*Side} if self._request.dryRun else self._policy.barring(Act.APPEND),
        )

        async def sync(
            name: Name, clients: Clients, release: Callable[[], None]
        ) -> None:
            nonlocal changed
            course.begins(name)
            try:
                changed = await self._sync(name, accounts, clients, release) or changed
            finally:
                course.ended(name)

        await self._workers.work({n: sum(c.values()) for n, c in arrived.items()}, sync)
        if not self._request.dryRun:
            self._identifier.meet(accounts, arrived)
        if not changed or self._request.dryRun:
            changed = await self._deleter.delete(doomed, accounts)
        if not changed:  # else they come along with the next LIST
            await self._identifier.learn()
            for waiting in outlook.waiting:
                self._report.trouble(waiting)
        return changed and not self._request.dryRun

    def _spare(self, deletions: Iterable[Delete]) -> None:
        """
        Have the mailboxes that would be deleted be made again, and filled.
        """
        with self._state.transaction():
            for one in deletions:
                self._state.removeMailbox(self._known(one.name).id)

    def _known(self, name: Name) -> Known:
        known = self._state.mailbox(name)
        if known is None:
            raise MailboxError(f"{shown(name)}: unknown to the database")
        return known

    def _dirty(self, plan: mailboxes.Plan, accounts: Accounts) -> Mapping[Name, Known]:
        """
        The mailboxes in which something has happened.
        """
        known = self._mailboxes.known()
        return {
            n: known[n] for n in plan.mailboxes if self._isDirty(known[n], accounts)
        }

    def _isDirty(self, known: Known, accounts: Accounts) -> bool:
        doubted = known.name in self._history.doubted
        return doubted or mailboxes.dirty(known, listedOn(known.name, accounts))

    def _skipForeseen(self, accounts: Accounts) -> None:
        """
        Where the servers now tell what was foreseen, nothing else has happened
        since the last look, which has dealt with all.
        """
        foreseen, self._foreseen = self._foreseen, {}
        with self._state.transaction():
            for known in self._state.mailboxes() if foreseen else ():
                marks, listed = foreseen.get(known.id), listedOn(known.name, accounts)
                if marks and mailboxes.fulfilled(known, marks, listed):
                    for side, mark in marks.items():
                        self._state.setMark(known.id, side, mark)

    async def _followMoves(
        self,
        accounts: Accounts,
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
                suspects.append(suspected(known, listedOn(name, accounts)))
        changed = False
        for side in Side:
            if not self._policy.may(side, Act.APPEND, Act.EXPUNGE):
                continue
            lost, gained = (
                {name: self._context(name, accounts) for name in some}
                for some in between(suspects, side.other)
            )
            if not lost:
                continue
            # Imported here, as the pass, because in most runs nothing can have moved.
            from imapsync.accounts.moves import follow

            gone = {one.name for one in doomed if one.side is side}
            changed = await follow(side, lost, gained, gone) or changed
        return changed

    # Each mailbox

    def _tasks(
        self, dirty: Iterable[Name], accounts: Accounts
    ) -> Mapping[Name, Mapping[Side, int]]:
        """
        The mailboxes to be worked on, and about how many messages are new on each side
        there.
        """
        tasks = {}
        due = self._due(dirty)
        for name in dirty:
            known, listed = self._known(name), listedOn(name, accounts)
            known = known._replace(retries=known.id in due)
            hopeless = name in self._failed or self._history.hopeless(name, listed)
            if self._isDirty(known, accounts) and not hopeless:
                tasks[name] = mailboxes.arrived(known, listed)
        return tasks

    def _due(self, names: Iterable[Name]) -> Collection[int]:
        """
        The mailboxes in which something is to be tried again.  What was refused once
        in a run is not tried again in it.
        """
        mailboxes = [self._known(name) for name in names if name not in self._tried]
        retried = {known.id for known in mailboxes if known.retries}
        if not retried:
            return retried
        if self._request.mailboxes and not self._request.live:
            # Whoever names mailboxes wants it to be tried now.
            with self._state.transaction():
                for mailbox in retried:
                    self._state.hasten(mailbox)
        return retried & self._state.mailboxesDue()

    async def _sync(
        self,
        name: Name,
        accounts: Accounts,
        clients: Clients,
        release: Callable[[], None],
    ) -> bool:
        """
        Work on one mailbox.

        @param release: called when the connections can serve another one.  What goes
            wrong after that is left to the next time, when they are kept to the end.
        @return: whether anything changed.
        """
        early = None if name in self._released else release
        known = self._known(name)
        new = self._fresh(known, accounts)

        def contextOf(source: Name) -> Context:
            context = self._context(source, accounts, clients)
            return context._replace(release=early, fresh=new, further=self._workers)

        self._released.add(name)
        again = name not in self._tried
        self._tried.add(name)
        one = _mailboxSync(name, contextOf, again)
        try:
            await one.run()
        except Displaced as error:
            if self._request.dryRun or name in self._displaced:
                self._failed.add(name)
                self._report.failed(name, error)
                return one.changed
            self._displaced.add(name)
            self._identifier.doubt(known)
            return True
        except MailboxError as error:
            self._failed.add(name)
            self._report.failed(name, error)
        if name not in self._failed:
            self._history.compared(name, self._records.suspects.now())
        self._glancer.passed(name, one.changed)
        if one.foreseen:
            self._foreseen[known.id] = one.foreseen
        if one.changed:
            self._changing.add(name)
        else:
            told, failed = listedOn(name, accounts), name in self._failed
            self._history.unfinished(name, told, failed)
        return one.changed

    def _fresh(self, known: Known, accounts: Accounts) -> Fresh | None:
        """
        What is relied on of a mailbox that is opened for the first time.
        """
        made = self._history.made.pop(known.name, None)
        if made is None:
            return None
        ago = self._records.suspects.now() - self._looked
        return fresh(made, known, listedOn(known.name, accounts), ago)

    def _context(
        self, name: Name, accounts: Accounts, clients: Clients | None = None
    ) -> Context:
        return Context(
            clients or self._clients,
            {side: accounts[side].spelled(name) for side in Side},
            self._state,
            self._policy,
            self._records,
            self._say,
            frozenset(side for side in Side if name in accounts[side].unmade),
            exclusive=frozenset(
                side
                for side, client in self._clients.items()
                if client.host.exclusive & accounts[side].attributes(name)
            ),
        )


def _mailboxSync(
    name: Name, contextOf: Callable[[Name], Context], again: bool
) -> MailboxSync:
    from imapsync.mailbox.sync import MailboxSync

    return MailboxSync(name, contextOf, again)
