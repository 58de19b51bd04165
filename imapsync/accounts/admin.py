"""
What a user has done to mailboxes as a whole, on the servers and in the database:
C{--delete} and C{--rename}.

All is checked before anything is done.  Each server is then asked, and what it
refuses is told; the database follows only if no server refused, so that the next
run sees what became of it as if somebody else had done it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from imapsync.accounts import ownership
from imapsync.accounts.listing import Listing
from imapsync.accounts.renumbering import Portraits, portraits, renewed
from imapsync.config.request import Admin
from imapsync.config.settings import Config
from imapsync.errors import MailboxError, NotFound, Refused, UsageError
from imapsync.gather import onBoth
from imapsync.imap.client import SyncClient
from imapsync.log import Log
from imapsync.mailbox.report import Report
from imapsync.model import Act, Known, Name, Side, Trouble
from imapsync.names import INBOX, Naming, fromUser, isWithin, shown
from imapsync.plan.account import Account
from imapsync.plan.alone import mayDelete
from imapsync.state.interface import State


class Task(ABC):
    """
    The work that is asked for, through as many attempts as it takes.

    @cvar act: what has to be allowed for it.
    @ivar sides: which servers to connect to.
    """

    act: ClassVar[Act]
    log = Log()

    def __init__(
        self, admin: Admin, config: Config, state: State, report: Report
    ) -> None:
        """
        @raise UsageError: it cannot be done with this configuration.
        """
        for side in Side:
            server = config.servers[side]
            if side in admin.sides and self.act not in server.allowed:
                why = (
                    "is read-only" if server.readOnly else f"does not allow {self.act}"
                )
                raise UsageError(
                    f"{side} {why}: say by --target what to do it on instead"
                )
        self._typed = admin.mailboxes
        self._database = admin.database
        self._targets = admin.sides
        self._config = config
        self._state = state
        self._report = report
        # Which mailboxes are the same, both sides have to tell.
        both = config.mapSpecialUse and bool(admin.sides)
        self.sides = tuple(side for side in Side if both or side in admin.sides)
        self._clients: Mapping[Side, SyncClient] = {}
        self._accounts: Mapping[Side, Account] = {}
        self._names: Sequence[Name] = ()
        self._asked: set[tuple[Side, Name]] = set()

    async def run(self, clients: Mapping[Side, SyncClient]) -> None:
        """
        Do it, as far as it is not done.

        @param clients: of L{sides}.
        @raise NotFound: there is no such mailbox; nothing was done.
        @raise MailboxError: it cannot be; nothing was done.
        @raise UsageError: it cannot be meant; nothing was done.
        """
        self._clients = clients
        listing = Listing(self._config, clients)
        listing.learn(self._state.mailboxes())
        listed = await listing.completed(await listing.look()) if clients else {}
        self._accounts = {side: listed[side] for side in Side if side in self._targets}
        if not self._names:
            namings = [listed[side].naming for side in Side if side in listed]
            meant = [fromUser(text, (*namings, Naming())[0]) for text in self._typed]
            self._names = self._resolved(meant)
        await self._perform()

    @abstractmethod
    def _resolved(self, meant: list[tuple[Name, ...]]) -> Sequence[Name]:
        """
        The names to work with, of those that each of the typed ones may mean;
        checked.
        """

    @abstractmethod
    async def _perform(self) -> None:
        """
        Do it.
        """

    @abstractmethod
    def _there(self, side: Side, name: Name) -> bool:
        """
        Whether a server has something of that name.
        """

    @abstractmethod
    def _remembered(self, name: Name) -> bool:
        """
        Whether the database has.
        """

    def _existing(self, meant: Iterable[tuple[Name, ...]]) -> list[Name]:
        """
        Of each, the first that somebody has for whom the order is.
        """
        found, missing = [], []
        for text, names in zip(self._typed, meant, strict=False):
            there = [name for name in names if self._places(name)]
            found += there[:1]
            missing += [] if there else [f'"{shown(text)}"']
        if missing:
            places = [f"on {side}" for side in self._accounts]
            places += ["in the database"] if self._database else []
            raise NotFound(
                f"there is no mailbox {', '.join(missing)} {' or '.join(places)}:"
                " check the spelling; nothing was done"
            )
        return list(dict.fromkeys(found))

    def _places(self, name: Name) -> list[str]:
        """
        Who has something of that name, of those for whom the order is.
        """
        places = [str(side) for side in self._accounts if self._there(side, name)]
        if self._database and self._remembered(name):
            places.append("the database")
        return places

    def _checkEach(self, names: Iterable[Name]) -> None:
        for name in names:
            if name == INBOX:
                raise UsageError("INBOX can be neither deleted nor renamed")
            for side, account in self._accounts.items():
                for misfit in account.misfits:
                    if name in account.contested and name == misfit.name:
                        raise MailboxError(f"{side}: {misfit.text}; nothing was done")

    def _done(self, name: Name, text: str) -> None:
        steps = self._report.steps.setdefault(name, [])
        if text not in steps:
            steps.append(text)

    def _trouble(self, name: Name, text: str) -> None:
        self._report.trouble(Trouble(name, text))


class DeleteTask(Task):
    """
    Deletes mailboxes; what lies below them stays.
    """

    act = Act.DELETE

    def _resolved(self, meant: list[tuple[Name, ...]]) -> Sequence[Name]:
        # Some servers delete none that has others below it.
        names = sorted(self._existing(meant), reverse=True)
        self._checkEach(names)
        for name in names:
            for side, account in self._accounts.items():
                if account.has(name) and not mayDelete(account, account.listed[name]):
                    raise UsageError(
                        f'there are messages in "{shown(name)}" on {side}, which does'
                        " not allow expunge: say by --target what to do it on instead;"
                        " nothing was done"
                    )
        return names

    def _there(self, side: Side, name: Name) -> bool:
        account = self._accounts[side]
        contested = name in account.contested
        return contested or account.has(name) or account.subscribed(name)

    def _remembered(self, name: Name) -> bool:
        return self._state.mailbox(name) is not None

    async def _perform(self) -> None:
        for name in self._names:
            gone = await onBoth(partial(self._delete, name), [*self._accounts])
            known = self._state.mailbox(name)
            if known and self._database and all(gone.values()):
                with self._state.transaction():
                    self._state.removeMailbox(known.id)
                self._done(name, "forgotten in the database")

    async def _delete(self, name: Name, side: Side) -> bool:
        """
        @return: whether it is gone from C{side}.
        """
        account, client = self._accounts[side], self._clients[side]
        gone = False
        try:
            if account.has(name):
                self._asked.add((side, name))
                await client.onMailbox("DELETE", account.spelled(name))
            gone = True
            if (side, name) in self._asked:
                self._done(name, f"deleted on {side}")
            if account.subscribed(name) and account.may(Act.SUBSCRIBE):
                await client.onMailbox("UNSUBSCRIBE", account.spelled(name))
                self._done(name, f"unsubscribed on {side}")
        except Refused as error:
            self._trouble(name, f"{side}: {error}")
        return gone


class RenameTask(Task):
    """
    Renames a mailbox, with all below it.
    """

    act = Act.RENAME

    def _resolved(self, meant: list[tuple[Name, ...]]) -> Sequence[Name]:
        [old] = self._existing(meant[:1])
        # The new name is typed as the old one is: with the prefix, or without.
        literal = len(meant[0]) > 1 and old == meant[0][0]
        new = meant[1][0 if literal else -1]
        self._checkEach((old, new))
        what = f'"{shown(old)}" cannot become "{shown(new)}"'
        if isWithin(new, old):
            raise UsageError(f"{what}: that lies within it")
        if places := self._places(new):
            raise MailboxError(
                f"{what}: there is something of that name already"
                f" ({', '.join(places)}); nothing was done"
            )
        for side, account in self._accounts.items():
            if self._there(side, old) and (why := account.obstacle(new)):
                raise MailboxError(f"{what} on {side}: {why}; nothing was done")
        return old, new

    def _there(self, side: Side, name: Name) -> bool:
        account = self._accounts[side]
        names = {n for n in account.listed if account.has(n)} | account.contested
        return any(isWithin(n, name) for n in names)

    def _remembered(self, name: Name) -> bool:
        return any(isWithin(known.name, name) for known in self._state.mailboxes())

    async def _perform(self) -> None:
        old, new = self._names
        mailboxes = self._state.mailboxes() if self._database else []
        within = [one for one in mailboxes if isWithin(one.name, old)]
        names = [(one, new + one.name[len(old) :]) for one in within]
        before = await self._portraits([(one, one.name) for one in within])
        renamed = await onBoth(self._rename, [*self._accounts])
        if all(renamed.values()):
            if within:
                after = await self._portraits(names)
                with self._state.transaction():
                    self._state.rename({one.id: name for one, name in names})
                    for side, now in after.items():
                        for number, mark in renewed(side, within, before[side], now):
                            self._state.setMark(number, side, mark)
                self._done(old, f'renamed to "{shown(new)}" in the database')
            return
        for side, done in renamed.items():
            if done and (side, old) in self._asked:
                self._trouble(
                    old,
                    f'it is "{shown(new)}" on {side} now, but only there; mend what is'
                    f" wrong on {side.other}, and repeat it without {side} by --target",
                )

    async def _portraits(
        self, names: Sequence[tuple[Known, Name]]
    ) -> Mapping[Side, Portraits]:
        """
        What each server has of mailboxes, by the names that they have now.
        """

        async def onSide(side: Side) -> Portraits:
            account = self._accounts[side]
            spelled = ((one, account.spelled(name)) for one, name in names)
            return await portraits(self._clients[side], self._state, side, spelled)

        return await onBoth(onSide, [*self._accounts])

    async def _rename(self, side: Side) -> bool:
        """
        @return: whether nothing on C{side} has the old name any more.
        """
        old, new = self._names
        account, client = self._accounts[side], self._clients[side]
        try:
            if self._there(side, old):
                self._asked.add((side, old))
                spelled = account.spelled(old), account.spelled(new)
                await client.onMailbox("RENAME", *spelled)
        except Refused as error:
            self._trouble(old, f'{side}: cannot become "{shown(new)}": {error}')
            return False
        if (side, old) in self._asked:
            self._done(old, f'renamed to "{shown(new)}" on {side}')
            await self._resubscribe(side)
        return True

    async def _resubscribe(self, side: Side) -> None:
        """
        Take the subscriptions along, which servers do not.
        """
        old, new = self._names
        account, client = self._accounts[side], self._clients[side]
        if not account.may(Act.SUBSCRIBE):
            return
        for name, box in account.listed.items():
            if not (box.subscribed and isWithin(name, old)):
                continue
            if "\\nonexistent" in box.attributes:
                continue  # a mere name is not renamed
            try:
                now = account.naming.toServer(new + name[len(old) :])
                await client.onMailbox("SUBSCRIBE", now)
                await client.onMailbox("UNSUBSCRIBE", box.name)
            except (MailboxError, Refused) as error:
                self._trouble(name, f"{side}: {error}")


def taskFor(admin: Admin, config: Config, state: State, report: Report) -> Task:
    """
    The work that is asked for.

    @raise UsageError: it cannot be done with this configuration.
    @raise ConfigError: the database is of other accounts.
    """
    if admin.database:
        ownership.checkNames(config, state)
        if config.presumed:
            state.proveWritable()  # it was not known yet whether it may be
    kind = RenameTask if admin.rename else DeleteTask
    return kind(admin, config, state, report)
