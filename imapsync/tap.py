"""
C{twistd imapsync}: the same service as the command runs.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from twisted.application.service import IService
from twisted.internet.error import ReactorNotRunning
from twisted.python import usage

from imapsync import config
from imapsync.errors import ImapSyncError
from imapsync.logs import Log
from imapsync.options import HELP, SYNOPSIS, Request, parse
from imapsync.resolving import resolve
from imapsync.service import Outcome
from imapsync.several import Several
from imapsync.signals import obey
from imapsync.terminal import complain

_log = Log()


class Options(usage.Options):
    """
    The command line behind C{twistd imapsync}.

    @ivar request: what it asks for.
    """

    request: Request
    synopsis = SYNOPSIS

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """
        Understand the arguments.
        """
        try:
            self.request = parse(options or ())
        except ImapSyncError as error:
            _exit(error)

    def getUsage(self, width: int | None = None) -> str:
        """
        The help text.
        """
        return HELP


def makeService(options: Options) -> IService:
    """
    Make the service for twistd, which ends with it.
    """
    from twisted.internet import reactor

    request = options.request
    try:
        configs = config.loadAll(request.configs, os.environ)
    except ImapSyncError as error:
        _exit(error)

    def ended(name: str, outcome: Outcome) -> None:
        if outcome.text:
            text = f"{name}: {outcome.text}" if name else outcome.text
            _log.error("{text}", text=text)

    def finished(code: int) -> None:
        # twistd has no exit code of its own to set.
        atexit.register(_leave, code)
        reactor.callWhenRunning(_stop, reactor)

    resolve(reactor)
    several = Several(request, configs, os.environ, reactor, ended)
    several.finished.addCallback(finished)
    if request.live:
        reactor.callWhenRunning(obey, several, reactor)
    return several


def _stop(reactor: Any) -> None:
    with suppress(ReactorNotRunning):  # a signal is stopping it already
        reactor.stop()


def _exit(error: ImapSyncError) -> NoReturn:
    complain(str(error))
    raise SystemExit(error.code)


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
