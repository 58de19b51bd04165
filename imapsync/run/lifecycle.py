"""
When runs begin and end, in whatever order that is asked for.

Each run has its connections and the database to itself: the next one begins when
all of the last is closed.  The states are plain values, which are made at once:
every run needs them, and few have the time to import C{automat}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from imapsync.errors import ImapSyncError
from imapsync.gather import Result


class Outcome(NamedTuple):
    """
    How a run ended.

    @ivar code: the exit code that says so.
    @ivar text: what was wrong, if anything ended the run.
    """

    code: int
    text: str = ""
    failure: Failure | None = None


def failed(error: Exception) -> Outcome:
    """
    What that means for a run which ended with it.
    """
    if isinstance(error, ImapSyncError):
        return Outcome(error.code, str(error), Failure(error))
    text = f"internal error: {error!r}; --debug shows where"
    return Outcome(ImapSyncError.code, text, Failure(error))


class Run(Protocol):
    """
    One run.
    """

    def begin(self, over: Callable[[Outcome], None]) -> Deferred[None]:
        """
        Begin.

        @param over: is told how it ended.
        @return: fires after that, when all is closed.
        """

    def stop(self) -> None:
        """
        Come to an end.
        """


class Idle(NamedTuple):
    """
    Nothing is open.

    @ivar outcome: of the last run, or, before the first, of that.
    """

    outcome: Result[Outcome]


class Running(NamedTuple):
    """
    A run is going on.
    """

    run: Run
    outcome: Result[Outcome]


class Closing(NamedTuple):
    """
    It was told to end, or has ended; not all is closed yet.
    """

    run: Run
    outcome: Result[Outcome]


class Restarting(NamedTuple):
    """
    So it is, and another run is to begin when all is.

    @ivar following: what will come of that.
    """

    run: Run
    outcome: Result[Outcome]
    following: Result[Outcome]


class Lifecycle:
    """
    The runs of a service, one after the other.

    @param make: makes one.
    @param ended: is told how each ended, before all who wait; by then another one
        can be asked for.
    """

    def __init__(
        self, make: Callable[[], Run], ended: Callable[[Outcome], None]
    ) -> None:
        self._make = make
        self._ended = ended
        self._state: Idle | Running | Closing | Restarting = Idle(Result())
        self._closed: Result[None] = Result()

    def start(self) -> None:
        """
        Have a run go on.
        """
        match self._state:
            case Idle(outcome):
                self._begin(Result() if outcome.known else outcome)
            case Closing(run, outcome):
                self._state = Restarting(run, outcome, Result())

    def stop(self) -> Deferred[None]:
        """
        Have none go on.

        @return: fires when all is closed.
        """
        match self._state:
            case Idle():
                return succeed(None)
            case Running(run, outcome):
                self._state = Closing(run, outcome)
                closed = self._closed.wait()
                run.stop()
                return closed
            case Restarting(run, outcome, following):
                # It never begins: what came of the one before is all there is.
                self._state = Closing(run, outcome)
                outcome.wait().addCallback(following.tell)
        return self._closed.wait()

    def whenFinished(self) -> Deferred[Outcome]:
        """
        Wait for the end of the run that goes on, or is about to; or, where none
        is, tell of the last one.
        """
        match self._state:
            case Restarting(following=following):
                return following.wait()
            case state:
                return state.outcome.wait()

    def _begin(self, outcome: Result[Outcome]) -> None:
        run = self._make()
        self._state, self._closed = Running(run, outcome), Result()
        run.begin(self._over).addCallback(self._isClosed)

    def _over(self, outcome: Outcome) -> None:
        result = self._state.outcome
        match self._state:
            case Running(run):
                self._state = Closing(run, result)
        self._ended(outcome)
        result.tell(outcome)

    def _isClosed(self, _: None) -> None:
        closed = self._closed
        match self._state:
            case Restarting(_, _, following):
                self._begin(following)
            case state:
                self._state = Idle(state.outcome)
        closed.tell(None)
