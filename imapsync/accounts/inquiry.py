"""
Asking a server what mailboxes it has, by whichever commands it knows: L{Inquiry}.

One that has LIST-EXTENDED and LIST-STATUS tells all of it with one LIST.  From others,
LIST, LSUB and a STATUS of each mailbox are asked for at once, as far as it is known
what there is to be asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, DeferredSemaphore, succeed
from twisted.python.failure import Failure

from imapsync.accounts.polling import Polling
from imapsync.errors import Garbled, Refused
from imapsync.gather import together
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.account import BURST, itemsOf, lookOf
from imapsync.imap.wire.responses import Namespaces
from imapsync.model import Listed, Status
from imapsync.plan.specialuse import isUsed


class Answer(NamedTuple):
    """
    What a server told.

    @ivar listed: all mailboxes.
    @ivar spaces: the answer to NAMESPACE; empty if that was not asked.
    @ivar whole: whether the STATUS of each was told, by LIST where that can.
    @ivar subscribed: the names that are, where LIST cannot tell that.
    @ivar shut: names of mailboxes that are listed, and the server says otherwise that
        they do not exist; and how it says so.
    """

    listed: list[Listed]
    spaces: list[Namespaces]
    whole: bool
    subscribed: frozenset[str] | None
    shut: Mapping[str, str]


class Inquiry:
    """
    Asks over one connection.

    @param cares: whether it is to be told what mailboxes are used for.
    @param polling: says which STATUS need not be asked again; all are without.
    """

    def __init__(
        self, client: SyncClient, cares: bool, polling: Polling | None = None
    ) -> None:
        self._client = client
        self._cares = cares
        self._polling = polling
        self._known: list[str] = []
        self._numbers: Mapping[str, int] = {}
        self._turns = DeferredSemaphore(BURST)

    async def look(self, spaces: bool) -> Answer:
        """
        Look at all mailboxes; one that is selected is left.

        @param spaces: whether to ask what is whose (RFC 2342).
        """
        client, features = self._client, self._client.features
        # Of the selected mailbox, Dovecot lists what it has last told of it.
        left = client.unselect()
        if "UNSELECT" not in features:
            await left
            left = succeed(None)
        returns = [*lookOf(features)]
        if returns and self._cares and features.asksForSpecialUse:
            returns.insert(1, "SPECIAL-USE")
        asked: list[Deferred[Any]] = [client.listMailboxes("*", returns=returns)]
        if not features.listsExtended:
            asked.append(client.subscriptions())
        if spaces and "NAMESPACE" in features:
            asked.append(client.namespaces())
        known = [] if features.listsStatus else self._known
        recalled = self._recalled(known)
        doubted = [name for name in known if name not in recalled]
        asked.append(together([self._told(name) for name in doubted]))
        with named(client):
            _, listed, *rest, statuses = await together([left, *asked])
        told: dict[str, Status | None] = dict(zip(doubted, statuses, strict=True))
        told |= self._stillSure(listed, told, recalled)
        subscribed = None
        if not features.listsExtended:
            subscribed = frozenset(one.name for one in rest.pop(0))
        return await self._completed(listed, rest, told, subscribed)

    async def _completed(
        self,
        listed: list[Listed],
        spaces: list[Namespaces],
        told: Mapping[str, Status | None],
        subscribed: frozenset[str] | None,
    ) -> Answer:
        """
        With what LIST did not tell.
        """
        listed = [
            box._replace(status=status) if (status := told.get(box.name)) else box
            for box in listed
        ]
        doubted = [box for box in listed if box.selectable and not box.status]
        shut: dict[str, str] = {}
        asking = [self._doubted(box, listed, shut) for box in doubted]
        waiting = [Deferred.fromCoroutine(one) for one in asking]
        found = {box.name: box for box in await together(waiting)}
        boxes = [found.get(box.name, box) for box in listed]
        if subscribed is not None:
            boxes = [box.withSubscription(box.name in subscribed) for box in boxes]
        self._known = [b.name for b in boxes if b.selectable and b.status]
        self._numbers = {b.name: _number(b.status) for b in boxes}
        if self._polling is not None:
            self._polling.keep(self._known)
        if self._client.features.listsStatus:
            whole = not doubted
        else:
            whole = not shut and all(box.status for box in boxes if box.selectable)
        return Answer(boxes, spaces, whole, subscribed, shut)

    def _recalled(self, names: Iterable[str]) -> Mapping[str, Status]:
        """
        The status of mailboxes that need not be asked for again.
        """
        if self._polling is None:
            return {}
        recalled = {name: self._polling.recall(name) for name in names}
        return {name: status for name, status in recalled.items() if status}

    def _stillSure(
        self,
        listed: Iterable[Listed],
        told: Mapping[str, Status | None],
        recalled: Mapping[str, Status],
    ) -> Mapping[str, Status]:
        """
        What of C{recalled} holds.  Where there are others than before, they may have
        changed places: then under any name there may be another one now.
        """
        now = {**told, **recalled}
        numbers = {box.name: _number(now.get(box.name)) for box in listed}
        return recalled if numbers == self._numbers else {}

    async def chosen(
        self, options: Sequence[str], listed: Collection[Listed]
    ) -> Collection[Listed]:
        """
        What the server lists under selection options; where it knows none, LSUB and
        LIST tell the same.

        @param listed: all that it lists without.
        """
        client = self._client
        with named(client):
            if client.features.listsExtended:
                return await client.listMailboxes("*", selection=options)
            chosen = listed
            if "SUBSCRIBED" in options:
                chosen = await client.subscriptions()
        if "SPECIAL-USE" in options:
            used = {box.name for box in listed if isUsed(box)}
            chosen = [box for box in chosen if box.name in used]
        return chosen

    def _status(self, name: str) -> Deferred[Status]:
        items, polling = itemsOf(self._client.features), self._polling
        asked: Deferred[Status]
        asked = self._turns.run(self._client.mailboxStatus, name, items)
        return asked.addCallback(partial(_noted, polling, name)) if polling else asked

    def _told(self, name: str) -> Deferred[Status | None]:
        """
        The status of a mailbox; C{None} if the server refuses.
        """
        asked: Deferred[Any] = self._status(name)
        return asked.addErrback(_untold)

    async def _doubted(
        self, box: Listed, listed: Collection[Listed], shut: dict[str, str]
    ) -> Listed:
        """
        Ask for the status that was not told.  One that does not exist, as
        the server says, may be there all the same: whether it is gone, only LIST
        decides, when it is asked again.
        """
        try:
            status = await self._status(box.name)
        except Refused as error:
            # Dovecot has no response code for it.
            if (
                error.responseCode != "NONEXISTENT"
                and "doesn't exist" not in error.text
            ):
                return box  # its pass will tell
            if await self._isThere(box, listed):
                shut[box.name] = error.text
                return box
            return box._replace(attributes=box.attributes | {"\\nonexistent"})
        return box._replace(status=status)

    async def _isThere(self, box: Listed, listed: Collection[Listed]) -> bool:
        """
        Whether LIST holds to it that there is a mailbox.

        Dovecot lists one that was deleted from a Maildir as long as others are
        below it; but it knows better when it is asked for subscriptions to it, or
        to them.  That alone proves nothing: where names lead nowhere, since the
        server looks in another place than before, it says the same.  One of those
        below must be there, then.
        """
        client = self._client
        ways: list[tuple[str, ...]] = [()]
        if client.features.listsExtended:
            ways.append(("SUBSCRIBED", "RECURSIVEMATCH"))
        asked = [client.listMailboxes(box.name, selection=way) for way in ways]
        try:
            told: list[list[Listed]] = await together(asked)
        except Refused:
            return True
        # Wildcards in a name may find others as well.
        now, *better = ([one for one in t if one.name == box.name] for t in told)
        if not any(one.selectable for one in now):
            return False
        level = box.name + box.separator
        below = any(one.status and one.name.startswith(level) for one in listed)
        return not (below and better) or any(one.selectable for one in better[0])


@contextmanager
def named(client: SyncClient) -> Iterator[None]:
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


def _noted(polling: Polling, name: str, status: Status) -> Status:
    polling.tell(name, status)
    return status


def _number(status: Status | None) -> int:
    return status.uidvalidity if status else 0


def _untold(failure: Failure) -> None:
    failure.trap(Refused)
