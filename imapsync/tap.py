"""
C{twistd imapsync}: the same service as the command runs.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from twisted.application.service import IService
from twisted.python import usage

from imapsync.cli.clock import steady
from imapsync.cli.grammar import HELP, SYNOPSIS
from imapsync.cli.options import CommandLine, parse
from imapsync.cli.resolver import resolve
from imapsync.cli.signals import obey, stop
from imapsync.cli.status import tell
from imapsync.cli.terminal import attended, complain
from imapsync.config.settings import Config
from imapsync.errors import ImapSyncError, UsageError
from imapsync.log import Log
from imapsync.service import Outcome
from imapsync.several.lists import Lists
from imapsync.several.services import Several

_log = Log()


class Options(usage.Options):
    """
    The command line behind C{twistd imapsync}.

    @ivar line: what it asks for.
    """

    line: CommandLine
    synopsis = SYNOPSIS

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """
        Understand the arguments.
        """
        try:
            self.line = parse(options or ())
            if self.line.request.authorize is not None:
                raise UsageError("--authorize is for the command imapsync, not twistd")
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

    line = options.line
    if line.init is not None:
        _exit(UsageError("--init is for the command imapsync"))
    if line.progress in ("auto", "bar"):  # its log may be on the terminal as well
        line = line._replace(progress="log")
    lists = Lists(line, os.environ)
    try:
        configs = lists.load(_warn)
    except ImapSyncError as error:
        _exit(error)
    if line.request.status:
        raise SystemExit(max(tell(line, configs), lists.code))

    def ended(name: str, outcome: Outcome) -> None:
        if outcome.text:
            Log(label=name).error("{text}", text=outcome.text)

    def finished(code: int) -> None:
        # twistd has no exit code of its own to set.
        atexit.register(_leave, code)
        reactor.callWhenRunning(stop, reactor)

    steady(reactor)
    resolve(reactor)
    _follow(configs)
    source = lists.source(reactor, _warn)
    several = Several(line, configs, os.environ, reactor, ended, source, _follow)
    several.finished.addCallback(finished)
    if line.request.live:
        _listen(several)
        # Not before twistd has left its terminal, if it does.
        reactor.callWhenRunning(lambda: obey(several, reactor, attended()))
    return several


def _listen(several: Several) -> None:
    try:
        several.listen()
    except ImapSyncError as error:
        _exit(error)


def _follow(configs: Mapping[str, Config]) -> None:
    """
    Tell of what makes no difference under twistd.
    """
    for settings in configs.values():
        if settings.logfile is not None:
            _log.warn(
                "{path}: logfile has no effect under twistd; see twistd --logfile",
                path=settings.path,
            )


def _warn(text: str) -> None:
    _log.warn("{text}", text=text)


def _exit(error: ImapSyncError) -> NoReturn:
    complain(str(error))
    raise SystemExit(error.code)


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
