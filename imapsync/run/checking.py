"""
A look at both servers before the first run (C{--check}), which changes nothing:
L{Checking}.

Both are asked at the same time.  What is wrong with one keeps nobody from looking at
the other.  No database is made, and one that is there is only asked whose it is: so it
may be done at any time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from itertools import chain

from twisted.internet.defer import CancelledError, Deferred, fail

from imapsync.accounts.databases import candidates
from imapsync.accounts.inspection import Inspected, choose, compare, inspect
from imapsync.config.settings import Config
from imapsync.errors import ImapSyncError, Later, Refused
from imapsync.gather import onBoth, together
from imapsync.imap.backoff import PASSING
from imapsync.imap.client import SyncClient
from imapsync.model import Name, Side, Trouble
from imapsync.run import findings
from imapsync.run.bridge import Bridge
from imapsync.run.findings import Checked, Ledger
from imapsync.run.found import Found, metBy
from imapsync.run.job import Job
from imapsync.state.interface import State
from imapsync.state.store import Store


class Checking:
    """
    A check.

    @param state: one that knows nothing.
    """

    def __init__(self, job: Job, state: State) -> None:
        self._job = job
        self._state = state
        self._ledger = _ledger(job.config)
        self._bridges = {side: Bridge(job, set()) for side in Side}
        self._errors: dict[Side, ImapSyncError] = {}
        self._inspected: dict[Side, Inspected] = {}
        self._selected: dict[Side, frozenset[Name]] = {}
        self._troubles: tuple[Trouble, ...] = ()
        self._error: ImapSyncError | None = None
        self._working: Deferred[None] | None = None

    async def run(self) -> int:
        """
        Do it, and tell what was found.

        @return: the exit code.
        @raise ImapSyncError: what is wrong with the first server with which a run
            would come to nothing.
        """
        self._working = Deferred.fromCoroutine(self._look())
        await self._working
        checked = self._checked()
        job = self._job
        if not job.request.json:
            for text in findings.told(checked, job.verbose):
                job.say(text)
        if checked.failure is not None:
            raise checked.failure
        return 1 if findings.isWrong(checked) else 0

    def stop(self) -> None:
        """
        Abandon it.
        """
        if self._working is not None:
            self._working.cancel()
        for bridge in self._bridges.values():
            bridge.abort("interrupted")

    def closed(self) -> Deferred[None]:
        """
        Wait until no connection is open.
        """
        waiting = [bridge.closed() for bridge in self._bridges.values()]
        return together(waiting).addCallback(lambda _: None)

    def syncNow(self) -> Deferred[None]:
        """
        There is no sync.
        """
        return fail(CancelledError())

    def measure(self) -> None:
        """
        There is nothing to be measured.
        """

    def document(self) -> Mapping[str, object]:
        """
        What it tells machines of what it found.
        """
        from imapsync.run import checked, document

        greeted = {s: c for s, c in self._met.items() if c.state is not None}
        return {
            "servers": document.servers(self._job.config, greeted),
            "octets": sum(bridge.octets for bridge in self._bridges.values()),
            **checked.document(self._checked()),
        }

    async def _look(self) -> None:
        local, remote = (self._bridges[side] for side in Side)
        try:
            await local.enterWith(Side.LOCAL, remote)
            await onBoth(self._inspect)
            await self._compare()
            for bridge in self._bridges.values():
                with suppress(ImapSyncError):
                    await bridge.leave()
        finally:
            for bridge in self._bridges.values():
                bridge.abort("given up")

    async def _inspect(self, side: Side) -> None:
        """
        Look at one server, as far as that goes.
        """
        bridge = self._bridges[side]
        try:
            await bridge.connect([side])
            client = bridge.clients[side]
            self._inspected[side] = await inspect(self._job.config, side, client)
        except ImapSyncError as error:
            self._errors[side] = _meant(error)

    async def _compare(self) -> None:
        """
        Find out what a run would work on.
        """
        config, typed = self._job.config, self._job.request.mailboxes
        clients = {side: self._bridges[side].clients[side] for side in self._inspected}
        try:
            if len(clients) == len(Side):
                known = self._ledger.exists
                plan = await compare(config, typed, clients, self._state, known)
                self._selected = dict.fromkeys(Side, frozenset(plan.mailboxes))
                self._troubles = plan.troubles
            else:
                for side, client in clients.items():
                    wanted = await choose(config, typed, side, client)
                    self._selected[side] = wanted
        except ImapSyncError as error:
            self._error = _meant(error)

    @property
    def _met(self) -> Mapping[Side, SyncClient]:
        """
        The servers that were reached.
        """
        every = (bridge.met.items() for bridge in self._bridges.values())
        return dict(chain.from_iterable(every))

    def _checked(self) -> Checked:
        """
        All that was found.
        """
        config = self._job.config
        found = {}
        for side, server in config.servers.items():
            client = self._met.get(side)
            found[side] = Found(
                server,
                metBy(client) if client else None,
                self._inspected.get(side),
                self._selected.get(side, frozenset()),
                self._errors.get(side),
            )
        return Checked(
            config.path,
            self._ledger,
            self._job.request.watch,
            found,
            self._troubles,
            self._error,
        )


def _meant(error: ImapSyncError) -> ImapSyncError:
    """
    What a run would say.
    """
    passing = isinstance(error, Refused) and error.responseCode in PASSING
    return Later(str(error)) if passing else error


def _ledger(config: Config) -> Ledger:
    """
    Which database a run would go on with.
    """
    path = next(candidates(config)).database
    if not os.path.lexists(path):
        return Ledger(path, False, {})
    return Ledger(path, True, Store.ownersOf(path))
