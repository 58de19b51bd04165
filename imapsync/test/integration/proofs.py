"""
What is to be so whatever two servers are without.

A little of it is tried each time; with C{IMAPSYNC_PAIRS=all}, all.  Then
C{IMAPSYNC_SEED} and C{IMAPSYNC_SEQUENCES} say, as for the model alone, which sequences
of changes there are.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import closing
from itertools import count, cycle
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.trial.unittest import TestCase

from imapsync.accounts import workers
from imapsync.gather import together
from imapsync.test.integration.courier import courierServer
from imapsync.test.integration.cyrus import slashedCyrus
from imapsync.test.integration.dovecot import mdboxServer
from imapsync.test.integration.ended import killedAtCommit
from imapsync.test.integration.interruptions import (
    Place,
    cut,
    disturbed,
    gone,
    inMessages,
    measured,
    phases,
    relayed,
)
from imapsync.test.integration.relay import Relay
from imapsync.test.integration.server import Server
from imapsync.test.integration.test_model import wrongs
from imapsync.test.integration.twins import Twins

#: Whether all is to be tried.
ALL = os.environ.get("IMAPSYNC_PAIRS") == "all"

SEED = int(os.environ.get("IMAPSYNC_SEED", "1"))
SEQUENCES = int(os.environ.get("IMAPSYNC_SEQUENCES", "16"))

Interrupt = Callable[[Twins, Relay, Place], Coroutine[Deferred[Any], Any, None]]

#: So many cuts at a time; most of them wait to connect again.
_AT_ONCE = 10


class PairCase(TestCase):
    """
    Two servers.

    @cvar ways: what the local and the remote one are without: presets.
    @cvar number: of the pair, so that each tries something else where only a little
        is tried.
    """

    ways: Sequence[str]
    number: int
    timeout = 7200

    def setUp(self) -> None:
        """
        Have all connections used that may be.
        """
        self.patch(workers, "MAILBOXES", 1)


class ModelCase(PairCase):
    """
    Accounts are changed at random.

    @cvar servers: make those that are behind, if they are not the usual ones.
    """

    servers: Sequence[Callable[[], Server]] = ()

    async def test_model(self) -> None:
        """
        Both sides become what the model says, while other clients change both now and
        then; and a second run changes nothing.
        """
        seeds = range(SEED, SEED + SEQUENCES) if ALL else [self.number]
        servers = [make() for make in self.servers]
        if failures := await wrongs(seeds, self.ways, servers):
            self.fail(f"{self.ways}: {failures}")


class CyrusCase(ModelCase):
    """
    One of them is a Cyrus.
    """

    servers = (slashedCyrus, mdboxServer)


class CourierCase(ModelCase):
    """
    One of them is a Courier, which has no more than that.
    """

    servers = (courierServer, mdboxServer)


class KillCase(PairCase):
    """
    Processes are killed; others change both sides before the next one runs.
    """

    async def test_killed(self) -> None:
        """
        Killed just before or after a commit, each in turn, a run leaves nothing that
        the next one does not put right.
        """
        with closing(await disturbed(bool(self.number % 2), self.ways)) as original:
            for number in self._commits():
                with closing(original.copied()) as twins:
                    twins.story.append(f"killed at commit {number}")
                    after = bool((number + self.number) % 2)
                    code = killedAtCommit(twins.scene, number, after)
                    twins.expect(code in (0, -signal.SIGKILL), f"exit code {code}")
                    twins.meddle()
                    await twins.settle(reactor)
                if code == 0:
                    break

    def _commits(self) -> Iterable[int]:
        return count(1) if ALL else [2 + 5 * self.number]


class CutCase(PairCase):
    """
    Connections are cut; others change both sides before the next run.
    """

    async def test_cut(self) -> None:
        """
        Connections are cut behind a command of each kind, before the answer to one,
        and within messages; the run goes on, or the next one does.
        """
        with closing(await disturbed(False, self.ways)) as original:
            traffic = await measured(original, ())
            places = [*phases(traffic), *inMessages(traffic)]
            if not ALL:
                places = [places[7 * self.number % len(places)]]
            slots = DeferredSemaphore(_AT_ONCE)
            ends = cycle([cut, gone])

            def begin(place: Place) -> Deferred[None]:
                return Deferred.fromCoroutine(_interrupted(original, place, next(ends)))

            await together([slots.run(begin, place) for place in places])


async def _interrupted(original: Twins, place: Place, interrupt: Interrupt) -> None:
    with closing(original.copied()) as twins:
        twins.story.append(f"{place}, {interrupt.__name__}")
        async with relayed(twins) as relays:
            await interrupt(twins, relays[place.side], place)
        twins.meddle()
        await twins.settle(reactor)
