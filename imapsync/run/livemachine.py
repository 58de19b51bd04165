"""
Live mode: when to connect, sync, wait, try again and end.

A machine without clock, connection or thought of mail: what happens is told to
it (L{Live}), and it says what is to be done (L{Effects}).  Both connections are
one thing to it, because neither is of use without the other.  There is a
drawing of it in the documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from automat import TypeMachineBuilder

#: How many seconds to wait before a lost connection is made again: the first
#: time, and at most; each by up to half longer, so that not all clients of a
#: server that was restarted come at the same moment.
FIRST, LAST = 1.0, 200.0

#: The same, where a server that let us in before does not any more.  Who asks it too
#: often might be locked out.
FIRST_DENIED, LAST_DENIED = 60.0, 3600.0

#: So many seconds may a sync go on after it was told to stop.
GRACE = 2.0

#: So many seconds may the farewell take.
FAREWELL = 1.5


class Live(Protocol):
    """
    What can happen.
    """

    def start(self) -> None:
        """
        Begin.
        """

    def connected(self) -> None:
        """
        Both servers are ready.
        """

    def synced(self) -> None:
        """
        Both sides are equal.
        """

    def listening(self) -> None:
        """
        From now on changes are told as L{news}.
        """

    def news(self) -> None:
        """
        Something may have changed.
        """

    def silence(self) -> None:
        """
        Nothing was sent for long.
        """

    def lost(self, progress: bool) -> None:
        """
        What was going on failed, and may succeed next time.

        @param progress: whether it had come somewhere, or had lasted.
        """

    def expired(self) -> None:
        """
        A session has lasted as long as its server lets it.
        """

    def denied(self) -> None:
        """
        A server that let us in before does not any more.
        """

    def failed(self) -> None:
        """
        What was going on failed for good.
        """

    def due(self) -> None:
        """
        The time that was asked for is over.
        """

    def stop(self) -> None:
        """
        Come to an end.
        """

    def closed(self) -> None:
        """
        Nothing is open any more.
        """


class Effects(Protocol):
    """
    What is to be done.  Each but C{abandon} and C{wake} ends what an
    earlier one began, if that is still going on.
    """

    def connect(self) -> None:
        """
        Connect to both servers.
        """

    def sync(self) -> None:
        """
        Make both sides equal, with no mailbox selected in the end.
        """

    def listen(self) -> None:
        """
        Have both servers tell of changes.
        """

    def rest(self) -> None:
        """
        Wait for them.
        """

    def drop(self) -> None:
        """
        Close what is open, at once.
        """

    def leave(self) -> None:
        """
        Take leave of both servers, and close all.
        """

    def refresh(self) -> None:
        """
        Send something, so that the servers do not think us gone, and we see
        whether they are there; then tell of L{Live.news}: there may be some of
        which they did not tell.
        """

    def abandon(self) -> None:
        """
        Have L{leave}, which goes on, be done without the servers' consent.
        """

    def end(self) -> None:
        """
        It is over.
        """

    def wake(self, seconds: float) -> None:
        """
        After that time, say so; any earlier such request is void.
        """


class Core:
    """
    What the machine is given, and how often it has failed in a row.

    @ivar random: a number from 0 up to 1.
    @ivar denials: how often it was not let in since both sides were equal.
    """

    def __init__(self, effects: Effects, random: Callable[[], float]) -> None:
        self.effects = effects
        self.random = random
        self.failures = 0
        self.denials = 0


def _connect(_: Live, core: Core) -> None:
    core.effects.connect()


def _sync(_: Live, core: Core) -> None:
    core.effects.sync()


def _listen(_: Live, core: Core) -> None:
    core.denials = 0
    core.effects.listen()


def _rest(_: Live, core: Core) -> None:
    core.effects.rest()


def _refresh(_: Live, core: Core) -> None:
    core.effects.refresh()


def _retry(_: Live, core: Core, progress: bool) -> None:
    core.failures = 0 if progress else core.failures
    core.effects.drop()
    core.effects.wake(pause(core.failures, core.random()))
    core.failures += 1


def _persist(_: Live, core: Core) -> None:
    core.effects.drop()
    core.effects.wake(
        pause(core.denials, core.random(), FIRST_DENIED, LAST_DENIED),
    )
    core.denials += 1


def _renew(_: Live, core: Core) -> None:
    core.effects.drop()
    core.effects.connect()


def _reconnect(_: Live, core: Core) -> None:
    core.failures = 0
    core.effects.connect()


def _finish(_: Live, core: Core) -> None:
    core.effects.wake(GRACE)


def _leave(_: Live, core: Core) -> None:
    core.effects.leave()
    core.effects.wake(FAREWELL)


def _abandon(_: Live, core: Core) -> None:
    core.effects.abandon()


def _end(_: Live, core: Core) -> None:
    core.effects.end()


def _nothing(_: Live, __: Core) -> None:
    """
    It is of no concern now.
    """


def _lateLoss(_: Live, __: Core, progress: bool) -> None:
    """
    It is closed already.
    """


def _lossAtEnd(live: Live, core: Core, progress: bool) -> None:
    _leave(live, core)


def pause(
    failures: int, random: float, first: float = FIRST, last: float = LAST
) -> float:
    """
    How many seconds to wait after so many failures before this one.
    """
    longest: float = min(first * 2 ** min(failures, 30), last)
    return longest * (1 + random / 2)


def _described() -> Callable[[Core], Live]:
    """
    Every state, and every way from one to another.
    """
    machine = TypeMachineBuilder(Live, Core)
    new = machine.state("new")
    connecting = machine.state("connecting")
    first = machine.state("first sync")
    tuning = machine.state("tuning in")
    waiting = machine.state("waiting")
    syncing = machine.state("syncing")
    again = machine.state("syncing, again")
    backing = machine.state("backing off")
    finishing = machine.state("finishing")
    stopping = machine.state("stopping")
    stopped = machine.state("stopped")

    new.upon(Live.start).to(connecting)(_connect)

    connecting.upon(Live.connected).to(first)(_sync)
    connecting.upon(Live.lost).to(backing)(_retry)
    connecting.upon(Live.denied).to(backing)(_persist)
    connecting.upon(Live.failed).to(stopping)(_leave)
    connecting.upon(Live.stop).to(stopping)(_leave)

    # Changes are not told yet, and so the sync that comes after tuning in
    # finds all that were made meanwhile.
    first.upon(Live.synced).to(tuning)(_listen)
    first.upon(Live.lost).to(backing)(_retry)
    first.upon(Live.denied).to(backing)(_persist)
    first.upon(Live.failed).to(stopping)(_leave)
    first.upon(Live.stop).to(finishing)(_finish)

    tuning.upon(Live.listening).to(syncing)(_sync)
    tuning.upon(Live.lost).to(backing)(_retry)
    tuning.upon(Live.denied).to(backing)(_persist)
    tuning.upon(Live.failed).to(stopping)(_leave)
    tuning.upon(Live.stop).to(stopping)(_leave)

    waiting.upon(Live.news).to(syncing)(_sync)
    waiting.upon(Live.silence).loop()(_refresh)
    waiting.upon(Live.lost).to(backing)(_retry)
    waiting.upon(Live.denied).to(backing)(_persist)
    waiting.upon(Live.failed).to(stopping)(_leave)
    waiting.upon(Live.stop).to(stopping)(_leave)

    syncing.upon(Live.synced).to(waiting)(_rest)
    syncing.upon(Live.news).to(again)(_nothing)
    syncing.upon(Live.lost).to(backing)(_retry)
    syncing.upon(Live.denied).to(backing)(_persist)
    syncing.upon(Live.failed).to(stopping)(_leave)
    syncing.upon(Live.stop).to(finishing)(_finish)

    again.upon(Live.synced).to(syncing)(_sync)
    again.upon(Live.lost).to(backing)(_retry)
    again.upon(Live.denied).to(backing)(_persist)
    again.upon(Live.failed).to(stopping)(_leave)
    again.upon(Live.stop).to(finishing)(_finish)

    backing.upon(Live.due).to(connecting)(_connect)
    backing.upon(Live.news).to(connecting)(_reconnect)
    backing.upon(Live.failed).to(stopping)(_leave)
    backing.upon(Live.stop).to(stopping)(_leave)

    finishing.upon(Live.synced).to(stopping)(_leave)
    finishing.upon(Live.lost).to(stopping)(_lossAtEnd)
    finishing.upon(Live.denied).to(stopping)(_leave)
    finishing.upon(Live.failed).to(stopping)(_leave)
    finishing.upon(Live.due).to(stopping)(_leave)

    stopping.upon(Live.due).loop()(_abandon)
    stopping.upon(Live.closed).to(stopped)(_end)

    for state in (connecting, first, tuning, waiting, syncing, again):
        state.upon(Live.expired).to(connecting)(_renew)
    finishing.upon(Live.expired).to(stopping)(_leave)

    # What comes too late, or tells nothing new.
    for state in (connecting, first, tuning, again, finishing, stopping, stopped):
        state.upon(Live.news).loop()(_nothing)
    for state in (connecting, first, tuning, syncing, again, finishing, stopping):
        state.upon(Live.silence).loop()(_nothing)
    for state in (backing, stopped):
        state.upon(Live.silence).loop()(_nothing)
    for state in (backing, stopping, stopped):
        state.upon(Live.lost).loop()(_lateLoss)
    for state in (backing, stopping, stopped):
        state.upon(Live.denied).loop()(_nothing)
        state.upon(Live.expired).loop()(_nothing)
    for state in (stopping, stopped):
        state.upon(Live.failed).loop()(_nothing)
    for state in (finishing, stopping, stopped):
        state.upon(Live.stop).loop()(_nothing)
    return machine.build()


_MACHINE = _described()


def live(
    effects: Effects,
    random: Callable[[], float],
    trace: Callable[[str, str, str], None],
) -> Live:
    """
    A machine.

    @param trace: is told each transition, before its effects: the state, what
        happened, and the state that follows.
    """
    machine = _MACHINE(Core(effects, random))

    def moved(before: object, happened: str, after: object) -> None:
        trace(_name(before), happened, _name(after))

    # Automat's own way to it is there for its older kind of machine only.
    machine.__automat_transitioner__.setTrace(moved)  # type: ignore[attr-defined]
    return machine


def _name(state: object) -> str:
    return str(getattr(state, "name", state))
