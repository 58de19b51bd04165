"""
The configuration file: text -> checked values.

Whatever is wrong with a file is found here, before anything is connected; and
there is a warning about what will have no effect.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imapsync.config import database as naming
from imapsync.config import ini, values
from imapsync.config import tls as encryption
from imapsync.config.ini import Section
from imapsync.config.tls import TLSConfig as TLSConfig
from imapsync.config.values import Fingerprint as Fingerprint
from imapsync.errors import ConfigError, NotFound
from imapsync.model import Side

_COMMAND_OPTIONS = ("command", "null-stderr")
_SERVER_OPTIONS = (
    "type",
    "host",
    "port",
    "proxy",
    *_COMMAND_OPTIONS,
    "STARTTLS",
    "auth",
    "username",
    "password",
    "password-command",
    "compress",
    "read-only",
    "list-reference",
    "trash",
    *encryption.OPTIONS,
)
_GRAMMAR = ini.Grammar(
    sections={
        ini.DEFAULT: (
            "database",
            "list-mailbox",
            "list-select-opts",
            "ignore-mailbox",
            "map-special-use",
            "logfile",
            "flag-conflict",
            "connections",
        ),
        str(Side.LOCAL): _SERVER_OPTIONS,
        str(Side.REMOTE): _SERVER_OPTIONS,
    },
    # As interimap calls them.
    aliases={
        "SSL_verify": "SSL_verify_trusted_peer",
        "SSL_CApath": "SSL_ca_path",
        "SSL_CAfile": "SSL_ca_file",
        "SSL_cipherlist": "SSL_cipher_list",
    },
)

_TYPE = values.oneOf("imap", "imaps", "tunnel")
_CONFLICT = values.oneOf("union", "merge")
_PORTS = {"imap": 143, "imaps": 993, "tunnel": 0}

#: More than any configuration has: what is larger was named by mistake.
_LARGEST = 1 << 20


@dataclass(frozen=True)
class ServerConfig:
    """
    One of the two servers.

    @ivar type: C{"imap"}, C{"imaps"} or C{"tunnel"}.
    @ivar host: an IPv6 address has no brackets; of a tunnel it is but a name
        for the database, and may be empty.
    @ivar port: of no meaning for a tunnel.
    @ivar command: of a tunnel only.
    @ivar starttls: whether TLS must be started on a connection of type imap.
    @ivar auth: mechanisms in upper case, the preferred one first.
    @ivar compress: whether to, where the server can.
    @ivar trash: a mailbox, as typed, to which messages are moved instead of being
        expunged; empty if there is none.
    """

    side: Side
    type: str
    host: str
    port: int
    command: str | None
    nullStderr: bool
    starttls: bool
    auth: tuple[str, ...]
    username: str | None
    password: str | None = field(repr=False)
    passwordCommand: str | None = field(repr=False)
    tls: TLSConfig
    readOnly: bool
    listReference: str
    compress: bool = False
    trash: str = ""

    @property
    def encrypted(self) -> bool:
        """
        Whether the connection is by TLS, from its beginning or soon after.
        """
        return self.type == "imaps" or self.starttls

    @property
    def where(self) -> str:
        """
        What messages call this server.
        """
        if self.type == "tunnel":
            return f"{self.side} (tunnel)"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.side} ({self.type}://{host}:{self.port})"


@dataclass(frozen=True)
class Config:
    """
    A configuration file, checked.

    @ivar database: an absolute path.
    @ivar older: what C{database} was by default in versions that did not tell
        users apart; empty if that option is given.
    @ivar presumed: whether it is not known yet that the database is of these
        accounts: then it is left alone if it is of others.
    @ivar listSelectOpts: in upper case; none means all mailboxes.
    @ivar ignoreMailbox: searched in names that have C{/} between levels.
    @ivar mergeFlags: whether flags changed on both sides are merged one by
        one; else both sides get the union.
    @ivar mapSpecialUse: whether mailboxes of the same use are the same.
    @ivar connections: so many pairs of them at the most.
    @ivar warnings: what the user should be told, though nothing is wrong.
    """

    path: str
    database: str
    listMailbox: tuple[str, ...]
    listSelectOpts: tuple[str, ...]
    ignoreMailbox: re.Pattern[str] | None
    logfile: str | None
    mergeFlags: bool
    mapSpecialUse: bool
    servers: Mapping[Side, ServerConfig]
    connections: int = 1
    older: str = ""
    presumed: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def oneAccount(self) -> bool:
        """
        Whether both sides are in the same account.
        """
        return _account(self.servers[Side.LOCAL]) == _account(self.servers[Side.REMOTE])


def locate(name: str | None, environ: Mapping[str, str]) -> str:
    """
    The path of the configuration file that C{--config} names, or of the
    default one.  It need not exist.
    """
    base = values.baseOf(environ, "XDG_CONFIG_HOME", ".config")
    if name is not None:
        return values.Files(base, values.homeOf(environ)).path(name)
    path = base / "imapsync"
    return str(path if path.is_file() else path / "config")


def load(path: str, environ: Mapping[str, str]) -> Config:
    """
    Read and check the configuration file at C{path}.

    @raise NotFound: if it does not exist or cannot be read.
    @raise ConfigError: if anything in it is wrong.
    """
    file = Path(path).absolute()
    data, exposed = _read(file)
    sections = ini.parse(str(file), data, _GRAMMAR)
    default = sections[ini.DEFAULT]
    home = values.homeOf(environ)
    files = values.Files(file.parent, home)
    servers = _servers(sections, files)
    base = values.baseOf(environ, "XDG_DATA_HOME", ".local/share")
    databases = values.Files(base / "imapsync", home)
    user, host = naming.owner(sections)
    warnings = [
        warning
        for side in Side
        for warning in _idle(sections[str(side)], servers[side])
    ]
    if exposed and any(server.password for server in servers.values()):
        warnings.append(
            f"{file}: others can read the password in it: make it mode 0600"
        )
    return Config(
        path=str(file),
        database=default.get(
            "database", databases.path, databases.path(naming.fileName(user, host))
        ),
        older="" if "database" in default else databases.path(f"{host}.db"),
        listMailbox=default.get("list-mailbox", values.patterns, ("*",)),
        listSelectOpts=default.get(
            "list-select-opts", values.selection, ("SUBSCRIBED",)
        ),
        ignoreMailbox=default.get("ignore-mailbox", values.expression, None),
        logfile=default.get("logfile", files.path, None),
        mergeFlags=default.get("flag-conflict", _CONFLICT, "union") == "merge",
        mapSpecialUse=default.get("map-special-use", values.yesNo, False),
        connections=default.get("connections", values.connections, 1),
        servers=servers,
        warnings=tuple(warnings),
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


def _names(paths: Sequence[str]) -> Sequence[str]:
    if len(paths) == 1:
        return [""]
    stems = [Path(path).stem for path in paths]
    return stems if len(set(stems)) == len(stems) else paths


def _read(file: Path) -> tuple[bytes, bool]:
    """
    The file's content, and whether its group or others can read it.
    """
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        raise NotFound(
            f"{file}: there is no such configuration file: make it,"
            " or name another one, best with its full path, by --config"
        ) from None
    except OSError as error:
        raise NotFound(f"{file}: cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise ConfigError(f"{file}: too large for a configuration file")
    return data, stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))


def _servers(
    sections: Mapping[str, Section], files: values.Files
) -> Mapping[Side, ServerConfig]:
    path = sections[ini.DEFAULT].path
    for side in Side:
        if str(side) not in sections:
            raise ConfigError(f"{path}: there is no section [{side}]: add it")
    servers = {side: _server(side, sections[str(side)], files) for side in Side}
    _distinguish(servers, sections[str(Side.REMOTE)])
    return servers


def _server(side: Side, section: Section, files: values.Files) -> ServerConfig:
    kind = section.get("type", _TYPE, "imaps")
    tunnel = kind == "tunnel"
    starttls = section.get("STARTTLS", values.yesNo, kind == "imap")
    if tunnel and starttls:
        raise section.wrong("STARTTLS", "is only for type = imap, not tunnel")
    if "SSL_fingerprint" in section and kind != "imaps" and not starttls:
        raise section.wrong("SSL_fingerprint", f"cannot be checked {_noTLS(kind)}")
    if tunnel and "command" not in section:
        raise section.wrong("command", "is missing: type = tunnel needs it")
    _credentials(section, kind)
    if not tunnel:
        section.get("proxy", values.later, None)
    command = section.get("command", values.text, None)
    return ServerConfig(
        side=side,
        type=kind,
        host=section.get("host", values.host, "" if tunnel else "localhost"),
        port=section.get("port", values.port, _PORTS[kind]),
        command=command if tunnel else None,
        nullStderr=section.get("null-stderr", values.yesNo, False),
        starttls=kind == "imap" and starttls,
        auth=section.get("auth", values.mechanisms, ("PLAIN", "LOGIN")),
        username=section.get("username", values.text, None),
        password=section.get("password", values.text, None),
        passwordCommand=section.get("password-command", values.text, None),
        tls=encryption.read(section, files),
        readOnly=section.get("read-only", values.yesNo, False),
        listReference=section.get("list-reference", str, ""),
        compress=section.get("compress", values.yesNo, side is Side.REMOTE),
        trash=section.get("trash", values.trash, ""),
    )


def _noTLS(kind: str) -> str:
    return "with type = tunnel" if kind == "tunnel" else "with STARTTLS = NO"


def _idle(section: Section, server: ServerConfig) -> Iterator[str]:
    """
    Warnings about the options that have no effect.
    """
    for option, why in _withoutEffect(server, section):
        if option in section:
            yield section.about(option, f"has no effect {why}: remove it")


def _withoutEffect(server: ServerConfig, section: Section) -> Iterator[tuple[str, str]]:
    """
    The options that would have none beside the others, and why.
    """
    kind, tls = server.type, server.tls
    if server.readOnly:
        yield "trash", "with read-only = YES"
    if kind == "tunnel":
        yield "proxy", "with type = tunnel"
    else:
        yield from ((option, f"with type = {kind}") for option in _COMMAND_OPTIONS)
    if kind == "imaps" and section.get("STARTTLS", values.yesNo, False):
        yield "STARTTLS", "with type = imaps"
    if not server.encrypted:
        yield from ((option, _noTLS(kind)) for option in encryption.OPTIONS)
        return
    if not tls.verifyPeer:
        for option in ("SSL_ca_path", "SSL_ca_file"):
            yield option, "with SSL_verify_trusted_peer = NO"
    if not tls.certificate:
        yield "SSL_key", "without SSL_certificate"


def _credentials(section: Section, kind: str) -> None:
    """
    Refuse half of a credential.  Whether one is needed, the server says.
    """
    secrets = [name for name in ("password", "password-command") if name in section]
    if len(secrets) == 2:
        raise section.wrong("password-command", "and password exclude each other")
    if secrets and kind != "tunnel" and "username" not in section:
        raise section.wrong("username", f"is missing: {secrets[0]} needs it")


def _distinguish(servers: Mapping[Side, ServerConfig], section: Section) -> None:
    """
    Refuse two sides between which nothing can flow.
    """
    local, remote = servers[Side.LOCAL], servers[Side.REMOTE]
    if local.readOnly and remote.readOnly:
        raise section.wrong("read-only", "is YES in [local] too: nothing could flow")
    if _account(local) != _account(remote):
        return
    ours, theirs = local.listReference, remote.listReference
    if ours == theirs:
        option = "command" if remote.command else "host"
        raise section.wrong(option, "leads to the same account as that in [local]")
    if ours.startswith(theirs) or theirs.startswith(ours):
        # Each round would find its own copies, and copy them deeper.
        raise section.wrong(
            "list-reference",
            "and that in [local] lie in each other, or would without"
            " the separator at their ends",
        )


def _account(server: ServerConfig) -> tuple[object, ...]:
    return (server.command or (server.host, server.port), server.username)
