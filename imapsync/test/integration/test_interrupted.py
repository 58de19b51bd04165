"""
Runs that end in the middle, and what the next one makes of it.

They end everywhere in turn, or where chance has it: C{IMAPSYNC_SEED} is where
chance begins, and C{IMAPSYNC_INTERRUPTIONS} says how often it is tried.
C{IMAPSYNC_WAYS} says what servers are without.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from itertools import count
from random import Random
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imapsync.errors import StateError
from imapsync.gather import together
from imapsync.model import Side
from imapsync.state.store import Store
from imapsync.test.children import joined
from imapsync.test.integration.ended import killedAtCommit, onFullDisk, started
from imapsync.test.integration.filtered import WAYS
from imapsync.test.integration.inprocess import syncHere
from imapsync.test.integration.interruptions import (
    Place,
    Traffic,
    cut,
    disturbed,
    gone,
    inMessages,
    measured,
    relayed,
)
from imapsync.test.integration.relay import Relay, Way
from imapsync.test.integration.twins import Twins

SEED = int(os.environ.get("IMAPSYNC_SEED", "1"))
INTERRUPTIONS = int(os.environ.get("IMAPSYNC_INTERRUPTIONS", "60"))

#: By so many octets the disk is larger each time.
_PIECE = 20 * 1024

#: So many runs go on at a time; most of them wait to try again.
_AT_ONCE = 10

FEATS = (
    *("copied local to remote", "copied remote to local", "paired by content"),
    *("flagged on local", "flagged on remote"),
    *("expunged on local", "expunged on remote"),
    *("created on local", "created on remote"),
    *(" subscribed on", "unsubscribed on", "moved on", "duplicated on"),
    "renamed from",
)


class CommitCase(TestCase):
    """
    Runs that end at a commit, at each in turn.

    @cvar ways: what servers are without: presets.
    @cvar step: how many commits the next run gets further.
    """

    ways = WAYS
    step = 1
    timeout = 3600

    def _atEach(
        self,
        interrupt: Callable[[Twins, int], Coroutine[Any, Any, int | None]],
        outcome: int,
        merge: bool,
        first: int = 1,
    ) -> Deferred[None]:
        trying = self._tryEach(interrupt, outcome, merge, first)
        return Deferred.fromCoroutine(trying)

    async def _tryEach(
        self,
        interrupt: Callable[[Twins, int], Coroutine[Any, Any, int | None]],
        outcome: int,
        merge: bool,
        first: int,
    ) -> None:
        """
        Interrupt run after run, each a bit later, until one gets through.
        """
        with closing(await disturbed(merge, self.ways)) as original:
            for number in count(first, self.step):
                with closing(original.copied()) as twins:
                    twins.story.append(f"interruption {number}")
                    code = await interrupt(twins, number)
                    twins.expect(code in (0, outcome), f"exit code {code}")
                    await twins.settle(reactor)
                if code == 0:
                    break
        self.assertGreater(number, 10)


class KillTests(CommitCase):
    """
    Tests for processes that are killed at a commit: before every other one, and after
    those in between.
    """

    step = 2

    def test_killedBefore(self) -> Deferred[None]:
        """
        A process that is killed just before a commit leaves nothing that the
        next run does not put right.
        """

        async def kill(twins: Twins, number: int) -> int | None:
            return killedAtCommit(twins.scene, number, after=False)

        return self._atEach(kill, -signal.SIGKILL, merge=False)

    def test_killedAfter(self) -> Deferred[None]:
        """
        Nor does one that is killed just after a commit.
        """

        async def kill(twins: Twins, number: int) -> int | None:
            return killedAtCommit(twins.scene, number, after=True)

        return self._atEach(kill, -signal.SIGKILL, merge=True, first=2)


class CommitTests(CommitCase):
    """
    Tests for commits that fail.
    """

    def test_failed(self) -> Deferred[None]:
        """
        A commit that fails ends the run; the next one goes on from there.
        """

        async def fail(twins: Twins, number: int) -> int:
            patch = self.patch(Store, "_commit", _failing(number))
            run = await syncHere(twins.scene, reactor)
            patch.restore()
            return run.code

        return self._atEach(fail, StateError.code, merge=True)

    def test_fullDisk(self) -> Deferred[None]:
        """
        So it does when the database cannot grow any more.
        """

        async def fill(twins: Twins, number: int) -> int | None:
            return onFullDisk(twins.scene, number * _PIECE)

        return self._atEach(fill, StateError.code, merge=False)


def _failing(number: int) -> Callable[[Store], None]:
    """
    C{Store._commit}, of which the call C{number} fails.
    """
    numbers = count(1)
    commit = Store._commit

    def failing(state: Store) -> None:
        if next(numbers) == number:
            raise StateError("the disk is full")
        commit(state)

    return failing


Choice = Callable[[Traffic], list[Place]]
Interrupt = Callable[[Twins, Relay, Place], Coroutine[Deferred[Any], Any, None]]


class ConnectionTests(TestCase):
    """
    Tests for runs that end, or go on, when a number of octets has gone over
    one of their connections.

    @cvar ways: what servers are without: presets.
    @cvar times: how often that is tried at places that chance has.
    @cvar feats: what is done in a run that nothing interrupts.
    """

    feats: Sequence[str] = FEATS
    ways = WAYS
    times = INTERRUPTIONS
    timeout = 3600

    def test_cut(self) -> Deferred[None]:
        """
        When a connection is cut, the run connects again and goes on.
        """
        return self._atEach(_anywhere(self.times), cut)

    def test_cutInMessage(self) -> Deferred[None]:
        """
        So it is in the middle of a message: a half one is never kept.
        """
        return self._atEach(inMessages, cut)

    def test_gone(self) -> Deferred[None]:
        """
        When a server cannot be reached again, the run ends; the next one goes
        on from there.
        """
        return self._atEach(_anywhere(self.times // 4), gone)

    def test_killed(self) -> Deferred[None]:
        """
        A process may be killed at any time.
        """
        return self._atEach(_anywhere(self.times // 2), _killed)

    def _atEach(self, choose: Choice, interrupt: Interrupt) -> Deferred[None]:
        return Deferred.fromCoroutine(self._tryEach(choose, interrupt))

    async def _tryEach(self, choose: Choice, interrupt: Interrupt) -> None:
        with closing(await disturbed(False, self.ways)) as original:
            slots = DeferredSemaphore(_AT_ONCE)

            def begin(place: Place) -> Deferred[None]:
                return Deferred.fromCoroutine(_interrupted(original, place, interrupt))

            places = choose(await measured(original, self.feats))
            await together([slots.run(begin, place) for place in places])


def _anywhere(times: int) -> Choice:
    def choose(traffic: Traffic) -> list[Place]:
        places = []
        for seed in range(SEED, SEED + times):
            rng = Random(seed)
            side, way = rng.choice(list(Side)), rng.choice(list(Way))
            octets = rng.randrange(1, len(traffic[side][way]))
            places.append(Place(side, way, octets))
        return places

    return choose


async def _interrupted(original: Twins, place: Place, interrupt: Interrupt) -> None:
    with closing(original.copied()) as twins:
        twins.story.append(str(place))
        async with relayed(twins) as relays:
            await interrupt(twins, relays[place.side], place)
        await twins.settle(reactor)


async def _killed(twins: Twins, relay: Relay, place: Place) -> None:
    process = started(twins.scene)
    relay.at(place.way, place.octets, process.kill)
    code = await deferToThread(joined, process)
    twins.expect(code in (0, -signal.SIGKILL), f"exit code {code}")
