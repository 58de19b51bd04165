"""
Runs of imapsync, each in a process of its own, that something ends.

They are forked from one process that has imported all that they need, but no
reactor: that takes a tenth of the time that a new one would.
"""

from __future__ import annotations

import itertools
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from imapsync.__main__ import run
from imapsync.state.store import Store
from imapsync.test.children import joined, launched, listening
from imapsync.test.integration.scene import Scene

_processes = get_context("forkserver")
_processes.set_forkserver_preload([__name__, "imapsync.service", "imapsync.tap"])


def started(scene: Scene) -> ForkServerProcess:
    """
    A run that somebody else will end.
    """
    return _begun(scene, _run)


def killedAtCommit(
    scene: Scene, number: int, after: bool, command: str = "--oneshot"
) -> int:
    """
    A run that is killed just before, or just after, its commit C{number}.

    @param command: what is asked for.
    @return: its exit code: C{-SIGKILL}, if it got so far.
    """
    return _ended(_begun(scene, _runToCommit, number, after, command=command))


def onFullDisk(scene: Scene, octets: int) -> int:
    """
    A run in which no file can be longer than C{octets}.

    @return: its exit code.
    """
    return _ended(_begun(scene, _runOnFullDisk, octets))


def _begun(
    scene: Scene,
    target: Callable[..., None],
    *values: object,
    command: str = "--oneshot",
) -> ForkServerProcess:
    arguments = [command, f"--config={scene.file}", "--debug"]
    process = _processes.Process(target=target, args=(arguments, *values))
    launched(process)
    return process


def _ended(process: ForkServerProcess) -> int:
    return joined(process)


def _run(arguments: Sequence[str]) -> None:
    listening()
    # A device, which is never full.
    with Path(os.devnull).open("w") as sys.stderr:
        sys.stdout = sys.stderr
        sys.exit(run(arguments))


def _runToCommit(arguments: Sequence[str], number: int, after: bool) -> None:
    numbers = itertools.count(1)
    commit = Store._commit

    def dying(state: Store) -> None:
        last = next(numbers) == number
        if after or not last:
            commit(state)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

    Store._commit = dying  # type: ignore[assignment,method-assign]
    _run(arguments)


def _runOnFullDisk(arguments: Sequence[str], octets: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, octets))
    _run(arguments)
