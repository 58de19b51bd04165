"""
Which mailboxes the servers list, under the names that both sides share.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from imapsync.accounts.inquiry import Inquiry
from imapsync.accounts.polling import Polling
from imapsync.config.settings import Config
from imapsync.errors import (
    ConfigError,
    MailboxError,
    MissingCapability,
    NotFound,
    Refused,
)
from imapsync.gather import onBoth
from imapsync.imap.client import SyncClient
from imapsync.imap.wire.responses import Namespaces
from imapsync.log import Log
from imapsync.model import Act, Known, Listed, Name, Side
from imapsync.names import INBOX, Naming, shown
from imapsync.plan.account import Account, ancestors
from imapsync.plan.listing import isTacit
from imapsync.plan.operations import Trash
from imapsync.plan.selection import Selection
from imapsync.plan.specialuse import matched
from imapsync.plan.unchanged import Told


class Listing:
    """
    Looks at all mailboxes of the connected servers; one that is selected is left.

    @param clients: of both sides, or of one.
    @param pollings: of those that are to be asked seldom for what is as it was.
    @ivar told: all that the servers told when it was looked last; a side of which more
        was asked since, or had to be, is missing.
    """

    log = Log()

    def __init__(
        self,
        config: Config,
        clients: Mapping[Side, SyncClient],
        pollings: Mapping[Side, Polling] | None = None,
    ) -> None:
        self._pollings = pollings or {}
        self._looked: Mapping[Side, Account] = {}
        self._config = config
        self._clients = clients
        self.told: dict[Side, Told] = {}
        self._spaces: dict[Side, list[Namespaces]] = {}
        self._namings: dict[Side, Naming] = {}
        self._spellings: dict[Side, dict[str, Name]] = {side: {} for side in Side}
        self._subscribed: dict[Side, frozenset[str]] = {}
        self._shut: dict[Side, Mapping[str, str]] = {side: {} for side in Side}
        self._inquiries = {
            side: Inquiry(
                client,
                config.mapSpecialUse or bool(client.host.leftOut),
                self._pollings.get(side),
            )
            for side, client in clients.items()
        }
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
        self._looked = accounts
        return accounts

    def doubt(self, names: Iterable[Name] | None = None) -> None:
        """
        Something may have happened in these mailboxes, or in any, since it was looked.
        """
        for side, polling in self._pollings.items():
            if names is None or side not in self._looked:
                polling.doubt()
                continue
            listed = self._looked[side].listed
            polling.doubt(listed[name].name for name in names if name in listed)

    def isFresh(self, names: Collection[Name]) -> bool:
        """
        Whether it was asked of these mailboxes when it was looked last.
        """
        return not any(
            box.name in polling.recalled
            for side, polling in self._pollings.items()
            for name, box in self._looked[side].listed.items()
            if name in names
        )

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
            told = await self._clients[side].subscriptions()
        except Refused:
            return presumed
        return frozenset(one.name for one in told)

    async def completed(
        self, accounts: Mapping[Side, Account]
    ) -> Mapping[Side, Account]:
        """
        With what is subscribed and no mailbox, which servers list only to those
        who ask for subscriptions (RFC 5258, 3.1).
        """

        async def onSide(side: Side) -> Account:
            self.told.pop(side, None)
            listed = accounts[side].listed.values()
            chosen = await self._inquiries[side].chosen(["SUBSCRIBED"], listed)
            return accounts[side].withMereNames(chosen)

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
            self._require(side, sent)
            listing = account.listed.values()
            for listed in await self._inquiries[side].chosen(sent, listing):
                with suppress(MailboxError):  # the plain LIST reports it
                    name = account.naming.toShared(listed.name)
                    chosen |= set() if name is None else {name}
        if len(sent) < len(options):
            chosen.update(*map(ancestors, chosen))
        return frozenset(chosen)

    def _require(self, side: Side, options: Collection[str]) -> None:
        """
        See to it that the server knows them.
        """
        features = self._clients[side].features
        for option, there, needed in (
            ("SPECIAL-USE", features.asksForSpecialUse, "SPECIAL-USE"),
            ("REMOTE", features.listsExtended, "LIST-EXTENDED"),
        ):
            if option in options and not there:
                raise MissingCapability(
                    f"{side}: the server has no {needed}: take {option} out of"
                    " list-select-opts"
                )

    def views(self, accounts: Mapping[Side, Account]) -> frozenset[Name]:
        """
        The mailboxes that only show what is in others, where a server is known for it.
        """
        return frozenset(
            name
            for side, account in accounts.items()
            for name, box in account.listed.items()
            if name != INBOX
            if not self._clients[side].host.leftOut.isdisjoint(box.attributes)
        )

    def trashes(
        self, accounts: Mapping[Side, Account], selection: Selection
    ) -> Iterator[tuple[Side, Trash]]:
        """
        The servers' trashes, of those that have one.  Where mailboxes are labels, it is
        the server's own, unless the user says otherwise, or has mailboxes synced that
        only show what is in others: to expunge a message there only takes a label away.

        @raise ConfigError: it cannot have the name that the user gave it.
        """
        for side, account in accounts.items():
            text = self._config.servers[side].trash
            if text == "" or not account.may(Act.APPEND, Act.EXPUNGE):
                continue
            if text is None:
                asked = any(
                    account.has(name) and selection.covers(name, subscribed=True)
                    for name in selection.views
                )
                if self._clients[side].host.labels and not asked:
                    yield from ((side, trash) for trash in _trashes(account))
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
        first = side not in self._namings
        answer = await self._inquiries[side].look(first)
        boxes = answer.listed
        if first:
            reference = self._config.servers[side].listReference
            told = self._clients[side].features.told
            kind = Naming if "IMAP4REV1" in told else _PlainNaming
            self._namings[side] = _naming(kind, answer.spaces, boxes, reference)
            self._spaces[side] = answer.spaces
        self._shut[side] = answer.shut
        self.told.pop(side, None)
        if answer.whole:
            told = self._clients[side].features.told
            self.told[side] = Told(told, tuple(self._spaces[side]), boxes)
        if answer.subscribed is not None:
            self._subscribed[side] = answer.subscribed
        elif side in self._subscribed:
            names = await self._subscriptions(side, self._subscribed[side])
            self._subscribed[side] = names
            boxes = [box.withSubscription(box.name in names) for box in boxes]
        return boxes

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


def _trashes(account: Account) -> Iterator[Trash]:
    """
    The one that a server says to be it.
    """
    for name, box in account.listed.items():
        if "\\trash" in box.attributes and box.selectable:
            yield Trash(name, box.name)


_PLAIN = "it has to be plain ASCII, without &, where a server has no IMAP4rev1"


class _PlainNaming(Naming):
    """
    That of a server that has IMAP4rev2 only: names are in UTF-8 there as they stand
    (RFC 9051, 5.1), and what is modified UTF-7 to us would be another name to others.
    """

    def _plainly(self, name: str) -> str | None:
        if "&" in name or not name.isascii():
            text = f'the name "{shown(name)}" cannot be carried over: {_PLAIN}'
            raise MailboxError(text)
        return super()._plainly(name)


def _naming(
    kind: type[Naming], told: list[Namespaces], listed: list[Listed], reference: str
) -> Naming:
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
    return kind.of(separator, prefix, reference, foreign, further)
