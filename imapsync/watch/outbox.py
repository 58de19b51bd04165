"""
Notices on their way: L{Outbox}.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from imapsync.errors import ImapSyncError, Lost
from imapsync.gather import together
from imapsync.log import Log
from imapsync.watch.notification import Notice

#: How long a target rests after it could not be reached, in seconds, by how often that
#: was so in a row; a notice is given up after so many times.
PAUSES = (10.0, 30.0, 60.0, *(300.0,) * 9)


class _Letter(NamedTuple):
    """
    A notice, and whom it is for.

    @ivar tries: how often it was tried.
    """

    notice: Notice
    target: str
    tries: int = 0


class Outbox:
    """
    Delivers notices: only so many at once, those of an account one after the other.
    What cannot be delivered does no harm to anything else, and is logged once.

    No more than one notice of each account waits here: of one that it fails and one
    that it does so no longer, neither is news.

    @param deliver: takes a notice to a target.  Where it fails with L{Lost}, it is
        tried again later.
    @param atOnce: so many are under way at the same time.
    @param each: so many to the same target.
    """

    log = Log()

    def __init__(
        self,
        clock: IReactorTime,
        deliver: Callable[[Notice, str], Awaitable[None]],
        atOnce: int,
        each: int,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._clock = clock
        self._deliver = deliver
        self._atOnce = atOnce
        self._each = each
        self._pauses = pauses
        self._waiting: dict[str, _Letter] = {}
        self._going: dict[str, Deferred[Any]] = {}
        self._busy: Counter[str] = Counter()
        self._rests: dict[str, IDelayedCall] = {}
        self._failures: Counter[str] = Counter()
        self._complaints: dict[str, str] = {}
        self._choosing = self._closed = False

    def put(self, notice: Notice, target: str) -> None:
        """
        Have it delivered.
        """
        if self._closed:
            return
        before = self._waiting.pop(notice.account, None)
        if before is None or before.notice.event is notice.event:
            self._waiting[notice.account] = _Letter(notice, target)
            self._next()

    def forget(self, account: str) -> None:
        """
        What there is to tell of an account is of no use any more.
        """
        self._waiting.pop(account, None)

    def close(self) -> Deferred[list[None]]:
        """
        Deliver nothing more.

        @return: fires when nothing is under way.
        """
        self._closed = True
        self._waiting.clear()
        for call in self._rests.values():
            call.cancel()
        self._rests.clear()
        going = list(self._going.values())
        for one in going:
            one.cancel()
        return together(going)

    def _next(self) -> None:
        """
        Begin with all that can be begun with.
        """
        if self._choosing:  # one was over at once
            return
        self._choosing = True
        while (letter := self._choice()) is not None:
            self._begin(letter)
        self._choosing = False

    def _choice(self) -> _Letter | None:
        """
        The next one, if there is any that can be begun with.
        """
        if len(self._going) >= self._atOnce:
            return None
        for account, letter in self._waiting.items():
            free = self._busy[letter.target] < self._each
            if free and account not in self._going and letter.target not in self._rests:
                return self._waiting.pop(account)
        return None

    def _begin(self, letter: _Letter) -> None:
        self._busy[letter.target] += 1
        going = Deferred.fromCoroutine(self._take(letter))
        self._going[letter.notice.account] = going
        going.addErrback(self._broke).addCallback(self._over, letter)

    def _over(self, _: None, letter: _Letter) -> None:
        del self._going[letter.notice.account]
        self._busy[letter.target] -= 1
        self._next()

    def _broke(self, failure: Failure) -> None:
        self.log.failure("A notice was not delivered.", failure)

    async def _take(self, letter: _Letter) -> None:
        """
        Deliver one.
        """
        target = letter.target
        try:
            await self._deliver(letter.notice, target)
        except CancelledError:
            return
        except Lost as error:
            self._complain(target, str(error))
            self._again(letter)
        except ImapSyncError as error:
            self._complain(target, str(error))
        else:
            self._failures.pop(target, None)
            self._complaints.pop(target, None)

    def _again(self, letter: _Letter) -> None:
        """
        The target could not be reached: nothing is tried there for a while.
        """
        if self._closed:
            return
        account, tries = letter.notice.account, letter.tries + 1
        before = self._waiting.pop(account, None)
        if before is not None and before.notice.event is letter.notice.event:
            letter = before
        elif before is not None:  # neither is news any more
            tries = len(self._pauses)
        if tries < len(self._pauses):
            self._waiting = {account: letter._replace(tries=tries), **self._waiting}
        self._rest(letter.target)

    def _rest(self, target: str) -> None:
        """
        Leave a target alone.
        """
        if target not in self._rests:
            failures = self._failures[target]
            pause = self._pauses[min(failures, len(self._pauses) - 1)]
            self._failures[target] += 1
            self._rests[target] = self._clock.callLater(pause, self._rested, target)

    def _rested(self, target: str) -> None:
        del self._rests[target]
        self._next()

    def _complain(self, target: str, error: str) -> None:
        if self._complaints.get(target) != error:
            self._complaints[target] = error
            self.log.warn("Not told of an account: {error}", error=error)
