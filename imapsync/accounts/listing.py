"""
Which mailboxes the servers list, under the names that both sides share.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from twisted.internet.defer import Deferred, succeed

from imapsync.config.settings import Config
from imapsync.errors import (
    ConfigError,
    Garbled,
    MailboxError,
    MissingCapability,
    NotFound,
    Refused,
)
from imapsync.gather import onBoth, together
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.account import ITEMS, LOOK
from imapsync.imap.wire.responses import Namespaces
from imapsync.log import Log
from imapsync.model import Act, Known, Listed, Name, Side
from imapsync.names import INBOX, Naming, shown
from imapsync.plan.account import Account, ancestors
from imapsync.plan.listing import isTacit
from imapsync.plan.operations import Trash
from imapsync.plan.specialuse import matched
from imapsync.plan.unchanged import Told


class Listing:
    """
    Looks at all mailboxes of the connected servers; one that is selected is left.

    @param clients: of both sides, or of one.
    @ivar told: all that the servers told when it was looked last; a side of which more
        was asked since, or had to be, is missing.
    """

    log = Log()

    def __init__(
        self,
        config: Config,
        clients: Mapping[Side, SyncClient],
    ) -> None:
        self._config = config
        self._clients = clients
        self.told: dict[Side, Told] = {}
        self._spaces: dict[Side, list[Namespaces]] = {}
        self._namings: dict[Side, Naming] = {}
        self._spellings: dict[Side, dict[str, Name]] = {side: {} for side in Side}
        self._subscribed: dict[Side, frozenset[str]] = {}
        self._shut: dict[Side, dict[str, str]] = {side: {} for side in Side}
        if config.mapSpecialUse:
            for side, client in clients.items():
                if not client.features.asksForSpecialUse:
                    self.log.warn(
                        "{side}: the server has no SPECIAL-USE: map-special-use"
                        " may have no effect.",
                        side=side,
                    )

    def learn(self, known: Iterable[Known]) -> None:
        """
        These are known; by other names, maybe, than a server gave them.
        """
        known = [one for one in known if one.spellings]
        for side in Side:
            self._spellings[side] = {
                one.spellings[side]: one.name for one in known if side in one.spellings
            }

    async def look(self) -> Mapping[Side, Account]:
        """
        What each server lists now.
        """
        listed = await onBoth(
            self._list, [side for side in Side if side in self._clients]
        )
        self._distinguish()
        accounts = {side: self._account(side, listed[side]) for side in listed}
        if self._config.mapSpecialUse and len(accounts) == len(Side):
            ours, theirs = accounts[Side.LOCAL], accounts[Side.REMOTE]
            found = matched(ours, theirs)
            naming = theirs.naming._replace(aliases=found.aliases)
            theirs = Account.of(naming, listed[Side.REMOTE], theirs.allowed)
            accounts[Side.REMOTE] = theirs._replace(apart=found.apart)
        return accounts

    async def assured(
        self, accounts: Mapping[Side, Account], known: Collection[Known]
    ) -> Mapping[Side, Account]:
        """
        With what is subscribed, where LIST seems to leave it out: LSUB is asked
        before that is believed, and always from then on if it knows more.

        @param known: what was subscribed before, and to be there.
        """

        async def onSide(side: Side) -> Account:
            account = accounts[side]
            if side in self._subscribed or not isTacit(account, known):
                return account
            boxes = account.listed.items()
            listed = {box.name for _, box in boxes if box.subscribed}
            before = {one.name for one in known if one.subscribed}
            presumed = frozenset(box.name for name, box in boxes if name in before)
            told = await self._subscriptions(side, presumed)
            if not listed.issuperset(told & {box.name for _, box in boxes}):
                self._subscribed[side] = told
                self.log.warn(
                    "{side}: LIST does not tell what is subscribed; LSUB is believed"
                    " instead.",
                    side=side,
                )
                return account.withSubscriptions(told)
            return account

        return await onBoth(onSide, [*accounts])

    async def _subscriptions(
        self, side: Side, presumed: frozenset[str]
    ) -> frozenset[str]:
        """
        The names that are subscribed, as LSUB has it.

        @param presumed: those that are, if it is refused.
        """
        self.told.pop(side, None)
        try:
            return await self._clients[side].subscriptions()
        except Refused:
            return presumed

    async def completed(
        self, accounts: Mapping[Side, Account]
    ) -> Mapping[Side, Account]:
        """
        With what is subscribed and no mailbox, which servers list only to those
        who ask for subscriptions (RFC 5258, 3.1).
        """

        async def onSide(side: Side) -> Account:
            self.told.pop(side, None)
            listed = await self._clients[side].listMailboxes(
                "*", selection=["SUBSCRIBED"]
            )
            return accounts[side].withMereNames(listed)

        return await onBoth(onSide, [*accounts])

    async def chosen(
        self, options: Sequence[str], accounts: Mapping[Side, Account]
    ) -> frozenset[Name]:
        """
        What any server lists under these selection options (RFC 5258); with
        C{RECURSIVEMATCH}, what is above that as well.  It is done here, since
        servers do it only for a pattern that does not match what is below.

        @raise MissingCapability: a server does not have one of them.
        """
        sent = [option for option in options if option != "RECURSIVEMATCH"]
        chosen: set[Name] = set()
        for side, account in accounts.items():
            client = self._clients[side]
            if "SPECIAL-USE" in sent and not client.features.asksForSpecialUse:
                raise MissingCapability(
                    f"{side}: the server has no SPECIAL-USE: take that out of"
                    " list-select-opts"
                )
            with _named(client):
                boxes = await client.listMailboxes("*", selection=sent)
            for listed in boxes:
                with suppress(MailboxError):  # the plain LIST reports it
                    name = account.naming.toShared(listed.name)
                    chosen |= set() if name is None else {name}
        if len(sent) < len(options):
            chosen.update(*map(ancestors, chosen))
        return frozenset(chosen)

    def trashes(self, accounts: Mapping[Side, Account]) -> Iterator[tuple[Side, Trash]]:
        """
        The servers' trashes, of those that have one.

        @raise ConfigError: it cannot have the name that the user gave it.
        """
        for side, account in accounts.items():
            text = self._config.servers[side].trash
            if not text or not account.may(Act.APPEND, Act.EXPUNGE):
                continue
            where = f'{self._config.path}: trash in [{side}] is "{shown(text)}"'
            try:
                name = account.typed(text)
                spelled = account.spelled(name)
            except (NotFound, MailboxError) as error:
                raise ConfigError(f"{where}: {error}") from error
            if name == INBOX:
                raise ConfigError(f"{where}, which is INBOX here")
            if not (account.has(name) or account.may(Act.CREATE, Act.SUBSCRIBE)):
                raise ConfigError(f"{where}, which is not there, and may not be made")
            yield side, Trash(name, spelled)

    def _account(self, side: Side, listed: list[Listed]) -> Account:
        naming = self._namings[side]._replace(spellings=self._spellings[side])
        allowed = self._config.servers[side].allowed
        account = Account.of(naming, listed, allowed)
        return account.withShut(self._shut[side])

    async def _list(self, side: Side) -> list[Listed]:
        client = self._clients[side]
        # Of the selected mailbox, Dovecot lists what it has last told of it.
        left = client.unselect()
        if "UNSELECT" not in client.features:
            await left
            left = succeed(None)
        returns = [*LOOK]
        if self._config.mapSpecialUse and client.features.asksForSpecialUse:
            returns.insert(1, "SPECIAL-USE")
        asked: list[Deferred[Any]] = [client.listMailboxes("*", returns=returns)]
        if side not in self._namings and "NAMESPACE" in client.features:
            asked.append(client.namespaces())
        with _named(client):
            _, listed, *spaces = await together([left, *asked])
        if side not in self._namings:
            reference = self._config.servers[side].listReference
            self._namings[side] = _naming(spaces, listed, reference)
            self._spaces[side] = spaces
        self._shut[side].clear()
        doubted = [box for box in listed if box.selectable and not box.status]
        self.told.pop(side, None)
        if not doubted:
            spaces = self._spaces[side]
            self.told[side] = Told(client.features.told, tuple(spaces), listed)
        asking = [self._doubted(side, box, listed) for box in doubted]
        waiting = [Deferred.fromCoroutine(one) for one in asking]
        told = {box.name: box for box in await together(waiting)}
        boxes = [told.get(box.name, box) for box in listed]
        if side in self._subscribed:
            names = await self._subscriptions(side, self._subscribed[side])
            self._subscribed[side] = names
            boxes = [box.withSubscription(box.name in names) for box in boxes]
        return boxes

    async def _doubted(
        self, side: Side, box: Listed, listed: Collection[Listed]
    ) -> Listed:
        """
        Ask for the status that LIST did not tell.  One that does not exist, as
        the server says, may be there all the same: whether it is gone, only LIST
        decides, when it is asked again.
        """
        client = self._clients[side]
        try:
            status = await client.mailboxStatus(box.name, ITEMS)
        except Refused as error:
            # Dovecot has no response code for it.
            if (
                error.responseCode != "NONEXISTENT"
                and "doesn't exist" not in error.text
            ):
                return box  # its pass will tell
            if await self._isThere(client, box, listed):
                self._shut[side][box.name] = error.text
                return box
            return box._replace(attributes=box.attributes | {"\\nonexistent"})
        return box._replace(status=status)

    async def _isThere(
        self, client: SyncClient, box: Listed, listed: Collection[Listed]
    ) -> bool:
        """
        Whether LIST holds to it that there is a mailbox.

        Dovecot lists one that was deleted from a Maildir as long as others are
        below it; but it knows better when it is asked for subscriptions to it, or
        to them.  That alone proves nothing: where names lead nowhere, since the
        server looks in another place than before, it says the same.  One of those
        below must be there, then.
        """
        ways = ((), ("SUBSCRIBED", "RECURSIVEMATCH"))
        asked = [client.listMailboxes(box.name, selection=way) for way in ways]
        try:
            told: list[list[Listed]] = await together(asked)
        except Refused:
            return True
        # Wildcards in a name may find others as well.
        now, chosen = ([one for one in t if one.name == box.name] for t in told)
        if not any(one.selectable for one in now):
            return False
        level = box.name + box.separator
        below = any(one.status and one.name.startswith(level) for one in listed)
        return not below or any(one.selectable for one in chosen)

    def _distinguish(self) -> None:
        """
        Refuse two sides of one account that lie in each other, now that it is
        known how the server spells them.
        """
        namings = [self._namings[side] for side in Side if side in self._namings]
        if (
            self._config.oneAccount
            and len(namings) == len(Side)
            and namings[0].overlaps(namings[1])
        ):
            raise ConfigError(
                f"{self._config.path}: both sides would be the same mailboxes, or some"
                f' of them, below "{shown(namings[0].root)}" and'
                f' "{shown(namings[1].root)}":'
                " see list-reference"
            )


@contextmanager
def _named(client: SyncClient) -> Iterator[None]:
    """
    Say whose refusal it is: it is about no mailbox, but the whole account.
    """
    try:
        yield
    except Garbled as error:
        raise Garbled(f"{client.name}: {error.command}", error.text) from error
    except Refused as error:
        command = f"{client.name}: {error.command}"
        raise Refused(command, error.status, error.responseCode, error.text) from error


def _naming(told: list[Namespaces], listed: list[Listed], reference: str) -> Naming:
    """
    How a server names mailboxes, from what it told.
    """
    spaces = told[0] if told else Namespaces((), ())
    prefix, separator = spaces.personal[0] if spaces.personal else ("", "")
    if not separator:
        separator = next((box.separator for box in listed if box.separator), "")
    foreign = [prefix for prefix, _ in spaces.foreign]
    # What begins as the first one does has no other names.
    further = [
        (other, levels or separator)
        for other, levels in spaces.personal[1:]
        if other and not (other.startswith(prefix) and levels in ("", separator))
    ]
    return Naming.of(separator, prefix, reference, foreign, further)
