"""
Whose the database is: before anything else is done, it is made sure that the two
accounts are those that it was made for, and that they are two.

What it knows of others must never remove anything.  Where accounts have other
names than before, the servers are asked whether they are the same all the same;
where that is not proved, all is forgotten, and messages are paired by content.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet.defer import Deferred

from imapsync.config.server import ServerConfig
from imapsync.config.settings import Config
from imapsync.errors import ConfigError, OtherAccounts, Refused
from imapsync.gather import onBoth, together
from imapsync.imap.client import SyncClient
from imapsync.log import Log
from imapsync.mailbox.context import Clients
from imapsync.model import GUID, Known, Listed, Name, Owner, Side, differ
from imapsync.names import INBOX, shown
from imapsync.plan import ownership as plan
from imapsync.plan.account import Account
from imapsync.plan.mailboxes import dirty
from imapsync.plan.ownership import Claim
from imapsync.state.interface import State

if TYPE_CHECKING:
    from imapsync.accounts.listing import Listing

T = TypeVar("T")

#: Something that is asked of a server about a mailbox, by the name that it has there.
_Question = Callable[[SyncClient, str], Coroutine[Deferred[Any], Any, T]]

#: Begins an account that is reached by a command, as no host does.
_TUNNEL = "tunnel "

#: Ports of one server.
_USUAL = {143, 993}

#: What a server says of itself is cut off there, in characters.
_GREETING = 200


def accountOf(server: ServerConfig) -> str:
    """
    Where a configuration leads to, in a form that changes when that does.
    """
    if server.command is not None:
        where = f"{_TUNNEL}{server.command}"
    else:
        where = server.host.lower().rstrip(".")
    return f"{server.user}@{where}" if server.user else where


def named(config: Config) -> Mapping[Side, Owner]:
    """
    Whom a configuration leads to.
    """
    return {
        side: Owner(accountOf(server), 0 if server.port in _USUAL else server.port)
        for side, server in config.servers.items()
    }


def checkNames(config: Config, state: State) -> None:
    """
    Make sure that a database is not of other accounts, without asking these.

    @raise ConfigError: if it may be.
    @raise OtherAccounts: if it was only presumed to be theirs.
    """
    noted, now = state.owners(), named(config)
    for side, owner in noted.items():
        if plan.claim(side, noted, now) in (Claim.SAME, Claim.UNSURE):
            continue
        before, present = shownAccount(owner.account), shownAccount(now[side].account)
        text = f"{side} of the database {config.database} is {before}, not {present}"
        if config.presumed:
            raise OtherAccounts(text)
        raise ConfigError(
            f"{config.path}: {text}: name another with the option 'database'; or, if"
            " it is the same account, sync first; nothing was done"
        )


class Ownership:
    """
    Makes sure of two accounts that are connected.

    @param sure: whether that was done on these connections before.
    """

    log = Log()

    def __init__(
        self,
        config: Config,
        clients: Clients,
        state: State,
        listing: Listing,
        sure: bool = False,
    ) -> None:
        self._config = config
        self._clients = clients
        self._state = state
        self._listing = listing
        self._sure = sure

    async def look(self) -> Mapping[Side, Account]:
        """
        What each server lists now.  The first time, the database knows nothing
        of other accounts when this is over.

        @raise ConfigError: if both sides are one account.
        @raise OtherAccounts: if the database was only presumed to be theirs, and
            is not.
        """
        looking = Deferred.fromCoroutine(self._listing.look())
        if self._sure:
            return await looking
        # Its answer comes along with that of LIST.
        asking = Deferred.fromCoroutine(onBoth(self._inbox))
        await together([looking, asking])
        accounts = await looking
        await self._judge(accounts, await asking)
        self._sure = True
        return accounts

    async def _judge(
        self, accounts: Mapping[Side, Account], told: Mapping[Side, str]
    ) -> None:
        noted = self._state.owners()
        now = self._present()
        claims = {side: plan.claim(side, noted, now) for side in Side}
        for side in Side:
            if await self._isReplaced(side, accounts, told[side]):
                claims[side] = Claim.OTHER
        if all(claim is Claim.SAME for claim in claims.values()):
            same = {side: plan.renewed(noted[side], now[side]) for side in Side}
            self._note(same, forget=False)
            return
        known = plan.settled(self._state.mailboxes())
        proven = {
            side: await self._isProven(side, claims[side], accounts[side], known)
            for side in Side
        }
        others = [side for side in Side if not proven[side]]
        await self.distinguish(accounts, known=len(noted) == len(Side) and not others)
        for side in others:
            self._disown(side, noted.get(side), now[side])
        for side in Side:
            if not others and claims[side] is Claim.EDITED:
                self.log.info(
                    "{side}: {now} is the account that was {before}; going on with"
                    " the database {path}.",
                    side=side,
                    now=shownAccount(now[side].account),
                    before=shownAccount(noted[side].account),
                    path=self._config.database,
                )
        kept = {side: noted[side] for side in noted if proven[side]}
        owners = {side: plan.renewed(kept.get(side), now[side]) for side in Side}
        self._note(owners, forget=bool(others))

    def _note(self, owners: Mapping[Side, Owner], forget: bool) -> None:
        """
        These are the owners from now on.

        @param forget: all that was known of others.
        """
        if self._config.presumed:
            self._state.proveWritable()  # it was not known yet whether it may be
        if forget or owners != self._state.owners():
            with self._state.transaction():
                if forget:
                    self._state.forgetMailboxes()
                for side, owner in owners.items():
                    self._state.noteOwner(side, owner)

    def _present(self) -> Mapping[Side, Owner]:
        """
        Who is there.
        """
        present = {}
        for side, owner in named(self._config).items():
            server, client = self._config.servers[side], self._clients[side]
            account = owner.account
            if client.user and not server.user:
                # Only the program that we are in knows who that is.
                account = f"{client.user}@{owner.account}"
            tells = server.command is not None or not client.user
            greeting = client.greeting[:_GREETING] if tells else ""
            present[side] = Owner(account, owner.port, greeting)
        return present

    def _disown(self, side: Side, before: Owner | None, now: Owner) -> None:
        """
        Say that what is known of C{side} is about another account, if anything is.
        """
        path = self._config.database
        if self._config.presumed:
            raise OtherAccounts(f"{path} is the database of other accounts")
        if not self._state.totalPairs():
            return
        whose = ""
        if before is not None and before.account != now.account:
            whose = (
                f", {shownAccount(before.account)}, not of {shownAccount(now.account)}"
            )
        self.log.warn(
            "{side}: the database {path} is of another account{whose}; pairing by"
            " content.  Give each pair of accounts its own with the option 'database'.",
            side=side,
            path=path,
            whose=whose,
        )

    # INBOX, which keeps its name

    async def _inbox(self, side: Side) -> str:
        """
        The identity of INBOX, as far as no other command has to wait for it.
        """
        client, known = self._clients[side], self._knownInbox(side)
        with suppress(Refused):
            if known.startswith(GUID):
                _, guid = await client.mailboxGuid(INBOX)
                return guid and GUID + guid
            if known and "METADATA" in client.features:
                return (await client.identities(INBOX)).get(INBOX, "")
        return ""

    async def _isReplaced(
        self, side: Side, accounts: Mapping[Side, Account], told: str
    ) -> bool:
        """
        Whether INBOX is another one than the known one.

        @param told: what the server tells of its identity, so far.
        """
        known = self._knownInbox(side)
        if known and not told and self._isNews(accounts):
            from imapsync.accounts import proof

            # It is worth the waiting: something may be removed.
            spelled = accounts[side].spelled(INBOX)
            told = await proof.identity(self._clients[side], spelled, known)
        return differ(known, told)

    def _knownInbox(self, side: Side) -> str:
        """
        What identified INBOX, if anything did.
        """
        if self._config.servers[side].listReference:
            return ""  # there, others can be called so
        known = self._state.mailbox(INBOX)
        return known.identities[side] if known and side in known.marks else ""

    def _isNews(self, accounts: Mapping[Side, Account]) -> bool:
        """
        Whether there is anything to do with what is known.
        """
        return any(
            dirty(known, _listed(known.name, accounts))
            for known in self._state.mailboxes()
        )

    # Proof

    async def _isProven(
        self, side: Side, claim: Claim, account: Account, known: Sequence[Known]
    ) -> bool:
        """
        Whether it is the account that is known.
        """
        if claim in (Claim.SAME, Claim.OTHER):
            return claim is Claim.SAME
        from imapsync.accounts import proof

        client = self._clients[side]
        suspects = known
        if claim is Claim.UNSURE:
            suspects = [one for one in known if one.name == INBOX]
        elif not plan.unchanged(side, account, known):
            return False
        if not await proof.identical(client, side, account, suspects):
            return False
        evidence = [
            await proof.evidence(
                client, side, account.spelled(one.name), self._state, one
            )
            for one in plan.telling(side, account, known)
        ]
        return plan.convincing(claim, evidence)

    # Two sides

    async def distinguish(self, accounts: Mapping[Side, Account], known: bool) -> None:
        """
        Refuse two sides that are one account.

        @param known: whether they were taken for two before.
        @raise ConfigError: they are.
        """
        if self._config.oneAccount:
            return  # of which they are two parts
        name = plan.suspicious(accounts[Side.LOCAL], accounts[Side.REMOTE])
        if name is not None and await self._isOne(name, accounts, known):
            ours, theirs = (self._config.servers[side].where for side in Side)
            raise ConfigError(
                f"{self._config.path}: {ours} and {theirs} are one account, by two"
                f' names: "{shown(name)}" is the same on both; see host and username'
            )

    async def _isOne(
        self, name: Name, accounts: Mapping[Side, Account], known: bool
    ) -> bool:
        """
        Whether both sides are one, as by this mailbox, or as by all.
        """

        from imapsync.accounts import proof

        async def alike(ask: _Question[T], name: Name) -> tuple[T, T]:
            told = await onBoth(
                lambda side: ask(self._clients[side], accounts[side].spelled(name))
            )
            return told[Side.LOCAL], told[Side.REMOTE]

        ours, theirs = await alike(proof.identity, name)
        if differ(ours, theirs):
            return False
        if ours and ours == theirs:
            return True
        if known:
            return False  # they are in step, and may well tell the same
        names = plan.equal(accounts[Side.LOCAL], accounts[Side.REMOTE])
        with suppress(Refused):  # one that cannot be read tells nothing
            for each in names:
                here, there = await alike(proof.rows, each)
                if here != there:
                    return False
            return bool(names)
        return False


def shownAccount(account: str) -> str:
    """
    What people are told of it: there may be a secret in a command.
    """
    return "a tunnel" if _TUNNEL in account else account


def _listed(name: Name, accounts: Mapping[Side, Account]) -> Mapping[Side, Listed]:
    return {
        side: account.listed[name]
        for side, account in accounts.items()
        if name in account.listed
    }
