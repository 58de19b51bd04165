"""
What the work on a mailbox is done with: L{Context}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from imapsync.imap.client import SyncClient
from imapsync.log import Log
from imapsync.mailbox.notes import Notes
from imapsync.mailbox.report import Report
from imapsync.mailbox.suspects import Suspects
from imapsync.model import Name, Side
from imapsync.names import shown
from imapsync.plan.brake import Brake
from imapsync.plan.fresh import Fresh
from imapsync.plan.growth import Growth
from imapsync.plan.messages import Policy
from imapsync.state.interface import State

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from imapsync.errors import ImapSyncError

_log = Log()

#: A connection to each server.
Clients = Mapping[Side, SyncClient]

#: Takes what a dry run says of a mailbox: that, as it is shown, and what would be done.
Say = Callable[[str, str], None]


def heed(clients: Clients, state: State) -> None:
    """
    Have no size be told where one server is known to estimate them.
    """
    exact = all(state.sizesExact(side) is not False for side in Side)
    for client in clients.values():
        client.exact = exact


def meet(clients: Clients, state: State) -> None:
    """
    The same, from the beginning, of servers of a kind that is known for it.  What else
    users have to know of a kind is told at the very beginning.
    """
    for side, client in clients.items():
        host = client.host
        if host.notice and not state.mailboxes():
            told = f"{client.name}: {host.name}: {host.notice}"
            _log.info("{told}.", told=told)
        if client.host.estimates and state.sizesExact(side) is not False:
            with state.transaction():
                state.noteSizes(side, False)
    heed(clients, state)


class Operation(Protocol):
    """
    What a plan consists of.
    """

    def lines(self, name: str) -> Iterable[tuple[str, str]]:
        """
        What a dry run says of it, as L{Say} takes it.

        @param name: the mailbox that it is about, as it is shown.
        """


class Records(NamedTuple):
    """
    What is kept of one run, through all of its attempts.

    @ivar suspects: outlasts the run, where others follow it; and so does
        C{growth}.
    """

    brake: Brake
    report: Report
    notes: Notes
    suspects: Suspects
    growth: Growth


class Loan(Protocol):
    """
    Further pairs of connections that help with one mailbox for a while.
    """

    def lost(self, pair: Clients, error: ImapSyncError) -> None:
        """
        One of them was lost.
        """

    def settled(self) -> Deferred[None]:
        """
        Wait until the servers are through with what they were sent over it.
        """

    def end(self) -> None:
        """
        They are needed no more.
        """


class Further(Protocol):
    """
    Further pairs of connections.

    @ivar spare: how many may be lent.
    """

    @property
    def spare(self) -> int: ...

    def borrow(self, count: int, lend: Callable[[Clients], None]) -> Loan:
        """
        Have so many lent, as far as they can be had: those that nobody works with at
        once, others as soon as they are connected.

        @param lend: called with each.
        """


class Context(NamedTuple):
    """
    Of one mailbox.

    @ivar names: what each server calls it.
    @ivar say: takes what a dry run says; C{None} if it is none.
    @ivar absent: in a dry run, the sides on which the mailbox is yet to be made.
    @ivar fresh: set if it was made a moment ago.
    @ivar release: to be called when only answers are awaited: then the connections
        serve other mailboxes.  C{None} if they are not to.
    @ivar exclusive: the sides on which a message that is in it is in no other mailbox.
    @ivar further: connections that may help; C{None} if there are none.
    """

    clients: Clients
    names: Mapping[Side, str]
    state: State
    policy: Policy
    records: Records
    say: Say | None = None
    absent: frozenset[Side] = frozenset()
    fresh: Fresh | None = None
    release: Callable[[], None] | None = None
    further: Further | None = None
    exclusive: frozenset[Side] = frozenset()

    @property
    def dryRun(self) -> bool:
        """
        Whether nothing is to be changed.
        """
        return self.say is not None

    def tell(self, name: Name, operation: Operation) -> bool:
        """
        In a dry run, say what is to be done, instead of doing it.

        @return: whether it is one.
        """
        return told(self.say, name, operation)


def told(say: Say | None, name: Name, operation: Operation) -> bool:
    """
    In a dry run, say what is to be done.

    @param say: C{None} if it is none.
    @return: whether it is one: then it is not to be done.
    """
    if say is None:
        return False
    for line in operation.lines(shown(name)):
        say(*line)
    return True
