"""
Live services in the process, and the reactor, of the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, Logger, formatEvent
from zope.interface import provider

from imapsync.config import file as config
from imapsync.config.request import Request
from imapsync.run.status import Change
from imapsync.service import Outcome, SyncService
from imapsync.test.integration.scene import Scene


class Alive:
    """
    C{imapsync --debug}, running.

    @ivar lines: what it has logged.
    """

    def __init__(self, scene: Scene, reactor: Any, watchEvery: float = 60) -> None:
        self.lines: list[str] = []
        self._acts: list[tuple[str, Callable[[], object]]] = []
        self._scene = scene
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []
        settings = config.load(str(scene.file), {})
        request = Request(live=True, watch=watchEvery)
        self.service = SyncService(settings, reactor, request, trace=1)

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            self.lines.append(formatEvent(event) or "")
            self._act(self.lines[-1])

        self.service.log = Logger(observer=observe)
        self.service.observe(self._changed)
        self.service.startService()

    @property
    def state(self) -> str:
        """
        What it is doing.
        """
        return self.service.status.state

    def sent(self, verb: str) -> int:
        """
        How many such commands it has sent.
        """
        return sum(f" {verb}" in line and " > " in line for line in self.lines)

    def at(self, moment: str, act: Callable[[], object]) -> None:
        """
        Do C{act} once, as soon as a line is logged that matches C{moment}.
        """
        self._acts.append((moment, act))

    async def acted(self) -> None:
        """
        Wait until that was done.
        """
        await self.until(lambda: not self._acts)

    async def equal(self) -> None:
        """
        Wait until both sides are, and it rests.
        """
        await self.until(
            lambda: self.state == "waiting" and not self._scene.differences()
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """
        Wait until that is so, at some change of its status.
        """
        if not condition():
            waiting: Deferred[None] = Deferred()
            self._waiting.append((condition, waiting))
            await waiting

    async def stop(self) -> Outcome:
        """
        Stop it.
        """
        await self.service.stopService()
        return await self.service.whenFinished()

    def _act(self, line: str) -> None:
        if self._acts and re.search(self._acts[0][0], line):
            _, act = self._acts.pop(0)
            act()

    def _changed(self, _: Change) -> None:
        for one in list(self._waiting):
            condition, waiting = one
            if condition():
                self._waiting.remove(one)
                waiting.callback(None)
