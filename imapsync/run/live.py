"""
Following two servers: what L{imapsync.run.livemachine} decides is done here.
"""

from __future__ import annotations

from random import random

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from imapsync.accounts.history import Glances, History, Named
from imapsync.accounts.mailboxes import Legacy
from imapsync.accounts.session import Session
from imapsync.errors import (
    Denied,
    Expired,
    MissingCapability,
)
from imapsync.mailbox import arrivals, copying, sync  # noqa: F401 (all of one version, whatever is installed later)
from imapsync.mailbox.context import Records
from imapsync.mailbox.notes import Notes
from imapsync.mailbox.report import Report
from imapsync.mailbox.suspects import Suspects
from imapsync.model import Name, Side
from imapsync.plan.brake import Brake
from imapsync.plan.growth import Growth
from imapsync.run.activity import Activity
from imapsync.run.connections import SETTLING, Connections
from imapsync.run.heartbeat import SILENCE, Pulse
from imapsync.run.job import Job
from imapsync.run.listening import Ears
from imapsync.run.livemachine import live
from imapsync.run.pace import Pace
from imapsync.run.retrying import OTHERWISE, Comeback, Renewals, patience
from imapsync.run.status import Standing, SyncState, refusals
from imapsync.state.interface import State

#: An attempt that lasted so many seconds had come somewhere.
STEADY = 60.0


class Following:
    """
    Keeps two accounts equal until it is told to stop:
    L{Effects<imapsync.run.livemachine.Effects>}.

    @param standing: is told how things stand.
    """

    _legacy: Legacy

    def __init__(self, job: Job, state: State, standing: Standing) -> None:
        self._job = job
        self._log = job.log
        self._clock = job.reactor
        self._state = state
        self._standing = standing
        self._machine = live(self, random, self._moved)
        self._activity = Activity(job.reactor, self._failed, self._broken)
        self._pulse = Pulse(job.reactor, self._sent, self._suspended, self._silent)
        self._pace = Pace(job.reactor)
        self._admitted: set[Side] = set()
        self._patience = patience(job, standing, None)
        self._connections = Connections(job, self._admitted)
        self._comeback = Comeback(job.reactor.seconds)
        self._renewals = Renewals(job.reactor)
        self._asked = 0.0
        self._named, self._glances = Named(), Glances()
        self._history = History(self._named, self._glances)
        self._ears = Ears(job)
        self._report = Report()
        self._suspects = Suspects(self._clock.seconds)
        self._growth = Growth(self._clock.seconds)
        self._brake = self._makeBrake(lifted=job.request.allowMassDelete)
        self._wanted: list[Deferred[None]] = []
        self._ended: Deferred[None] = Deferred()
        self._fatal: Failure | None = None
        self._denied: Failure | None = None
        self._proven = False
        self._forgiven = self._begun = self._clock.seconds()
        self._breaks = self._lessons = 0
        self._hastened = False

    # For its owner

    async def run(self) -> int:
        """
        Do it.

        @return: the exit code.
        @raise ImapSyncError: what ended it, or was in its way when it was stopped.
        """
        self._pulse.start()
        self._machine.start()
        await self._ended
        self._fatal = self._fatal or self._denied
        wanted, self._wanted = self._wanted, []
        for one in wanted:
            one.errback(self._fatal or Failure(CancelledError()))
        if self._fatal is not None:
            self._fatal.raiseException()
        return 0

    def stop(self) -> None:
        """
        Come to an end, within four seconds.
        """
        self._machine.stop()

    def closed(self) -> Deferred[None]:
        """
        Wait until no connection is open.
        """
        return self._connections.closed()

    def syncNow(self) -> Deferred[None]:
        """
        Look at once, and try again what was in vain.

        @return: fires when a sync that begins from now on has ended; fails if
            none ever will.
        """
        wanted: Deferred[None] = Deferred(self._wanted.remove)
        self._wanted.append(wanted)
        self._forgive()
        self._suspects.forgive()
        self._hastened = True
        self._machine.news()
        return wanted

    def measure(self) -> None:
        """
        Have it be known how the mailboxes are just now.
        """
        state = self._state
        self._standing.measured(state.mailboxes(), self._report, refusals(state))

    # For the machine: what it wants to have done

    def connect(self) -> None:
        """
        Connect to both servers.
        """
        self._activity.begin(self._connect(), self._machine.connected)

    def sync(self) -> None:
        """
        Make both sides equal.
        """
        promised = list(self._wanted)

        def done() -> None:
            self._machine.synced()
            for one in promised:
                if one in self._wanted:
                    self._wanted.remove(one)
                    one.callback(None)

        self._activity.begin(self._sync(), done)

    def listen(self) -> None:
        """
        Have both servers tell of changes.
        """
        self._activity.begin(self._ears.listen(), self._machine.listening)

    def rest(self) -> None:
        """
        Wait for them.
        """
        self._job.share.rest()
        self._activity.begin(self._rest(), lambda: None)

    def refresh(self) -> None:
        """
        Send something, then look.
        """
        self._activity.begin(self._refresh(), self._machine.news)

    def drop(self) -> None:
        """
        Close what is open, at once.
        """
        self._activity.end()
        self._job.share.give()
        self._connections.abort("given up")

    def leave(self) -> None:
        """
        Take leave of both servers, and close all.
        """
        self._activity.begin(self._connections.leave(), self._machine.closed)

    def abandon(self) -> None:
        """
        Do it without their consent.
        """
        self._connections.abort("no answer to the farewell")

    def end(self) -> None:
        """
        It is over.
        """
        self._activity.end()
        self._pulse.stop()
        self._ended.callback(None)

    def wake(self, seconds: float) -> None:
        """
        After that time, say so.
        """
        if self._standing.state is SyncState.BACKING_OFF:
            settling = SETTLING if self._suspects.breaks > self._breaks else 0.0
            seconds = max(seconds, settling, self._asked)
            self._standing.waits(self._standing.error, seconds)
            self._log.warn(
                "{error}; trying again in {seconds:.0f} s.",
                error=self._standing.error,
                seconds=seconds,
            )
        self._activity.alarm(seconds, self._machine.due)

    def _failed(self, failure: Failure) -> None:
        error = failure.value
        broken = self._suspects.breaks > self._breaks
        if isinstance(error, Expired) and self._renewals.may(self._begun, broken):
            self._machine.expired()
            return
        self._asked = getattr(error, "seconds", 0.0)
        self._standing.failed(str(error))
        if failure.check(*OTHERWISE):
            lasted = self._clock.seconds() - self._begun
            # To know over which message it breaks is to come somewhere.
            learned = self._suspects.lessons > self._lessons
            self._machine.lost(self._report.changes > 0 or learned or lasted >= STEADY)
        elif failure.check(Denied) or (
            self._proven and failure.check(MissingCapability)
        ):
            self._denied = failure
            self._machine.denied()
        else:
            self._broken(failure)

    def _broken(self, failure: Failure) -> None:
        """
        Nothing can be otherwise next time.
        """
        self._fatal = failure
        self._machine.failed()

    def _moved(self, before: str, happened: str, after: str) -> None:
        """
        The machine goes from one state to another.
        """
        if self._job.trace:
            self._log.debug(
                "Live: {before} -- {happened} -> {after}",
                before=before,
                happened=happened,
                after=after,
            )
        if after != before:
            self._standing.moved(after)

    # The work

    async def _connect(self) -> None:
        await self._renewals.settled()
        await self._job.share.begin()
        self._begun = self._clock.seconds()
        self._breaks, self._lessons = self._suspects.breaks, self._suspects.lessons
        self._connections = Connections(
            self._job, self._admitted, self._patience, self._state
        )
        memories = self._named, self._glances, self._suspects.avoided
        self._history = history = History(*memories)
        self._report = self._report.successor()
        self._standing.counts(self._report, self._connections)
        await self._connections.connect()
        clients = self._connections.clients
        known = self._job.config, clients, self._state, self._suspects
        self._legacy = Legacy.of(*known, history, self._job.request.watch)
        self._ears.connected(clients, history, self._state, self._news)
        self._connections.whenLost(lambda error: self._failed(Failure(error)))

    def _makeBrake(self, lifted: bool) -> Brake:
        return Brake(self._state.totalPairs, lifted, self._clock.seconds)

    async def _sync(self) -> None:
        await self._pace.keep()
        await self._job.share.work()
        job, now = self._job, self._clock.seconds()
        if now - self._forgiven >= SILENCE or self._comeback.due:
            self._forgive()
        if self._hastened:
            with self._state.transaction():
                self._state.hasten()
            self._hastened = False
        if self._history.accounts:
            await self._ears.listen()  # again, after an overflow
        report = self._report = self._report.successor()
        self._standing.counts(report, self._connections)
        self._brake.look()
        notes = Notes(acquainted=self._state.totalPairs() > 0)
        records = Records(self._brake, report, notes, self._suspects, self._growth)
        session = Session(
            *(job.config, job.request, self._connections.clients, self._state),
            *(records, None, self._legacy, self._connections),
        )
        try:
            await session.run()
        finally:
            self._connections.release()
            self._tell(report)
        self._proven, self._denied = True, None
        if self._brake.lifted:
            self._brake = self._makeBrake(lifted=False)
        self._settle(report, now)

    async def _rest(self) -> None:
        listeners = self._connections.listeners
        # Not behind what servers answer: one that is gone does not.
        self._activity.alarm(STEADY, self._state.flush)
        if (seconds := self._comeback.left) is not None:
            self._activity.alarm(seconds, self._machine.news)
        if not self._ears.pushed:
            self._activity.alarm(self._job.request.watch, self._machine.news)
        if not await self._ears.attend(listeners, further=False):
            await self._ears.attend(listeners, further=True)

    async def _refresh(self) -> None:
        await self._connections.catchUp()

    # What happens meanwhile

    def _news(self, name: Name | None) -> None:
        """
        A mailbox has changed, or something else has.
        """
        if name is not None:
            self._standing.fell(name)
        self._doubt(name)
        self._machine.news()

    def _sent(self) -> int:
        return self._connections.sent

    def _doubt(self, name: Name | None = None) -> None:
        if self._history.accounts:  # else nothing was asked yet
            self._legacy.listing.doubt(name and [name])

    def _silent(self) -> None:
        if self._report.known:
            self._forgive()
        self._machine.silence()

    def _suspended(self, seconds: float) -> None:
        """
        The computer slept, or the program did: who knows what has happened.
        """
        self._log.info("Nothing was seen for {seconds:.0f} s.", seconds=seconds)
        self._connections.prove()
        self._doubt()
        self._machine.news()

    # What came of it

    def _tell(self, report: Report) -> None:
        for trouble in report.troubles:
            self._standing.fell(trouble.mailbox)
        self._ears.looked(report)
        if self._job.verbose:
            for line in report.lines(totals=False):
                self._log.info("{line}", line=line)

    def _settle(self, report: Report, started: float) -> None:
        """
        A sync that began at C{started} has come to its end.
        """
        troubled = {trouble.mailbox for trouble in report.known}
        names = troubled | self._standing.fallen
        left = frozenset(filter(self._unsettled, names))
        self._comeback.plan(one for one in report.known if one.mailbox in left)
        for name in sorted(report.mended(left)):
            self._log.info("{name}: synced again.", name=name)
        self.measure()
        self._standing.synced(started, left)

    def _unsettled(self, name: Name) -> bool:
        known = self._state.mailbox(name)
        return known is not None and self._history.unsettled(known)

    def _forgive(self) -> None:
        self._forgiven = self._clock.seconds()
        self._history.forgive()
        self._suspects.quotas.forget()
        self._doubt()
