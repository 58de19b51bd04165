"""
The command C{imapsync}.

What a wrong option or configuration needs is imported first, a reactor only
when there is work to do.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from imapsync.cli import options, signals, terminal
from imapsync.config import file as config
from imapsync.errors import ConfigError, ImapSyncError, Lost


def main() -> None:
    """
    Run the command, and end the process with its exit code.
    """
    signals.interrupt()
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


def _run(line: options.CommandLine) -> int:
    if line.request.live:
        signals.passOver()
    with ExitStack() as files:
        configs = config.loadAll(line.configs, os.environ)
        logs = {
            name: files.enter_context(_logfile(settings.logfile))
            for name, settings in configs.items()
        }
        return _serve(line, configs, logs)


@contextmanager
def _logfile(name: str | None) -> Iterator[IO[str]]:
    if name is None and sys.stderr is not None:
        yield sys.stderr
        return
    path = Path(name or os.devnull)
    try:
        # It may tell of mailboxes and, if wanted, of passwords.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        file = os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror}; see logfile") from error
    try:
        yield file
    finally:
        with suppress(OSError):  # a full disk is no reason to fail now
            file.close()


def _serve(
    line: options.CommandLine,
    configs: Mapping[str, config.Config],
    files: Mapping[str, IO[str]],
) -> int:
    """
    Run the services until all have finished.

    @param files: where each account's log goes.
    """
    encrypted = any(
        server.encrypted
        for settings in configs.values()
        for server in settings.servers.values()
    )
    if not (line.request.live or line.request.admin or encrypted):
        # Twisted imports TLS wherever it can be imported, which takes as long
        # as all that a short run needs besides.
        sys.modules.setdefault("OpenSSL", None)  # type: ignore[arg-type]

    with _keeping():
        from twisted.internet import reactor
        from twisted.internet.error import ReactorNotRunning
        from twisted.logger import Logger, globalLogBeginner

        from imapsync.cli.clock import steady
        from imapsync.cli.observers import AccountObserver
        from imapsync.cli.resolver import resolve
        from imapsync.cli.services import Several
        from imapsync.service import Outcome

    least = "debug" if line.debug else "warn" if line.quiet else "info"
    observer = AccountObserver(files, sys.stderr, least, bool(line.debug))
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)

    def ended(name: str, outcome: Outcome) -> None:
        if outcome.failure is not None and line.debug:
            files[name].write(outcome.failure.getTraceback())
        if outcome.text:
            text = f"{name}: {outcome.text}" if name else outcome.text
            if configs[name].logfile is not None:
                Logger("imapsync").error("{text}", text=text, account=name)
            terminal.complain(text)

    steady(reactor)
    resolve(reactor)
    several = Several(line, configs, os.environ, reactor, ended)
    codes: list[int] = []

    def finished(code: int) -> None:
        codes.append(code)
        with suppress(ReactorNotRunning):  # a signal is stopping it already
            reactor.stop()

    several.finished.addCallback(finished)
    reactor.callWhenRunning(several.startService)
    reactor.callWhenRunning(signals.endOnce)
    if line.request.live:
        reactor.callWhenRunning(signals.obey, several, reactor)
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
