"""
One thing at a time: what live mode is doing.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

#: What is to be waited for.
Work = Coroutine[Deferred[Any], Any, object]


class Activity:
    """
    Does what it is told last: what was going on before ends, with its alarms.

    @param failed: called with what went wrong, of the latest only.
    @param broken: called when what is called after it fails, or C{failed} does.
    """

    def __init__(
        self,
        clock: IReactorTime,
        failed: Callable[[Failure], None],
        broken: Callable[[Failure], None],
    ) -> None:
        self._clock = clock
        self._failed = failed
        self._broken = broken
        self._going: Deferred[object] | None = None
        self._alarms: list[IDelayedCall] = []
        # Who calls us back knows not for which account.
        self._context = copy_context()

    def begin(self, work: Work, done: Callable[[], None]) -> None:
        """
        Do something instead of what was going on.

        @param done: called when that has come to its end.
        """
        self.end()
        context = self._context.copy()
        going = self._going = context.run(Deferred.fromCoroutine, work)

        def succeeded(_: object) -> None:
            if self._going is going:
                done()

        def failed(failure: Failure) -> None:
            if self._going is going:
                self._failed(failure)

        going.addCallbacks(succeeded, failed)
        going.addErrback(self._broken)

    def end(self) -> None:
        """
        Do nothing.
        """
        going, self._going = self._going, None
        alarms, self._alarms = self._alarms, []
        for alarm in alarms:
            if alarm.active():
                alarm.cancel()
        if going is not None:
            going.cancel()

    def alarm(self, seconds: float, ring: Callable[[], None]) -> None:
        """
        Have C{ring} called after that time, unless something else is done by then.
        """
        self._alarms.append(self._clock.callLater(seconds, ring))
