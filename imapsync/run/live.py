"""
Following two servers: what L{imapsync.run.livemachine} decides is done here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from random import random
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

import imapsync.mailbox.sync  # noqa: F401 (all of one version, whatever is installed later)
from imapsync.accounts.history import Memory, Named
from imapsync.accounts.identification import Tracer
from imapsync.accounts.listing import Listing
from imapsync.accounts.session import Legacy, Session
from imapsync.errors import (
    ImapSyncError,
    Lost,
    MailboxError,
    ProtocolViolation,
    Refused,
    StateError,
    StateUnavailable,
)
from imapsync.gather import together
from imapsync.imap.client import SyncClient
from imapsync.mailbox.report import Report
from imapsync.model import Known, Name, Side
from imapsync.plan.brake import Brake
from imapsync.run.connections import SETTLING, Connections, Job
from imapsync.run.heartbeat import SILENCE, Pulse
from imapsync.run.listening import Ear
from imapsync.run.livemachine import live
from imapsync.run.status import Standing, SyncStatus
from imapsync.state.interface import State

#: After a suspension, a server that says nothing for so many seconds is gone.
PROOF = 20.0

#: An attempt that lasted so many seconds had come somewhere.
STEADY = 60.0

#: What may be otherwise next time.  A database that was opened becomes
#: unavailable only while another program, such as a backup, has it locked.
_PASSING = (Lost, ProtocolViolation, Refused, MailboxError, StateUnavailable)

_Work = Coroutine[Deferred[Any], Any, object]


class Following:
    """
    Keeps two accounts equal until it is told to stop:
    L{Effects<imapsync.run.livemachine.Effects>}.

    @param changed: called when its status has.
    """

    _legacy: Legacy

    def __init__(self, job: Job, state: State, changed: Callable[[], None]) -> None:
        self._job = job
        self._log = job.log
        self._clock = job.reactor
        self._state = state
        self._changed = changed
        self._machine = live(self, random, self._moved)
        self._pulse = Pulse(job.reactor, self._sent, self._suspended, self._silent)
        self._connections = Connections(job)
        self._named = Named()
        self._memory = Memory(named=self._named)
        self._ears: dict[Side, Ear] = {}
        self._report = Report()
        self._unbraked = job.request.allowMassDelete
        self._going: Deferred[object] | None = None
        self._alarms: list[IDelayedCall] = []
        self._noticed: set[Side] = set()
        self._wanted: list[Deferred[None]] = []
        self._ended: Deferred[None] = Deferred()
        self._fatal: Failure | None = None
        self._standing = Standing(self._clock.seconds)
        self._forgiven = self._begun = self._clock.seconds()
        self._suspects = 0
        self._mailboxes: list[Known] = []
        # Who calls us back knows not for which account.
        self._context = copy_context()

    # For its owner

    async def run(self) -> int:
        """
        Do it.

        @return: the exit code.
        """
        self._pulse.start()
        self._machine.start()
        await self._ended
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
        self._machine.news()
        return wanted

    @property
    def status(self) -> SyncStatus:
        """
        How things stand.
        """
        troubles = dict(sorted(self._report.told.union(self._report.troubles)))
        # A disk that fails ends the work on it; that, too, is told.
        with suppress(StateError):
            self._mailboxes = self._state.mailboxes()
        return self._standing.status(self._mailboxes, troubles)

    # For the machine: what it wants to have done

    def connect(self) -> None:
        """
        Connect to both servers.
        """
        self._begin(self._connect(), self._machine.connected)

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

        self._begin(self._sync(), done)

    def listen(self) -> None:
        """
        Have both servers tell of changes.
        """
        self._begin(self._listen(), self._machine.listening)

    def rest(self) -> None:
        """
        Wait for them.
        """
        self._begin(self._rest(), _nothing)

    def refresh(self) -> None:
        """
        Send something, then look.
        """
        self._begin(self._refresh(), self._machine.news)

    def drop(self) -> None:
        """
        Close what is open, at once.
        """
        self._forget()
        self._connections.abort("given up")

    def leave(self) -> None:
        """
        Take leave of both servers, and close all.
        """
        self._begin(self._connections.leave(), self._machine.closed)

    def abandon(self) -> None:
        """
        Do it without their consent.
        """
        self._connections.abort("no answer to the farewell")

    def end(self) -> None:
        """
        It is over.
        """
        self._forget()
        self._pulse.stop()
        self._ended.callback(None)

    def wake(self, seconds: float) -> None:
        """
        After that time, say so.
        """
        if self._standing.state == "backing off":
            if self._report.broken.total() > self._suspects:
                seconds = max(seconds, SETTLING)
            self._log.warn(
                "{error}; trying again in {seconds:.0f} s.",
                error=self._standing.error,
                seconds=seconds,
            )
        self._alarm(seconds, self._machine.due)

    def _begin(self, work: _Work, done: Callable[[], None]) -> None:
        """
        Do something instead of what was going on.
        """
        self._forget()
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

    def _forget(self) -> None:
        """
        End what is going on.
        """
        going, self._going = self._going, None
        alarms, self._alarms = self._alarms, []
        for alarm in alarms:
            if alarm.active():
                alarm.cancel()
        if going is not None:
            going.cancel()

    def _alarm(self, seconds: float, ring: Callable[[], None]) -> None:
        self._alarms.append(self._clock.callLater(seconds, ring))

    def _failed(self, failure: Failure) -> None:
        self._standing.failed(str(failure.value))
        if failure.check(*_PASSING):
            lasted = self._clock.seconds() - self._begun
            self._machine.lost(self._report.changes > 0 or lasted >= STEADY)
        else:
            self._broken(failure)

    def _broken(self, failure: Failure) -> None:
        """
        Nothing can be otherwise next time.
        """
        self._fatal = failure
        self._machine.failed()

    def _lost(self, error: ImapSyncError) -> None:
        """
        A connection has gone while nothing was asked of it.
        """
        self._failed(Failure(error))

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
            self._changed()

    # The work

    async def _connect(self) -> None:
        self._begun = self._clock.seconds()
        self._suspects = self._report.broken.total()
        self._connections = Connections(self._job)
        self._memory = memory = Memory(named=self._named)
        self._report = self._report.successor()
        await self._connections.connect()
        clients = self._connections.clients
        listing = Listing(self._job.config, clients)
        self._legacy = Legacy(listing, Tracer(clients, self._state), memory)
        self._ears = {
            side: Ear(side, client, memory, self._state, self._news)
            for side, client in clients.items()
        }
        self._connections.whenLost(self._lost)

    async def _listen(self) -> None:
        await together(Deferred.fromCoroutine(e.listen()) for e in self._ears.values())
        for side, ear in self._ears.items():
            if not ear.pushed and side not in self._noticed:
                self._noticed.add(side)
                self._log.info(
                    "{name}: does not push changes in all mailboxes (NOTIFY); it is"
                    " asked every {seconds:g} s.",
                    name=self._connections.clients[side].name,
                    seconds=self._job.request.watch,
                )

    async def _sync(self) -> None:
        job, now = self._job, self._clock.seconds()
        if now - self._forgiven >= SILENCE:
            self._forgive()
        if self._memory.accounts:
            await self._listen()  # again, after an overflow
        report = self._report = self._report.successor()
        brake = Brake(self._state.totalPairs(), self._unbraked)
        session = Session(
            job.config,
            job.request,
            self._connections.clients,
            self._state,
            brake,
            report,
            job.say,
            self._legacy,
            self._connections,
        )
        try:
            await session.run()
        finally:
            self._connections.release()
            self._tell(report)
        self._unbraked = False
        self._settle(report, now)

    async def _rest(self) -> None:
        await together(Deferred.fromCoroutine(e.attend()) for e in self._ears.values())
        if not all(ear.pushed for ear in self._ears.values()):
            self._alarm(self._job.request.watch, self._machine.news)

    async def _refresh(self) -> None:
        clients = self._connections.clients.values()
        await together(client.catchUp() for client in clients)

    # What happens meanwhile

    def _news(self, name: Name | None) -> None:
        """
        A mailbox has changed, or something else has.
        """
        if name is not None:
            self._standing.fell(name)
        self._machine.news()

    def _sent(self) -> int:
        return sum(client.sent for client in self._connections.clients.values())

    def _silent(self) -> None:
        if self._report.told or self._report.troubles:
            self._forgive()
            self._machine.news()
        else:
            self._machine.silence()

    def _suspended(self, seconds: float) -> None:
        """
        The computer slept, or the program did: who knows what has happened.
        """
        self._log.info("Nothing was seen for {seconds:.0f} s.", seconds=seconds)
        for client in self._connections.clients.values():
            self._prove(client)
        self._machine.news()

    def _prove(self, client: SyncClient) -> None:
        """
        Give up a server that is no longer there sooner than otherwise.
        """
        before = client.received

        def judge(failure: Failure) -> None:
            if not failure.check(ImapSyncError) and client.received == before:
                client.abort(Lost(f"{client.name}: gone while nothing was seen"))

        client.catchUp().addTimeout(PROOF, self._clock).addErrback(judge)

    # What came of it

    def _tell(self, report: Report) -> None:
        for name, _ in report.troubles:
            self._standing.fell(name)
        for side, ear in self._ears.items():
            ear.looked(report.carried(side))
        if self._job.verbose:
            for line in report.lines(totals=False):
                self._log.info("{line}", line=line)

    def _settle(self, report: Report, started: float) -> None:
        """
        A sync that began at C{started} has come to its end.
        """
        names = {name for name, _ in report.told} | self._standing.fallen
        left = frozenset(filter(self._unsettled, names))
        for name in sorted(report.mended(left)):
            self._log.info("{name}: synced again.", name=name)
        self._standing.synced(started, left)
        self._changed()

    def _unsettled(self, name: Name) -> bool:
        known = self._state.mailbox(name)
        return known is not None and self._memory.unsettled(known)

    def _forgive(self) -> None:
        self._forgiven = self._clock.seconds()
        self._memory.forgive()


def _nothing() -> None:
    pass
