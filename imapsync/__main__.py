"""
The command C{imapsync}.

What a wrong option needs is imported first, what a configuration needs when there is
one to be read, a reactor only when there is work to do.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from imapsync.cli import options, signals, terminal
from imapsync.errors import ImapSyncError, Lost

if TYPE_CHECKING:
    from imapsync.cli.logfile import LogFiles
    from imapsync.config.settings import Config

    Configs = Mapping[str, Config]


def main() -> None:
    """
    Run the command, and end the process with its exit code.
    """
    signals.interrupt(partial(signals.force, Lost.code))
    terminal.tolerate()
    try:
        code = run(sys.argv[1:])
    finally:
        terminal.release()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """
    Run the command.

    @return: the exit code.
    """
    live = False
    try:
        line = options.parse(arguments)
        live = line.request.live
        return _run(line)
    except ImapSyncError as error:
        terminal.complain(str(error))
        return error.code
    except KeyboardInterrupt:  # before there is a reactor
        if live:
            return 0
        terminal.complain("interrupted")
        return Lost.code
    except Exception as bug:  # noqa: BLE001 (the outermost of all)
        if "--debug" in arguments:
            terminal.explain(bug)
        terminal.complain(f"internal error: {bug!r}; --debug shows where")
        return ImapSyncError.code


def _run(line: options.CommandLine) -> int:
    live = line.request.live
    force = partial(signals.force, 0 if live else Lost.code)
    hangup = not live or terminal.attended()
    if live:
        signals.passOver()
    signals.interrupt(force, hangup)
    from imapsync.config.file import loadAll

    configs = loadAll(line.configs, os.environ)
    if line.request.status:
        from imapsync.cli.status import tell

        return tell(line, configs)
    from imapsync.cli.logfile import LogFiles

    logs = LogFiles(_logfiles(configs))
    try:
        return _serve(line, configs, logs, force, hangup)
    finally:
        logs.close()


def _logfiles(configs: Configs) -> Mapping[str, str | None]:
    return {name: settings.logfile for name, settings in configs.items()}


def _serve(
    line: options.CommandLine,
    configs: Configs,
    logs: LogFiles,
    force: Callable[[], None],
    hangup: bool,
) -> int:
    """
    Run the services until all have finished.

    @param force: see L{signals.end}.
    @param hangup: likewise.
    """
    with _keeping():
        from twisted.internet import reactor
        from twisted.logger import Logger, globalLogBeginner

        from imapsync.cli.clock import steady
        from imapsync.cli.logfile import standardError
        from imapsync.cli.observers import AccountObserver, traceback
        from imapsync.cli.resolver import resolve
        from imapsync.cli.services import Several
        from imapsync.service import Outcome

    least = "debug" if line.debug else "warn" if line.quiet else "info"
    observer = AccountObserver(logs.files, standardError(), least, bool(line.debug))
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)

    def ended(name: str, outcome: Outcome) -> None:
        if outcome.failure is not None and line.debug:
            logs.files[name].write(traceback(outcome.failure))
        if outcome.text:
            text = f"{name}: {outcome.text}" if name else outcome.text
            if logs.files[name].name is not None:
                Logger("imapsync").error("{text}", text=text, account=name)
            terminal.complain(text)

    def follow(configs: Configs) -> None:
        logs.follow(_logfiles(configs))

    steady(reactor)
    resolve(reactor)
    several = Several(line, configs, os.environ, reactor, ended, follow)
    codes: list[int] = []

    def finished(code: int) -> None:
        codes.append(code)
        signals.stop(reactor)

    several.finished.addCallback(finished)
    if line.request.live:
        reactor.callWhenRunning(signals.obey, several, reactor, hangup, logs.reopen)
    reactor.callWhenRunning(signals.end, reactor, force, hangup)
    reactor.callWhenRunning(several.startService)
    reactor.addSystemEventTrigger("before", "shutdown", several.stopService)
    reactor.run()
    [code] = codes
    return code


@contextmanager
def _keeping() -> Iterator[None]:
    """
    Have the garbage collector not look at what is imported meanwhile, neither now
    nor later: nearly all of it stays to the end, and to search it time and again
    would be a tenth of a short run.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


if __name__ == "__main__":
    main()
