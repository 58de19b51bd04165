"""
What the end of the program waits for: L{awaited}.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorCore

#: So many seconds, at the most: a program is to end within five.
PATIENCE = 3.0


@contextmanager
def awaited(reactor: Any) -> Iterator[None]:
    """
    Have C{reactor}, if it is to stop meanwhile, wait until this is done, but not for
    long.
    """
    clock = reactor
    if not IReactorCore.providedBy(reactor):
        yield
        return
    done: Deferred[None] = Deferred()
    waiting: list[Deferred[None]] = []

    def wait() -> Deferred[None]:
        waiting.append(done)
        # Whoever waits wants to know when, not why.
        return done.addTimeout(PATIENCE, clock).addErrback(lambda _: None)

    trigger = reactor.addSystemEventTrigger("before", "shutdown", wait)
    try:
        yield
    finally:
        if not waiting:
            reactor.removeSystemEventTrigger(trigger)
        elif not done.called:
            done.callback(None)
