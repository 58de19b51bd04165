"""
One run from its beginning to its end, whatever it is to do: L{Execution}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError, Deferred, fail

from imapsync.accounts.databases import withDatabase
from imapsync.config.settings import Config
from imapsync.errors import ImapSyncError, Lost, StateError
from imapsync.log import account
from imapsync.run.job import Job
from imapsync.run.lifecycle import Outcome, failed
from imapsync.run.oneshot import OneShot
from imapsync.run.status import (
    Standing,
)
from imapsync.state.interface import State
from imapsync.state.store import Store

if TYPE_CHECKING:
    from imapsync.run.checking import Checking
    from imapsync.run.live import Following
    from imapsync.run.until import Repeated


class Execution:
    """
    One run: L{imapsync.run.lifecycle.Run}.

    @param name: the account's, if there are several.
    """

    def __init__(self, job: Job, name: str, standing: Standing) -> None:
        self._job = job
        self._name = name
        self._standing = standing
        self._work: OneShot | Repeated | Following | Checking | None = None
        self._document: Callable[[], Mapping[str, object]] = dict
        self._going = False
        self._stopped = False
        self._queuing: Deferred[None] | None = None
        self._began = job.reactor.seconds()

    def begin(self, over: Callable[[Outcome], None]) -> Deferred[None]:
        """
        Begin.
        """
        return Deferred.fromCoroutine(self._go(over))

    def stop(self) -> None:
        """
        Come to an end.
        """
        self._stopped = True
        if self._queuing is not None:
            self._queuing.cancel()
        if self._work is not None and self._going:
            self._work.stop()

    def syncNow(self) -> Deferred[None]:
        """
        Look at once.
        """
        if self._work is None or not self._going:
            return fail(CancelledError())
        return self._work.syncNow()

    def measure(self) -> None:
        """
        Have it be known how the mailboxes are, if they can be looked at.
        """
        if self._work is not None and self._going:
            with suppress(StateError):  # whoever needs the database will tell
                self._work.measure()

    async def _go(self, over: Callable[[Outcome], None]) -> None:
        outcome = await self._outcome()
        self._job.share.give()
        if self._job.request.json and not self._job.request.live:
            outcome = self._emitted(outcome)
        over(outcome)
        if self._work is not None:
            await self._work.closed()

    def _emitted(self, outcome: Outcome) -> Outcome:
        """
        Tell machines how it ended.

        @return: how it did, after that.
        """
        # Imported here because few ask for it.
        from imapsync.run.document import written

        seconds = self._job.reactor.seconds() - self._began
        try:
            work = self._document()
            self._job.emit(written(self._job, self._name, outcome, seconds, work))
        except Exception as error:  # noqa: BLE001 (so it is in the loop below)
            return failed(error)
        return outcome

    async def _outcome(self) -> Outcome:
        """
        Run, whatever comes of it.
        """
        try:
            return Outcome(await self._code())
        except CancelledError:
            vain = self._readsOnly
            hint = "" if vain else "; the next run goes on from here"
            return Outcome(Lost.code, f"interrupted{hint}")
        except Exception as error:  # noqa: BLE001 (the outermost loop)
            return failed(error)

    async def _code(self) -> int:
        job = self._job
        account.set(self._name)
        for warning in job.config.warnings:
            job.log.warn("{text}", text=warning)
        if not await self._hasTurn():
            return 0
        if self._readsOnly:
            # It believes nothing, and another instance may be at work.
            with closing(Store.unkept()) as state:
                return await self._runWith(job.config, state)
        return await withDatabase(job.config, job.request.dryRun, self._runWith)

    async def _hasTurn(self) -> bool:
        """
        Wait until it may begin; not even a database is open before.

        @return: whether it is to begin at all.
        """
        self._queuing = Deferred.fromCoroutine(self._job.share.begin())
        try:
            await self._queuing
        except CancelledError:
            if not self._job.request.live:
                raise
            return False
        return True

    async def _runWith(self, config: Config, state: State) -> int:
        if self._stopped:  # while it was found that the database before is another's
            if self._job.request.live:
                return 0
            raise CancelledError
        request = self._job.request
        if not (request.dryRun or self._readsOnly or config.presumed):
            state.proveWritable()
        self._work = self._begun(self._job._replace(config=config), state)
        self._going = True
        try:
            try:
                return await self._work.run()
            finally:
                self.measure()
                self._going = False
        except (ImapSyncError, CancelledError):
            raise
        except Exception:
            state.check()  # in a damaged database there may be anything
            raise

    @property
    def _readsOnly(self) -> bool:
        """
        Whether all that is wanted is to know something.
        """
        return self._job.request.verify is not None or self._job.request.check

    def _begun(
        self, job: Job, state: State
    ) -> OneShot | Repeated | Following | Checking:
        if job.request.check:
            from imapsync.run.checking import Checking

            checking = Checking(job, state)
            self._document = checking.document
            return checking
        if not job.request.live:
            once: OneShot | Repeated = OneShot(job, state, self._standing)
            if job.request.until is not None:
                from imapsync.run import until

                once = until.Repeated(job, state, self._standing, job.request.until)
            self._document = once.document
            return once
        # Imported here because its machine takes time to be made, and not
        # everybody is live.
        from imapsync.run.live import Following

        return Following(job, state, self._standing)
