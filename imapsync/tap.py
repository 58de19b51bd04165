"""
C{twistd imapsync}: the same service as the command runs.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from typing import Any

from twisted.application.service import IService
from twisted.logger import Logger
from twisted.python import usage

from imapsync import config
from imapsync.errors import ImapSyncError, UsageError
from imapsync.options import HELP, SYNOPSIS, Request, parse
from imapsync.service import Outcome, SyncService
from imapsync.session import Wish

_log = Logger()


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
        except UsageError as error:
            _exit(error)

    def getUsage(self, width: int | None = None) -> str:
        """
        The help text.
        """
        return HELP


def makeSync(request: Request, settings: config.Config, reactor: Any) -> SyncService:
    """
    The service that does what was asked for.
    """
    wish = Wish(request.mailboxes, request.dryRun, request.allowMassDelete)
    return SyncService(
        settings,
        reactor,
        wish,
        verbose=not request.quiet,
        trace=request.debug,
    )


def makeService(options: Options) -> IService:
    """
    Make the service for twistd, which ends with it.
    """
    from twisted.internet import reactor

    try:
        settings = config.load(
            config.locate(options.request.config, os.environ), os.environ
        )
    except ImapSyncError as error:
        _exit(error)
    service = makeSync(options.request, settings, reactor)

    def finished(outcome: Outcome) -> None:
        if outcome.text:
            _log.error("{text}", text=outcome.text)
        # twistd has no exit code of its own to set.
        atexit.register(_leave, outcome.code)
        if reactor.running:
            reactor.stop()

    service.finished.addCallback(finished)
    return service


def _exit(error: ImapSyncError) -> Any:
    print(f"imapsync: {error}", file=sys.stderr)
    raise SystemExit(error.code)


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
