"""
What providers of mail want of who logs in with a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from imapsync.config.oauth import UNATTENDED, OAuthConfig


class Endpoints(NamedTuple):
    """
    Where to ask.

    @ivar authorization: shown to people, in a browser; C{None} if there is none.
    @ivar device: begins the flow of RFC 8628; C{None} if there is none.
    @ivar basic: whether our secret is to be told by HTTP Basic only (RFC 6749, 2.3.1).
    """

    token: str
    authorization: str | None = None
    device: str | None = None
    basic: bool = False


class Provider(NamedTuple):
    """
    Who keeps mail, and gives tokens for it.

    @ivar name: as C{oauth2} has it.
    @ivar title: as people call it.
    @ivar endpoints: with C{{tenant}} where there may be several.
    @ivar scope: that of IMAP, for a user's token.
    @ivar ownScope: that of IMAP, for a program's own token.
    @ivar extra: what else to say where a user is to say yes, so that there comes a
        refresh token.
    @ivar hosts: its IMAP servers.
    """

    name: str
    title: str
    endpoints: Endpoints
    scope: str
    ownScope: str
    extra: Mapping[str, str]
    hosts: tuple[str, ...]


_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"

PROVIDERS: Mapping[str, Provider] = {
    "google": Provider(
        "google",
        "Google",
        Endpoints(
            token="https://oauth2.googleapis.com/token",
            authorization="https://accounts.google.com/o/oauth2/v2/auth",
        ),
        scope="https://mail.google.com/",
        ownScope="https://mail.google.com/",
        extra={"access_type": "offline", "prompt": "consent"},
        hosts=("imap.gmail.com", "imap.googlemail.com"),
    ),
    "microsoft": Provider(
        "microsoft",
        "Microsoft",
        Endpoints(
            token=f"{_MICROSOFT}/token",
            authorization=f"{_MICROSOFT}/authorize",
            device=f"{_MICROSOFT}/devicecode",
        ),
        scope="https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
        ownScope="https://outlook.office365.com/.default",
        extra={},
        hosts=(
            *("outlook.office365.com", "outlook.office.com"),
            *("imap-mail.outlook.com", "outlook.com"),
        ),
    ),
}


def forHost(host: str) -> Provider | None:
    """
    Whose IMAP server that is, if it is one of theirs.
    """
    name = host.lower().removesuffix(".")
    return next((one for one in PROVIDERS.values() if name in one.hosts), None)


def endpointsOf(config: OAuthConfig) -> Endpoints | None:
    """
    Where to ask, as far as it is known beforehand: C{None} if it has to be
    discovered.
    """
    provider = PROVIDERS.get(config.provider)
    if provider is not None:
        urls = provider.endpoints[:3]
        token, authorization, device = (
            url and url.format(tenant=config.tenant) for url in urls
        )
        return Endpoints(token or "", authorization, device)
    if config.tokenUrl is None:
        return None
    needed = {
        "browser": config.authorizationUrl,
        "paste": config.authorizationUrl,
        "device": config.deviceUrl,
    }.get(config.flow, config.tokenUrl)
    if needed is None and config.issuer is not None:
        return None
    return Endpoints(config.tokenUrl, config.authorizationUrl, config.deviceUrl)


def scopeOf(config: OAuthConfig) -> str:
    """
    What the token is to be good for; empty for what the provider takes as usual.
    """
    provider = PROVIDERS.get(config.provider)
    if config.scope or provider is None:
        return config.scope
    return provider.ownScope if config.flow in UNATTENDED else provider.scope


def extraOf(config: OAuthConfig) -> Mapping[str, str]:
    """
    What else to say where a user is to say yes.
    """
    provider = PROVIDERS.get(config.provider)
    return {} if provider is None else provider.extra


def titleOf(config: OAuthConfig) -> str:
    """
    What people call it.
    """
    provider = PROVIDERS.get(config.provider)
    return "the provider" if provider is None else provider.title
