"""
The options about OAuth 2.0 (RFC 6749): who gives tokens for a server, and to whom.

Imported only where a configuration has some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import NamedTuple

from imapsync.config import values
from imapsync.config.paths import Files
from imapsync.config.section import Section, quoted
from imapsync.model import Side

#: Where a user says yes in a browser here, on another device, or in a browser
#: elsewhere; a program with a secret of its own; one that signs what it asks for.
FLOWS = ("browser", "device", "paste", "client-credentials", "service-account")

#: Those where nobody has to say yes: whoever has the secret or key gets a token.
UNATTENDED = ("client-credentials", "service-account")

#: What the providers allow for mail, the usual one first.
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "google": ("browser", "paste", "service-account"),
    "microsoft": ("browser", "device", "paste", "client-credentials"),
    "custom": FLOWS,
}

_URLS = ("oauth2-authorization-url", "oauth2-token-url", "oauth2-device-url")
_TENANTS = ("common", "organizations", "consumers")
_LOOPBACK = r"localhost|127(\.[0-9]+){3}|::1"

_provider = values.oneOf(*ALLOWED)
_flow = values.oneOf(*FLOWS)
_place = values.oneOf("file", "keyring")


class OAuthConfig(NamedTuple):
    """
    How to get tokens for a server.

    @ivar provider: C{"google"}, C{"microsoft"} or C{"custom"}.
    @ivar flow: one of L{FLOWS}.
    @ivar clientId: as the provider has registered us; may be empty where a key file
        says it.
    @ivar scope: empty for the provider's usual one.
    @ivar tenant: of Microsoft's only.
    @ivar issuer: tells those of the URLs that are not given (RFC 8414).
    @ivar keyFile: what we sign with: a service account's JSON, or a key in PEM.
    @ivar store: C{"file"} or C{"keyring"}; C{None} to choose.
    @ivar tokenFile: where tokens are kept if that is in a file: an absolute path.
    @ivar mend: the command that has a user say yes once more.
    """

    provider: str
    flow: str
    clientId: str = ""
    clientSecret: str | None = None
    scope: str = ""
    tenant: str = "common"
    issuer: str | None = None
    authorizationUrl: str | None = None
    tokenUrl: str | None = None
    deviceUrl: str | None = None
    keyFile: str | None = None
    store: str | None = None
    tokenFile: str = ""
    mend: str = ""

    def __repr__(self) -> str:
        told = (
            f"{name}={value!r}"
            for name, value in self._asdict().items()
            if name != "clientSecret"
        )
        return f"OAuthConfig({', '.join(told)})"

    @property
    def attended(self) -> bool:
        """
        Whether a person has to say yes, once.
        """
        return self.flow not in UNATTENDED


def isLoopback(host: str) -> bool:
    """
    Whether nobody else can be at a host of this name.
    """
    return re.fullmatch(_LOOPBACK, host) is not None


def url(value: str) -> str:
    """
    Where a web server answers, so that nobody else can listen.
    """
    from urllib.parse import urlsplit  # here, because few need it: it takes time

    try:
        parts = urlsplit(values.text(value))
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if (
        not host
        or not re.fullmatch("[!-~]+", value)
        or parts.scheme not in ("https", "http")
        or "@" in parts.netloc
        or "#" in value
    ):
        raise ValueError(
            f"must be a URL such as https://host/path, not {quoted(value)}"
        )
    if parts.scheme == "http" and not isLoopback(host):
        raise ValueError(f"must begin with https://, not {quoted(value)}")
    return value


def read(side: Side, section: Section, files: Files) -> OAuthConfig:
    """
    What a section with C{oauth2} says about it.

    @raise ConfigError: if that cannot be used.
    """
    provider = section.get("oauth2", _provider, "")
    config = OAuthConfig(
        provider=provider,
        flow=section.get("oauth2-flow", _flow, "") or _usual(provider, section),
        clientId=section.get("oauth2-client-id", values.text, ""),
        clientSecret=section.get("oauth2-client-secret", values.text, None),
        scope=section.get("oauth2-scope", values.text, ""),
        tenant=section.get("oauth2-tenant", _tenant, "common"),
        issuer=section.get("oauth2-issuer", url, None),
        authorizationUrl=section.get("oauth2-authorization-url", url, None),
        tokenUrl=section.get("oauth2-token-url", url, None),
        deviceUrl=section.get("oauth2-device-url", url, None),
        keyFile=section.get("oauth2-key-file", files.file, None),
        store=section.get("oauth2-token-store", _store, None),
        mend=_command(side, section.path),
    )
    _checkFlow(section, config)
    _checkClient(section, config)
    if provider == "custom":
        _checkUrls(section, config)
    return config


def idle(section: Section) -> Iterator[tuple[str, str]]:
    """
    The options in a section that have no effect, and why.
    """
    names = [name for name in section.options if name.startswith("oauth2-")]
    if "oauth2" not in section:
        yield from ((name, "without oauth2") for name in names)
        return
    provider = section.get("oauth2", _provider, "")
    flow = section.get("oauth2-flow", _flow, "") or _usual(provider, section)
    if provider != "custom":
        beside = f"with oauth2 = {provider}"
        yield from ((name, beside) for name in ("oauth2-issuer", *_URLS))
    if provider != "microsoft":
        yield "oauth2-tenant", f"with oauth2 = {provider}"
    if flow not in UNATTENDED:
        yield "oauth2-key-file", f"with oauth2-flow = {flow}"
    if flow == "service-account":
        yield "oauth2-client-secret", f"with oauth2-flow = {flow}"


def _usual(provider: str, section: Section) -> str:
    """
    The flow of a section that names none.
    """
    keyed = "oauth2-key-file" in section
    if provider == "microsoft":
        return "client-credentials" if keyed else "browser"
    if keyed:
        return "service-account"
    if provider == "google" or "oauth2-issuer" in section:
        return "browser"
    if "oauth2-authorization-url" in section:
        return "browser"
    return "device" if "oauth2-device-url" in section else "client-credentials"


def _tenant(value: str) -> str:
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", values.text(value), re.ASCII):
        raise ValueError(
            "must be the ID of a tenant, a domain of it,"
            f" {', '.join(_TENANTS[:-1])} or {_TENANTS[-1]}, not {quoted(value)}"
        )
    return value


def _store(value: str) -> str:
    if _place(value) == "keyring" and find_spec("keyring") is None:
        raise ValueError(
            "= keyring needs the Python package keyring, which is not installed:"
            " install imapsync[keyring]"
        )
    return _place(value)


def _checkFlow(section: Section, config: OAuthConfig) -> None:
    allowed = ALLOWED[config.provider]
    if config.flow not in allowed:
        raise section.wrong(
            "oauth2-flow",
            f"= {config.flow} is not for mail at oauth2 = {config.provider};"
            f" there are {', '.join(allowed)}",
        )
    if config.flow == "service-account" and config.keyFile is None:
        raise section.wrong("oauth2-key-file", f"is missing: {_by(config)} needs it")
    if config.flow != "client-credentials":
        return
    if config.keyFile is None and config.clientSecret is None:
        raise section.wrong(
            "oauth2-client-secret",
            f"is missing: {_by(config)} needs it, or oauth2-key-file",
        )
    if config.provider == "microsoft" and config.tenant in _TENANTS:
        raise section.wrong(
            "oauth2-tenant", f"must name your own tenant: {_by(config)} needs it"
        )


def _checkClient(section: Section, config: OAuthConfig) -> None:
    named = config.flow == "service-account" and isJson(config.keyFile or "")
    if not config.clientId and not named:
        raise section.wrong(
            "oauth2-client-id",
            f"is missing: it is what {config.provider} knows this program by"
            if config.provider != "custom"
            else "is missing: oauth2 needs it",
        )


def _checkUrls(section: Section, config: OAuthConfig) -> None:
    needed = {"oauth2-token-url": config.tokenUrl}
    if config.flow in ("browser", "paste"):
        needed["oauth2-authorization-url"] = config.authorizationUrl
    if config.flow == "device":
        needed["oauth2-device-url"] = config.deviceUrl
    for name, given in needed.items():
        if given is None and config.issuer is None:
            raise section.wrong(
                name, f"is missing: {_by(config)} needs it, or oauth2-issuer"
            )


def isJson(path: str) -> bool:
    """
    Whether a key file is a service account's JSON.
    """
    with open(path, "rb") as stream:
        return stream.read(64).lstrip().startswith(b"{")


def _by(config: OAuthConfig) -> str:
    return f"oauth2-flow = {config.flow}"


def _command(side: Side, path: str) -> str:
    import shlex  # here, because few need it: it takes time

    command = f"imapsync --authorize={side}"
    return f"{command} --config={shlex.quote(path)}" if path else command
