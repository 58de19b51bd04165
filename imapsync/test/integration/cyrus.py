"""
Private Cyrus servers on loopback.

Cyrus is not installed, since Debian has no room for it beside Dovecot, but
unpacked somewhere: C{IMAPSYNC_CYRUS} says where, or C{.cache/cyrus} in the
tree.  C{script/test} unpacks it.  Without it, tests that need it are skipped.
"""

from __future__ import annotations

import functools
import grp
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import SkipTest

from imapsync.test import children
from imapsync.test.integration.server import Server, Start, owner

#: Where Cyrus is unpacked.
TREE = Path(
    os.environ.get("IMAPSYNC_CYRUS")
    or Path(__file__).parents[3].joinpath(".cache", "cyrus")
)

_PROGRAMS = TREE / "usr" / "lib" / "cyrus" / "bin"


@dataclass(frozen=True)
class Settings:
    """
    What is special about a server.

    @ivar separator: C{/} or C{.}.
    @ivar prefix: whether all mailboxes but INBOX are below INBOX.
    @ivar munges: whether it changes 8-bit octets in headers; else it refuses
        the messages that have some.
    @ivar sizeLimit: octets that a message may have; greater ones are refused.
    @ivar quota: so many KB of room a user has; 0 is any number.
    @ivar logins: the lines that say how a user logs in; by default it accepts every
        user name and every password.
    @ivar extra: more lines for the configuration file.
    """

    separator: str = "."
    prefix: bool = True
    munges: bool = True
    sizeLimit: int | None = None
    quota: int = 0
    logins: str = "sasl_pwcheck_method: alwaystrue\nsasl_mech_list: PLAIN"
    extra: str = ""


class Cyrus(Server):
    """
    A Cyrus.  It accepts every user name and every password, and makes an INBOX
    for one who logs in.
    """

    levels = False

    def __init__(self, settings: Settings) -> None:
        if not _PROGRAMS.exists():
            raise SkipTest("needs Cyrus, which script/test unpacks")
        super().__init__()
        self.settings = settings
        for name in "configuration", "configuration/socket", "mail":
            self.owned(name)
        self.begin()

    def configured(self) -> Start:
        """
        As it says.
        """
        self._file.write_text(_settings(self))
        services = self.directory / "cyrus.conf"
        programs = {"programs": _PROGRAMS, "file": self._file, "port": self.port}
        services.write_text(_SERVICES.format_map(programs))
        pid = self.directory / "configuration" / "master.pid"
        command = [_PROGRAMS / "master", "-C", self._file, "-M", services, "-p", pid]
        return Start([*_asOwner(), *map(str, command)], _environment())

    @staticmethod
    def keeps(body: bytes) -> bool:
        """
        Whether a message stays as it is there: it has a header, without 8-bit octets.
        """
        header, empty, _ = body.partition(b"\r\n\r\n")
        return (
            bool(header and empty) and header.isascii() and not body.startswith(b"\r")
        )

    def run(self, program: str, *arguments: str) -> str:
        """
        Run one of its programs, such as C{reconstruct}, and return what it
        prints.

        @raise subprocess.CalledProcessError: if it fails.
        """
        path = str(_PROGRAMS / program)
        output: str = children.done(
            [*_asOwner(), path, "-C", str(self._file), *arguments],
            stdin=children.DEVNULL,
            stdout=children.PIPE,
            env={**os.environ, **_environment()},
            text=True,
        ).stdout
        return output

    @property
    def _file(self) -> Path:
        return self.directory / "imapd.conf"


@functools.cache
def dottedCyrus() -> Cyrus:
    """
    A server as Cyrus once came: C{.} between levels, and all below INBOX.
    """
    return Cyrus(Settings())


@functools.cache
def slashedCyrus() -> Cyrus:
    """
    A server as Cyrus comes today: C{/} between levels, and no prefix.
    """
    return Cyrus(Settings(separator="/", prefix=False))


def _asOwner() -> Sequence[str]:
    """
    What runs a command as one who has mail, and ends it with this process.
    """
    start = ["setpriv", "--pdeathsig", "TERM"]
    if os.getuid():
        return start
    user = owner()
    start += ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid)]
    # The tree may be where only root can look.
    capabilities = ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]
    return [*start, "--clear-groups", *capabilities]


def _environment() -> Mapping[str, str]:
    """
    Where it finds what it needs of the tree.
    """
    libraries = [*TREE.glob("lib/*-linux-*"), *TREE.glob("usr/lib/*-linux-*")]
    mechanisms = [f"{path / 'sasl2'}" for path in libraries]
    mechanisms += [x.removeprefix(str(TREE)) for x in mechanisms]
    return {
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        "SASL_PATH": ":".join(mechanisms),
    }


def _settings(server: Cyrus) -> str:
    settings = server.settings
    values = {
        "directory": server.directory,
        "owner": owner().pw_name,
        "group": grp.getgrgid(owner().pw_gid).gr_name,
        "unix": int(settings.separator == "/"),
        "alternative": int(not settings.prefix),
        "munges": int(settings.munges),
        "refuses": int(not settings.munges),
        "size": settings.sizeLimit or 0,
        "quota": settings.quota,
        "logins": settings.logins,
        "extra": settings.extra,
    }
    return _SETTINGS.format_map(values)


_SETTINGS = """\
configdirectory: {directory}/configuration
defaultpartition: default
partition-default: {directory}/mail
servername: localhost
syslog_prefix: imapsync-test
cyrus_user: {owner}
cyrus_group: {group}

{logins}
allowplaintext: 1
autocreate_quota: {quota}
autocreate_post: 1

unixhierarchysep: {unix}
altnamespace: {alternative}
munge8bit: {munges}
reject8bit: {refuses}
maxmessagesize: {size}
skiplist_unsafe: 1
{extra}
"""

# What is at once: idled tells sessions in IDLE of changes.
_SERVICES = """\
START {{
  idled cmd="{programs}/idled -C {file}"
}}
SERVICES {{
  imap cmd="{programs}/imapd -C {file}" listen="127.0.0.1:{port}" prefork=1
}}
"""
