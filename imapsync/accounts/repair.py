"""
Comparing everything with the database, and mending: L{Repair}.

What the database knows is mended first, mailbox by mailbox, so that it says no more
than is true.  A session that removes nothing then does the rest, and it is looked
once more whether anything is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

from imapsync.accounts.history import History
from imapsync.accounts.identification import Identifier
from imapsync.accounts.listing import Listing
from imapsync.accounts.mailboxes import Accounts, Legacy, Mailboxes
from imapsync.accounts.session import Session
from imapsync.config.request import Request
from imapsync.config.settings import Config
from imapsync.errors import MailboxError
from imapsync.log import Log
from imapsync.mailbox.context import Clients, Context, Records
from imapsync.mailbox.repair import Inspection
from imapsync.model import EVERYTHING, Known, Name, Side, Trouble
from imapsync.plan import repair as plan
from imapsync.plan.alone import mayDelete, stays
from imapsync.plan.mailboxes import Forget, Plan
from imapsync.plan.mailboxes import plan as planned
from imapsync.plan.messages import Policy
from imapsync.plan.repair import Anomaly, Kind
from imapsync.plan.selection import Selection
from imapsync.state.interface import State
from imapsync.uidset import UidSetBuilder

#: So often it is looked whether anything is left, as long as it gets less.
_LOOKS = 5


class Repair:
    """
    All of it, through as many attempts as it takes.

    @param say: takes the line that sums up.
    @param tell: takes what is found.
    @ivar sides: which servers to connect to.
    @ivar found: how many anomalies of each kind there were.
    """

    log = Log()

    sides = tuple(Side)

    def __init__(
        self,
        config: Config,
        request: Request,
        state: State,
        records: Records,
        say: Callable[[str], None],
        tell: Callable[[Anomaly], None],
    ) -> None:
        self._config = config
        self._request = request
        self._state = state
        self._records = records
        self._say = say
        self._tell = tell
        allowed = {side: config.servers[side].allowed for side in Side}
        self._policy = Policy(config.mergeFlags, allowed, sparing=True)
        self._surveyed = False
        self._waiting: dict[Name, bool] = {}
        self._astray: set[Name] = set()
        self.found: Counter[Kind] = Counter()

    async def run(self, clients: Clients) -> None:
        """
        Do it, as far as it is not done.

        @raise NotFound: a mailbox that was asked for is on neither server.
        """
        await self._inspect(clients)
        if not self._request.dryRun:
            await self._settle(clients)
        elif self.found:
            self._records.report.unsound = True
        self._say(plan.summary(self.found))

    def _note(self, anomaly: Anomaly) -> None:
        """
        Something is wrong.
        """
        self.found[anomaly.kind] += anomaly.times
        if anomaly.mailbox:
            self._astray.add(anomaly.mailbox)
        self._tell(anomaly)

    # What is wrong

    async def _inspect(self, clients: Clients) -> None:
        """
        Compare all, and mend the database.
        """
        if self._config.presumed:
            await self._lookAt(clients)  # it may be the database of others
        if not self._surveyed:
            for table, text, times in self._state.scrub():
                where = f"{times} row{'s' if times > 1 else ''} of {table}"
                self._note(Anomaly(Kind.ROW, "", f"{where}: {text}", times=times))
        accounts, selection = await self._lookAt(clients)
        if not self._surveyed:
            self._waiting = dict(self._survey(accounts, selection))
            self._surveyed = True
        course = self._records.report.course
        course.plans({name: {} for name in self._waiting})
        for name, new in [*self._waiting.items()]:
            course.begins(name, "comparing")
            known = self._state.mailbox(name)
            if known is not None:
                context = self._context(name, accounts, clients)
                await self._inspectOne(Inspection(known, context, self._note, new))
            del self._waiting[name]
            course.ended(name)

    async def _lookAt(self, clients: Clients) -> tuple[Accounts, Selection]:
        """
        What the servers list, by names that are right.
        """
        legacy = Legacy(
            Listing(self._config, clients),
            Identifier(clients, self._state, self._records.suspects),
            History(),
        )
        mailboxes = Mailboxes(
            *(self._config, self._request.mailboxes, clients, self._state),
            *(self._records.report, None, legacy),
        )
        accounts, selection = await mailboxes.survey()
        wrong = [
            (known, anomaly)
            for known in self._state.mailboxes()
            for anomaly in plan.misspelled(accounts, known)
        ]
        if not wrong:
            return accounts, selection
        with self._state.transaction():
            for known, anomaly in wrong:
                self._note(anomaly)
                if anomaly.side is not None:
                    self._state.setSpelling(known.id, anomaly.side, "")
        return await mailboxes.survey()

    def _survey(
        self, accounts: Accounts, selection: Selection
    ) -> Iterator[tuple[Name, bool]]:
        """
        Compare the mailboxes as a whole.

        @return: those that are on both sides, and whether they were unknown.
        """
        known = {one.name: one for one in self._state.mailboxes()}
        scope = _scope(accounts, known, selection)
        for step in scope.steps:
            if isinstance(step, Forget):
                text = "it is on neither side"
                self._note(Anomaly(Kind.NOWHERE, step.name, text))
                self._forget(known[step.name])
        for name in scope.mailboxes:
            one = known.get(name)
            missing = [side for side in Side if not accounts[side].has(name)]
            if missing:
                self._miss(name, missing[0], one, accounts, known)
                continue
            self._compareSubscriptions(name, one, accounts)
            if one is None:
                self._note(Anomaly(Kind.UNKNOWN, name, "it is not in the database"))
                with self._state.transaction():
                    self._state.addMailbox(name, subscribed=False)
            yield name, one is None

    def _miss(
        self,
        name: Name,
        side: Side,
        known: Known | None,
        accounts: Accounts,
        names: Collection[Name],
    ) -> None:
        """
        A mailbox is missing on C{side}.  If it may have another name there, the
        session finds out; else it makes it again, unless it may be deleted there and
        not here.
        """
        here = accounts[side.other]
        box = here.listed.get(name)
        if known and box and not mayDelete(here, box):
            return  # the session remembers that
        self._note(plan.onOneSide(name, side))
        if known and not plan.isTraceable(known, side, accounts[side], names):
            self._forget(known)

    def _forget(self, known: Known) -> None:
        with self._state.transaction():
            self._state.removeMailbox(known.id)

    def _compareSubscriptions(
        self, name: Name, known: Known | None, accounts: Accounts
    ) -> None:
        wrong, subscribed = plan.subscription(accounts, known, name)
        if wrong:
            self._note(wrong)
        if wrong and known is not None:
            with self._state.transaction():
                self._state.setSubscribed(known.id, subscribed)

    async def _inspectOne(self, inspection: Inspection) -> None:
        try:
            await inspection.run()
        except MailboxError as error:
            self._records.report.failed(inspection.name, error)

    def _context(self, name: Name, accounts: Accounts, clients: Clients) -> Context:
        return Context(
            clients,
            {side: accounts[side].spelled(name) for side in Side},
            self._state,
            self._policy,
            self._records,
        )

    # What is to be done about it

    async def _settle(self, clients: Clients) -> None:
        """
        Have both sides be equal, and see whether they are.
        """
        before = -1
        for _ in range(_LOOKS):
            session = Session(
                self._config, self._request, clients, self._state, self._records
            )
            await session.run()
            left = await self._lookAgain(clients)
            if not left or len(left) == before:
                break
            before = len(left)
        for trouble in left.troubles():
            self._records.report.trouble(trouble)

    async def _lookAgain(self, clients: Clients) -> _Left:
        """
        See what is left to do where something was wrong.
        """
        left = _Left()
        if not self._astray:
            return left
        accounts, selection = await self._lookAt(clients)
        everyone = {one.name: one for one in self._state.mailboxes()}
        for name in _scope(accounts, everyone, selection).mailboxes:
            missing = [side for side in Side if not accounts[side].has(name)]
            wrong, _ = plan.subscription(accounts, None, name)
            if missing:
                known = everyone.get(name)
                if not (known and stays(known, accounts)):
                    left.note(plan.onOneSide(name, missing[0]))
            elif wrong:
                left.note(wrong)
        for name in sorted(self._astray):
            known = self._state.mailbox(name)
            if known is None or not all(accounts[side].has(name) for side in Side):
                continue
            context = self._context(name, accounts, clients)
            inspection = Inspection(known, context, left.note, proven=True)
            await self._inspectOne(inspection)
        return left


class _Left:
    """
    What could not be mended so far.
    """

    def __init__(self) -> None:
        self._count = 0
        self._uids: dict[tuple[Name, Kind, Side], UidSetBuilder] = {}
        self._texts: dict[tuple[Name, Kind, Side], str] = {}

    def note(self, anomaly: Anomaly) -> None:
        """
        This is left.
        """
        side, uid = Side.LOCAL, anomaly.local
        if not uid:
            side, uid = anomaly.side or Side.REMOTE, anomaly.remote
        key = (anomaly.mailbox, anomaly.kind, side)
        uids = self._uids.setdefault(key, UidSetBuilder())
        self._texts.setdefault(key, anomaly.text)
        if uid:
            uids.add(uid)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def troubles(self) -> Iterator[Trouble]:
        """
        What is told of it.
        """
        for key, uids in self._uids.items():
            name, _, side = key
            text = f"not mended: {self._texts[key]}"
            yield Trouble(name, text, side, uids.build())


def _scope(
    accounts: Accounts, known: Mapping[Name, Known], selection: Selection
) -> Plan:
    """
    The mailboxes that are wanted, whether they vanished or not, and whether they may
    be made or not.
    """
    bare = {name: one._replace(marks={}) for name, one in known.items()}
    writable = {
        s: account._replace(allowed=EVERYTHING) for s, account in accounts.items()
    }
    return planned(writable, bare, selection)
