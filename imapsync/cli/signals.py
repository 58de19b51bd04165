"""
What signals mean: to a program that is live, SIGHUP reads the configuration
again, SIGUSR1 syncs now; to any that ends, being told once more means nothing.

They may come before anything has begun: no import here takes time.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imapsync.cli.services import Several

_ENDS = (signal.SIGINT, signal.SIGTERM)


def interrupt() -> None:
    """
    Until there is a reactor, have SIGTERM be what SIGINT is: C{KeyboardInterrupt}.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def passOver() -> None:
    """
    Until L{obey} is called, pass over what asks for something that is about to
    begin anyway.
    """
    for number in (signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)


def obey(several: Several, reactor: Any) -> None:
    """
    Take signals; who took them before, such as C{twistd} to begin a new log
    file, gets them as well.
    """

    from twisted.internet.defer import Deferred

    def reload() -> None:
        Deferred.fromCoroutine(several.reload()).addErrback(several.failed)

    _take(signal.SIGHUP, reload, reactor)
    _take(signal.SIGUSR1, several.syncNow, reactor)


def endOnce() -> None:
    """
    Have who takes the signals to end get the first one only: the reactor takes a
    second one for an error.
    """
    takers: dict[int, Any] = {n: signal.getsignal(n) for n in _ENDS}
    caught: list[int] = []

    def handle(number: int, frame: Any) -> None:
        caught.append(number)
        if len(caught) == 1:
            takers[number](number, frame)

    for number in takers:
        signal.signal(number, handle)


def _take(number: signal.Signals, act: Callable[[], None], reactor: Any) -> None:
    before = signal.getsignal(number)

    def handle(caught: int, frame: Any) -> None:
        if callable(before):
            before(caught, frame)
        # A handler may interrupt anything.
        reactor.callFromThread(act)

    signal.signal(number, handle)
