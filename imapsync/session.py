"""
Two connected servers: which mailboxes there are, in what order they are
worked on, and when both sides are equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imapsync import moves, names, tree
from imapsync.brake import Brake
from imapsync.config import Config
from imapsync.errors import MailboxError, NotFound, Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.responses import Namespaces
from imapsync.likeness import between, suspected
from imapsync.logs import Log
from imapsync.mailbox import Pass
from imapsync.memory import Memory
from imapsync.model import Known, Listed, Name, Side, Status
from imapsync.names import Naming, Patterns
from imapsync.report import Report
from imapsync.state import State
from imapsync.together import onBoth, together
from imapsync.view import Policy, Surroundings

_ITEMS = "STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"

#: So often a step is taken before it is in vain: some servers show what was
#: done only after a moment.
_PATIENCE = 3

_VERBS = {
    tree.Create: ("CREATE", "created"),
    tree.Subscribe: ("SUBSCRIBE", "subscribed"),
    tree.Unsubscribe: ("UNSUBSCRIBE", "unsubscribed"),
}


@dataclass(frozen=True)
class Wish:
    """
    What the user asked of one run.

    @ivar mailboxes: as typed; none means all.
    @ivar allowMassDelete: in live mode, in the first sync.
    @ivar live: stay connected, and follow both servers.
    @ivar watch: how often to look at a server that does not push, in seconds.
    """

    mailboxes: tuple[str, ...] = ()
    dryRun: bool = False
    allowMassDelete: bool = False
    live: bool = False
    watch: float = 60.0


class Session:
    """
    One attempt to make both accounts equal.

    @param state: for a dry run, a copy that may be written.
    @param say: takes the lines of a dry run.
    @param memory: of the sessions before this one on the same connections.
    """

    log = Log()

    def __init__(
        self,
        config: Config,
        wish: Wish,
        clients: Mapping[Side, SyncClient],
        state: State,
        brake: Brake,
        report: Report,
        say: Callable[[str], None],
        memory: Memory | None = None,
    ) -> None:
        self._config = config
        self._wish = wish
        self._clients = clients
        self._state = state
        self._report = report
        self._say = say
        readOnly = frozenset(side for side in Side if config.servers[side].readOnly)
        self._policy = Policy(config.mergeFlags, readOnly, wish.dryRun)
        self._brake = brake
        self._acquainted = state.totalPairs() > 0
        self._memory = memory = memory or Memory()
        self._namings = memory.namings
        self._taken: Counter[tree.Step] = Counter()
        self._refused = memory.refused
        self._failed: set[Name] = memory.uncreated
        self._tried = memory.tried

    async def run(self) -> None:
        """
        Sync until neither side has news.

        @raise NotFound: a mailbox that was asked for is on neither server.
        @raise MassDeletion: too much would be removed.
        """
        with self._state.transaction():
            self._state.noteReadOnly(self._policy.readOnly)
        while await self._round():
            pass

    async def _round(self) -> bool:
        """
        Look at all mailboxes, and work on those that need it.

        @return: whether anything changed, so that there may be more to do.
        """
        accounts, plan = await self._plan()
        changed = await self._followMoves(accounts, plan)
        await self._checkBrake(accounts, plan)
        for name in plan.mailboxes:
            if name in self._failed:
                continue
            known = self._known(name)
            if self._dirty(known, accounts):
                changed = await self._sync(known, accounts) or changed
                # What happens in a mailbox while it is selected may not be told.
                changed = changed or self._wish.live
        return changed and not self._wish.dryRun

    # All mailboxes

    async def _plan(self) -> tuple[Mapping[Side, tree.Account], tree.Plan]:
        """
        Make the same mailboxes exist and be subscribed on both sides.
        """
        while True:
            accounts = await self._look()
            named = self._named(accounts)
            selection = await self._selection(frozenset(named))
            known = {known.name: known for known in self._state.mailboxes()}
            plan = tree.plan(accounts, known, selection)
            if plan.unknown:
                typed = ", ".join(f'"{named[name]}"' for name in plan.unknown)
                raise NotFound(
                    f"neither server has the mailbox {typed}: check the spelling,"
                    " and the separators of its levels"
                )
            for trouble in plan.troubles:
                self._trouble(trouble.name, trouble.text)
            steps = [step for step in plan.steps if step not in self._refused]
            if self._wish.dryRun:
                self._rehearse(steps, accounts)
            else:
                await self._take(steps, accounts)
            self._agree(plan, {step.name for step in (*steps, *self._refused)})
            if not steps or self._wish.dryRun:
                self._memory.looked(accounts, frozenset(plan.mailboxes))
                return accounts, plan

    async def _look(self) -> Mapping[Side, tree.Account]:
        return await onBoth(self._list)

    async def _list(self, side: Side) -> tree.Account:
        client = self._clients[side]
        if self._wish.live:
            await client.unselect()
        asked: list[Deferred[Any]] = [
            client.listMailboxes("*", returns=("SUBSCRIBED", _ITEMS))
        ]
        if side not in self._namings and "NAMESPACE" in client.capabilities:
            asked.append(client.namespaces())
        listed, *spaces = await together(asked)
        if side not in self._namings:
            reference = self._config.servers[side].listReference
            self._namings[side] = _naming(spaces, listed, reference)
        readOnly = side in self._policy.readOnly
        return tree.Account.of(self._namings[side], listed, readOnly)

    def _named(self, accounts: Mapping[Side, tree.Account]) -> Mapping[Name, str]:
        """
        The mailboxes that the user asks for, and what was typed.
        """
        named = {}
        for text in self._wish.mailboxes:
            meant = names.fromUser(text, self._namings[Side.LOCAL])
            there = (n for n in meant if any(a.has(n) for a in accounts.values()))
            named[next(there, meant[0])] = names.shown(text)
        return named

    async def _selection(self, named: frozenset[Name]) -> tree.Selection:
        options = [o for o in self._config.listSelectOpts if o != "SUBSCRIBED"]
        return tree.Selection(
            Patterns(self._config.listMailbox, self._namings[Side.LOCAL]),
            self._config.ignoreMailbox,
            "SUBSCRIBED" in self._config.listSelectOpts,
            named,
            await self._chosen(options) if options else None,
        )

    async def _chosen(self, options: list[str]) -> frozenset[Name]:
        """
        What either server lists under further selection options.
        """
        chosen = set()
        for side in Side:
            client = self._clients[side]
            for listed in await client.listMailboxes("*", selection=options):
                try:
                    chosen.add(self._namings[side].toShared(listed.name))
                except MailboxError:
                    continue  # the plain LIST reports it
        return frozenset(name for name in chosen if name is not None)

    async def _take(
        self, steps: list[tree.Step], accounts: Mapping[Side, tree.Account]
    ) -> None:
        """
        Make, subscribe and unsubscribe mailboxes, many at a time.
        """
        waiting = []
        for step in steps:
            if isinstance(step, tree.Forget):
                with self._state.transaction():
                    self._state.removeMailbox(self._known(step.name).id)
            elif self._taken[step] >= _PATIENCE:
                self._refused.add(step)
                self._trouble(step.name, f"{step.side}: {_done(step)}, but in vain")
            else:
                self._taken[step] += 1
                verb, _ = _VERBS[type(step)]
                spelled = accounts[step.side].spelled(step.name)
                command = self._clients[step.side].onMailbox(verb, spelled)
                command.addCallback(self._stepTaken, step)
                waiting.append(command.addErrback(self._stepRefused, step))
        await together(waiting)

    def _stepTaken(self, _: object, step: tree.Directed) -> None:
        self._report.steps.setdefault(step.name, []).append(_done(step))

    def _stepRefused(self, failure: Failure, step: tree.Directed) -> None:
        failure.trap(Refused)
        self._refused.add(step)
        if getattr(failure.value, "responseCode", "") == "ALREADYEXISTS":
            return  # somebody else was faster
        if step.name not in self._failed:
            self._trouble(step.name, f"{step.side}: {failure.value}")
        if isinstance(step, tree.Create):
            self._failed.add(step.name)

    def _agree(self, plan: tree.Plan, unsettled: set[Name]) -> None:
        """
        Remember what both sides were seen to agree on as subscribed.
        """
        with self._state.transaction():
            for name, subscribed in plan.mailboxes.items():
                known = self._state.mailbox(name)
                if known is None:
                    known = self._state.addMailbox(name, subscribed=False)
                if name not in unsettled and known.subscribed != subscribed:
                    self._state.setSubscribed(known.id, subscribed)

    def _known(self, name: Name) -> Known:
        known = self._state.mailbox(name)
        if known is None:
            raise MailboxError(f"{name}: unknown to the database")
        return known

    def _rehearse(
        self, steps: list[tree.Step], accounts: Mapping[Side, tree.Account]
    ) -> None:
        for step in steps:
            if isinstance(step, tree.Forget):
                self._say(f"{step.name}: forget, it is gone from both sides")
                continue
            verb, _ = _VERBS[type(step)]
            self._say(f"{step.name}: {verb.lower()} on {step.side}")
            if isinstance(step, tree.Create):
                origin = accounts[step.side.other].listed[step.name]
                count = (origin.status or Status()).messages
                self._say(
                    f"{step.name}: copy {count} messages"
                    f" from {step.side.other} to {step.side}"
                )
                self._failed.add(step.name)

    async def _followMoves(
        self, accounts: Mapping[Side, tree.Account], plan: tree.Plan
    ) -> bool:
        """
        Have what was moved on one side be moved on the other, before it looks
        like removals and new messages.
        """
        suspects = []
        for name in plan.mailboxes:
            listed = _listed(name, accounts)
            known = self._known(name)
            if name not in self._failed and tree.dirty(known, listed):
                suspects.append(suspected(known, listed))
        changed = False
        for side in Side:
            if side in self._policy.readOnly:
                continue
            lost, gained = (
                {name: self._surroundings(name, accounts) for name in some}
                for some in between(suspects, side.other)
            )
            changed = await moves.follow(side, lost, gained) or changed
        return changed

    # One mailbox after another

    def _dirty(self, known: Known, accounts: Mapping[Side, tree.Account]) -> bool:
        if known.name in self._tried:
            # What was refused once in a run is not tried again in it.
            known = replace(known, retries=False)
        listed = _listed(known.name, accounts)
        return tree.dirty(known, listed) and not self._memory.hopeless(
            known.name, listed
        )

    async def _sync(self, known: Known, accounts: Mapping[Side, tree.Account]) -> bool:
        around = self._surroundings(known.name, accounts)
        changed = False
        try:
            while await (one := self._pass(known, around)).run():
                changed = True
                for errand in one.errands:
                    source = self._surroundings(errand.source, accounts)
                    await moves.perform(errand, source, around)
                known = self._known(known.name)
        except MailboxError as error:
            self._failed.add(known.name)
            self._trouble(known.name, str(error))
        if not changed:
            failed = known.name in self._failed
            told = _listed(known.name, accounts)
            self._memory.unfinished(known.name, told, failed)
        return changed

    def _pass(self, known: Known, around: Surroundings) -> Pass:
        again = known.name not in self._tried
        self._tried.add(known.name)
        return Pass(known, around, again)

    def _surroundings(
        self, name: Name, accounts: Mapping[Side, tree.Account]
    ) -> Surroundings:
        return Surroundings(
            self._clients,
            {side: accounts[side].spelled(name) for side in Side},
            self._state,
            self._policy,
            self._brake,
            self._report,
            self._say,
            self._acquainted,
        )

    async def _checkBrake(
        self, accounts: Mapping[Side, tree.Account], plan: tree.Plan
    ) -> None:
        """
        Know before the first removal whether there would be too many.  STATUS
        alone mostly tells; else each mailbox is looked into.
        """
        suspects = []
        bound: Counter[Side] = Counter()
        for name in plan.mailboxes:
            known = self._state.mailbox(name)
            listed = _listed(name, accounts)
            if known is None or not tree.dirty(known, listed):
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
        count: Counter[Side] = Counter()
        for known in suspects:
            around = self._surroundings(known.name, accounts)
            try:
                count.update(await Pass(known, around, again=False).survey())
            except MailboxError:
                continue  # its pass will tell
        self._brake.check(count)

    def _trouble(self, name: Name, text: str) -> None:
        if self._report.trouble(name, text):
            self.log.error("{name}: {text}", name=name, text=text)


def _done(step: tree.Directed) -> str:
    _, done = _VERBS[type(step)]
    return f"{done} on {step.side}"


def _listed(name: Name, accounts: Mapping[Side, tree.Account]) -> Mapping[Side, Listed]:
    return {
        side: account.listed[name]
        for side, account in accounts.items()
        if name in account.listed
    }


def _naming(told: list[Namespaces], listed: list[Listed], reference: str) -> Naming:
    """
    How a server names mailboxes, from what it told.
    """
    spaces = told[0] if told else Namespaces((), ())
    prefix, separator = spaces.personal[0] if spaces.personal else ("", "")
    if not separator:
        separator = next((box.separator for box in listed if box.separator), "")
    if reference and not reference.endswith(separator):
        reference += separator
    foreign = tuple(prefix for prefix, _ in (*spaces.personal[1:], *spaces.foreign))
    return Naming(separator, prefix, reference, foreign)
