"""
The command C{imapsync}.

What a wrong option or configuration needs is imported first, a reactor only
when there is work to do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from imapsync import config, options, terminal
from imapsync.errors import ConfigError, ImapSyncError, Lost


def main() -> None:
    """
    Run the command, and end the process with its exit code.
    """
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
    try:
        request = options.parse(arguments)
        settings = config.load(config.locate(request.config, os.environ), os.environ)
        with _logfile(settings.logfile) as file:
            return _serve(request, settings, file)
    except ImapSyncError as error:
        terminal.complain(str(error))
        return error.code
    except KeyboardInterrupt:  # before there is a reactor
        terminal.complain("interrupted")
        return Lost.code


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


def _serve(request: options.Request, settings: config.Config, file: IO[str]) -> int:
    """
    Run the service until it has finished.
    """
    encrypted = any(server.encrypted for server in settings.servers.values())
    if request.oneshot and not encrypted:
        # Twisted imports TLS wherever it can be imported, which takes as long
        # as all that a short run needs besides.
        sys.modules.setdefault("OpenSSL", None)  # type: ignore[arg-type]

    from twisted.internet import reactor
    from twisted.internet.error import ReactorNotRunning
    from twisted.logger import Logger, globalLogBeginner

    from imapsync.logs import TextObserver
    from imapsync.service import Outcome, serviceFor

    least = "debug" if request.debug else "warn" if request.quiet else "info"
    observer = TextObserver(file, least, bool(request.debug))
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    service = serviceFor(request, settings, reactor)
    outcomes: list[Outcome] = []

    def finished(outcome: Outcome) -> None:
        outcomes.append(outcome)
        with suppress(ReactorNotRunning):  # a signal is stopping it already
            reactor.stop()

    service.finished.addCallback(finished)
    reactor.callWhenRunning(service.startService)
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()
    [outcome] = outcomes
    if outcome.failure is not None and request.debug:
        file.write(outcome.failure.getTraceback())
    if outcome.text:
        if settings.logfile is not None:
            Logger("imapsync").error("{text}", text=outcome.text)
        terminal.complain(outcome.text)
    return outcome.code


if __name__ == "__main__":
    main()
