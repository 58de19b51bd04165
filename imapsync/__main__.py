"""
The command C{imapsync}.

What a wrong option needs is imported first, what a configuration needs when there is
one to be read, a reactor only when there is work to do.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from imapsync.cli import options, signals, terminal
from imapsync.errors import ImapSyncError, Lost

if TYPE_CHECKING:
    from imapsync.cli.authorize import Authorization
    from imapsync.cli.logfile import LogFiles
    from imapsync.config.settings import Config
    from imapsync.imap.plain import Begun
    from imapsync.model import Side
    from imapsync.run.look import Looked
    from imapsync.service import Outcome
    from imapsync.several.lists import Lists
    from imapsync.several.services import Several

    Configs = Mapping[str, Config]

#: What an ordinary run imports first, in its order; the largest in pieces.
_AHEAD = (
    *"incremental zope.interface attr threading pickle html email.parser".split(),
    *"http.client tempfile urllib.request twisted.python.compat".split(),
    *"twisted.python.failure twisted.internet.interfaces logging asyncio".split(),
    *"twisted.logger twisted.internet.defer twisted.internet.protocol".split(),
    *"twisted.internet.address twisted.internet.task twisted.internet.tcp".split(),
    *"twisted.internet.unix twisted.internet.posixbase".split(),
    *"twisted.application.service twisted.cred.credentials".split(),
    *"twisted.mail.imap4 imapsync.imap.client imapsync.mailbox.context".split(),
    *"imapsync.accounts.session imapsync.several.services".split(),
)

#: The garbage collector looks when there are so many more things than before; by
#: itself, it would at 700.
_SELDOM = 20_000


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
    # All is closed.  Python would go on and take apart all that was imported.
    os._exit(code)


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
    if line.init is not None:
        return _make(line, force)
    from imapsync.several.lists import Lists

    lists = Lists(line, os.environ)
    configs = lists.load(terminal.complain)
    if line.request.status:
        from imapsync.cli.status import tell

        return max(tell(line, configs), lists.code)
    from imapsync.cli.logfile import LogFiles, entry

    with closing(LogFiles(_logfiles(configs))) as logs, _sparing(line, configs):
        with _keeping():
            looked = _looked(line, configs)
        if looked is None or not looked.summary:
            begun = looked.connections if looked else {}
            return _serve(line, lists, configs, begun, logs, force, hangup)
        alerts = (f"warn: {text}" for text in looked.alerts)
        for text in (*alerts, *(() if line.quiet else looked.summary)):
            logs.files[""].write(entry(time.time(), text))
        return 0


def _make(line: options.CommandLine, force: Callable[[], None]) -> int:
    """
    Make a configuration.

    @param force: see L{signals.end}.
    """
    from twisted.internet import reactor
    from twisted.logger import globalLogBeginner

    from imapsync.cli import init
    from imapsync.cli.logfile import standardError
    from imapsync.cli.observers import AccountObserver
    from imapsync.cli.resolver import resolve

    least = "debug" if line.debug else "warn"
    observer = AccountObserver({}, standardError(), least, bool(line.debug))
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    resolve(reactor)
    return init.begin(reactor, line, os.environ, force)


def _logfiles(configs: Configs) -> Mapping[str, str | None]:
    return {name: settings.logfile for name, settings in configs.items()}


def _serve(
    line: options.CommandLine,
    lists: Lists,
    configs: Configs,
    connections: Mapping[Side, Begun],
    logs: LogFiles,
    force: Callable[[], None],
    hangup: bool,
) -> int:
    """
    Run the services until all have finished.

    @param connections: those to go on with.
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
        from imapsync.imap.connect import adopting
        from imapsync.several.services import Several

    least = "debug" if line.debug else "warn" if line.quiet else "info"
    observer = AccountObserver(logs.files, standardError(), least, bool(line.debug))
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)

    def ended(name: str, outcome: Outcome) -> None:
        file = logs.files[name]
        if outcome.failure is not None and line.debug:
            file.write(traceback(outcome.failure))
        if outcome.text:
            text = f"{name}: {outcome.text}" if name else outcome.text
            if file.name is not None:
                Logger("imapsync").error("{text}", text=text, account=name)
            terminal.complain(text)

    def follow(configs: Configs) -> None:
        logs.follow(_logfiles(configs))

    def warn(text: str) -> None:
        Logger("imapsync").warn("{text}", text=text)

    steady(reactor)
    resolve(reactor)
    access = {
        side: adopting(reactor, connection) for side, connection in connections.items()
    }
    service: Several | Authorization
    if line.request.authorize is not None:
        service = _authorization(line, configs, reactor, ended)
    else:
        service = several = Several(
            *(line, configs, os.environ, reactor, ended, lists.source(reactor, warn)),
            *(follow, access, terminal.show),
        )
        if line.request.live:
            several.listen()
            reactor.callWhenRunning(signals.obey, several, reactor, hangup, logs.reopen)
    codes: list[int] = []

    def finished(code: int) -> None:
        codes.append(code)
        signals.stop(reactor)

    service.finished.addCallback(finished)
    reactor.callWhenRunning(signals.end, reactor, force, hangup)
    reactor.callWhenRunning(service.startService)
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()
    [code] = codes
    return code


def _authorization(
    line: options.CommandLine,
    configs: Configs,
    reactor: Any,
    ended: Callable[[str, Outcome], None],
) -> Authorization:
    """
    The service for C{--authorize}.
    """
    from imapsync.cli.authorize import Authorization
    from imapsync.cli.person import Person

    [(name, config)] = configs.items()
    person = Person(reactor, os.environ, None if sys.stdin is None else 0)
    return Authorization(
        *(line.request, config, reactor, person),
        lambda _, outcome: ended(name, outcome),
        line.debug,
    )


def _looked(line: options.CommandLine, configs: Configs) -> Looked | None:
    """
    What a first look finds, if one is taken.
    """
    if line.request.live or line.debug or [*configs] != [""]:
        return None
    from imapsync.run.look import look

    [config] = configs.values()
    return look(config, line.request, _AHEAD)


def _sparing(
    line: options.CommandLine, configs: Configs
) -> AbstractContextManager[None]:
    """
    Leave TLS out of all that is imported meanwhile, where a run does not use it: that
    is a quarter of a short one, and Twisted imports it wherever it can be imported.
    """
    encrypted = any(
        server.encrypted or server.oauth2 is not None
        for settings in configs.values()
        for server in settings.servers.values()
    )
    used = line.request.live or line.request.admin or encrypted
    return nullcontext() if used else _without("OpenSSL", "ssl")


class _Without(NamedTuple):
    """
    Finds no module of these names, and says so: a finder as C{sys.meta_path} has them.
    """

    names: tuple[str, ...]

    def find_spec(self, name: str, *_: object) -> None:
        """
        Look for a module.
        """
        if name in self.names:
            raise ModuleNotFoundError(f"{name} is left out", name=name)


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """
    Meanwhile, have modules not be there for what can do without them.
    """
    finder = _Without(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextmanager
def _keeping() -> Iterator[None]:
    """
    Have the garbage collector not look at what is imported meanwhile, neither now
    nor later: nearly all of it stays to the end, and to search it time and again
    would be a tenth of a short run.  Then have it look seldom: what comes and goes
    with each message leaves hardly any garbage of the kind that it is there for.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_SELDOM)
        gc.enable()


if __name__ == "__main__":
    main()
