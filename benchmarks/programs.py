"""
The programs that are compared.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.place import Place
from imapsync.test.integration.dovecot import DOVECOT
from imapsync.test.integration.server import PASSWORD

#: Runs a command as a small process of its own, whose memory does not count
#: as the command's, and tells what it took.
_LAUNCHER = """
import json, os, sys, time
begin = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), time.perf_counter() - begin,
                  usage.ru_utime + usage.ru_stime, usage.ru_maxrss]))
"""


class Failed(Exception):
    """
    A program did not do what it should have.
    """


@dataclass(frozen=True)
class Result:
    """
    What one run took: seconds, seconds of CPU, MiB at the peak.
    """

    seconds: float
    cpu: float = 0.0
    memory: float = 0.0


@dataclass(frozen=True)
class Program:
    """
    One of them.

    @ivar command: what makes both accounts of a place equal.
    @ivar shortest: a command that loads as much, but then does nothing.
    @ivar lacks: what it cannot do, for people: the rest of a sentence.
    @ivar exact: whether messages are the same afterwards, octet for octet, and
        subscriptions too.
    @ivar connects: whether it goes to the remote server by its port.
    @ivar cases: by name, all in which it is measured; any, if there is none.
    """

    name: str
    binary: str
    command: Callable[[Place], list[str]]
    shortest: Callable[[Place], list[str]]
    lacks: str = ""
    exact: bool = True
    connects: bool = True
    cases: tuple[str, ...] = ()

    @property
    def there(self) -> bool:
        """
        Whether it is installed.
        """
        return shutil.which(self.binary) is not None

    def run(self, place: Place) -> Result:
        """
        Make both accounts equal.

        @raise Failed: if it does.
        """
        code, result, errors = _timed(self.command(place))
        if code:
            raise Failed(f"{self.name} failed: {errors.strip()[-500:]}")
        return result

    def start(self, place: Place) -> Result:
        """
        Do nothing.
        """
        _, result, _ = _timed(self.shortest(place))
        return result


def _timed(command: list[str]) -> tuple[int, Result, str]:
    launch = [sys.executable, "-S", "-c", _LAUNCHER, *command]
    done = subprocess.run(launch, check=False, capture_output=True)
    code, seconds, cpu, memory = json.loads(done.stdout.splitlines()[-1])
    return code, Result(seconds, cpu, memory / 1024), done.stderr.decode()


def timed(work: Callable[[], None]) -> Result:
    """
    What work of our own takes.
    """
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return Result(time.perf_counter() - began, time.process_time() - cpu)


def _configured(
    place: Place, database: str = "state.db", connections: int | None = None
) -> str:
    """
    An option with a configuration that imapsync and, if there is nothing about
    connections in it, interimap understand.
    """
    servers = place.servers
    ports = {"local": servers.local.port, "remote": servers.remotePort}
    lines = [f"database = {place.directory}/{database}"]
    lines += [f"connections = {connections}"] if connections else []
    for side, port in ports.items():
        lines += [f"[{side}]", "host = 127.0.0.1", f"port = {port}"]
        if side == "remote" and servers.secure:
            authority = servers.remote.certificate.authority
            lines += ["type = imaps", f"SSL_CAfile = {authority}"]
        else:
            lines += ["type = imap", "STARTTLS = NO"]
        lines += [f"username = {place.user}", f"password = {PASSWORD}"]
        lines += [f"compress = {'YES' if place.compress else 'NO'}"]
    file = place.directory / "config"
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o600)
    return f"--config={file}"


def _unusable(place: Place) -> str:
    """
    One that is no good: nothing is connected, but all is loaded before.
    """
    (place.directory / "file").touch()
    return _configured(place, "file/state.db")


def _imapsync(
    place: Place, command: str = "--oneshot", connections: int | None = None
) -> list[str]:
    option = _configured(place, connections=connections)
    return [place.imapsync, command, "--quiet", option]


def _starting(place: Place, command: str = "--oneshot") -> list[str]:
    return [place.imapsync, command, "--quiet", _unusable(place)]


def _interimap(option: str) -> list[str]:
    return ["interimap", "--quiet", option]


def _mbsync(place: Place) -> list[str]:
    servers = place.servers
    ports = (servers.local.port, servers.remotePort)
    certificate = servers.remote.certificate.path if servers.secure else None
    return mbsync(
        *(place.directory, place.user, ports, place.compress, 0, certificate),
    )


def mbsync(
    directory: Path,
    user: str,
    ports: Sequence[int],
    compress: bool,
    timeout: int,
    certificate: Path | None = None,
) -> list[str]:
    """
    A command for mbsync, with a configuration in C{directory}.

    @param timeout: in seconds; 0 for none.
    @param certificate: the remote server's, if it is reached within TLS.
    """
    lines = []
    for side, port in zip(("near", "far"), ports, strict=True):
        lines += [f"IMAPAccount {side}", "Host 127.0.0.1", f"Port {port}"]
        if side == "far" and certificate is not None:
            lines += ["SSLType IMAPS", f"CertificateFile {certificate}"]
        else:
            lines += ["SSLType None"]
        lines += [f"User {user}", f"Pass {PASSWORD}"]
        lines += ["AuthMechs LOGIN", f"Timeout {timeout}"]
        lines += [] if compress else ["DisableExtension COMPRESS=DEFLATE"]
        lines += [""]
        lines += [f"IMAPStore {side}", f"Account {side}", ""]
    lines += ["Channel both", "Near :near:", "Far :far:", "Patterns *"]
    lines += ["Create Both", "Expunge Both", "Sync All", "CopyArrivalDate yes"]
    lines += [f"SyncState {directory}/", ""]
    file = directory / "mbsyncrc"
    file.write_text("\n".join(lines))
    return ["mbsync", "-qq", "-c", str(file), "both"]


def _offlineimap(place: Place) -> list[str]:
    """
    A command for OfflineIMAP, with IMAP on both sides.
    """
    servers = place.servers
    lines = ["[general]", f"metadata = {place.directory}/offlineimap"]
    lines += ["accounts = both", "ui = quiet", "[Account both]"]
    lines += ["localrepository = near", "remoterepository = far"]
    ports = {"near": servers.local.port, "far": servers.remotePort}
    for name, port in ports.items():
        lines += [f"[Repository {name}]", "type = IMAP", "remotehost = 127.0.0.1"]
        lines += [f"remoteport = {port}", f"remoteuser = {place.user}"]
        lines += [f"remotepass = {PASSWORD}", "ssl = no", "starttls = no"]
        lines += [f"usecompression = {'yes' if place.compress else 'no'}"]
    file = place.directory / "offlineimaprc"
    file.write_text("\n".join(lines) + "\n")
    return ["offlineimap", "-o", "-c", str(file)]


def _doveadm(place: Place, *words: str) -> list[str]:
    config = f"CONFIG_FILE={place.servers.local.directory}/base/config"
    return ["env", config, "doveadm", *words]


def _dsync(place: Place) -> list[str]:
    server = place.servers.remote
    home = server.directory / "mail" / place.user
    there = f"{server.settings.layout}:{home}/mail"
    return _doveadm(place, "sync", "-u", place.user, there)


IMAPSYNC = Program("imapsync", sys.executable, _imapsync, _starting)

#: It compares both accounts instead.
VERIFY = replace(IMAPSYNC, command=lambda place: _imapsync(place, "--verify"))

#: The same, and reads all of every message.
VERIFY_CONTENT = replace(
    IMAPSYNC, command=lambda place: _imapsync(place, "--verify=content")
)

#: It makes them equal, and may use more connections.
MANY = replace(
    IMAPSYNC,
    name="imapsync, 4 pairs",
    command=lambda place: _imapsync(place, connections=4),
)

#: It, where it is to compare everything with its database.
REPAIR = replace(
    IMAPSYNC,
    command=lambda place: _imapsync(place, "--repair"),
    shortest=lambda place: _starting(place, "--repair"),
)

PROGRAMS = (
    IMAPSYNC,
    MANY,
    REPAIR,
    Program(
        "interimap",
        "interimap",
        lambda place: _interimap(_configured(place)),
        lambda place: _interimap(_unusable(place)),
    ),
    Program(
        "mbsync",
        "mbsync",
        _mbsync,
        lambda place: ["mbsync", "--version"],
        lacks="carries neither keywords nor subscriptions, and adds a header to each"
        " message that it copies",
        exact=False,
    ),
    Program(
        "offlineimap",
        "offlineimap",
        _offlineimap,
        lambda place: ["offlineimap", "--version"],
        lacks="carries no subscriptions, and is measured only where it is asked what"
        " servers without CONDSTORE cost",
        exact=False,
        cases=("idle-many-comparing", "flags-comparing", "expunges-comparing"),
    ),
    Program(
        "doveadm sync",
        DOVECOT,
        _dsync,
        lambda place: _doveadm(place, "help"),
        lacks="is Dovecot's own: it has both accounts on its disk and knows no IMAP",
        connects=False,
    ),
)
