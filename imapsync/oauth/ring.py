"""
Tokens in the keyring of the system.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import keyring
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThreadPool

from imapsync.config.oauth import OAuthConfig
from imapsync.display import line
from imapsync.errors import StateUnavailable
from imapsync.oauth.store import parsed, written
from imapsync.oauth.tokens import Tokens

T = TypeVar("T")

#: What the keyring calls us.
_SERVICE = "imapsync"


class Ring:
    """
    A L{Store<imapsync.oauth.store.Store>}.  The keyring may ask a user to unlock it,
    and so it is asked in a thread.

    @param backend: a keyring, in place of that of the system.
    """

    where = "the keyring of the system"

    def __init__(
        self, reactor: Any, config: OAuthConfig, backend: Any = keyring
    ) -> None:
        self._reactor = reactor
        self._name = config.tokenFile.rpartition("/")[2].removesuffix(".oauth2")
        self._backend = backend

    async def isUsable(self) -> bool:
        """
        Whether the system has one.
        """
        try:
            found = await self._done(self._backend.get_keyring)
        except StateUnavailable:
            return False
        priority: float = found.priority
        return priority > 0  # else there is but one that refuses all

    async def read(self) -> Tokens | None:
        """
        What is kept.
        """
        text = await self._done(self._backend.get_password, _SERVICE, self._name)
        return None if text is None else parsed(text)

    async def write(self, tokens: Tokens) -> None:
        """
        Keep these.
        """
        text = written(tokens)
        await self._done(self._backend.set_password, _SERVICE, self._name, text)

    async def _done(self, act: Callable[..., T], *words: str) -> T:
        asking: Deferred[T] = deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), act, *words
        )
        try:
            return await asking
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 (there are many kinds of keyrings)
            text = line(str(error), 400) or type(error).__name__
            raise StateUnavailable(f"{self.where} cannot be used: {text}") from None
