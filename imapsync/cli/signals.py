"""
What signals mean.

SIGINT and SIGTERM end the program; so does SIGHUP, unless the program is live and
has no terminal that could hang up: then it is to read the configuration again.
SIGUSR1 says to one that is live that it is to sync now.

What was ignored when the program began stays ignored, as C{nohup} and a shell's C{&}
want it; all but SIGTERM.

They may come before anything has begun: no import here takes time.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from twisted.python.failure import Failure

_ENDS = (signal.SIGINT, signal.SIGTERM)
_REQUESTS = (signal.SIGHUP, signal.SIGUSR1)

#: What is not closed after so many seconds is left as it is.
_PATIENCE = 4.2


class Live(Protocol):
    """
    What is live, and can be asked for something.
    """

    async def reload(self) -> None:
        """
        Read the configuration again.
        """

    def syncAll(self) -> None:
        """
        Sync now.
        """

    def failed(self, failure: Failure) -> None:
        """
        Hear of what was asked for, and failed.
        """


def interrupt(force: Callable[[], None], hangup: bool = False) -> None:
    """
    Until there is a reactor, have the first that ends be C{KeyboardInterrupt}.

    @param hangup: whether SIGHUP does.
    @param force: called then in a thread; see L{end}.
    """

    caught: list[int] = []

    def handle(number: int, _: object) -> None:
        if caught:
            return
        caught.append(number)
        _thread.start_new_thread(force, ())
        raise KeyboardInterrupt

    for number in _heeded(_ends(hangup)):
        signal.signal(number, handle)


def passOver() -> None:
    """
    Until L{obey} is called, pass over what asks for something that is about to
    begin anyway.
    """
    for number in _heeded(_REQUESTS):
        signal.signal(number, lambda *_: None)


def obey(
    live: Live,
    reactor: Any,
    hangup: bool = False,
    reopen: Callable[[], None] = lambda: None,
) -> None:
    """
    Take what asks for something, of a program that is live; who took it before,
    such as C{twistd} to begin a new log file, gets it as well.

    @param hangup: whether SIGHUP ends it instead.
    @param reopen: opens files again.
    """
    from twisted.internet.defer import Deferred

    def reload() -> None:
        reopen()
        Deferred.fromCoroutine(live.reload()).addErrback(live.failed)

    hung = partial(stop, reactor) if hangup else reload
    _take(signal.SIGHUP, hung, live, reactor)
    _take(signal.SIGUSR1, live.syncAll, live, reactor)


def end(reactor: Any, force: Callable[[], None], hangup: bool = False) -> None:
    """
    Have the first that ends stop C{reactor}, which would take a second one for an
    error.

    @param hangup: whether SIGHUP does.
    @param force: called then in a thread, for the case that the reactor is held
        up; see L{force}.
    """
    caught: list[int] = []

    def handle(number: int, _: object) -> None:
        if caught:
            return
        caught.append(number)
        try:
            reactor.callFromThread(stop, reactor)
        finally:
            # C{threading} takes locks, and this may interrupt anything.
            _thread.start_new_thread(force, ())

    for number in _heeded(_ends(hangup)):
        signal.signal(number, handle)


def force(code: int) -> None:
    """
    End the program in a few seconds, whatever it is at: it may wait for somebody
    to read what it writes, or for a disk.  Nothing is lost by that, as nothing is
    by a power cut.

    @param code: how it ends.
    """
    import select  # here, because it takes time

    time.sleep(_PATIENCE)
    line = b"imapsync: not all was closed in time; the next run goes on from here\n"
    with suppress(OSError, ValueError):
        if sys.stderr is not None and select.select([], [2], [], 0)[1]:
            os.write(2, line)
    os._exit(code)


def stop(reactor: Any) -> None:
    """
    Stop C{reactor}, unless it is coming to its end already.
    """
    from twisted.internet.error import ReactorNotRunning

    with suppress(ReactorNotRunning):
        reactor.stop()


def _ends(hangup: bool) -> Iterable[signal.Signals]:
    return (*_ENDS, signal.SIGHUP) if hangup else _ENDS


def _heeded(numbers: Iterable[signal.Signals]) -> Iterator[signal.Signals]:
    for number in numbers:
        if number == signal.SIGTERM or signal.getsignal(number) != signal.SIG_IGN:
            yield number


def _take(
    number: signal.Signals, act: Callable[[], None], live: Live, reactor: Any
) -> None:
    from twisted.python.failure import Failure

    before = signal.getsignal(number)

    def handle(caught: int, frame: Any) -> None:
        # A handler may interrupt anything, which must not fail with it.
        try:
            if callable(before):
                before(caught, frame)
        except Exception:  # noqa: BLE001 (whatever it is)
            reactor.callFromThread(live.failed, Failure())
        reactor.callFromThread(act)

    for one in _heeded([number]):
        signal.signal(one, handle)
