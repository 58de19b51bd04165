"""
Which accounts a command line is about: those of the configurations that it names, and
those of their lists.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from imapsync.cli.options import CommandLine
from imapsync.config import file
from imapsync.config.accounts import ACCOUNTS
from imapsync.config.limits import Limits
from imapsync.config.section import nearest
from imapsync.config.settings import Config
from imapsync.errors import MailboxError, NotFound, UsageError

if TYPE_CHECKING:
    from imapsync.several.roster import Roster
    from imapsync.several.source import Source

Configs = Mapping[str, Config]
Tell = Callable[[str], None]


#: So many of the wrong rows of a list are told: it may be no list at all.
_TOLD = 100

#: So many of the accounts that there are.
_NAMED = 5


class _Found(NamedTuple):
    """
    What has been read.

    @ivar plain: the configurations without a list.
    """

    plain: Configs
    rosters: tuple[Roster, ...] = ()


class Lists:
    """
    Reads them, at the start and again.
    """

    def __init__(self, line: CommandLine, environ: Mapping[str, str]) -> None:
        self._line = line
        self._environ = environ
        self._before: dict[str, Configs] = {}
        self._said: frozenset[str] = frozenset()
        self._found = _Found({})
        self._leftOut: tuple[str, ...] = ()

    def load(self, tell: Tell) -> Configs:
        """
        All configurations, by the names of their accounts; the name is empty for a
        single one that is from no list.

        @param tell: takes what there is to say of lists.
        @raise NotFound: if a file or an account that is named does not exist.
        @raise ConfigError: if a configuration is wrong, or a list has no account.
        @raise Lost: if a command that lists them does not end.
        @raise UsageError: if there are too many for what is to be done.
        """
        self._found = self._read()
        configs = self._settled(self._found, tell)
        for name in self._line.accounts:
            if name not in configs:
                raise NotFound(_unknown(name, configs))
        chosen = self._chosen(configs)
        request = self._line.request
        single = request.admin is not None or request.authorize is not None
        if single and self._found.rosters and len(chosen) > 1:
            raise UsageError(
                f"there are {len(chosen)} accounts, and that is for a single one: name"
                " it by --account"
            )
        return chosen

    @property
    def code(self) -> int:
        """
        The exit code that is due to what could not be read.
        """
        return MailboxError.code if self._leftOut else 0

    def source(self, reactor: Any, tell: Tell) -> Source:
        """
        How to read them again, and when.

        @param reactor: provides L{IReactorThreads}: a list may be long, and a command
            may take its time.
        """
        # Here, because not all runs need them.
        from twisted.internet.threads import deferToThreadPool

        from imapsync.several.source import Source

        async def read() -> Configs:
            over: list[bool] = []
            try:
                found = await deferToThreadPool(
                    reactor, reactor.getThreadPool(), self._read, lambda: bool(over)
                )
            finally:  # it may have been cancelled
                over.append(True)
            self._found = found
            return self._chosen(self._settled(found, tell))

        def renewed() -> Source:
            return self.source(reactor, tell)

        options = [one.options for one in self._found.rosters]
        work = [one.atWork for one in options if one.atWork is not None]
        host = [one.perHost for one in options if one.perHost is not None]
        usual = Limits()
        limits = Limits(
            min(work, default=usual.atWork), min(host, default=usual.perHost)
        )
        interval = min((one.interval for one in options), default=None)
        return Source(read, interval, limits, self.code, self._leftOut, renewed)

    def _chosen(self, configs: Configs) -> Configs:
        """
        Those that the command line names.
        """
        names = self._line.accounts
        return {
            name: one for name, one in configs.items() if not names or name in names
        }

    def _read(self, stopped: Callable[[], bool] = lambda: False) -> _Found:
        """
        Read all; perhaps in a thread, so that nothing is changed here.
        """
        environ = self._environ
        names = self._line.configs or (None,)
        files = [file.read(file.locate(name, environ)) for name in names]
        templates = [one for one in files if ACCOUNTS in one.sections]
        plain = file.named(
            [file.single(one, environ) for one in files if one not in templates],
            several=bool(templates),
        )
        if not templates:
            return _Found(plain)
        from imapsync.config.listed import Taken
        from imapsync.several import roster  # here, because few have a list

        databases = {os.path.realpath(one.database): a for a, one in plain.items()}
        taken = Taken({*plain}, databases)
        return _Found(
            plain,
            tuple(roster.read(one, environ, taken, stopped) for one in templates),
        )

    def _settled(self, found: _Found, tell: Tell) -> Configs:
        """
        The accounts that there are now: those that are listed, and those that go on
        though they are not.
        """
        configs = dict(found.plain)
        for one in found.rosters:
            configs |= one.configs
        texts: list[str] = []
        before = self._before
        self._before = {}
        for one in found.rosters:
            texts += one.warnings
            kept, said = self._kept(one, before.get(one.key, {}))
            texts += said
            free = _apart(kept, configs)
            configs |= free
            self._before[one.key] = {**one.configs, **free}
        bad = tuple(text for one in found.rosters for text in _bad(one))
        texts += bad
        # Of those that were chosen, all are there.
        self._leftOut = () if self._line.accounts else bad
        for text in texts:
            if text not in self._said:
                tell(text)
        self._said = frozenset(texts)
        return configs

    def _kept(self, one: Roster, before: Configs) -> tuple[Configs, list[str]]:
        """
        The accounts that go on though they are not listed: those whose row is wrong
        now, and those that the brake keeps.

        @return: also what to say of that.
        """
        if not before:
            return {}, []
        from imapsync.config import losses

        misread = {row.name for row in one.bad}.intersection(before)
        if not all(row.name for row in one.bad):
            misread = {*before}  # whose it is cannot be told
        listed = {*one.configs, *misread}
        lost = frozenset[str]()
        if not self._line.allowMassRemoval:
            lost = losses.held(before, listed)
        text = (
            f"{one.where}: {len(lost)} accounts are not listed any more, and only"
            f" {len(listed)} are, which looks like a list that was cut short; none of"
            " them is ended.  If it is meant, start again, or once with"
            " --allow-mass-removal"
        )
        kept = {name: before[name] for name in before if name in misread | lost}
        return kept, [text] if lost else []


def _bad(one: Roster) -> Iterator[str]:
    """
    What to say of the rows that are left out.
    """
    for row in one.bad[:_TOLD]:
        yield f"{one.where}:{row.line}: {row.why}; left out"
    if more := len(one.bad[_TOLD:]):
        yield f"{one.where}: {more} more rows are wrong; left out"


def _apart(kept: Configs, configs: Configs) -> Configs:
    """
    Those of C{kept} that go together with all others: not those that are there under
    another name, such as with a domain now, or without one.
    """
    if not kept:
        return {}
    from imapsync.config.listed import accounts

    databases = {one.database for one in configs.values()}
    known = {accounts(one) for one in configs.values()}
    bare = {_bare(one) for one in known}

    def isApart(one: Config) -> bool:
        which = accounts(one)
        again = which in known or which in bare or _bare(which) in known
        return one.database not in databases and not again

    return {a: one for a, one in kept.items() if a not in configs and isApart(one)}


def _bare(accounts: str) -> str:
    """
    What they are without the domains of their users.
    """
    return re.sub(r"@[\w.-]+", "", accounts)


def _unknown(name: str, configs: Configs) -> str:
    text = f'there is no account "{name}"'
    if [*configs] == [""]:
        return f"{text}: the configuration has no list, so leave --account out"
    guess = nearest(name, configs)
    return f"{text}; {_named(configs, guess)}"


def _named(configs: Configs, guess: str | None) -> str:
    """
    A hint at the names that there are.
    """
    if guess:
        return f"did you mean {guess}?"
    names = ", ".join([*configs][:_NAMED])
    return f"there are {names}{', and more' if len(configs) > _NAMED else ''}"
