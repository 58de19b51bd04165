"""
Which L{Store} has the tokens of a server.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from imapsync.config.oauth import OAuthConfig
from imapsync.oauth.lock import locked
from imapsync.oauth.ring import Ring
from imapsync.oauth.store import Store
from imapsync.oauth.tokenfile import TokenFile
from imapsync.oauth.tokens import Tokens
from imapsync.system.keyring import Keyring


def lockOf(reactor: Any, config: OAuthConfig) -> AbstractAsyncContextManager[None]:
    """
    What is to be held while the tokens of a server are renewed or replaced.
    """
    return locked(reactor, f"{config.tokenFile}.lock")


async def keep(reactor: Any, config: OAuthConfig, tokens: Tokens) -> str:
    """
    Keep what was granted, in place of what was kept; who renews that just now is not
    to keep it after that.

    @return: where.
    @raise StateError: if that is not possible.
    """
    async with lockOf(reactor, config):
        store = await storeOf(reactor, config)
        await store.write(tokens)
    return store.where


async def storeOf(
    reactor: Any, config: OAuthConfig, keyring: Keyring | None = None
) -> Store:
    """
    Where the tokens of a server are kept, or are to be: as C{config} says, or else in
    the file if it is there, in the keyring of the system if it has one, in the file.

    @param keyring: in place of that of the system.
    """
    inFile = TokenFile(config.tokenFile)
    if config.store == "file" or (not config.store and Path(inFile.where).exists()):
        return inFile
    keyring = keyring or Keyring(reactor)
    if config.store == "keyring" or await keyring.isUsable():
        return Ring(keyring, config)
    return inFile
