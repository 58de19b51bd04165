"""
What is known of accounts at work, as values.

All times are in seconds since 1970.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from imapsync.model import Name, Refusal
from imapsync.names import shown
from imapsync.run.progress import Progress
from imapsync.run.status import Counters


class Health(str, enum.Enum):
    """
    How an account is, in a word; each is also the text that people are told.

    @cvar OK: both sides were equal when they were looked at last.
    @cvar WORKING: they are connected, compared or synced just now.
    @cvar TROUBLE: the account, or one of its mailboxes, cannot be synced.
    @cvar PAUSED: somebody wanted it to rest.
    @cvar ENDED: its work is done.
    """

    OK = "ok"
    WORKING = "working"
    TROUBLE = "trouble"
    PAUSED = "paused"
    ENDED = "ended"

    def __str__(self) -> str:
        return self.value


class Amount(NamedTuple):
    """
    How much there was of it.

    @ivar messages: that were copied, or moved or copied by a server itself.
    @ivar octets: that went over all connections, either way.
    """

    messages: int = 0
    octets: int = 0


class Facts(NamedTuple):
    """
    An account.

    @ivar name: empty for a single one.
    @ivar title: whose mail it is on both servers.
    @ivar path: its configuration.
    @ivar state: the text of its L{SyncState<imapsync.run.status.SyncState>}.
    @ivar since: when it came to its state.
    @ivar synced: when both sides were found equal last; C{None} if that was never seen.
    @ivar failing: since when it has been in trouble without success; C{None} if it is
        not.
    @ivar error: what went wrong last, in words, or an empty string.
    @ivar errorAt: when it did.
    @ivar until: until when it waits before it tries again; C{None} if it does not.
    @ivar behind: since when the mailbox that is furthest behind is; C{None} if both
        sides are equal in all.
    @ivar mailboxes: how many are synced.
    @ivar messages: how many are known on both sides.
    @ivar refusals: how many messages, and mailboxes as a whole, are to be tried again.
    @ivar today: since midnight here, or since the program began.
    @ivar counters: what was done since the program began.
    """

    name: str
    title: str = ""
    path: str = ""
    state: str = "new"
    health: Health = Health.WORKING
    since: float = 0.0
    synced: float | None = None
    failing: float | None = None
    error: str = ""
    errorAt: float | None = None
    until: float | None = None
    behind: float | None = None
    mailboxes: int = 0
    messages: int = 0
    refusals: int = 0
    today: Amount = Amount()
    counters: Counters = Counters()
    progress: Progress = Progress()

    def lag(self, now: float) -> float:
        """
        How many seconds the mailbox that is furthest behind is.
        """
        return 0.0 if self.behind is None else max(0.0, now - self.behind)


class MailboxFacts(NamedTuple):
    """
    One mailbox of an account.

    @ivar name: as the configuration and messages have it; C{shown} makes a name that
        people read of it.
    @ivar messages: how many are known on both sides.
    @ivar behind: since when one side has something that the other has not; C{None} if
        both are equal.
    @ivar trouble: why it cannot be synced, or an empty string.
    @ivar refusals: what is to be tried again, and why.
    """

    name: Name
    messages: int = 0
    behind: float | None = None
    trouble: str = ""
    refusals: tuple[Refusal, ...] = ()

    @property
    def shown(self) -> str:
        """
        The name as people write it.
        """
        return shown(self.name)

    def lag(self, now: float) -> float:
        """
        How many seconds it is behind.
        """
        return 0.0 if self.behind is None else max(0.0, now - self.behind)


class Line(NamedTuple):
    """
    Something that was logged.

    @ivar level: C{"info"}, C{"warn"}, C{"error"} or C{"critical"}.
    """

    time: float
    level: str
    text: str


class Detail(NamedTuple):
    """
    All that is known of one account.

    @ivar mailboxes: by name.
    @ivar hour: what was done in each minute of the last hour, the latest last.
    @ivar day: in each quarter of an hour of the last day, likewise.
    @ivar doing: the mailboxes that are worked on just now, and what is done with them.
    @ivar log: the last lines, the latest last.
    """

    facts: Facts
    mailboxes: tuple[MailboxFacts, ...] = ()
    hour: tuple[Amount, ...] = (Amount(),) * 60
    day: tuple[Amount, ...] = (Amount(),) * 96
    doing: tuple[tuple[str, str], ...] = ()
    log: tuple[Line, ...] = ()
