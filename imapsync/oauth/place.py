"""
Which L{Store} has the tokens of a server.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from imapsync.config.oauth import OAuthConfig
from imapsync.oauth.store import Store
from imapsync.oauth.tokenfile import TokenFile


async def storeOf(reactor: Any, config: OAuthConfig) -> Store:
    """
    Where the tokens of a server are kept, or are to be: as C{config} says, or else in
    the file if it is there, in the keyring of the system if it has one, in the file.

    @raise ConfigError: if there is no such place.
    """
    if config.store == "keyring" or (
        config.store is None
        and not Path(config.tokenFile).exists()
        and find_spec("keyring") is not None
    ):
        # Imported here because it takes time, and few have it.
        from imapsync.oauth.ring import Ring

        ring = Ring(reactor, config)
        if config.store is not None or await ring.isUsable():
            return ring
    return TokenFile(config.tokenFile)
