"""
One run after the other, until a given time: L{Repeated}.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.task import deferLater

from imapsync.errors import (
    Denied,
    Distrusted,
    ImapSyncError,
    Lost,
    MailboxError,
    MissingCapability,
    ProtocolViolation,
    Refused,
)
from imapsync.log import Log
from imapsync.run.job import Job
from imapsync.run.oneshot import OneShot
from imapsync.run.status import Standing, SyncState
from imapsync.state.interface import State

#: So many seconds are between two runs.
PAUSE = 60.0

#: So many, at the most, after one that failed.
LONGEST = 1800.0

#: What a server may do better the next time, once it has let us in.
_PASSING = (
    *(Denied, Distrusted, MailboxError, MissingCapability),
    *(ProtocolViolation, Refused),
)


class Repeated:
    """
    Runs as of L{OneShot}, each with a pause behind it that grows as long as they fail.
    The last one begins when it is time to end.

    @param until: when that is, in seconds since 1970.
    @cvar now: tells the time of day, as L{time.time} does, which a reactor need not.
    """

    log = Log()

    now = staticmethod(time.time)

    def __init__(
        self, job: Job, state: State, standing: Standing, until: float
    ) -> None:
        self._job = job
        self._state = state
        self._standing = standing
        self._until = until
        self._once = OneShot(job, state, standing)
        self._pausing: Deferred[None] | None = None
        self._stopped = False
        self._worked = False
        self._failed = 0  # in a row

    async def run(self) -> int:
        """
        Do it.

        @return: the exit code of the last run.
        """
        while True:
            code, error = await self._run()
            left = self._until - self.now()
            if left <= 0:
                if error is not None:
                    raise error
                return code
            pause = min(PAUSE * 2.0 ** min(self._failed, 10), LONGEST, left)
            if error is not None:
                self._standing.failed(str(error))
                self._job.log.warn(
                    "{error}; beginning again in {pause:.0f} s.",
                    error=error,
                    pause=pause,
                )
            elif self._job.verbose:
                self._job.log.info("Beginning again in {pause:.0f} s.", pause=pause)
            self._standing.moved(SyncState.BACKING_OFF)
            self._job.share.give()
            await self._once.closed()
            if self._stopped:
                raise CancelledError
            self._pausing = deferLater(self._job.reactor, pause)
            await self._pausing
            self._once = OneShot(self._job, self._state, self._standing)

    async def _run(self) -> tuple[int, ImapSyncError | None]:
        """
        One of them.

        @raise ImapSyncError: another would not come further.
        """
        try:
            code = await self._once.run()
        except ImapSyncError as error:
            if not (
                isinstance(error, Lost)
                or (self._worked and isinstance(error, _PASSING))
            ):
                raise
            self._failed += 1
            return error.code, error
        self._worked = True
        self._failed = self._failed + 1 if code else 0
        return code, None

    def stop(self) -> None:
        """
        Abandon it.
        """
        self._stopped = True
        self._once.stop()
        if self._pausing is not None:
            self._pausing.cancel()

    def closed(self) -> Deferred[None]:
        """
        As L{OneShot.closed}.
        """
        return self._once.closed()

    def syncNow(self) -> Deferred[None]:
        """
        As L{OneShot.syncNow}.
        """
        return fail(CancelledError())

    def measure(self) -> None:
        """
        As L{OneShot.measure}.
        """
        self._once.measure()

    def document(self) -> Mapping[str, object]:
        """
        As L{OneShot.document}: of the last run.
        """
        return self._once.document()
