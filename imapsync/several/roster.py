"""
The accounts of one configuration that has a list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from imapsync.config import accounts, file, listed, rows
from imapsync.config.accounts import ACCOUNTS, AccountList
from imapsync.config.listed import AccountTemplate, Taken
from imapsync.config.rows import Bad
from imapsync.config.settings import Config
from imapsync.errors import ConfigError, NotFound
from imapsync.model import Side

Configs = Mapping[str, Config]

#: More octets than any list has: what is larger was named by mistake.
_LARGEST = 16 << 20


class Roster(NamedTuple):
    """
    What came of a list.

    @ivar key: tells it from other ones.
    @ivar where: what it is called.
    @ivar configs: by the names of the accounts.
    @ivar bad: the rows that are left out.
    @ivar warnings: what else there is to say of it.
    """

    key: str
    where: str
    options: AccountList
    configs: Configs
    bad: tuple[Bad, ...]
    warnings: tuple[str, ...]


def read(
    written: file.ConfigFile,
    environ: Mapping[str, str],
    taken: Taken,
    stopped: Callable[[], bool],
) -> Roster:
    """
    Read a list, or have a command write it.

    @param taken: gets what its accounts take.
    @param stopped: whether nobody wants it any more.
    @raise NotFound: if the file cannot be read.
    @raise ConfigError: if the command fails, the template is wrong, or there is no
        account that can be used.
    @raise Lost: if the command does not end.
    """
    files = written.files(environ)
    options = accounts.read(written.sections[ACCOUNTS], files)
    where, data = _text(written, options, stopped)
    table = rows.parse(where, data, options.header)
    template = AccountTemplate(written.sections, table.columns, environ, files)
    found = listed.listed(template, table, taken)
    if not found.configs:
        raise ConfigError(_none(written, where, found.bad))
    # Said once, not by each of them.
    warnings = dict.fromkeys(_warnings(written, options, template, found.configs))
    return Roster(
        written.path,
        where,
        options,
        {name: one._replace(warnings=()) for name, one in found.configs.items()},
        found.bad,
        tuple(warnings),
    )


def _text(
    written: file.ConfigFile, options: AccountList, stopped: Callable[[], bool]
) -> tuple[str, bytes]:
    """
    What the list is called, and what is in it.
    """
    if options.path is not None:
        return options.path, _content(options.path)
    from imapsync.system.listing import output  # here, because it takes time

    line = written.sections[ACCOUNTS].options["list-command"].line
    where = f"{written.path}:{line}: list-command"
    return where, output(options.command or "", where, stopped)


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise NotFound(
            f"{path}: the list of accounts cannot be read: {error.strerror}; see list"
            " in [accounts]"
        ) from None
    if len(data) > _LARGEST:
        raise ConfigError(f"{path}: too large for a list of accounts")
    return data


def _none(written: file.ConfigFile, where: str, bad: tuple[Bad, ...]) -> str:
    """
    What to say of a list of which nothing can be used.
    """
    if not bad:
        return f"{where}: lists no account: write one into each line"
    first = bad[0]
    if first.why.startswith(f"{written.path}:"):  # it is the template that is wrong
        return first.why
    return f"{where}:{first.line}: {first.why}; nor can any other row be used"


def _warnings(
    written: file.ConfigFile,
    options: AccountList,
    template: AccountTemplate,
    configs: Configs,
) -> Iterator[str]:
    """
    What may be repeated among all that is to be said.
    """
    some = next(iter(configs.values()))
    secret = "password" if template.holdsSecrets else file.sharedSecret(some)
    if written.exposed and secret:
        yield file.exposure(written.path, secret)
    if options.path and template.listsSecrets and file.canBeRead(options.path):
        yield file.exposure(options.path)
    for side in Side:
        yield from _mixed(written.path, side, configs)
    for config in configs.values():
        yield from config.warnings
        yield from file.exposures(config)


def _mixed(path: str, side: Side, configs: Configs) -> Iterator[str]:
    """
    A warning if accounts of several users are kept equal to a single one of the other
    side: then all get the mail of all.
    """
    whose: dict[str, list[str]] = defaultdict(list)
    for name, config in configs.items():
        server, other = config.servers[side], config.servers[side.other]
        known = server.command or server.user
        if known and not (server.readOnly or other.readOnly):
            whose[listed.account(server)].append(name)
    names = max(whose.values(), key=len, default=[])
    if len(names) > 1:
        yield (
            f"{path}: [{side}] leads to the same account for {len(names)} accounts of"
            f' the list, such as "{names[0]}" and "{names[1]}": each of them gets the'
            f" mail of all; unless that is meant, put {{user}} where it belongs"
        )
