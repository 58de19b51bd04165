"""
Configuration files: where they are, and what is in them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from imapsync.config import ini, paths, settings
from imapsync.config.accounts import ACCOUNTS
from imapsync.config.paths import Files
from imapsync.config.section import Section
from imapsync.config.server import ServerConfig
from imapsync.config.settings import Config
from imapsync.display import line
from imapsync.errors import ConfigError, NotFound, NotMade

#: More than any configuration has: what is larger was named by mistake.
_LARGEST = 1 << 20


def locate(name: str | None, environ: Mapping[str, str]) -> str:
    """
    The path of the configuration file that C{--config} names, or of the
    default one.  It need not exist.

    @raise ConfigError: if the user has no directory to look for it in.
    """
    files = paths.configurations(environ)
    try:
        if name is not None:
            return files.path(name)
        path = files.path("imapsync")
    except ValueError as error:
        raise ConfigError(f"--config {error}") from None
    return path if os.path.isfile(path) else f"{path}/config"


class ConfigFile(NamedTuple):
    """
    A configuration file that has been read.

    @ivar path: its full path.
    @ivar exposed: whether its group or others can read it.
    """

    path: str
    sections: Mapping[str, Section]
    exposed: bool

    def files(self, environ: Mapping[str, str]) -> Files:
        """
        What names of files in it stand for.
        """
        return Files(environ, lambda: os.path.dirname(self.path))


def read(path: str) -> ConfigFile:
    """
    Read the configuration file at C{path}.

    @raise NotFound: if it does not exist or cannot be read.
    @raise ConfigError: if it breaks the syntax.
    """
    file = os.path.join(os.getcwd(), path)
    data, exposed = _read(file)
    return ConfigFile(file, ini.parse(file, data, settings.GRAMMAR), exposed)


def load(path: str, environ: Mapping[str, str]) -> Config:
    """
    Read and check the configuration file at C{path}.

    @raise NotFound: if it does not exist or cannot be read.
    @raise ConfigError: if anything in it is wrong.
    """
    return single(read(path), environ)


def single(one: ConfigFile, environ: Mapping[str, str]) -> Config:
    """
    Check a configuration of one account.

    @raise ConfigError: if anything in it is wrong.
    """
    if ACCOUNTS in one.sections:
        section = one.sections[ACCOUNTS]
        raise section.wrong("list", "makes this a configuration of many accounts")
    config = settings.read(one.sections, environ, one.files(environ))
    secret = secretIn(config) if one.exposed else ""
    own = [exposure(one.path, secret)] if secret else []
    told = dict.fromkeys((*config.warnings, *own, *exposures(config)))
    return config._replace(warnings=tuple(told))


def exposures(config: Config) -> Iterator[str]:
    """
    Warnings about the secrets in other files that others can read.
    """
    servers = config.servers.values()
    clients = [one.oauth2 for one in servers if one.oauth2]
    page = config.status
    secrets = [one.passwordFile for one in servers] + [one.keyFile for one in clients]
    tokens = [one.tokenFile for one in clients] + [page.tokenFile if page else None]
    for what, files in ("password", secrets), ("token", tokens):
        for path in files:
            if path and canBeRead(path):
                yield exposure(path, what)


def exposure(path: str, what: str = "password") -> str:
    """
    What is to be said of a file that others can read.
    """
    return f"{path}: others can read the {what} in it: make it mode 0600"


def secretIn(config: Config) -> str:
    """
    Which secret stands in the configuration itself, if one does.
    """
    passwords = any(map(_hasSecret, config.servers.values()))
    return "password" if passwords else sharedSecret(config)


def sharedSecret(config: Config) -> str:
    """
    Which of those that are not about one account.
    """
    if config.status is not None and config.status.token:
        return "token"
    return "webhook" if config.notify and config.notify.webhook else ""


def _hasSecret(server: ServerConfig) -> bool:
    """
    Whether a password stands in the configuration itself.
    """
    return bool(
        server.password
        or (server.proxy and server.proxy.login)
        or (server.oauth2 and server.oauth2.clientSecret)
    )


def named(configs: Sequence[Config], several: bool = False) -> Mapping[str, Config]:
    """
    These configurations by names for their accounts.

    @param several: whether there are others, even if this is a single one.
    @raise ConfigError: if two cannot go together.
    """
    databases: dict[str, Config] = {}
    for one in configs:
        other = databases.setdefault(os.path.realpath(one.database), one)
        if other is not one:
            raise ConfigError(
                f"{one.path}: {other.path} has the same database: give each its own"
                " with the option 'database'"
            )
    paths = [one.path for one in configs]
    names = [""] if len(paths) == 1 and not several else _names(paths)
    return dict(zip(names, configs, strict=True))


def create(path: str, text: str) -> None:
    """
    Write a file that is not there yet, and that nobody else can read, with the
    directories that it needs.

    @raise NotMade: if something of that name is there, or it cannot be written.
    """
    folder = os.path.dirname(path) or "."
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
    except OSError as error:
        raise NotMade(f"{folder}: cannot be made: {error.strerror}") from None
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise NotMade(occupied(path)) from None
    except OSError as error:
        raise NotMade(f"{path}: cannot be made: {error.strerror}") from None
    try:
        with os.fdopen(number, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        with suppress(OSError):
            os.unlink(path)
        raise NotMade(f"{path}: cannot be written: {error.strerror}") from None


def occupied(path: str) -> str:
    """
    What to tell of a file that would have to be overwritten.
    """
    return (
        f"{path}: is there already, and is never overwritten: move it away, or name"
        " another file by --config"
    )


def _names(paths: Sequence[str]) -> Sequence[str]:
    """
    What these accounts are called: file names may have anything in them, names may not.
    """
    stems = [line(os.path.splitext(os.path.basename(path))[0]) for path in paths]
    return next(
        names
        for names in (stems, [line(path) for path in paths], paths)
        if len(set(names)) == len(paths) or names is paths
    )


def _read(file: str) -> tuple[bytes, bool]:
    """
    The file's content, and whether its group or others can read it.
    """
    try:
        with open(file, "rb") as stream:
            exposed = isExposed(os.fstat(stream.fileno()))
            data = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        raise NotFound(
            f"{file}: there is no such configuration file: have it made by --init,"
            " or name another one, best with its full path, by --config"
        ) from None
    except OSError as error:
        raise NotFound(f"{file}: cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise ConfigError(f"{file}: too large for a configuration file")
    return data, exposed


def canBeRead(path: str) -> bool:
    """
    Whether there is such a file, and its group or others can read it.
    """
    try:
        return isExposed(os.stat(path))
    except OSError:
        return False


def isExposed(status: os.stat_result) -> bool:
    """
    Whether a file's group or others can read it.
    """
    mode = status.st_mode
    return stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))
