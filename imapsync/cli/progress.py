"""
Telling how far all has come, from time to time: L{Showing}.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol

from twisted.internet.task import LoopingCall

from imapsync.cli.terminal import emit
from imapsync.cli.wording import Seen, sentence
from imapsync.errors import StateError
from imapsync.log import Log
from imapsync.run.progress import Paces, Progress
from imapsync.run.status import SyncState

#: So many seconds after another, a line is logged.
EVERY = 30.0

#: There is something to tell in these; and for a live one, in the first few only.
_WORKING = frozenset(
    (
        *(SyncState.NEW, SyncState.QUEUED, SyncState.CROWDED, SyncState.CONNECTING),
        SyncState.FIRST_SYNC,
        *(SyncState.SYNCING, SyncState.AGAIN, SyncState.BACKING_OFF),
    )
)
_EARLY = _WORKING - {SyncState.SYNCING, SyncState.AGAIN, SyncState.CROWDED}

#: In these, nothing is done that a line in a log is worth.
_IDLE = frozenset(
    (
        *(SyncState.NEW, SyncState.QUEUED, SyncState.CROWDED, SyncState.CONNECTING),
        SyncState.BACKING_OFF,
    )
)


class Account(Protocol):
    """
    What is looked at: a service.
    """

    @property
    def state(self) -> SyncState:
        """
        What it is doing.
        """

    @property
    def progress(self) -> Progress:
        """
        How far it has come.
        """


class Way(Protocol):
    """
    How it is told.

    @cvar interval: so many seconds after another.
    """

    interval: float

    def show(self, accounts: Sequence[Seen]) -> None:
        """
        So it is now.
        """

    def end(self) -> None:
        """
        Nothing more is to be told.
        """


class Lines:
    """
    A line in the log of each account.
    """

    interval = 5.0

    def __init__(self) -> None:
        self._due = EVERY

    def show(self, accounts: Sequence[Seen]) -> None:
        """
        So it is now.
        """
        latest = max((one.seconds for one in accounts), default=0.0)
        if latest < self._due:
            return
        self._due += EVERY
        for one in accounts:
            if one.state not in _IDLE:
                log = Log("imapsync.progress", label=one.name)
                log.info("{text}", text=sentence(one))

    def end(self) -> None:
        """
        Nothing more is to be told.
        """


class Documents:
    """
    A line for machines on standard output, where something has changed.

    @param path: tells that of an account's configuration.
    """

    interval = 1.0

    def __init__(self, path: Callable[[str], str]) -> None:
        self._path = path
        self._told: dict[str, tuple[SyncState, Progress]] = {}

    def show(self, accounts: Sequence[Seen]) -> None:
        """
        So it is now.

        @raise StateError: standard output takes none.
        """
        # Imported here, because few ask for it.
        from imapsync.run.document import progressed

        for one in accounts:
            told = one.state, one.progress
            if self._told.get(one.name) != told:
                self._told[one.name] = told
                config = self._path(one.name)
                emit(progressed(one.name, config, one.seconds, *told, one.pace))

    def end(self) -> None:
        """
        Nothing more is to be told.
        """


class Showing:
    """
    Tells in one of these ways, until it is stopped, or all accounts are done.

    @param clock: tells the time.
    @param accounts: yields them, by name.
    @param live: whether only their first sync is told of.
    @param since: when the work began, as the clock tells it.
    """

    log = Log()

    def __init__(
        self,
        clock: Any,
        way: Way,
        accounts: Callable[[], Iterable[tuple[str, Account]]],
        live: bool,
        since: float,
    ) -> None:
        self._clock = clock
        self._way = way
        self._accounts = accounts
        self._states = _EARLY if live else _WORKING
        self._began = since
        self._paces: dict[str, Paces] = {}
        self._over: set[str] = set()
        self._call = LoopingCall(self._tick)
        self._call.clock = clock

    def start(self) -> None:
        """
        Begin.
        """
        self._call.start(self._way.interval).addErrback(self._failed)

    def stop(self) -> None:
        """
        Tell nothing more.
        """
        if self._call.running:
            self._call.stop()
            self._way.end()

    def _tick(self) -> None:
        seen = [*self._seen(self._clock.seconds())]
        try:
            self._way.show(seen)
        except StateError as error:
            self.stop()
            self.log.warn("Progress is not told any more: {error}", error=error)
        if not seen:
            self.stop()

    def _seen(self, now: float) -> Iterable[Seen]:
        for name, account in self._accounts():
            state = account.state
            if state not in self._states:
                self._over.add(name)
            if name in self._over:
                continue
            progress = account.progress
            pace = self._paces.setdefault(name, Paces()).take(now, progress)
            yield Seen(name, state, progress, pace, now - self._began)

    def _failed(self, failure: Any) -> None:
        self._way.end()
        self.log.failure("Progress is not told any more.", failure)


def wayFor(asked: str, path: Callable[[str], str], asking: Collection[str] = ()) -> Way:
    """
    How to tell it.

    @param asked: what the user wants: C{auto}, C{bar}, C{log} or C{json}.
    @param path: as for L{Documents}.
    @param asking: as for L{imapsync.cli.bar.Bar}.
    """
    if asked == "json":
        return Documents(path)
    if asked == "log":
        return Lines()
    why = _obstacle()
    if not why:
        try:
            from imapsync.cli.bar import Bar

            return Bar(asking)
        except ImportError:
            why = "that needs rich: pip install 'imapsync[progress]'"
    if asked == "bar":
        Log().warn("There is no progress bar, but lines in the log: {why}", why=why)
    return Lines()


def _obstacle() -> str:
    """
    Why nothing can be drawn; nothing, if it can.
    """
    # Here, because it would take time where nothing is shown.
    from os import environ

    if sys.stderr is None or not sys.stderr.isatty():
        return "standard error is no terminal"
    if environ.get("TERM", "dumb") in ("dumb", "unknown", ""):
        return "the terminal can only write line after line (TERM)"
    return ""
