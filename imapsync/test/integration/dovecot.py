"""
Private Dovecot servers on loopback.

Nothing here uses the reactor: a server is other processes and some files.
"""

from __future__ import annotations

import atexit
import functools
import grp
import itertools
import os
import pwd
import random
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imapsync.test.integration.accounts import Account
from imapsync.test.integration.certificates import LOOPBACK, issue

#: Every user's password; every user name is accepted.
PASSWORD = "secret"

#: What servers must be able to do.
REQUIRED = "IMAP4rev1 UIDPLUS ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS"

#: A directory that is not in everybody's PATH.
DOVECOT = "/usr/sbin/dovecot"

#: Within how many seconds a server has to be up, or down.
PATIENCE = 20.0

#: Where the ports are: below those that the kernel gives to clients, so that
#: none of these is in the way of a server that starts again.
PORTS = range(20000, 32000)


@dataclass(frozen=True)
class Settings:
    """
    What is special about a server.

    @ivar layout: C{mdbox}, C{sdbox} or C{maildir}.
    @ivar prefix: of the personal namespace, such as C{"INBOX."}.
    @ivar plaintext: whether it takes a password outside TLS, or says
        LOGINDISABLED.
    @ivar capability: what it says that it can do (it can do more); the truth
        by default.
    @ivar names: in its certificate; C{expired} and C{selfSigned} are about
        that too.
    @ivar messageLimit: how many messages a user may have; more are refused.
    @ivar sizeLimit: octets that a message may have; greater ones are refused.
    @ivar uses: names of mailboxes, should they be made, and what they are then
        for, such as C{"Sent"} (RFC 6154).
    @ivar extra: more lines for the configuration file; they come last.
    """

    layout: str = "mdbox"
    separator: str = "/"
    prefix: str = ""
    plaintext: bool = True
    capability: str = ""
    names: Sequence[str] = LOOPBACK
    expired: bool = False
    selfSigned: bool = False
    messageLimit: int | None = None
    sizeLimit: int | None = None
    uses: Mapping[str, str] = field(default_factory=dict)
    extra: str = ""


class Dovecot:
    """
    A server: new, empty and running.

    It ends with this process, however that ends; for that, it must be the
    process's main thread that makes it.

    @ivar directory: where all its files are; C{directory / "mail"} has a
        directory for each user.
    @ivar host: the address to connect to.
    @ivar port: speaks plaintext and STARTTLS.
    @ivar tlsPort: speaks TLS from the start.
    @ivar certificate: which it shows on both.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        # Dovecot takes a client with the server's own address for secure.
        self.host = "127.0.0.1" if settings.plaintext else "127.0.0.2"
        self.directory = Path(tempfile.mkdtemp(prefix="imapsync-dovecot-"))
        atexit.register(self.close)
        self.certificate = issue(
            self.directory,
            settings.names,
            expired=settings.expired,
            selfSigned=settings.selfSigned,
        )
        # Dovecot's own processes are not root's, even if we are.
        self.directory.chmod(0o755)
        mail = self.directory / "mail"
        mail.mkdir()
        owner = _owner()
        os.chown(mail, owner.pw_uid, owner.pw_gid)
        self._startSomewhere()

    def stop(self) -> None:
        """
        Stop it, as its administrator would, which takes a second; its mail
        stays.
        """
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """
        End it and all its sessions at once; what it wrote to its mail stays.
        """
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(PATIENCE)

    def restart(self) -> None:
        """
        Stop it if it runs, and start it again on the same ports.
        """
        self.stop()
        if not self._start():
            raise RuntimeError(f"Dovecot does not start again: {self.log()}")

    def close(self) -> None:
        """
        End it, and remove all that there is of it.
        """
        atexit.unregister(self.close)
        self.kill()
        shutil.rmtree(self.directory)

    def log(self) -> str:
        """
        What it has logged so far.
        """
        logs = (self.directory / name for name in ("output", "log"))
        return "".join(log.read_text() for log in logs if log.exists())

    def account(self, user: str) -> Account:
        """
        Log in, within TLS if need be.
        """
        if self.settings.plaintext:
            return Account(self.host, self.port, user, PASSWORD)
        authority = self.certificate.authority
        return Account(self.host, self.tlsPort, user, PASSWORD, authority)

    def doveadm(self, *arguments: str) -> str:
        """
        Run C{doveadm} and return what it prints; octets that are no UTF-8 as
        C{surrogateescape} has it.

        @raise subprocess.CalledProcessError: if it fails.
        """
        return subprocess.run(
            [*self._doveadm(), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
        ).stdout

    def tunnelCommand(self, user: str) -> str:
        """
        A command that speaks IMAP on its standard input and output, with
        C{user} logged in already.
        """
        return shlex.join([*self._doveadm(), "exec", "imap", "-u", user])

    def _doveadm(self) -> list[str]:
        # The running server knows its configuration: asking it is cheaper
        # than reading the file again.
        return ["env", f"CONFIG_FILE={self.directory}/base/config", "doveadm"]

    def _startSomewhere(self) -> None:
        """
        Start it on free ports; somebody else may be faster to take one.
        """
        for _ in range(10):
            self.port, self.tlsPort = random.SystemRandom().sample(PORTS, 2)
            if self._start():
                return
            if "Address already in use" not in self.log():
                break
        raise RuntimeError(f"Dovecot does not start: {self.log()}")

    def _start(self) -> bool:
        """
        Start it on the ports it has, and wait until it greets.
        """
        path = self.directory / "dovecot.conf"
        path.write_text(configuration(self))
        with (self.directory / "output").open("ab") as output:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", DOVECOT, "-F", "-c", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._greets():
                return True
            time.sleep(0.005)
        self.kill()
        return False

    def _greets(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), PATIENCE) as client:
                return client.recv(4) == b"* OK"
        except OSError:
            return False


@functools.cache
def mdboxServer() -> Dovecot:
    """
    The server that most tests share: mdbox, C{/} between levels.
    """
    return Dovecot(Settings())


@functools.cache
def maildirServer() -> Dovecot:
    """
    The other one that they share: maildir, C{.} between levels.
    """
    return Dovecot(Settings(layout="maildir", separator="."))


@functools.cache
def poorServer() -> Dovecot:
    """
    A server that offers nothing but what is required.
    """
    return Dovecot(Settings(capability=REQUIRED))


def freshUser() -> str:
    """
    A user's name that nobody in this process has had.
    """
    return f"user{next(_numbers)}"


_numbers = itertools.count(1)


def configuration(server: Dovecot) -> str:
    """
    The text of a server's configuration file.
    """
    values = {
        **vars(server.settings),
        "directory": server.directory,
        "certificate": server.certificate.path,
        "key": server.certificate.key,
        "port": server.port,
        "tlsPort": server.tlsPort,
        "ssl": "yes" if server.settings.plaintext else "required",
        "owner": _owner().pw_name,
        "group": grp.getgrgid(_owner().pw_gid).gr_name,
        "password": PASSWORD,
        "optional": "\n".join(_optional(server.settings)),
        "uses": "\n".join(_uses(server.settings)),
    }
    return _CONFIGURATION.format_map(values)


def _optional(settings: Settings) -> Sequence[str]:
    """
    The lines that only some servers have.
    """
    lines = []
    if settings.capability:
        lines.append(f"imap_capability = {settings.capability}")
    if settings.messageLimit is not None or settings.sizeLimit is not None:
        lines += [
            "mail_plugins = $mail_plugins quota",
            "plugin {",
            "  quota = count:User quota",
            "  quota_vsizes = yes",
            f"  quota_rule = *:messages={settings.messageLimit or 0}",
            f"  quota_max_mail_size = {settings.sizeLimit or 0}",
            "}",
        ]
    return lines


def _uses(settings: Settings) -> Iterator[str]:
    for name, use in settings.uses.items():
        yield f'  mailbox "{name}" {{\n    special_use = \\{use}\n  }}'


def _owner() -> pwd.struct_passwd:
    """
    Whose the mail is, and most of a server's processes: ours, but Dovecot
    refuses to serve root.
    """
    return pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam("nobody")


_CONFIGURATION = """\
base_dir = {directory}/base
state_dir = {directory}/state
log_path = {directory}/log

protocols = imap
listen = 127.0.0.1, 127.0.0.2
ssl = {ssl}
ssl_cert = <{certificate}
ssl_key = <{key}

default_internal_user = {owner}
default_internal_group = {group}
default_login_user = {owner}
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={group} home={directory}/mail/%u
}}
auth_failure_delay = 0

mail_location = {layout}:~/mail
mail_fsync = never
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
{uses}
}}
mail_plugins = zlib
{optional}
protocol imap {{
  mail_plugins = $mail_plugins imap_zlib
}}
mail_max_userip_connections = 0

# Many tests at a time.
default_client_limit = 4000
default_process_limit = 1000
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tlsPort}
  }}
}}
service imap {{
  process_limit = 1000
}}
service anvil {{
  chroot =
  # No penalty for wrong passwords.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
{extra}
"""
