"""
A whole configuration: sections -> checked values.

Whatever is wrong with one is found here, before anything is connected; and there
is a warning about what will have no effect.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from imapsync.config import accounts, mapping, paths, server, values
from imapsync.config import database as naming
from imapsync.config.accounts import ACCOUNTS
from imapsync.config.mapping import Value
from imapsync.config.paths import Files
from imapsync.config.section import DEFAULT, Grammar, Section
from imapsync.config.server import ServerConfig
from imapsync.errors import ConfigError
from imapsync.model import Side

if TYPE_CHECKING:
    from imapsync.config.notify import NotifyConfig
    from imapsync.config.status import StatusConfig

GRAMMAR = Grammar(
    sections={
        DEFAULT: (
            "database",
            "list-mailbox",
            "list-select-opts",
            "ignore-mailbox",
            "map-special-use",
            "logfile",
            "flag-conflict",
            "connections",
        ),
        ACCOUNTS: accounts.OPTIONS,
        str(Side.LOCAL): server.OPTIONS,
        str(Side.REMOTE): server.OPTIONS,
        "notify": ("command", "webhook", "after", "repeat"),
        "status": ("listen", "token", "token-file", "host", "hide-names"),
    },
    # As interimap calls them.
    aliases={
        "SSL_verify": "SSL_verify_trusted_peer",
        "SSL_CApath": "SSL_ca_path",
        "SSL_CAfile": "SSL_ca_file",
        "SSL_cipherlist": "SSL_cipher_list",
    },
    # So are these.
    foreign={
        "log-prefix": "remove it; each line of the log names side and mailbox",
        "SSL_protocols": "use SSL_protocol_min and SSL_protocol_max",
    },
)

_CONFLICT = values.oneOf("union", "merge")


class Config(NamedTuple):
    """
    A configuration, checked.

    @ivar path: the file that it is from, or what messages say instead.
    @ivar database: an absolute path.
    @ivar older: what C{database} was by default in versions that did not tell
        users apart; empty if that option is given.
    @ivar presumed: whether it is not known yet that the database is of these
        accounts: then it is left alone if it is of others.
    @ivar listSelectOpts: in upper case; none means all mailboxes.
    @ivar ignoreMailbox: searched in names that have C{/} between levels.
    @ivar logfile: where the command logs; a service does as its program does.
    @ivar mergeFlags: whether flags changed on both sides are merged one by
        one; else both sides get the union.
    @ivar mapSpecialUse: whether mailboxes of the same use are the same.
    @ivar connections: so many pairs of them at the most.
    @ivar notify: who is told of trouble, if anybody is.
    @ivar status: where the status page is, if there is one.
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
    status: StatusConfig | None = None
    notify: NotifyConfig | None = None

    @classmethod
    def of(
        cls,
        options: Mapping[str, Value | Mapping[str, Value]] = MappingProxyType({}),
        /,
        environ: Mapping[str, str] = MappingProxyType({}),
        **keywords: Value | Mapping[str, Value],
    ) -> Config:
        """
        A configuration without a file: the options of the default section, and a
        mapping of options each for C{local} and C{remote}::

            Config.of(
                database="/var/lib/mail/me.db",
                local={"type": "tunnel", "command": "doveadm exec imap"},
                remote={"host": "imap.example.net", "username": "me"},
            )

        Names and values are those of a file (C{list_mailbox="INBOX"}); values may
        be numbers, paths, and true or false, too.  Relative names of files start
        from the present directory.

        @param environ: tells where the user's directories are, if C{HOME} and
            the like are to be heeded.
        @raise ConfigError: if anything in it is wrong.
        """
        sections = mapping.sections({**options, **keywords}, GRAMMAR)
        if ACCOUNTS in sections:
            raise ConfigError(f"[{ACCOUNTS}] is for files: make one for each account")
        return read(sections, environ, Files(environ, os.getcwd))

    @property
    def oneAccount(self) -> bool:
        """
        Whether both sides are in the same account.
        """
        local, remote = (self.servers[side] for side in Side)
        return local.account == remote.account


def read(
    sections: Mapping[str, Section], environ: Mapping[str, str], files: Files
) -> Config:
    """
    Check a configuration.

    @param environ: where the user's directories are.
    @raise ConfigError: if anything in it is wrong.
    """
    default = sections[DEFAULT]
    servers = _servers(sections, files)
    database, older = _databases(sections, paths.databases(environ))
    servers = {side: _keeping(one, database) for side, one in servers.items()}
    return Config(
        path=default.path or "the configuration",
        database=database,
        older=older,
        listMailbox=default.get("list-mailbox", values.patterns, ("*",)),
        listSelectOpts=default.get(
            "list-select-opts", values.selection, ("SUBSCRIBED",)
        ),
        ignoreMailbox=default.get("ignore-mailbox", values.expression, None),
        logfile=default.get("logfile", files.path, None),
        mergeFlags=default.get("flag-conflict", _CONFLICT, "union") == "merge",
        mapSpecialUse=default.get("map-special-use", values.yesNo, False),
        connections=default.get("connections", values.number, 1),
        servers=servers,
        warnings=(
            *server.uncoded(default, "list-mailbox", "ignore-mailbox"),
            *(
                warning
                for side in Side
                for warning in server.idle(sections[str(side)], servers[side])
            ),
        ),
        status=_status(sections, files),
        notify=_notify(sections),
    )


def _status(sections: Mapping[str, Section], files: Files) -> StatusConfig | None:
    if "status" not in sections:
        return None
    from imapsync.config.status import read  # here, because few have one

    return read(sections["status"], files)


def _notify(sections: Mapping[str, Section]) -> NotifyConfig | None:
    if "notify" not in sections:
        return None
    from imapsync.config.notify import read  # here, because few have one

    return read(sections["notify"])


def _servers(
    sections: Mapping[str, Section], files: Files
) -> Mapping[Side, ServerConfig]:
    path = sections[DEFAULT].path
    for side in Side:
        if str(side) not in sections:
            where = f"{path}: " if path else ""
            raise ConfigError(f"{where}there is no section [{side}]: add it")
    servers = {side: server.read(side, sections[str(side)], files) for side in Side}
    _distinguish(servers, sections[str(Side.REMOTE)])
    return servers


def _keeping(server: ServerConfig, database: str) -> ServerConfig:
    """
    Have tokens be kept beside the database, if in a file.
    """
    if server.oauth2 is None:
        return server
    name = naming.fileName(server.user or "", server.host or "localhost")
    path = f"{os.path.dirname(database)}/{name.removesuffix('.db')}.oauth2"
    return server._replace(oauth2=server.oauth2._replace(tokenFile=path))


def _databases(sections: Mapping[str, Section], files: Files) -> tuple[str, str]:
    """
    The database, and what it was called before: see L{Config}.
    """
    default = sections[DEFAULT]
    given = default.get("database", files.path, None)
    if given is not None:
        return given, ""
    user, host = naming.owner(sections)
    try:
        return files.path(naming.fileName(user, host)), files.path(f"{host}.db")
    except ValueError as error:
        raise default.wrong("database", str(error)) from None


def _distinguish(servers: Mapping[Side, ServerConfig], section: Section) -> None:
    """
    Refuse two sides between which nothing can flow.
    """
    local, remote = servers[Side.LOCAL], servers[Side.REMOTE]
    if local.readOnly and remote.readOnly:
        raise section.wrong("read-only", "is YES in [local] too: nothing could flow")
    known = local.user or local.command or local.tls.certificate
    if local.account != remote.account or not known:
        return  # or nobody knows it before they are connected
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
