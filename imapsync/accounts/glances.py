"""
Looking over mailboxes of which a server does not tell what has changed: L{Glancer}.

STATUS shows no flags.  So they are read, and held against the database: of all
messages when it is looked for the first time, and now and then; of the newest more
often.  Nothing but that is done with a mailbox in which all is as it was; the next ones
are asked for before it is told.

Where there are many messages, and a server can be relied on for that, it is searched
for where each flag is (L{imapsync.imap.sight}); else all are fetched.
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
from imapsync.imap.sight import SYSTEM, Sight, Target, keywordsOf
from imapsync.mailbox.changes import Reading, ignored
from imapsync.mailbox.context import Clients
from imapsync.model import Flags, Glimpse, Known, Mark, Name, Side, differ
from imapsync.names import INBOX
from imapsync.plan.account import Account
from imapsync.plan.mailboxes import dirty
from imapsync.plan.places import Expected, agree, placed
from imapsync.plan.unchanged import Told
from imapsync.state.interface import State

#: So many mailboxes are asked for over one connection before the first is told.
_AHEAD = 16

#: In so many the newest messages are looked at each time, those of which that is the
#: longest ago; but INBOX always.
_WINDOWS = 8

#: Of fewer messages, all flags are fetched as fast.
_MANY = 200

#: Of more, their UIDs may take lines that are too long, and what is known of them too
#: much memory.
_LINE = 200_000

#: Whoever begins without a reactor looks at no more mailboxes.
_GLIMPSES = 1000


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
        # What was seen where all was as it is known, and nothing was done since: what
        # is known is still the same.
        self._glimpses: dict[tuple[Side, Name], Glimpse] = {}
        self._found: set[tuple[Side, Name]] = set()

    async def look(
        self, names: Iterable[Name], accounts: Mapping[Side, Account]
    ) -> None:
        """
        Find out in which of these mailboxes flags have changed; those are C{doubted}
        from now on.
        """
        self._glimpses.clear()
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
                glances[side].append(_glance(one, side, accounts, first))
        found = await onBoth(lambda side: self._onSide(side, glances[side]))
        self._history.doubted.update(*found.values())
        seen, now = self._history.glances, self._now()
        for one in (*whole, *windows):
            seen.window[one.name] = now
        for one in whole:
            seen.whole[one.name] = now
        for one in still:
            seen.unseen[one.name] = self._unseen(one, accounts)

    async def completed(self, told: Mapping[Side, Told]) -> Mapping[Side, Told]:
        """
        What both servers told, and what those show besides that do not tell what has
        changed.  Where something was done since it was looked there, it is looked once
        more.

        @return: of no side, if not all is as it is known, or cannot be told.
        """
        if len(told) < len(Side):
            return {}
        accounts, names = self._history.accounts, sorted(self._history.scope)
        glances: dict[Side, list[_Glance]] = {side: [] for side in Side}
        wanted: list[tuple[Side, Name]] = []
        for one in filter(None, map(self._state.mailbox, names)):
            for side, account in accounts.items():
                box, mark = account.listed.get(one.name), one.marks.get(side)
                if not (mark and box and box.status):
                    return {}
                if not mark.modseq:
                    wanted.append((side, one.name))
                    if (side, one.name) not in self._glimpses:
                        glances[side].append(_glance(one, side, accounts))
                elif not box.status.modseq:
                    return {}
        if len(wanted) > _GLIMPSES:
            return {}
        await onBoth(lambda side: self._onSide(side, glances[side]))
        if not self._glimpses.keys() >= {*wanted}:
            return {}
        return {
            side: one._replace(
                glimpses=[self._glimpses[at] for at in wanted if at[0] is side]
            )
            for side, one in told.items()
        }

    def passed(self, name: Name, changed: bool) -> None:
        """
        A pass was made over a mailbox.

        @param changed: whether it found anything to do.
        """
        both = {(side, name) for side in Side}
        if not changed:
            self._history.glances.misled |= self._found & both
        self._found -= both
        for one in both & self._glimpses.keys():
            del self._glimpses[one]

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
        at = side, glance.known.name
        if self._maySearch(side, client, glance):
            same = await self._isInPlace(side, client, glance)
            if same is not None:
                if not same:
                    self._found.add(at)
                return same
            self._history.glances.misled.add(at)
        known, mark, spelled, first = glance
        reading = Reading(self._state, known.id, side, mark)
        if first == 1:
            reading.listAll()
        sight = client.sight(Target(spelled, None, first), reading)
        try:
            selected = await client.glance(sight)
        except (MailboxError, Refused):
            return False  # its pass will tell
        changes = reading.take()
        if changes or reading.partial or not _isOne(client, selected, known, side):
            return False
        listed = reading.listed
        if listed is None:
            return True
        same = len(listed) == (reading.exists or 0) == known.holds(side)
        if same:
            self._keep(at, sight, selected)
        return same

    def _maySearch(self, side: Side, client: SyncClient, glance: _Glance) -> bool:
        return (
            client.tellsPlaces
            and glance.first == 1
            and _MANY <= glance.known.holds(side) <= _LINE
            and (side, glance.known.name) not in self._history.glances.misled
        )

    async def _isInPlace(
        self, side: Side, client: SyncClient, glance: _Glance
    ) -> bool | None:
        """
        The same, as SEARCH has it.

        @return: C{None} if that cannot tell.
        """
        known, mark, spelled, _ = glance
        flags = self._state.flagsIn(known.id)
        # It names its keywords when it is asked; there may be more than are known.
        for _ in range(2):
            keywords = keywordsOf(flags)
            if keywords is None:
                return None
            sight = client.sight(Target(spelled, keywords))
            try:
                selected = await client.glance(sight)
            except (MailboxError, Refused):
                return None
            named = _folded(selected.flags or frozenset())
            if selected.flags is None or _folded(frozenset(keywords)) - named:
                return None
            if not named - _folded(flags) - SYSTEM:
                break
            flags |= selected.flags
        else:
            return None
        same = _isOne(client, selected, known, side)
        # Not before it is needed: few are held at a time.
        expected = Expected(
            placed(self._state.byFlags(known.id, side)),
            ignored(self._state, known.id),
            mark.uidnext,
            known.holds(side),
        )
        if not sight.isAt(selected, expected.places):
            told = sight.places(selected)
            if told is None:
                return None
            same = same and agree(expected, told)
        elif selected.exists != expected.messages:
            return False
        if same:
            self._keep((side, known.name), sight, selected)
        return same

    def _keep(self, at: tuple[Side, Name], sight: Sight, selected: Selected) -> None:
        glimpse = sight.glimpse(selected)
        if glimpse is not None:
            self._glimpses[at] = glimpse


def _glance(
    known: Known, side: Side, accounts: Mapping[Side, Account], first: int = 1
) -> _Glance:
    spelled = accounts[side].spelled(known.name)
    return _Glance(known, known.marks[side], spelled, first)


def _folded(flags: Flags) -> Flags:
    return frozenset(flag.lower() for flag in flags)


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
