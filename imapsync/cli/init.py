"""
C{--init}: make a configuration.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from imapsync.cli import given, signals, terminal
from imapsync.cli.given import Given, Options
from imapsync.cli.interview import Interview, Made, Net
from imapsync.cli.login import loggedIn
from imapsync.cli.options import CommandLine
from imapsync.cli.person import Person
from imapsync.config import draft, file, mapping, server, settings
from imapsync.config.paths import Files
from imapsync.config.server import ServerConfig
from imapsync.config.settings import GRAMMAR
from imapsync.discovery.address import Address
from imapsync.discovery.proposal import Proposal
from imapsync.errors import ConfigError, NotMade, UsageError
from imapsync.model import Side
from imapsync.oauth.providers import forHost
from imapsync.system.keyring import Keyring

#: Of a side about which nothing was typed.
_NOTHING = Given("", {})


class Servers:
    """
    The servers that there are.

    @param reactor: connects.
    @param folder: where relative names of files start.
    @param debug: how much IMAP traffic to log: none, all without credentials, or all.
    """

    def __init__(
        self, reactor: Any, environ: Mapping[str, str], folder: str, debug: int
    ) -> None:
        self._reactor = reactor
        self._debug = debug
        self._files = Files(environ, lambda: folder)

    async def find(self, typed: Address) -> Sequence[Proposal]:
        """
        Where the mail of an address may be, the best one first.
        """
        # Imported here because that takes time, and not all need it.
        from imapsync.discovery.documents import Documents
        from imapsync.discovery.greeting import Knocker
        from imapsync.discovery.resolver import Names
        from imapsync.discovery.search import Search
        from imapsync.http.web import Web

        reactor = self._reactor
        documents = Documents(Web(reactor))
        search = Search(reactor, documents, Names(reactor), Knocker(reactor))
        return await search.find(typed)

    async def logIn(self, side: Side, options: Options) -> str:
        """
        Try these options.

        @return: who we are then.
        @raise ImapSyncError: they do not serve.
        """
        return await loggedIn(self._reactor, self._config(side, options), self._debug)

    def _config(self, side: Side, options: Options) -> ServerConfig:
        sections = mapping.sections({str(side): options}, GRAMMAR)
        return server.read(side, sections[str(side)], self._files)


def begin(
    reactor: Any,
    line: CommandLine,
    environ: Mapping[str, str],
    force: Callable[[], None],
) -> int:
    """
    Make the configuration, running C{reactor} meanwhile.

    @param force: see L{signals.end}.
    @return: the exit code.
    @raise ImapSyncError: there is no configuration, and nothing was written.
    @raise KeyboardInterrupt: likewise.
    """
    path = target(line.configs, environ)
    words = given.read(line.init or ())
    somebody = Person(reactor, environ, None if sys.stdin is None else 0)
    person = somebody if somebody.isThere() else None
    checkQuestions(words, person)
    servers = Servers(reactor, environ, os.path.dirname(path), line.debug)
    keyring = Keyring(reactor)
    result = _awaited(
        reactor, force, lambda: make(path, words, person, servers, environ, keyring)
    )
    if not line.quiet:
        terminal.say("\n".join(_told(path, result, line.configs)))
    return 0


def target(configs: Sequence[str], environ: Mapping[str, str]) -> str:
    """
    Where the configuration is to be.

    @raise NotMade: if something is there, or where its passwords would be.
    """
    name = configs[0] if configs else None
    path = os.path.join(os.getcwd(), file.locate(name, environ))
    for one in (path, *(secretPath(path, side) for side in Side)):
        if os.path.lexists(one):
            raise NotMade(file.occupied(one))
    return path


def secretPath(path: str, side: Side) -> str:
    """
    The file for a side's password.
    """
    return f"{path}.{side}.secret"


def checkQuestions(words: Mapping[Side, Given], person: Person | None) -> None:
    """
    @raise UsageError: if there are some, and nobody to answer.
    """
    unknown = [
        str(side)
        for side, one in words.items()
        if not one.where and not {"host", "command"} & {*one.options}
    ]
    if unknown and person is None:
        raise UsageError(
            "--init: without a terminal nobody can be asked; give"
            f" {' and '.join(f'{side}=ADDRESS' for side in unknown)}, and what proves"
            f" the login, such as {unknown[0]}.password-command=COMMAND"
        )


async def make(
    path: str,
    words: Mapping[Side, Given],
    person: Person | None,
    servers: Net,
    environ: Mapping[str, str],
    keyring: Keyring | None = None,
) -> Mapping[Side, Made]:
    """
    Ask, find and try, and write what came of it.
    """
    found: dict[Side, Made] = {}
    for side in Side:
        secret = os.path.basename(secretPath(path, side))
        while side not in found:
            interview = Interview(
                person, servers, _provider, side, words[side], secret, keyring
            )
            found[side] = await interview.made()
            try:
                _check(path, found, environ)
            except ConfigError as error:
                if person is None or words[side] != _NOTHING:
                    raise
                person.say(str(error))
                del found[side]
    text = draft.text({side: one.draft for side, one in found.items()})
    _write(path, text, found)
    return found


def _check(path: str, found: Mapping[Side, Made], environ: Mapping[str, str]) -> None:
    """
    See whether a configuration of both sides, if both are there, is right.

    @raise ConfigError: if not.
    """
    if len(found) < len(Side):
        return
    sections = mapping.sections(
        {str(side): _checked(one) for side, one in found.items()}, GRAMMAR
    )
    settings.read(sections, environ, Files(environ, lambda: os.path.dirname(path)))


def _checked(made: Made) -> Options:
    """
    The options, without a file that is not there yet.
    """
    options = dict(made.draft.options)
    if made.secret:
        del options["password-file"]
    return options


def _write(path: str, text: str, found: Mapping[Side, Made]) -> None:
    """
    Write all files, or none.
    """
    secrets = {
        secretPath(path, side): f"{one.secret}\n"
        for side, one in found.items()
        if one.secret
    }
    written: list[str] = []
    try:
        # The configuration comes last: when it is there, all is.
        for name, content in (*secrets.items(), (path, text)):
            file.create(name, content)
            written.append(name)
    except NotMade:
        for name in written:
            os.unlink(name)
        raise


def _provider(host: str) -> str:
    provider = forHost(host)
    return "" if provider is None else provider.name


def _told(
    path: str, found: Mapping[Side, Made], configs: Sequence[str]
) -> Iterator[str]:
    """
    What to do next.
    """
    named = f" --config={shlex.quote(path)}" if configs else ""
    yield f"Written: {path}"
    for side, one in found.items():
        if one.secret:
            yield f"Written: {secretPath(path, side)}"
    yield "Next:"
    for side, one in found.items():
        if "oauth2" in one.draft.options:
            yield f"  imapsync --authorize={side}{named}"
    yield f"  imapsync --check{named}"
    yield f"  imapsync --oneshot{named}"


def _awaited(
    reactor: Any,
    force: Callable[[], None],
    making: Callable[[], Coroutine[Any, Any, Mapping[Side, Made]]],
) -> Mapping[Side, Made]:
    """
    Run C{reactor} until that is done.
    """
    results: list[Mapping[Side, Made] | Failure] = []

    def ended(result: Mapping[Side, Made] | Failure) -> None:
        results.append(result)
        signals.stop(reactor)

    def start() -> None:
        made = Deferred.fromCoroutine(making())
        reactor.addSystemEventTrigger("before", "shutdown", made.cancel)
        made.addBoth(ended)

    reactor.callWhenRunning(signals.end, reactor, force, True)
    reactor.callWhenRunning(start)
    reactor.run()
    for result in results:
        if not isinstance(result, Failure):
            return result
        if not result.check(CancelledError):
            result.raiseException()
    raise KeyboardInterrupt
