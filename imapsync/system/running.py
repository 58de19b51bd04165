"""
Running a command for what it does, not for what it writes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imapsync.errors import ConfigError, Distrusted
from imapsync.system.process import Command, Fate, spawn


async def run(
    reactor: Any,
    option: str,
    command: str,
    where: str,
    environ: Mapping[str, str],
    patience: float,
) -> None:
    """
    Run C{command} to its end.

    Its own end is what counts: what it has started may go on.  What it writes on its
    standard error is logged, unless that is much.

    @param reactor: provides L{IReactorProcess}, L{IReactorTime} and L{IReactorCore}.
    @param option: whose the command is.
    @param where: what is put in front of an error.
    @param environ: what it finds in its environment, besides ours.
    @param patience: how many seconds it may take.
    @raise ConfigError: if there is no such command.
    @raise Distrusted: if it fails, or does not come to an end.
    """
    running = _Running(reactor, where)
    whole = {**os.environ, **environ}
    spawn(reactor, running, option, command, where, "r", whole)
    try:
        fate = await running.ended.addTimeout(patience, reactor)
    except defer.TimeoutError:
        raise Distrusted(
            f"{where}: {option} did not end"
            f" within {patience:.0f} seconds{running.words.ended()}"
        ) from None
    if fate.status != 0:
        kind = ConfigError if fate.neverRan else Distrusted
        raise kind(f"{where}: {option} {fate}{running.words.ended()}")


#: So many octets that a command writes on its standard error are logged.
_LOGGED = 4 * 1024


class _Running(Command):
    """
    The command.

    @ivar ended: fires with how it ended.  When it is cancelled, the command is ended.
    """

    def __init__(self, reactor: Any, where: str) -> None:
        super().__init__(reactor, where)
        self.ended: Deferred[Fate] = Deferred(lambda _: self.terminate())
        self._left = _LOGGED

    def connectionMade(self) -> None:
        super().connectionMade()
        self.process.closeStdin()

    def errReceived(self, data: bytes) -> None:
        # What comes to no end fills no log.
        super().errReceived(data[: self._left])
        self._left -= len(data[: self._left])

    def processExited(self, reason: Failure) -> None:
        if not self.ended.called:
            # What it wrote before may be read only now.
            self.later(lambda: self._finish(Fate.of(reason)))

    def processEnded(self, reason: Failure) -> None:
        self._finish(Fate.of(reason))

    def _finish(self, fate: Fate) -> None:
        if self.ended.called and self._family.isLeft():
            return  # they are yet to be ended by force
        self.forgetNext()
        if not self.ended.called:
            self.closePipes()
            self.ended.callback(fate)
