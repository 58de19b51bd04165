"""
Accounts that come and go while others go on, on real servers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from imapsync.cli.options import parse
from imapsync.config import file as config
from imapsync.config.limits import Limits
from imapsync.config.settings import Config
from imapsync.errors import ConfigError
from imapsync.run.status import Change, SyncState
from imapsync.service import Outcome
from imapsync.several.services import Several
from imapsync.several.source import Source
from imapsync.test import children
from imapsync.test.integration.scene import Scene, SceneCase


class Fleet:
    """
    Accounts that are followed, in the process and the reactor of the tests.

    @ivar told: what was told of each.
    @ivar found: which there are when that is read again.
    """

    def __init__(self, found: Mapping[str, Config], limits: Limits) -> None:
        self.found: Mapping[str, Config] | Exception = found
        self.told: list[str] = []
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []
        self.several = Several(
            *(parse(["--quiet", "--progress=none"]), found, {}, reactor),
            lambda name, outcome: None,
            source=Source(self._read, limits=limits),
        )
        self.several.watch(self)
        self.several.startService()

    async def _read(self) -> Mapping[str, Config]:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def state(self, name: str) -> SyncState:
        """
        How an account stands.
        """
        return self.several.status(name).state

    async def wait(self, *names: str) -> None:
        """
        Wait until these rest.
        """
        await self.until(
            lambda: all(self.state(name) is SyncState.WAITING for name in names)
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """
        Wait until that is so, at some change.
        """
        if not condition():
            waiting: Deferred[None] = Deferred()
            self._waiting.append((condition, waiting))
            await waiting.addTimeout(children.PATIENCE, reactor)

    def added(self, name: str, config: Config) -> None:
        """
        An account is there.
        """
        self.told.append(f"{name} added")

    def changed(self, name: str, change: Change) -> None:
        """
        How it stands has changed.
        """
        if change.after.state is not change.before.state:
            self.told.append(f"{name} {change.after.state}")
        for one in list(self._waiting):
            condition, waiting = one
            if condition():
                self._waiting.remove(one)
                waiting.callback(None)

    def ended(self, name: str, outcome: Outcome) -> None:
        """
        A run has ended.
        """
        self.told.append(f"{name} ended {outcome.code}")

    def removed(self, name: str) -> None:
        """
        It is gone.
        """
        self.told.append(f"{name} removed")


class FleetTests(SceneCase):
    """
    Tests of L{Several} with real servers.
    """

    def fleet(self, limits: Limits, **scenes: Scene) -> Fleet:
        """
        Follow these.
        """
        found = {name: self.settings(scene) for name, scene in scenes.items()}
        fleet = Fleet(found, limits)
        self.addCleanup(fleet.several.stopService)
        return fleet

    def settings(self, scene: Scene) -> Config:
        """
        The configuration of one.
        """
        return config.load(str(scene.file), {})

    async def test_come(self) -> None:
        """
        One ends, another comes, a third is another now, and the fourth notices
        nothing: its connections are the same, and bring what happens next.
        """
        scenes = {name: self.scene() for name in "abcd"}
        going, changing, staying, _ = scenes.values()
        fleet = self.fleet(Limits(2), a=going, b=changing, c=staying)
        await fleet.wait("a", "b", "c")
        fleet.told.clear()
        since = fleet.several.status("c").since
        changing.configure({"": {"list-mailbox": "INBOX"}})
        fleet.found = {name: self.settings(scenes[name]) for name in "bcd"}
        await fleet.several.reload()
        await fleet.wait("b", "d")
        self.assertEqual([], [one for one in fleet.told if one.startswith("c")])
        self.assertEqual(since, fleet.several.status("c").since)
        for told in ("a ended 0", "a removed", "b ended 0", "b added", "d added"):
            self.assertEqual(1, fleet.told.count(told), told)
        self.syncs(going)  # its database is free
        staying.local.append("INBOX", b"Subject: new\r\n\r\nx\r\n")
        await fleet.until(lambda: fleet.several.status("c").counters.messages == 1)
        await fleet.wait("c")
        self.assertEqual([], staying.differences())
        self.assertEqual(0, fleet.several.status("c").counters.retries)
        fleet.found = ConfigError("a list: cannot be read")
        await fleet.several.reload()
        self.assertEqual({*"bcd"}, {*fleet.several.configs})
        fleet.found = {}
        await fleet.several.reload()
        self.assertFalse(fleet.several.finished.called)
        await fleet.several.stopService()
        self.assertEqual(0, await fleet.several.finished)

    async def test_paused(self) -> None:
        """
        One that is paused leaves its servers to others, and what happened meanwhile
        goes over when it goes on.
        """
        scene, other = self.scene(), self.scene()
        fleet = self.fleet(Limits(), a=scene, b=other)
        await fleet.wait("a", "b")
        fleet.several.pause("a")
        await fleet.until(lambda: fleet.state("a") is SyncState.STOPPED)
        scene.local.append("INBOX", b"Subject: new\r\n\r\nx\r\n")
        fleet.several.resume("a")
        await fleet.until(lambda: fleet.several.status("a").counters.messages == 1)
        await fleet.wait("a")
        self.assertEqual([], scene.differences())

    def test_summary(self) -> None:
        """
        A run over several accounts tells of all in the end.
        """
        scene, bad = self.scene(), self.scene()
        bad.configure({"remote": {"password": "wrong"}})
        run = scene.sync("--json", f"--config={bad.file}")
        self.assertEqual(77, run.code, run.tail)
        last = json.loads(run.output.splitlines()[-1])
        self.assertEqual(
            ("accounts", 2, 1),
            tuple(last[key] for key in ("kind", "accounts", "succeeded")),
        )
        [failed] = last["failed"]
        self.assertEqual((str(bad.file), 77), (failed["account"], failed["exit"]))
        self.says(run.errors, "1 of 2 accounts failed", str(bad.file))
