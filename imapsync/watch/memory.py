"""
What is remembered of one account: L{Memory}.
"""

from __future__ import annotations

import re
from operator import lt, sub
from pathlib import PurePath
from typing import NamedTuple

from imapsync.config.server import ServerConfig
from imapsync.config.settings import Config
from imapsync.display import line
from imapsync.model import Side
from imapsync.run.lifecycle import Outcome
from imapsync.run.status import Counters, SyncState, SyncStatus
from imapsync.watch.facts import Amount, Facts, Health, MailboxFacts
from imapsync.watch.history import History

#: States in which nothing is done.
_STILL = frozenset(
    (
        *(SyncState.NEW, SyncState.QUEUED, SyncState.CROWDED, SyncState.WAITING),
        *(SyncState.BACKING_OFF, SyncState.STOPPED),
    )
)


class Memory:
    """
    An account, and how it stood last.  Those who tell it do so in reactor's time; who
    asks gives the C{offset} from that to the time of day.

    @ivar title: whose mail it is on both servers.
    @ivar status: as it was told last.
    @ivar counters: what was done, also by services before the present one.
    """

    __slots__ = (
        "_counted",
        "_failing",
        "_history",
        "_path",
        "_sums",
        "_synced",
        "counters",
        "status",
        "title",
    )

    def __init__(self, config: Config) -> None:
        self.status = SyncStatus()
        self.counters = Counters()
        self._counted = Counters()
        self._synced: float | None = None
        self._failing: float | None = None
        self._history = History()
        self._sums: _Sums | None = None
        self.began(config)

    # What happens

    def began(self, config: Config) -> None:
        """
        It has this configuration.
        """
        self.title = titleOf(config)
        self._path = config.path

    def saw(self, status: SyncStatus, now: float) -> Counters:
        """
        So it stands.

        @param now: the time of day.
        @return: what was done since it was told last.
        """
        before, self.status = self.status, status
        if status.errorAt not in (None, before.errorAt) and self._failing is None:
            self._failing = status.errorAt
        if status.synced not in (None, before.synced):
            self._synced = status.synced
            if self._failing is not None and self._failing <= self._synced:
                failed = status.errorAt or 0.0
                self._failing = failed if failed > self._synced else None
        if any(map(lt, status.counters, self._counted)):  # another service
            self._counted = Counters()
        done = Counters(*map(sub, status.counters, self._counted))
        self._counted = status.counters
        self.counters = self.counters.plus(done)
        if done.messages or done.octets:
            self._history.add(now, Amount(done.messages, done.octets))
        return done

    def ended(self, outcome: Outcome, now: float) -> None:
        """
        A run has ended.

        @param now: in reactor's time.
        """
        if outcome.code and self._failing is None:
            self._failing = now

    # How it is

    @property
    def working(self) -> bool:
        """
        Whether more is done from one moment to the next.
        """
        return self.status.state not in _STILL

    def facts(self, name: str, now: float, offset: float, paused: bool) -> Facts:
        """
        The account.

        @param now: the time of day.
        """
        status = self.status
        sums = self._summed()
        waits = status.state is SyncState.BACKING_OFF
        return Facts(
            name=name,
            title=self.title,
            path=self._path,
            state=str(status.state),
            health=self._health(paused, sums.stuck),
            since=status.since + offset,
            synced=_added(self._synced, offset),
            failing=_added(self._failing, offset),
            error=line(status.error),
            errorAt=_added(status.errorAt, offset),
            until=_added(status.until, offset) if waits else None,
            behind=_added(sums.behind, offset),
            mailboxes=len(status.mailboxes),
            messages=sums.messages,
            refusals=sums.refusals,
            today=self._history.today(now),
            counters=self.counters,
            progress=status.progress,
        )

    def mailboxes(self, offset: float) -> tuple[MailboxFacts, ...]:
        """
        Those of the account, by name.
        """
        return tuple(
            MailboxFacts(
                *(name, one.messages, _added(one.behind, offset)),
                *(line(one.trouble), one.refusals),
            )
            for name, one in sorted(self.status.mailboxes.items())
        )

    def hour(self, now: float) -> tuple[Amount, ...]:
        """
        What was done in each minute of the last one.
        """
        return self._history.hour(now)

    def day(self, now: float) -> tuple[Amount, ...]:
        """
        What was done in each quarter of an hour of the last one.
        """
        return self._history.day(now)

    def _health(self, paused: bool, stuck: bool) -> Health:
        state = self.status.state
        if paused:
            return Health.PAUSED
        if self._failing is not None or stuck or state is SyncState.BACKING_OFF:
            return Health.TROUBLE
        if state is SyncState.STOPPED:
            return Health.ENDED
        return Health.OK if state is SyncState.WAITING else Health.WORKING

    def _summed(self) -> _Sums:
        """
        What there is in all mailboxes.  It is found anew only where they have changed.
        """
        mailboxes = self.status.mailboxes
        if self._sums is None or self._sums.of is not mailboxes:
            each = mailboxes.values()
            self._sums = _Sums(
                of=mailboxes,
                behind=min(
                    (one.behind for one in each if one.behind is not None), default=None
                ),
                messages=sum(one.messages for one in each),
                refusals=sum(
                    len(refusal.uids) or 1 for one in each for refusal in one.refusals
                ),
                stuck=any(one.trouble and one.behind is not None for one in each),
            )
        return self._sums


class _Sums(NamedTuple):
    """
    What there is in all mailboxes.

    @ivar of: these mailboxes.
    @ivar behind: since when the one that is furthest behind is.
    @ivar stuck: whether one cannot be synced.
    """

    of: object
    behind: float | None
    messages: int
    refusals: int
    stuck: bool


def titleOf(config: Config) -> str:
    """
    Whose mail an account's two sides are.
    """
    local, remote = (config.servers[side] for side in Side)
    whose, other = _whose(local), _whose(remote)
    if whose == other:
        whose, other = f"{whose} ({_host(local)})", f"{other} ({_host(remote)})"
    return line(f"{whose} <-> {other}", 200)


def _whose(server: ServerConfig) -> str:
    """
    Whose mail is on a server.
    """
    user = server.user
    if user is None:
        return _host(server)
    return user if "@" in user else f"{user}@{_host(server)}"


def _host(server: ServerConfig) -> str:
    """
    Where it is.  Of a command only its name is told: there may be a secret in it.
    """
    if server.command and not server.host:
        program = server.command.split()[0]
        # Not what a shell sets for it, nor what has quotes.
        return (
            PurePath(program).name if re.fullmatch(r"[\w./+-]+", program) else "command"
        )
    return server.host or "localhost"


def _added(moment: float | None, offset: float) -> float | None:
    return None if moment is None else moment + offset
