"""
Tokens in the keyring of the system.
"""

from __future__ import annotations

from imapsync.config.oauth import OAuthConfig
from imapsync.oauth.store import parsed, written
from imapsync.oauth.tokens import Tokens
from imapsync.system.keyring import Keyring

#: What the keyring calls us.
_SERVICE = "imapsync"


class Ring:
    """
    A L{Store<imapsync.oauth.store.Store>}.
    """

    def __init__(self, keyring: Keyring, config: OAuthConfig) -> None:
        self.where = keyring.where
        self._keyring = keyring
        self._name = config.tokenFile.rpartition("/")[2].removesuffix(".oauth2")

    async def read(self) -> Tokens | None:
        """
        What is kept.
        """
        text = await self._keyring.read(_SERVICE, self._name)
        return None if text is None else parsed(text)

    async def write(self, tokens: Tokens) -> None:
        """
        Keep these.
        """
        await self._keyring.write(_SERVICE, self._name, written(tokens))
