"""
Configuration files: where they are, and what is in them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress

from imapsync.config import ini, paths, settings
from imapsync.config.paths import Files
from imapsync.config.server import ServerConfig
from imapsync.config.settings import Config
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


def load(path: str, environ: Mapping[str, str]) -> Config:
    """
    Read and check the configuration file at C{path}.

    @raise NotFound: if it does not exist or cannot be read.
    @raise ConfigError: if anything in it is wrong.
    """
    file = os.path.join(os.getcwd(), path)
    data, exposed = _read(file)
    sections = ini.parse(file, data, settings.GRAMMAR)
    config = settings.read(
        sections, environ, Files(environ, lambda: os.path.dirname(file))
    )
    servers = config.servers.values()
    clients = [one.oauth2 for one in servers if one.oauth2]
    secrets = [one.passwordFile for one in servers] + [one.keyFile for one in clients]
    page = config.status
    seen = {file: "password"} if exposed and any(map(_hasSecret, servers)) else {}
    if page is not None and exposed and page.token:
        seen.setdefault(file, "token")
    if config.notify is not None and exposed and config.notify.webhook:
        seen.setdefault(file, "webhook")
    seen |= {path: "password" for path in secrets if path and _canBeRead(path)}
    tokens = [one.tokenFile for one in clients] + [page.tokenFile if page else None]
    seen |= {path: "token" for path in tokens if path and _canBeRead(path)}
    warnings = [
        f"{path}: others can read the {what} in it: make it mode 0600"
        for path, what in seen.items()
    ]
    return config._replace(warnings=(*config.warnings, *warnings))


def _hasSecret(server: ServerConfig) -> bool:
    """
    Whether a password stands in the configuration itself.
    """
    return bool(
        server.password
        or (server.proxy and server.proxy.login)
        or (server.oauth2 and server.oauth2.clientSecret)
    )


def loadAll(typed: Sequence[str], environ: Mapping[str, str]) -> Mapping[str, Config]:
    """
    The configuration files that a command line names, or the default one;
    each by a name for its account, which is empty for a single one.

    @raise NotFound: if one does not exist or cannot be read.
    @raise ConfigError: if one is wrong, or two cannot go together.
    """
    configs = [load(locate(name, environ), environ) for name in typed or (None,)]
    databases: dict[str, Config] = {}
    for one in configs:
        other = databases.setdefault(os.path.realpath(one.database), one)
        if other is not one:
            raise ConfigError(
                f"{one.path}: {other.path} has the same database: give each its own"
                " with the option 'database'"
            )
    return dict(zip(_names([one.path for one in configs]), configs, strict=True))


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
    if len(paths) == 1:
        return [""]
    stems = [os.path.splitext(os.path.basename(path))[0] for path in paths]
    return stems if len(set(stems)) == len(stems) else paths


def _read(file: str) -> tuple[bytes, bool]:
    """
    The file's content, and whether its group or others can read it.
    """
    try:
        with open(file, "rb") as stream:
            exposed = _isExposed(os.fstat(stream.fileno()))
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


def _canBeRead(path: str) -> bool:
    """
    Whether there is such a file, and its group or others can read it.
    """
    try:
        return _isExposed(os.stat(path))
    except OSError:
        return False


def _isExposed(status: os.stat_result) -> bool:
    """
    Whether a file's group or others can read it.
    """
    mode = status.st_mode
    return stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))
