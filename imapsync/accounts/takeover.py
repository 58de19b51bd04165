"""
Taking over what interimap knows of two accounts: L{Import}.

Only mailboxes that both servers have, by the names and with the UIDVALIDITYs that it
knows, are taken over, if messages in them are equal as it says; one of which nothing is
left on a side only if those of another are.  The rest are named, and paired by content
by the next sync.
"""

from __future__ import annotations

from collections.abc import Mapping

from imapsync.accounts.history import History
from imapsync.accounts.identification import Identifier
from imapsync.accounts.listing import Listing
from imapsync.accounts.mailboxes import Accounts, Legacy, Mailboxes
from imapsync.config.request import Request
from imapsync.config.settings import Config
from imapsync.errors import MailboxError, NotFound, StateUnavailable
from imapsync.log import Log
from imapsync.mailbox.context import Clients, Context, Records, Say
from imapsync.mailbox.takeover import Takeover, Unproven
from imapsync.model import Name, Side
from imapsync.names import shown, uniform
from imapsync.plan.messages import Policy
from imapsync.plan.selection import Selection
from imapsync.state.interface import State
from imapsync.state.interimap import Foreign, Taken, opened

#: So many pairs are held.
_WINDOW = 2000

#: So many names are told of what is left out.
_SHOWN = 10


class Import:
    """
    All of it, through as many attempts as it takes.

    @param path: of interimap's database.
    @param say: takes what a dry run says.
    @ivar sides: which servers to connect to.
    """

    log = Log()

    sides = tuple(Side)

    def __init__(
        self,
        path: str,
        config: Config,
        request: Request,
        state: State,
        records: Records,
        say: Say,
    ) -> None:
        """
        @raise StateUnavailable: our database knows something already, or theirs is in
            use.
        @raise StateDamaged: there is none that can be taken over.
        @raise NotFound: there is none.
        """
        if state.mailboxes():
            raise StateUnavailable(
                f"The database {config.database} knows mailboxes already, and nothing"
                " is added to them: name another with the option 'database', or delete"
                " this one first."
            )
        with opened(path) as foreign:
            foreign.mailboxes()
        self._path = path
        self._config = config
        self._request = request
        self._state = state
        self._records = records
        self._say = say
        self._done: set[int] = set()
        self._proven = False

    async def run(self, clients: Clients) -> None:
        """
        Do it, as far as it is not done.

        @raise NotFound: a mailbox that was asked for is on neither server, or
            interimap does not know it.
        """
        accounts, selection = await self._lookAt(clients)
        with opened(self._path) as foreign:
            wanted = self._wanted(foreign.mailboxes(), accounts, selection)
            self._tellOfOthers(wanted, accounts, selection)
            course = self._records.report.course
            course.plans({name: {} for name, _ in wanted})
            left = []
            for name, one in wanted:
                course.begins(name, "comparing")
                context = self._context(name, accounts, clients)
                try:
                    await self._take(name, one, context, foreign)
                except Unproven as unproven:
                    left.append((name, one, context, unproven))
                course.ended(name)
            for name, one, context, why in left:
                # Others may have proved meanwhile whose all of this is.
                if self._proven:
                    await self._take(name, one, context, foreign)
                else:
                    self._leave(name, why)
        if not self._request.dryRun:
            self.log.info(
                "Sync now with --oneshot, and do not start interimap any more: what it"
                " does from now on is not known here."
            )

    async def _lookAt(self, clients: Clients) -> tuple[Accounts, Selection]:
        legacy = Legacy(
            Listing(self._config, clients),
            Identifier(clients, self._state, self._records.suspects),
            History(),
        )
        mailboxes = Mailboxes(
            *(self._config, self._request.mailboxes, clients, self._state),
            *(self._records.report, None, legacy),
        )
        return await mailboxes.survey()

    def _wanted(
        self, everything: list[Taken], accounts: Accounts, selection: Selection
    ) -> list[tuple[Name, Taken]]:
        """
        What is left to be taken over, by the names that both sides share.
        """
        found: dict[Name, Taken] = {}
        for one in everything:
            if one.id in self._done:
                continue
            label = one.spelled("/", "")
            try:
                name = _named(one, accounts)
            except MailboxError as error:
                if not selection.named or label in selection.named:
                    self._leave(label, error)
                continue
            if not selection.named or name in selection.named:
                found[name] = one
        missing = selection.named - found.keys()
        missing -= {one.mailbox for one in self._records.report.troubles}
        if missing and not self._done:
            names = ", ".join(f'"{shown(name)}"' for name in sorted(missing))
            raise NotFound(f"interimap does not know the mailbox {names}")
        return sorted(found.items())

    def _tellOfOthers(
        self,
        wanted: list[tuple[Name, Taken]],
        accounts: Accounts,
        selection: Selection,
    ) -> None:
        """
        Say which mailboxes interimap has kept equal, and the configuration leaves out.
        """
        others = [
            f'"{shown(name)}"'
            for name, one in wanted
            if not selection.covers(
                name,
                one.subscribed or any(a.subscribed(name) for a in accounts.values()),
            )
        ]
        if others and not self._done:
            self.log.warn(
                "Taken over, but not synced by this configuration: {names}; see"
                " list-mailbox, list-select-opts (by default, only subscribed mailboxes"
                " are) and ignore-mailbox.",
                names=", ".join(others[:_SHOWN])
                + (f" and {len(others) - _SHOWN} more" if others[_SHOWN:] else ""),
            )

    async def _take(
        self, name: Name, one: Taken, context: Context, foreign: Foreign
    ) -> None:
        """
        @raise Unproven: nothing was taken over, since it may be another mailbox.
        """
        work = Takeover(name, context, one.marks, self._proven)
        try:
            count = await work.run(one.subscribed, foreign.pairs(one.id, _WINDOW))
        except Unproven:
            raise
        except MailboxError as error:
            self._leave(name, error)
        else:
            self._proven = self._proven or work.evidence.like > 0
            messages = f"{count} message{'' if count == 1 else 's'}"
            if self._request.dryRun:
                self._say(shown(name), f"take over {messages}")
            else:
                self._records.report.took(name, f"{messages} taken over")
        self._done.add(one.id)

    def _leave(self, name: Name, error: MailboxError) -> None:
        text = f"not taken over: {error.text}; to be paired by content"
        why = MailboxError(text, error.side, error.responseCode)
        self._records.report.failed(name, why)

    def _context(self, name: Name, accounts: Accounts, clients: Clients) -> Context:
        return Context(
            clients,
            {side: accounts[side].spelled(name) for side in Side},
            self._state,
            Policy(self._config.mergeFlags),
            self._records,
        )


def _named(one: Taken, accounts: Accounts) -> Name:
    """
    The name that both sides share of a mailbox.

    @raise MailboxError: it is not the same mailbox on both sides, or not on both.
    """
    if not one.marks:
        raise MailboxError("interimap has never synced it")
    found: Mapping[Side, Name] = {side: _shared(one, side, accounts) for side in Side}
    ours, theirs = found.values()
    if ours != theirs:
        raise MailboxError(
            f'it is "{shown(ours)}" on local, and "{shown(theirs)}" on remote'
        )
    return ours


def _shared(one: Taken, side: Side, accounts: Accounts) -> Name:
    account = accounts[side]
    naming = account.naming
    spelled = one.spelled(naming.separator, naming.reference)
    name = naming.toShared(spelled)
    if name is None:
        raise MailboxError("it is not among those that are synced", side)
    there = account.listed.get(name)
    if there is None or not there.selectable or uniform(there.name) != uniform(spelled):
        raise MailboxError("it is not there", side)
    return name
