"""
Which L{Store} has the tokens of a server.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imapsync.config.oauth import OAuthConfig
from imapsync.oauth.lock import locked
from imapsync.oauth.store import Store
from imapsync.oauth.tokenfile import TokenFile
from imapsync.oauth.tokens import Tokens

if TYPE_CHECKING:
    from imapsync.oauth.ring import Ring


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
    reactor: Any,
    config: OAuthConfig,
    make: Callable[[Any, OAuthConfig], Ring] | None = None,
) -> Store:
    """
    Where the tokens of a server are kept, or are to be: as C{config} says, or else in
    the file if it is there, in the keyring of the system if it has one, in the file.

    @param make: makes a keyring, in place of that of the system.
    """
    said = config.store == "keyring"
    if not said and (
        config.store == "file"
        or Path(config.tokenFile).exists()
        or find_spec("keyring") is None
    ):
        return TokenFile(config.tokenFile)
    # Imported here because it takes time, and not everybody has it.
    from imapsync.oauth.ring import Ring

    ring = (make or Ring)(reactor, config)
    return ring if said or await ring.isUsable() else TokenFile(config.tokenFile)
