"""
What signals mean to a program that is live: SIGHUP reads the configuration
again, SIGUSR1 syncs now.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from imapsync.several import Several


def obey(several: Several, reactor: Any) -> None:
    """
    Take signals; who took them before, such as C{twistd} to begin a new log
    file, gets them as well.
    """

    def reload() -> None:
        Deferred.fromCoroutine(several.reload()).addErrback(several.failed)

    _take(signal.SIGHUP, reload, reactor)
    _take(signal.SIGUSR1, several.syncNow, reactor)


def _take(number: signal.Signals, act: Callable[[], None], reactor: Any) -> None:
    before = signal.getsignal(number)

    def handle(caught: int, frame: Any) -> None:
        if callable(before):
            before(caught, frame)
        # A handler may interrupt anything.
        reactor.callFromThread(act)

    signal.signal(number, handle)
