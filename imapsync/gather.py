"""
Waiting: one for several things at once, and several for one thing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.python.failure import Failure

from imapsync.model import Side

T = TypeVar("T")


class Result(Generic[T]):
    """
    What is known once, for any number who wait for it.
    """

    def __init__(self) -> None:
        self._known: list[T] = []
        self._waiting: list[Deferred[T]] = []

    @property
    def known(self) -> bool:
        """
        Whether nobody need wait any more.
        """
        return bool(self._known)

    def tell(self, value: T) -> None:
        """
        Now it is known.
        """
        self._known.append(value)
        while self._waiting:
            self._waiting.pop(0).callback(value)

    def wait(self) -> Deferred[T]:
        """
        Wait until it is.

        @return: fires with it, each time another one: it may be cancelled.
        """
        one: Deferred[T] = Deferred(self._forget)
        if self._known:
            one.callback(self._known[0])
        else:
            self._waiting.append(one)
        return one

    def _forget(self, one: Deferred[T]) -> None:
        if one in self._waiting:  # else it is just being told
            self._waiting.remove(one)


def together(waiting: Iterable[Deferred[Any]]) -> Deferred[list[Any]]:
    """
    Wait for all of them, whether they succeed or not.

    @return: fires with their results; fails, once all are done, with the
        failure that came first, cancellations aside.  Cancelling it cancels
        all.
    """
    failures: list[Failure] = []

    def failed(failure: Failure) -> Failure:
        failures.append(failure)
        return failure

    def done(results: list[tuple[bool, Any]]) -> list[Any]:
        told = [f for f in failures if not f.check(CancelledError)] or failures
        if told:
            told[0].raiseException()
        return [result for _, result in results]

    several = [one.addErrback(failed) for one in waiting]
    return DeferredList(several, consumeErrors=True).addCallback(done)


def jointly(waiting: Sequence[Deferred[Any]]) -> Deferred[list[Any]]:
    """
    As L{together}; but when one fails, the others are cancelled.
    """

    def giveUp(failure: Failure) -> Failure:
        for one in waiting:
            one.cancel()
        return failure

    return together(one.addErrback(giveUp) for one in waiting)


async def onBoth(
    work: Callable[[Side], Coroutine[Deferred[Any], Any, T]],
    sides: Collection[Side] = tuple(Side),
) -> dict[Side, T]:
    """
    Do the same on both sides at once, or on those of C{sides}.
    """
    waiting = [Deferred.fromCoroutine(work(side)) for side in sides]
    return dict(zip(sides, await together(waiting), strict=True))
