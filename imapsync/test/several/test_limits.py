"""
Tests of how many accounts of a program are at work at once.
"""

from __future__ import annotations

import io
import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.options import parse
from imapsync.config.limits import Limits
from imapsync.config.settings import Config
from imapsync.errors import ConfigError
from imapsync.model import Side
from imapsync.run.sharing import SLOW
from imapsync.run.status import Change, SyncState
from imapsync.run.until import PAUSE
from imapsync.service import Outcome
from imapsync.several.services import Several
from imapsync.several.source import Source
from imapsync.test.fakes.world import Reactor, World

#: Where nobody answers.
DEAF = 9


class Hosts(Reactor):
    """
    Those of a world, and one that does not answer.
    """

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: Any,
        timeout: float = 30,
        bindAddress: Any = None,
    ) -> Any:
        """
        Connect at once, or never.
        """
        if port == DEAF:
            return MemoryReactorClock.connectTCP(
                self, host, port, factory, timeout, bindAddress
            )
        return super().connectTCP(host, port, factory, timeout, bindAddress)


class Counting:
    """
    Watches how many are at work, and at a host.

    @ivar working: the most that were connected and did not just wait for changes.
    @ivar open: the most connections that there were.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: set[str] = set()
        self.working = self.open = 0

    def added(self, name: str, config: Config) -> None:
        """
        An account is there.
        """

    def changed(self, name: str, change: Change) -> None:
        """
        How it stands has changed.
        """
        self._waiting.discard(name)
        if change.after.state is SyncState.WAITING:
            self._waiting.add(name)
        links = sum(link.open for link in self._world.links)
        self.open = max(self.open, links)
        self.working = max(self.working, links // 2 - len(self._waiting))

    def ended(self, name: str, outcome: Outcome) -> None:
        """
        A run has ended.
        """

    def removed(self, name: str) -> None:
        """
        It is gone.
        """


class LimitsTests(SynchronousTestCase):
    """
    Many accounts on two servers in memory.
    """

    def setUp(self) -> None:
        """
        Make the servers.
        """
        self.world = World(self.mktemp())
        self.reactor = Hosts(self.world)
        self.codes: dict[str, int] = {}
        self.renewed: Source | None = None

    def accounts(self, number: int, **changes: object) -> dict[str, Config]:
        """
        So many.
        """
        settings = self.world.settings(**changes)
        return {
            f"{number}": settings._replace(database=f"{self.world.database} {number}")
            for number in range(number)
        }

    def start(
        self, configs: dict[str, Config], limits: Limits, *arguments: str
    ) -> tuple[Several, Counting]:
        """
        Start all.
        """

        async def read() -> dict[str, Config]:
            return configs

        source = Source(read, None, limits)
        several = Several(
            *(parse([*arguments, "--quiet"]), configs, {}, self.reactor),
            lambda name, outcome: self.codes.update({name: outcome.code}),
            source=source._replace(renewed=lambda: self.renewed or source),
        )
        counting = Counting(self.world)
        several.watch(counting)
        several.startService()
        self.world.pump()
        return several, counting

    def stop(self, several: Several) -> None:
        """
        Stop all.
        """
        stopped = several.stopService()
        self.world.pump()
        self.successResultOf(stopped)
        self.successResultOf(several.finished)
        self.assertEqual([], self.reactor.getDelayedCalls())
        self.assertEqual([], [link for link in self.world.links if link.open])

    def states(self, several: Several) -> list[SyncState]:
        """
        Of all.
        """
        return [several.status(name).state for name in several.configs]

    def test_started(self) -> None:
        """
        Not all begin at once; nor do they come back at once where a server was
        restarted.
        """
        several, counting = self.start(self.accounts(20), Limits(3))
        self.assertEqual([SyncState.WAITING] * 20, self.states(several))
        self.assertEqual(3, counting.working)
        for link in list(self.world.links):
            link.end(ConnectionLost())
        self.world.pump()
        self.assertEqual({SyncState.BACKING_OFF}, {*self.states(several)})
        waits = {several.status(name).until for name in several.configs}
        self.assertGreater(len(waits), 10)
        counting.working = 0
        self.reactor.advance(1.5)
        self.world.pump()
        self.assertEqual([SyncState.WAITING] * 20, self.states(several))
        self.assertEqual(3, counting.working)
        self.stop(several)

    def test_changed(self) -> None:
        """
        Nor are all synced at once where something changes in all.
        """
        several, counting = self.start(self.accounts(10), Limits(2))
        counting.working = 0
        several.syncAll()
        self.world.pump()
        self.assertEqual([SyncState.WAITING] * 10, self.states(several))
        self.stop(several)

    def test_oneshot(self) -> None:
        """
        So it is in runs that end; each has its turn, whatever became of the others.
        """
        configs = self.accounts(12)
        for name in ("1", "5"):
            remote = configs[name].servers[Side.REMOTE]
            tls = remote.tls._replace(caFile="/nowhere")
            remote = remote._replace(type="imaps", tls=tls)
            servers = {**configs[name].servers, Side.REMOTE: remote}
            configs[name] = configs[name]._replace(servers=servers)
        several, counting = self.start(configs, Limits(2), "--oneshot")
        self.assertEqual(ConfigError.code, self.successResultOf(several.finished))
        self.assertEqual(10, list(self.codes.values()).count(0))
        self.assertEqual(12, len(self.codes))
        self.assertLessEqual(counting.working, 2)

    def test_check(self) -> None:
        """
        Where both servers are looked at by themselves, no account waits with one of two
        places for the other.
        """
        self.patch(sys, "stdout", io.StringIO())
        for limits in (Limits(16, 1), Limits(1, 1), Limits(1, 2), Limits(2, 3)):
            several, counting = self.start(self.accounts(6), limits, "--check")
            self.assertEqual(0, self.successResultOf(several.finished))
            self.assertLessEqual(counting.open, 2)

    def test_again(self) -> None:
        """
        One that rests between two runs keeps no other account waiting.
        """
        several, counting = self.start(
            self.accounts(5), Limits(2), "--oneshot", "--until=2040-01-01"
        )
        self.assertEqual([SyncState.BACKING_OFF] * 5, self.states(several))
        self.reactor.advance(PAUSE)
        self.world.pump()
        self.assertEqual(20, len(self.world.links))
        self.assertLessEqual(counting.working, 2)
        self.stop(several)

    def test_hosts(self) -> None:
        """
        There are no more connections to a host at once than there may be.
        """
        configs = self.accounts(6, connections=3)
        several, counting = self.start(configs, Limits(16, 5), "--oneshot")
        self.assertEqual(0, self.successResultOf(several.finished))
        self.assertEqual(4, counting.open)

    def test_queued(self) -> None:
        """
        One for which there is no place says so, and comes when another goes.
        """
        several, _ = self.start(self.accounts(3), Limits(16, 4))
        states = self.states(several)
        self.assertEqual(2, states.count(SyncState.WAITING))
        [name] = [
            name
            for name in several.configs
            if several.status(name).state is SyncState.CROWDED
        ]
        several.pause(next(one for one in several.configs if one != name))
        self.world.pump()
        self.assertEqual(SyncState.WAITING, several.status(name).state)
        self.stop(several)

    def test_reloaded(self) -> None:
        """
        When the configuration is read again, that changes as well.  It is said where
        not all accounts have a place.
        """
        with capturedLogs() as events:
            several, _ = self.start(self.accounts(3), Limits(16, 4))
        [told] = [formatEvent(event) or "" for event in events]
        host, _, text = told.partition(": ")
        self.assertEqual("6 connections are to be kept, and", text[:33])
        self.assertIn(host, str(self.accounts(1)))
        self.assertIn(SyncState.CROWDED, self.states(several))
        self.renewed = Source(several._source.read, 900, Limits(16, 6))
        with capturedLogs() as events:
            reloading = Deferred.fromCoroutine(several.reload())
            self.world.pump()
        self.successResultOf(reloading)
        self.assertEqual([SyncState.WAITING] * 3, self.states(several))
        told = " ".join(formatEvent(event) or "" for event in events)
        self.assertNotIn("to be kept", told)
        times = [call.getTime() for call in self.reactor.getDelayedCalls()]
        self.assertIn(self.reactor.seconds() + 900, times)
        self.stop(several)

    def test_crowded(self) -> None:
        """
        All have their turn where neither turns nor places are enough for two.
        """
        several, counting = self.start(self.accounts(6), Limits(1, 2), "--oneshot")
        self.assertEqual(0, self.successResultOf(several.finished))
        self.assertEqual(2, counting.open)
        self.assertEqual({0}, {*self.codes.values()})

    def test_stopped(self) -> None:
        """
        One that waits for its turn may be paused, and ended.
        """
        configs = self.accounts(4)
        for name in configs:
            configs[name] = self.deaf(configs[name])
        several, _ = self.start(configs, Limits(2))
        self.assertEqual(
            [SyncState.CONNECTING] * 2 + [SyncState.QUEUED] * 2, self.states(several)
        )
        several.pause("2")
        self.world.pump()
        self.assertEqual(SyncState.STOPPED, several.status("2").state)
        several.resume("2")
        self.assertEqual(SyncState.QUEUED, several.status("2").state)
        self.stop(several)
        self.assertEqual(dict.fromkeys(configs, 0), self.codes)

    def deaf(self, config: Config) -> Config:
        """
        The same, with a server that does not answer.
        """
        remote = config.servers[Side.REMOTE]._replace(port=DEAF)
        return config._replace(servers={**config.servers, Side.REMOTE: remote})

    def test_deaf(self) -> None:
        """
        Servers that do not answer keep no other account waiting for long.
        """
        configs = self.accounts(12)
        for name in "012345":
            configs[name] = self.deaf(configs[name])
        several, _ = self.start(configs, Limits(2))
        self.assertNotIn(SyncState.WAITING, self.states(several))
        for _ in range(3):
            self.reactor.advance(SLOW)
            self.world.pump()
        self.assertEqual([SyncState.WAITING] * 6, self.states(several)[6:])
        self.stop(several)
