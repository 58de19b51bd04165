"""
Looking over mailboxes of which a server does not tell what has changed: L{Glancer}.

STATUS shows no flags.  So they are read, and held against the database: of all
messages when it is looked for the first time, and now and then; of the newest more
often.  Nothing but that is done with a mailbox in which all is as it was; the next ones
are asked for before it is told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from imapsync.accounts.history import History
from imapsync.config.server import ServerConfig
from imapsync.errors import MailboxError, Refused
from imapsync.gather import onBoth, together
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Selected
from imapsync.mailbox.changes import Reading
from imapsync.mailbox.context import Clients
from imapsync.model import Known, Mark, Name, Side, differ
from imapsync.names import INBOX
from imapsync.plan.account import Account
from imapsync.plan.mailboxes import dirty
from imapsync.state.interface import State

#: So many mailboxes are asked for over one connection before the first is told.
_AHEAD = 16

#: In so many the newest messages are looked at each time, those of which that is the
#: longest ago; but INBOX always.
_WINDOWS = 8


class _Glance(NamedTuple):
    """
    At one side of a mailbox.

    @ivar spelled: what the server calls it.
    @ivar first: the flags of all messages from this UID on; 1, if they are all.
    """

    known: Known
    mark: Mark
    spelled: str
    first: int


class Glancer:
    """
    Does that.

    @param servers: what is configured of them.
    @param pause: for so many seconds the newest messages need not be looked at again;
        C{None} if it is no matter of time.
    @param now: tells the time, in seconds.
    """

    def __init__(
        self,
        servers: Mapping[Side, ServerConfig],
        clients: Clients,
        state: State,
        history: History,
        pause: float | None,
        now: Callable[[], float],
    ) -> None:
        self._servers = servers
        self._clients = clients
        self._state = state
        self._history = history
        self._pause = pause
        self._now = now

    async def look(
        self, names: Iterable[Name], accounts: Mapping[Side, Account]
    ) -> None:
        """
        Find out in which of these mailboxes flags have changed; those are C{doubted}
        from now on.
        """
        known = [one for one in map(self._state.mailbox, names) if one and one.compared]
        if not known:
            return
        still = [one for one in known if self._isStill(one, accounts)]
        whole = [one for one in still if self._isDue(one, accounts)]
        every = {one.name for one in whole}
        windows = [*self._windows([one for one in still if one.name not in every])]
        glances: dict[Side, list[_Glance]] = {side: [] for side in Side}
        for one in (*whole, *windows):
            for side in self._sides(one):
                first = 1
                if one.name not in every:
                    newest = self._servers[side].flagWindow
                    first = self._state.newest(one.id, side, newest)
                spelled = accounts[side].spelled(one.name)
                glance = _Glance(one, one.marks[side], spelled, first)
                glances[side].append(glance)
        found = await onBoth(lambda side: self._onSide(side, glances[side]))
        self._history.doubted.update(*found.values())
        seen, now = self._history.glances, self._now()
        for one in (*whole, *windows):
            seen.window[one.name] = now
        for one in whole:
            seen.whole[one.name] = now
        for one in still:
            seen.unseen[one.name] = self._unseen(one, accounts)

    def _isStill(self, known: Known, accounts: Mapping[Side, Account]) -> bool:
        """
        Whether nothing seems to have happened, as far as STATUS tells.
        """
        listed = {
            side: account.listed[known.name]
            for side, account in accounts.items()
            if known.name in account.listed
        }
        doubted = known.name in self._history.doubted
        both = len(known.marks) == len(listed) == len(Side)
        return both and not (doubted or dirty(known._replace(retries=False), listed))

    def _sides(self, known: Known) -> Iterator[Side]:
        return (side for side, mark in known.marks.items() if not mark.modseq)

    def _isDue(self, known: Known, accounts: Mapping[Side, Account]) -> bool:
        """
        Whether all flags are to be compared.
        """
        seen, unseen = self._history.glances, self._unseen(known, accounts)
        before = seen.whole.get(known.name)
        pause = min(self._servers[side].fullLook for side in self._sides(known))
        if before is None or self._now() - before >= pause:
            return True
        return seen.unseen.get(known.name, unseen) != unseen

    def _unseen(self, known: Known, accounts: Mapping[Side, Account]) -> Sequence[int]:
        """
        How many messages are not seen, on each side that tells it.
        """
        listed = (accounts[side].listed[known.name] for side in self._sides(known))
        return [box.status.unseen for box in listed if box.status]

    def _windows(self, known: Collection[Known]) -> Iterator[Known]:
        """
        The mailboxes in which the newest messages are to be looked at.
        """
        seen, pause = self._history.glances.window, self._pause
        if pause is None:
            return
        due = [
            one
            for one in known
            if one.pairs and self._now() - seen.get(one.name, 0.0) >= pause
        ]
        due.sort(key=lambda one: (one.name != INBOX, seen.get(one.name, 0.0)))
        yield from due[:_WINDOWS]

    async def _onSide(self, side: Side, glances: Collection[_Glance]) -> set[Name]:
        """
        @return: the mailboxes in which something has changed.
        """
        client, changed = self._clients[side], set[Name]()
        flights: deque[Deferred[None]] = deque()

        async def look(glance: _Glance) -> None:
            if not await self._isSame(side, client, glance):
                changed.add(glance.known.name)

        if glances:
            await client.unselect()
        try:
            for glance in glances:
                flights.append(Deferred.fromCoroutine(look(glance)))
                if len(flights) >= _AHEAD:
                    await flights.popleft()
            await together(flights)
        except BaseException:
            for flight in flights:  # one failure is told
                flight.addErrback(lambda _: None)
            raise
        return changed

    async def _isSame(self, side: Side, client: SyncClient, glance: _Glance) -> bool:
        """
        Whether all that is told is as it is known.
        """
        known, mark, spelled, first = glance
        reading = Reading(self._state, known.id, side, mark)
        if first == 1:
            reading.listAll()
        try:
            selected = await client.glance(spelled, first, reading)
        except (MailboxError, Refused):
            return False  # its pass will tell
        changes = reading.take()
        if changes or reading.partial or not _isOne(client, selected, known, side):
            return False
        listed = reading.listed
        if listed is None:
            return True
        return len(listed) == (reading.exists or 0) == known.holds(side)


def _isOne(client: SyncClient, selected: Selected, known: Known, side: Side) -> bool:
    """
    Whether it is the mailbox that it was, and there is no better way to follow it.
    """
    was, now = known.marks[side], selected.mark
    return not (
        was.uidvalidity != now.uidvalidity
        or now.uidnext not in (0, was.uidnext)
        or (client.counts and now.modseq)
        or differ(known.identities.get(side, ""), selected.identity)
        or selected.partial
        or not selected.persistent
    )
