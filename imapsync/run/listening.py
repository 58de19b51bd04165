"""
Hearing of changes: from a server that tells them of any mailbox, or at least
of one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from typing import Any

from twisted.internet.defer import Deferred

from imapsync.accounts.history import History
from imapsync.errors import Refused
from imapsync.gather import together
from imapsync.imap.client import SyncClient
from imapsync.mailbox.context import Clients
from imapsync.mailbox.report import Report
from imapsync.model import Listed, Name, Side, Status
from imapsync.names import INBOX
from imapsync.run.idling import Idling, Watched
from imapsync.run.job import Job
from imapsync.run.listeners import Listeners
from imapsync.state.interface import State

#: After so many overflows on one connection, it is not to be relied on.
_OVERFLOWS = 3

#: So many of the latest changes say which mailbox is the busiest.
_LATEST = 20


class Ear:
    """
    Hears what one server tells unasked:
    L{AccountListener<imapsync.imap.commands.notify.AccountListener>}.

    @param news: called with the mailbox that has changed, or C{None} where
        it may be any.
    @ivar pushed: whether the server tells of all mailboxes (NOTIFY).
    """

    def __init__(
        self,
        history: History,
        watched: Watched,
        news: Callable[[Name | None], None],
    ) -> None:
        self._client = watched.client
        self._history = history
        self._watched = watched
        self._side, self._state = watched.side, watched.state
        self._news = news
        self._latest: deque[Name] = deque(maxlen=_LATEST)
        self._idlings: dict[SyncClient, Idling] = {}
        self._asked = False
        self._overflows = 0
        self.pushed = False

    async def listen(self) -> None:
        """
        Have the server tell of changes in all mailboxes, if it can and does
        not yet do so.
        """
        if self._asked:
            return
        self._asked = self.pushed = True
        try:
            await self._client.notify(self)
        except Refused:
            self.pushed = False

    async def attend(self, listeners: Listeners[Any], further: bool) -> list[Name]:
        """
        Have it tell at least of one, until another command is sent.

        @param listeners: has connections for more.
        @param further: whether to make those that there may be.
        @return: the mailboxes that have changed after they were looked at.
        """
        if self.pushed or "IDLE" not in self._client.features:
            return []
        if further:
            await listeners.connect(self._side)
        clients = [self._client, *listeners.clients(self._side)]
        account = self._history.accounts[self._side]
        names = busiest(self._latest, self._history.scope, len(clients))
        self._idlings = {
            one: self._idlings.get(one) or Idling(one, self._watched, self.changed)
            for one in clients
        }
        kept = {one.name for one in self._idlings.values()} & {*names}
        left = deque(name for name in names if name not in kept)
        attending: dict[Name, Deferred[bool]] = {}
        for one in self._idlings.values():
            name = one.name
            if name in kept:  # it stays: its IDLE does not end with each sync
                kept.discard(name)
            else:
                name = left.popleft() if left else None
            if name is not None:
                beginning = one.attend(name, account)
                attending[name] = Deferred.fromCoroutine(beginning)
        news = await together(attending.values())
        return [name for name, changed in zip(attending, news, strict=True) if changed]

    def statusReceived(self, spelled: str, status: Status) -> None:
        """
        Something may have changed in a mailbox.
        """
        name = self._history.shared(self._side, spelled)
        if name is not None:
            known = self._state.mailbox(name)
            if self._history.isStatusNews(self._side, name, status, known):
                self.changed(name)

    def listReceived(self, listed: Listed, oldName: str) -> None:
        """
        Something may have become of a mailbox as a whole.
        """
        if self._history.isListNews(self._side, listed, oldName):
            self._news(None)

    def overflowed(self) -> None:
        """
        The server tells nothing any more, and what it left out is unknown.
        """
        self.pushed = False
        self._overflows += 1
        self._asked = self._overflows >= _OVERFLOWS
        self._news(None)

    def looked(self, names: Iterable[Name]) -> None:
        """
        A look has shown that these mailboxes changed.
        """
        self._latest.extend(names)

    def changed(self, name: Name) -> None:
        """
        Something has happened in a mailbox.
        """
        known = self._state.mailbox(name)
        if known is not None and known.compared:
            # STATUS may tell the same as before.
            self._history.doubted.add(name)
        self._news(name)


class Ears:
    """
    One for each server.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._ears: dict[Side, Ear] = {}
        self._names: dict[Side, str] = {}
        self._noticed: set[Side] = set()

    @property
    def pushed(self) -> bool:
        """
        Whether both tell of all mailboxes.
        """
        return all(ear.pushed for ear in self._ears.values())

    def connected(
        self,
        clients: Clients,
        history: History,
        state: State,
        news: Callable[[Name | None], None],
    ) -> None:
        """
        These are the servers from now on.

        @param news: see L{Ear}.
        """
        servers, now = self._job.config.servers, self._job.reactor.seconds
        shared = history.doubted, now
        self._ears = {
            side: Ear(
                history,
                Watched(side, client, state, servers[side].flagWindow, *shared),
                news,
            )
            for side, client in clients.items()
        }
        self._names = {side: client.name for side, client in clients.items()}

    async def listen(self) -> None:
        """
        Have both tell of changes, and say once which of them cannot.
        """
        await together(Deferred.fromCoroutine(e.listen()) for e in self._ears.values())
        for side, ear in self._ears.items():
            if not ear.pushed and side not in self._noticed:
                self._noticed.add(side)
                self._job.log.info(
                    "{name}: does not push changes in all mailboxes (NOTIFY); it is"
                    " asked every {seconds:g} s.",
                    name=self._names[side],
                    seconds=self._job.request.watch,
                )

    async def attend(self, listeners: Listeners[Any], further: bool) -> bool:
        """
        Have both tell at least of one mailbox, until another command is sent.

        @param listeners: has connections for more.
        @param further: whether to make those that there may be.
        @return: whether one has changed after it was looked at: then it is to be looked
            first.
        """
        ears = self._ears.values()
        attending = [ear.attend(listeners, further) for ear in ears]
        found = await together(map(Deferred.fromCoroutine, attending))
        for ear, names in zip(ears, found, strict=True):
            for name in names:
                ear.changed(name)
        return any(found)

    def looked(self, report: Report) -> None:
        """
        A look has shown what changed.
        """
        for side, ear in self._ears.items():
            ear.looked(report.carried(side))


def busiest(
    latest: Iterable[Name], scope: Collection[Name], most: int = 1
) -> list[Name]:
    """
    The mailboxes in which most of the latest changes were; among several, INBOX is
    always one.
    """
    counts = Counter(latest)
    ranked = sorted(scope, key=lambda name: (-counts[name], name != INBOX, name))
    names = ranked[:most] or [INBOX]
    if most > 1 and INBOX in ranked[most:]:
        names[-1] = INBOX
    return names
