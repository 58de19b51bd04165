"""
What a configuration says of one server.
"""

# Annotations are evaluated here: as text, that of each field of a tuple would be
# compiled whenever the program starts.

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from imapsync.config import tls, values
from imapsync.config.mechanisms import BEARER, MECHANISMS, USUAL, mechanisms
from imapsync.config.paths import Files
from imapsync.config.proxy import Proxy, proxy
from imapsync.config.section import Option, Section
from imapsync.config.tls import TLSConfig
from imapsync.model import EVERYTHING, Act, Allowed, Side

if TYPE_CHECKING:
    from imapsync.config.oauth import OAuthConfig

_COMMAND_OPTIONS = ("command", "null-stderr")
_TYPE = values.oneOf("imap", "imaps", "tunnel")
# None of these is ever told, wherever a configuration comes to be shown.
_SECRETS = ("password", "passwordCommand", "environment")
#: What stands in place of a password that the keyring of the system keeps.
KEYRING = "keyring:"
#: Those that the types have by default.
PORTS = {"imap": 143, "imaps": 993, "tunnel": 0}

#: Each of them tells the password, or the token.
_SOURCES = ("oauth2", "password", "password-command", "password-file")

#: Why a trash has no effect: whether what would go there is marked only.
_SPARED = {True: "with expunge = NO", False: "without expunge in allow"}

#: What a server's section may hold.
OPTIONS = (
    "type",
    "host",
    "port",
    "proxy",
    *_COMMAND_OPTIONS,
    "STARTTLS",
    "auth",
    "username",
    *_SOURCES,
    "oauth2-flow",
    "oauth2-client-id",
    "oauth2-client-secret",
    "oauth2-scope",
    "oauth2-tenant",
    "oauth2-issuer",
    "oauth2-authorization-url",
    "oauth2-token-url",
    "oauth2-device-url",
    "oauth2-key-file",
    "oauth2-token-store",
    "authorize-as",
    "compress",
    "read-only",
    "allow",
    "expunge",
    "list-reference",
    "trash",
    "max-octets-per-day",
    "max-commands-in-flight",
    "full-look",
    "flag-window",
    *tls.OPTIONS,
)


class ServerConfig(NamedTuple):
    """
    One of the two servers.

    @ivar type: C{"imap"}, C{"imaps"} or C{"tunnel"}.
    @ivar host: an IPv6 address has no brackets; of a tunnel it is but a name
        for the database, and may be empty.
    @ivar port: of no meaning for a tunnel.
    @ivar command: of a tunnel only.
    @ivar starttls: whether TLS must be started on a connection of type imap.
    @ivar auth: mechanisms in upper case, the preferred one first.
    @ivar allowed: what may be done there; nothing, if it is never written.
    @ivar compress: whether to, where the server can.
    @ivar trash: a mailbox, as typed, to which messages are moved instead of being
        expunged; empty if there is to be none, C{None} if nothing is said.
    @ivar octetsPerDay: so many may go over all connections to it, either way, on one
        day; C{None} if there is no such limit.
    @ivar commandsInFlight: so many may be unanswered on one connection; C{None} as
        before.
    @ivar fullLook: where the server does not tell which flags have changed, those of
        all messages are compared so often in live mode, in seconds.
    @ivar flagWindow: so many of the newest messages are, each time it is asked.
    @ivar keyring: the service, and the user, whose password is in the keyring of the
        system.
    @ivar proxy: who connects us, if we do not connect ourselves.
    @ivar passwordFile: whose first line is the password at the next login.
    @ivar authorizeAs: whose mail it is, if not that of C{username}.
    @ivar oauth2: in place of a password, how to get tokens.
    @ivar marks: whether messages are marked as deleted there, and not expunged.
    @ivar environment: what else commands find in theirs, each C{NAME=VALUE}.
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
    password: str | None
    passwordCommand: str | None
    tls: TLSConfig
    listReference: str
    allowed: Allowed = EVERYTHING
    compress: bool = False
    trash: str | None = None
    octetsPerDay: int | None = None
    commandsInFlight: int | None = None
    authorizeAs: str | None = None
    passwordFile: str | None = None
    # As text: few need that module.
    oauth2: "OAuthConfig | None" = None
    proxy: Proxy | None = None
    keyring: tuple[str, str] | None = None
    environment: tuple[str, ...] = ()
    fullLook: float = 86400.0
    flagWindow: int = 200
    marks: bool = False

    def __repr__(self) -> str:
        told = (
            f"{name}={value!r}"
            for name, value in self._asdict().items()
            if name not in _SECRETS
        )
        return f"ServerConfig({', '.join(told)})"

    @property
    def readOnly(self) -> bool:
        """
        Whether it is never written.
        """
        return not self.allowed

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

    @property
    def user(self) -> str | None:
        """
        Whose mail it is, as far as the configuration says.
        """
        return self.authorizeAs or self.username

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """
        Those of C{auth} that can say all that is to be said.
        """
        named = bool(self.tls.certificate) or not self.encrypted
        return tuple(
            name
            for name in self.auth
            if self.authorizeAs is None or MECHANISMS[name].authorises
            if named or MECHANISMS[name].asks
        )

    @property
    def account(self) -> tuple[object, ...]:
        """
        What no other account has in common with it.
        """
        who = self.user or self.tls.certificate
        return (self.command or (self.host, self.port), who)


def read(side: Side, section: Section, files: Files) -> ServerConfig:
    """
    What a section says.

    @raise ConfigError: if that cannot be used.
    """
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
    command = section.get("command", values.text, None)
    bearer = "oauth2" in section
    host = section.get("host", values.host, "" if tunnel else "localhost")
    username = section.get("username", values.text, None)
    password = section.get("password", values.text, None)
    keyring = _keyring(section, password or "", host, username or "")
    config = ServerConfig(
        side=side,
        type=kind,
        host=host,
        port=section.get("port", values.port, PORTS[kind]),
        command=command if tunnel else None,
        nullStderr=section.get("null-stderr", values.yesNo, False),
        starttls=kind == "imap" and starttls,
        auth=section.get("auth", mechanisms, BEARER if bearer else USUAL),
        username=username,
        password=password if keyring is None else None,
        passwordCommand=section.get("password-command", values.text, None),
        tls=tls.read(section, files),
        listReference=section.get("list-reference", str, ""),
        allowed=_allowed(section),
        compress=section.get("compress", values.yesNo, side is Side.REMOTE),
        trash=section.get("trash", values.trash, None),
        octetsPerDay=section.get("max-octets-per-day", values.octets, None),
        commandsInFlight=section.get("max-commands-in-flight", values.number, None),
        authorizeAs=section.get("authorize-as", values.text, None),
        fullLook=section.get("full-look", values.duration, 86400.0),
        flagWindow=section.get("flag-window", values.number, 200),
        passwordFile=section.get("password-file", files.secret, None),
        oauth2=_oauth(side, section, files) if bearer else None,
        proxy=None if tunnel else section.get("proxy", proxy, None),
        keyring=keyring,
        marks=not section.get("expunge", values.yesNo, True),
    )
    if config.marks:
        left = tuple(act for act in config.allowed if act is not Act.EXPUNGE)
        config = config._replace(allowed=left, marks=Act.FLAGS in left)
    _checkMechanisms(section, config)
    if config.proxy is not None and "%" in config.host:
        raise section.wrong("proxy", f"cannot connect to {config.host}, which is ours")
    return config


def _allowed(section: Section) -> Allowed:
    """
    What may be done on this side, by either of the two options that say so.
    """
    if "allow" in section and "read-only" in section:
        raise section.wrong("allow", "and read-only exclude each other")
    if section.get("read-only", values.yesNo, False):
        return ()
    allowed = section.get("allow", values.acts, EVERYTHING)
    trash = section.get("trash", values.trash, None)
    if trash and Act.EXPUNGE in allowed and Act.APPEND not in allowed:
        # What may not be moved there would be gone for good.
        raise section.wrong("trash", "needs append in allow, as well as expunge")
    return allowed


def _keyring(
    section: Section, password: str, host: str, username: str
) -> tuple[str, str] | None:
    """
    The entry of the keyring that stands in the place of a password, if one does.
    """
    if not password.startswith(KEYRING):
        return None
    named, slash, user = password.removeprefix(KEYRING).rpartition("/")
    entry = (named, user) if slash else (user or host, username)
    if not all(entry):
        raise section.wrong("password", f"must be {KEYRING}SERVICE/USER")
    return entry


def _checkMechanisms(section: Section, config: ServerConfig) -> None:
    """
    Refuse mechanisms of which none can be used.
    """
    for name in config.auth:
        if config.oauth2 is not None and name not in BEARER:
            raise section.wrong(
                "auth", f"names {name}: with oauth2 there are {' and '.join(BEARER)}"
            )
    if config.mechanisms:
        return
    able = [name for name, known in MECHANISMS.items() if known.authorises]
    if set(able).isdisjoint(config.auth):
        raise section.wrong(
            "authorize-as",
            f"has no place in auth = {' '.join(config.auth)}; those that have one are"
            f" {' '.join(able)}",
        )
    raise section.wrong("auth", "leaves EXTERNAL, which needs SSL_certificate")


def _oauth(side: Side, section: Section, files: Files) -> "OAuthConfig":
    from imapsync.config import oauth  # here, because few need it

    return oauth.read(side, section, files)


def _noTLS(kind: str) -> str:
    return "with type = tunnel" if kind == "tunnel" else "with STARTTLS = NO"


def uncoded(section: Section, *options: str) -> Iterator[str]:
    """
    Warnings about options with names that seem to be written in modified UTF-7.
    """
    for option in options:
        written = section.options.get(option, Option(""))
        meant = values.coded(written.value)
        if meant:
            yield section.about(option, f"is in UTF-8 here: it may have to be {meant}")


def idle(section: Section, server: ServerConfig) -> Iterator[str]:
    """
    Warnings about the options that have no effect.
    """
    yield from uncoded(section, "list-reference")
    for option, why in _withoutEffect(server, section):
        if option in section:
            yield section.about(option, f"has no effect {why}: remove it")


def _withoutEffect(server: ServerConfig, section: Section) -> Iterator[tuple[str, str]]:
    """
    The options that would have none beside the others, and why.
    """
    kind = server.type
    if any(option.startswith("oauth2-") for option in section.options):
        from imapsync.config import oauth

        yield from oauth.idle(section)
    if server.readOnly:
        yield "trash", "with read-only = YES"
        yield "expunge", "with read-only = YES"
    elif Act.EXPUNGE not in server.allowed:
        yield "trash", _SPARED[server.marks]
    if kind == "tunnel":
        yield "proxy", "with type = tunnel"
    else:
        yield from ((option, f"with type = {kind}") for option in _COMMAND_OPTIONS)
    if kind == "imaps" and section.get("STARTTLS", values.yesNo, False):
        yield "STARTTLS", "with type = imaps"
    if not server.encrypted:
        yield from ((option, _noTLS(kind)) for option in tls.OPTIONS)
        return
    if not server.tls.verifyPeer:
        for option in ("SSL_ca_path", "SSL_ca_file"):
            yield option, "with SSL_verify_trusted_peer = NO"
    if not server.tls.certificate:
        yield "SSL_key", "without SSL_certificate"


def _credentials(section: Section, kind: str) -> None:
    """
    Refuse half of a credential.  Whether one is needed, the server says.
    """
    secrets = [name for name in _SOURCES if name in section]
    if len(secrets) > 1:
        raise section.wrong(secrets[1], f"and {secrets[0]} exclude each other")
    needed = kind != "tunnel" or "oauth2" in secrets
    if secrets and needed and "username" not in section:
        raise section.wrong("username", f"is missing: {secrets[0]} needs it")
