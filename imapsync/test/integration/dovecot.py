"""
Private Dovecot servers on loopback.

Nothing here uses the reactor: a server is other processes and some files.
"""

from __future__ import annotations

import functools
import grp
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imapsync.test import children
from imapsync.test.integration.accounts import Account
from imapsync.test.integration.certificates import LOOPBACK, issue
from imapsync.test.integration.server import PASSWORD, Server, Start, owner

#: What servers must be able to do.
REQUIRED = "IMAP4rev1 UIDPLUS ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS"

#: A directory that is not in everybody's PATH.
DOVECOT = "/usr/sbin/dovecot"


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
    @ivar introspection: where it asks whether a token is good (RFC 7662); then it
        takes tokens as well.
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
    introspection: str = ""
    extra: str = ""


class Dovecot(Server):
    """
    A Dovecot.  It accepts every user name.

    C{directory / "mail"} has a directory for each user.

    @ivar port: speaks STARTTLS as well.
    @ivar tlsPort: speaks TLS from the start.
    @ivar certificate: which it shows on both.
    """

    def __init__(self, settings: Settings, within: Path | None = None) -> None:
        super().__init__(within)
        self.settings = settings
        # Dovecot takes a client with the server's own address for secure.
        self.host = "127.0.0.1" if settings.plaintext else "127.0.0.2"
        self.certificate = issue(
            self.directory,
            settings.names,
            expired=settings.expired,
            selfSigned=settings.selfSigned,
        )
        self.owned("mail")
        self.begin()

    def configured(self) -> Start:
        """
        As it says.
        """
        path = self.directory / "dovecot.conf"
        path.write_text(configuration(self))
        if self.settings.introspection:
            asking = self.directory / "introspection"
            asking.write_text(_INTROSPECTION.format_map(vars(self.settings)))
        dovecot = [DOVECOT, "-F", "-c", str(path)]
        return Start(["setpriv", "--pdeathsig", "TERM", *dovecot])

    def log(self) -> str:
        """
        What it has logged so far.
        """
        log = self.directory / "log"
        return super().log() + (log.read_text() if log.exists() else "")

    def account(self, user: str) -> Account:
        """
        Log in, within TLS if need be.
        """
        if self.settings.plaintext:
            return super().account(user)
        authority = self.certificate.authority
        return Account(self.host, self.tlsPort, user, PASSWORD, authority)

    def doveadm(self, *arguments: str) -> str:
        """
        Run C{doveadm} and return what it prints; octets that are no UTF-8 as
        C{surrogateescape} has it.

        @raise subprocess.CalledProcessError: if it fails.
        """
        output: str = children.done(
            [*self._doveadm(), *arguments],
            stdin=children.DEVNULL,
            stdout=children.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
        ).stdout
        return output

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
        "owner": owner().pw_name,
        "group": grp.getgrgid(owner().pw_gid).gr_name,
        "password": PASSWORD,
        "optional": "\n".join(_optional(server.settings)),
        "uses": "\n".join(_uses(server.settings)),
        "tokens": _tokens(server),
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


def _tokens(server: Dovecot) -> str:
    """
    The lines that have it take tokens, if it does.
    """
    if not server.settings.introspection:
        return ""
    return _TOKENS.format(directory=server.directory)


def _uses(settings: Settings) -> Iterator[str]:
    for name, use in settings.uses.items():
        yield f'  mailbox "{name}" {{\n    special_use = \\{use}\n  }}'


_INTROSPECTION = """\
introspection_mode = post
introspection_url = {introspection}
active_attribute = active
active_value = true
username_attribute = username
"""

_TOKENS = """\
auth_mechanisms = plain login xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {directory}/introspection
}}
"""

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
{tokens}
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
