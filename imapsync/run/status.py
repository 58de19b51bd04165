"""
How things stand: what those who watch a service are told.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Mapping
from operator import add
from types import MappingProxyType
from typing import NamedTuple, Protocol

from imapsync.mailbox.report import Report
from imapsync.mailbox.summary import Deed
from imapsync.model import Known, Name, Refusal
from imapsync.run.progress import Progress
from imapsync.state.interface import State


class SyncState(str, enum.Enum):
    """
    What a service is doing; each is also the text that people are told.

    @cvar NEW: it was never started.
    @cvar QUEUED: it waits for its turn: other accounts of the same program are at work.
    @cvar CROWDED: other accounts have all the connections to a host that there may be.
    @cvar FIRST_SYNC: it looks for all that has changed since the last run; changes
        are not told yet.
    @cvar TUNING_IN: both servers are asked to tell of changes.
    @cvar AGAIN: it syncs, and something has changed meanwhile.
    @cvar BACKING_OFF: it waits before it connects anew.
    @cvar FINISHING: it was told to stop, and brings a sync to its end.
    @cvar STOPPING: connections are closed.
    """

    NEW = "new"
    QUEUED = "queued"
    CROWDED = "no place at host"
    CONNECTING = "connecting"
    FIRST_SYNC = "first sync"
    TUNING_IN = "tuning in"
    WAITING = "waiting"
    SYNCING = "syncing"
    AGAIN = "syncing, again"
    BACKING_OFF = "backing off"
    FINISHING = "finishing"
    STOPPING = "stopping"
    STOPPED = "stopped"

    def __str__(self) -> str:
        return self.value


class MailboxStatus(NamedTuple):
    """
    One mailbox.

    @ivar messages: how many are known on both sides.
    @ivar behind: since when the service knows that one side has something
        that the other has not; C{None} if both are equal.
    @ivar trouble: why it cannot be synced, or an empty string.
    @ivar refusals: what is to be tried again, and why.
    """

    messages: int
    behind: float | None = None
    trouble: str = ""
    refusals: tuple[Refusal, ...] = ()

    def lag(self, now: float) -> float:
        """
        How many seconds it is behind.
        """
        return 0.0 if self.behind is None else max(0.0, now - self.behind)


class Counters(NamedTuple):
    """
    What a service has done since it was made, in all of its runs.

    @ivar messages: that were copied, or moved or copied by a server itself.
    @ivar octets: that went over all connections, either way.
    @ivar flags: messages whose flags were set.
    @ivar removals: messages that were expunged, or moved to the trash.
    @ivar retries: how often connections were made anew.
    """

    messages: int = 0
    octets: int = 0
    flags: int = 0
    removals: int = 0
    retries: int = 0

    def plus(self, more: Counters) -> Counters:
        """
        All of both.
        """
        return Counters(*map(add, self, more))


class SyncStatus(NamedTuple):
    """
    A service.  All times are those of its reactor, but for those of refusals.

    @ivar since: when it came to its state.
    @ivar mailboxes: all that are synced.
    @ivar error: what went wrong last, or an empty string.
    @ivar errorAt: when it did.
    @ivar synced: when both sides were found equal last.
    @ivar until: until when it waits, or waited last, before it goes on: something went
        wrong, or a server wants to be left alone.
    @ivar progress: how far the run that goes on has come, or the last one came.
    """

    state: SyncState = SyncState.NEW
    since: float = 0.0
    mailboxes: Mapping[Name, MailboxStatus] = MappingProxyType({})
    error: str = ""
    errorAt: float | None = None
    synced: float | None = None
    counters: Counters = Counters()
    until: float | None = None
    progress: Progress = Progress()

    @property
    def refusals(self) -> Mapping[Name, tuple[Refusal, ...]]:
        """
        What is to be tried again, by mailbox; only of those with such.
        """
        mailboxes = self.mailboxes.items()
        return {name: one.refusals for name, one in mailboxes if one.refusals}


class Change(NamedTuple):
    """
    How things stood, and how they do now.

    @ivar mailboxes: those that are otherwise now; C{None} for one that is no
        longer synced.
    """

    before: SyncStatus
    after: SyncStatus
    mailboxes: Mapping[Name, MailboxStatus | None]


class Traffic(Protocol):
    """
    What counts octets.
    """

    @property
    def octets(self) -> int:
        """
        How many there were.
        """


#: What was measured last: the mailboxes, and by name what is wrong with some, and what
#: is to be tried again there.
_Measured = tuple[list[Known], Mapping[Name, str], Mapping[Name, tuple[Refusal, ...]]]


def refusals(state: State) -> Mapping[Name, tuple[Refusal, ...]]:
    """
    What is to be tried again, as the database knows it.
    """
    return {
        known.name: tuple(state.refusals(known.id))
        for known in state.mailboxes()
        if known.retries
    }


class Standing:
    """
    Keeps the status of a service, through all of its runs.

    What it costs to tell of a change does not grow with the number of mailboxes,
    unless there is a change in each.

    @param now: tells the time.
    @param tell: is told what has changed.
    """

    def __init__(
        self, now: Callable[[], float], tell: Callable[[Change], None]
    ) -> None:
        self._now = now
        self._tell = tell
        self._status = self._told = SyncStatus(since=now())
        self._altered: dict[Name, MailboxStatus | None] = {}
        self._behind: dict[Name, float] = {}
        self._measured: _Measured = ([], {}, {})
        self._done = Counters()
        self._report = Report()
        self._traffic: Traffic | None = None

    # How things stand

    @property
    def state(self) -> SyncState:
        """
        What it is doing.
        """
        return self._status.state

    @property
    def error(self) -> str:
        """
        What went wrong last.
        """
        return self._status.error

    @property
    def fallen(self) -> frozenset[Name]:
        """
        The mailboxes that have something on one side that the other has not.
        """
        return frozenset(self._behind)

    @property
    def status(self) -> SyncStatus:
        """
        All of it.
        """
        return self._status._replace(counters=self._counted(), progress=self.progress)

    @property
    def progress(self) -> Progress:
        """
        How far the run has come.
        """
        return Progress.of(self._report.course)

    # What happens

    def moved(self, state: str) -> None:
        """
        It is in this state now.
        """
        before, after = self._status.state, SyncState(state)
        if (before, after) == (SyncState.BACKING_OFF, SyncState.CONNECTING):
            self._done = self._done.plus(Counters(retries=1))
        if after is not before:
            self._status = self._status._replace(state=after, since=self._now())
        if after is not before or self._altered:
            self._tellAll()

    def failed(self, error: str) -> None:
        """
        Something went wrong.
        """
        self._status = self._status._replace(error=error, errorAt=self._now())

    def waits(self, error: str, seconds: float) -> None:
        """
        For that reason it waits for so long.
        """
        self.failed(error)
        self._status = self._status._replace(until=self._now() + seconds)
        self._tellAll()

    def fell(self, name: Name) -> None:
        """
        A mailbox has something on one side that the other has not.
        """
        if name not in self._behind:
            self._behind[name] = self._now()
            self._date({name})

    def synced(self, began: float, left: Collection[Name]) -> None:
        """
        Both sides are equal, as they were after C{began}, but for C{left}.
        """
        self._status = self._status._replace(synced=self._now())
        before = self._behind
        self._behind = {
            name: since
            for name, since in before.items()
            if name in left or since > began
        }
        self._date(before.keys() - self._behind.keys())
        self._tellAll()

    def measured(
        self,
        mailboxes: list[Known],
        report: Report,
        refusals: Mapping[Name, tuple[Refusal, ...]] = MappingProxyType({}),
    ) -> None:
        """
        So much does the database know now, and so much could not be synced.

        @param refusals: what is to be tried again, by mailbox.
        """
        troubles = dict(sorted((one.mailbox, str(one)) for one in report.known))
        if (mailboxes, troubles, refusals) == self._measured:
            return
        self._measured = mailboxes, troubles, refusals
        told = self._status.mailboxes
        gone = told.keys() - {known.name for known in mailboxes}
        altered: dict[Name, MailboxStatus | None] = dict.fromkeys(gone)
        for known in mailboxes:
            name = known.name
            values = (
                *(known.pairs, self._behind.get(name)),
                *(troubles.get(name, ""), refusals.get(name, ())),
            )
            if told.get(name) != values:
                altered[name] = MailboxStatus(*values)
        self._alter(altered)

    def counts(self, report: Report, traffic: Traffic) -> None:
        """
        From now on, these count what is done.
        """
        if report is not self._report:
            self._done = self._done.plus(_tally(self._report))
            self._report = report
        if traffic is not self._traffic:
            self._done = self._done.plus(_octets(self._traffic))
            self._traffic = traffic

    def _counted(self) -> Counters:
        return self._done.plus(_tally(self._report)).plus(_octets(self._traffic))

    def _date(self, names: Collection[Name]) -> None:
        """
        These are behind, or no longer are.
        """
        told = self._status.mailboxes
        self._alter(
            {
                name: told[name]._replace(behind=self._behind.get(name))
                for name in names
                if name in told
            }
        )

    def _alter(self, altered: Mapping[Name, MailboxStatus | None]) -> None:
        if altered:
            # Whoever was given a status keeps it as it was.
            mailboxes = {
                name: status
                for name, status in {**self._status.mailboxes, **altered}.items()
                if status is not None
            }
            self._status = self._status._replace(mailboxes=MappingProxyType(mailboxes))
            self._altered.update(altered)

    def _tellAll(self) -> None:
        before, self._told = self._told, self.status
        altered, self._altered = self._altered, {}
        self._tell(Change(before, self._told, altered))


def _tally(report: Report) -> Counters:
    """
    What a run has done.
    """

    def total(*deeds: Deed) -> int:
        return sum(report.done(deed).total() for deed in deeds)

    return Counters(
        messages=total("copied", "moved", "duplicated"),
        flags=total("flagged"),
        removals=total("expunged", "moved to the trash"),
    )


def _octets(traffic: Traffic | None) -> Counters:
    return Counters(octets=0 if traffic is None else traffic.octets)
