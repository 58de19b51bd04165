"""
What there is on a server, for who wants to know it before the first run: what it lists,
how large that is, and how much room there is.  Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from imapsync.accounts.history import Named
from imapsync.accounts.listing import Listing
from imapsync.accounts.ownership import Ownership
from imapsync.accounts.scope import Scope
from imapsync.config.settings import Config
from imapsync.display import octets
from imapsync.errors import NotFound, Refused
from imapsync.gather import together
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.base import Command
from imapsync.imap.commands.quota import QuotaCommand, SizesCommand
from imapsync.imap.wire.responses import Quota
from imapsync.model import Name, Side
from imapsync.names import INBOX
from imapsync.plan.account import Account
from imapsync.plan.capacity import Limit, Size, limits
from imapsync.plan.mailboxes import Plan, plan
from imapsync.state.interface import State

T = TypeVar("T")


class Inspected(NamedTuple):
    """
    What one server told.

    @ivar sizes: of the mailboxes, by the server's names; C{None} if it does not tell.
    @ivar quotas: of INBOX, which mostly are those of all; C{None} if it does not tell.
    @ivar appendLimit: so many octets may be in a message; C{None} if it does not tell.
    """

    account: Account
    sizes: Mapping[str, int] | None
    quotas: Sequence[Limit] | None
    appendLimit: int | None

    def size(self, name: Name) -> Size:
        """
        That of a mailbox.
        """
        listed = self.account.listed.get(name)
        if listed is None or listed.status is None or not listed.status.messages:
            return Size(0, 0)
        sizes = self.sizes or {}
        return Size(listed.status.messages, sizes.get(listed.name))


async def inspect(config: Config, side: Side, client: SyncClient) -> Inspected:
    """
    Ask a server.

    @raise Refused: it does not tell what mailboxes there are.
    """
    # Whether the servers tell what mailboxes are for is a matter of both together.
    listing = Listing(config._replace(mapSpecialUse=False), {side: client})
    accounts = await listing.assured(await listing.look(), ())
    sizes, quotas, limit = await together(
        [
            _sizes(client),
            _quotas(client),
            client.appendLimit(INBOX),
        ]
    )
    return Inspected(accounts[side], sizes, quotas, limit)


async def compare(
    config: Config,
    typed: tuple[str, ...],
    clients: Mapping[Side, SyncClient],
    state: State,
    known: bool,
) -> Plan:
    """
    Which mailboxes a first sync of both would have to do with.

    @param typed: those that the user named; none means all.
    @param state: one that knows nothing.
    @param known: whether there is one that does.
    @raise ConfigError: both sides are one account.
    @raise NotFound: a mailbox that was asked for is on neither server.
    """
    listing = Listing(config, clients)
    accounts = await listing.assured(await listing.look(), ())
    await Ownership(config, clients, state, listing).distinguish(accounts, known)
    selection = await Scope(config, typed, listing, Named()).select(accounts)
    return plan(accounts, {}, selection)


async def choose(
    config: Config, typed: tuple[str, ...], side: Side, client: SyncClient
) -> frozenset[Name]:
    """
    Which mailboxes of one account are wanted, as far as that can be told without the
    other.

    @param typed: those that the user named; none means all.
    """
    listing = Listing(config._replace(mapSpecialUse=False), {side: client})
    accounts = await listing.assured(await listing.look(), ())
    account = accounts[side]
    try:
        wanted = await Scope(config, typed, listing, Named()).select(accounts)
    except NotFound:  # it may be on the other side
        return frozenset()
    names = {INBOX, *account.listed}
    return frozenset(
        name
        for name in names
        if account.has(name) and wanted.covers(name, account.subscribed(name))
    )


def _sizes(client: SyncClient) -> Deferred[Mapping[str, int] | None]:
    if not client.features.listsStatus:
        return succeed(None)
    return _told(client, "STATUS=SIZE", SizesCommand())


def _quotas(client: SyncClient) -> Deferred[list[Limit] | None]:
    def limited(told: list[Quota] | None) -> list[Limit] | None:
        if told is None:
            return None
        found = [limits(octets(quota.root), quota.limits) for quota in told]
        return [*chain(*found)]

    return _told(client, "QUOTA", QuotaCommand(INBOX)).addCallback(limited)


def _told(
    client: SyncClient, capability: str, command: Command[T]
) -> Deferred[T | None]:
    """
    What a server tells, if it can and does.
    """
    if capability not in client.features:
        return succeed(None)
    asked: Deferred[Any] = client.perform(command)
    return asked.addErrback(_untold)


def _untold(failure: Failure) -> None:
    failure.trap(Refused)
