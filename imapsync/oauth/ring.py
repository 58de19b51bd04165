"""
Tokens in the keyring of the system.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar

import keyring
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from imapsync.config.oauth import OAuthConfig
from imapsync.display import line
from imapsync.errors import StateUnavailable
from imapsync.oauth.store import parsed, written
from imapsync.oauth.tokens import Tokens

T = TypeVar("T")

#: What the keyring calls us.
_SERVICE = "imapsync"


def _spawned(work: Callable[[], None]) -> None:
    Thread(target=work, name="keyring", daemon=True).start()


class Ring:
    """
    A L{Store<imapsync.oauth.store.Store>}.  The keyring may ask a user to unlock it:
    so it is asked in a thread, for which the program does not wait in the end.

    @param backend: a keyring, in place of that of the system.
    @param spawn: has something be done in a thread.
    """

    where = "the keyring of the system"

    def __init__(
        self,
        reactor: Any,
        config: OAuthConfig,
        backend: Any = keyring,
        spawn: Callable[[Callable[[], None]], None] = _spawned,
    ) -> None:
        self._reactor = reactor
        self._spawn = spawn
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
        done: Deferred[T] = Deferred()

        def tell(result: T | Failure) -> None:
            if not done.called:
                done.callback(result)

        def work() -> None:
            result: T | Failure
            try:
                result = act(*words)
            except Exception:  # noqa: BLE001 (there are many kinds of keyrings)
                result = Failure()
            self._reactor.callFromThread(tell, result)

        self._spawn(work)
        try:
            return await done
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 (the same)
            text = line(str(error), 400) or type(error).__name__
            raise StateUnavailable(f"{self.where} cannot be used: {text}") from None
