"""
Which L{Store} has the tokens of a server.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from imapsync.config.oauth import OAuthConfig
from imapsync.errors import ConfigError
from imapsync.oauth.lock import locked
from imapsync.oauth.store import Store
from imapsync.oauth.tokenfile import TokenFile
from imapsync.oauth.tokens import Tokens


def lockOf(reactor: Any, config: OAuthConfig) -> AbstractAsyncContextManager[None]:
    """
    What is to be held while the tokens of a server are renewed or replaced.
    """
    return locked(reactor, f"{config.tokenFile}.lock")


async def keep(reactor: Any, config: OAuthConfig, tokens: Tokens) -> str:
    """
    Keep what was granted, in place of what was kept.

    @return: where.
    @raise StateError: if that is not possible.
    """
    async with lockOf(reactor, config):
        store = await storeOf(reactor, config)
        await store.write(tokens)
    return store.where


async def storeOf(
    reactor: Any, config: OAuthConfig, keyring: Any | None = None
) -> Store:
    """
    Where the tokens of a server are kept, or are to be: as C{config} says, or else in
    the file if it is there, in the keyring of the system if it has one, in the file.

    @param keyring: in place of the package of that name.
    @raise ConfigError: if there is no such place.
    """
    said = config.store == "keyring"
    if not said and (config.store == "file" or Path(config.tokenFile).exists()):
        return TokenFile(config.tokenFile)
    try:
        # Imported here because it takes time, and not everybody has it.
        from imapsync.oauth.ring import Ring
    except ImportError:
        if not said:
            return TokenFile(config.tokenFile)
        raise ConfigError(
            "oauth2-token-store = keyring needs the Python package keyring: install"
            " imapsync[keyring]"
        ) from None
    ring = Ring(reactor, config) if keyring is None else Ring(reactor, config, keyring)
    return ring if said or await ring.isUsable() else TokenFile(config.tokenFile)
