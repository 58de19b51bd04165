"""
Runs of imapsync in the process, and the reactor, of the tests: ten times as
fast as the command.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from twisted.logger import ILogObserver, LogEvent, Logger, formatEvent
from zope.interface import provider

from imapsync.config import file as config
from imapsync.service import SyncService
from imapsync.test.integration.scene import Run, Scene


async def meddled(
    scene: Scene, reactor: Any, side: str, moment: str, act: Callable[[], Any]
) -> Run:
    """
    Run once, and do C{act} just before a line that matches C{moment} is sent to
    C{side}, or after it was received from there.
    """
    acts = [act]

    def watch(line: str) -> None:
        if acts and re.search(rf"^{side} \(.*?\) {moment}", line):
            acts.pop()()

    run = await syncHere(scene, reactor, watch)
    if acts:
        raise AssertionError(f"{moment} did not come: {run.tail}")
    return run


async def syncHere(
    scene: Scene, reactor: Any, watch: Callable[[str], None] = lambda line: None
) -> Run:
    """
    Run once, as C{imapsync --oneshot --debug} does.

    @param watch: is told each line that is logged, at once: a test can change
        what the accounts hold while they are synced.
    """
    lines: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        lines.append(formatEvent(event) or "")
        watch(lines[-1])

    service = SyncService(config.load(str(scene.file), {}), reactor, trace=1)
    service.log = Logger(observer=observe)
    service.startService()
    outcome = await service.whenFinished()
    lines.append(f"imapsync: {outcome.text}")
    if outcome.failure is not None:
        lines.append(outcome.failure.getTraceback())
    return Run(outcome.code, "", "\n".join(lines))
