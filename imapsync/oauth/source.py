"""
Where tokens come from when there is a login to be done.

What is kept is used as long as it is good.  When it is not, or will not be soon, or a
server refuses it, a new token is got and kept before anybody uses it: a provider that
gives another refresh token with it does not know the one before any more.  For the
same reason, one that is under way is waited for even if nobody wants it any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imapsync.config.oauth import OAuthConfig
from imapsync.config.server import ServerConfig
from imapsync.errors import ConfigError, Distrusted, Later, Lost, StateUnavailable
from imapsync.http.web import Web
from imapsync.log import Log
from imapsync.oauth.client import Client
from imapsync.oauth.place import lockOf, storeOf
from imapsync.oauth.providers import titleOf
from imapsync.oauth.store import Store
from imapsync.oauth.tokens import Declined, Tokens

_log = Log()

#: A token is renewed so many seconds before it expires: a login takes time, too.
MARGIN = 120.0

#: Why a user has to say yes once more (RFC 6749, 5.2; OpenID Connect Core, 3.1.2.6).
_ASKS = frozenset(
    ("invalid_grant", "interaction_required", "login_required", "consent_required")
)


class Given(NamedTuple):
    """
    A token.

    @ivar fresh: whether it was got just now.
    """

    access: str
    fresh: bool

    def __repr__(self) -> str:
        return f"<Given, {'fresh' if self.fresh else 'kept'}>"


class Source:
    """
    The tokens of one account at one server, for all that log in to it.

    @param server: with C{oauth2}.
    @param web: what is asked for tokens.
    @param store: where they are kept; found out if not given.
    @param now: tells the time of day, in seconds since 1970: what is kept is of use
        after the computer was started again, unlike the time of a reactor.
    """

    def __init__(
        self,
        reactor: Any,
        server: ServerConfig,
        web: Web | None = None,
        store: Store | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        assert server.oauth2 is not None
        self._config: OAuthConfig = server.oauth2
        self._reactor = reactor
        self._server = server
        self._now = now
        self._client = Client(web or Web(reactor), self._config, now)
        self._store = store
        self._waiting: list[Deferred[Given]] = []
        self._busy = False

    async def token(self, refused: str = "") -> Given:
        """
        One to log in with.

        @param refused: the one that the server did not accept, if any.
        @raise Distrusted: if none is given any more.
        @raise Lost: if it may be otherwise soon.
        @raise ConfigError: if what the configuration says cannot be used.
        @raise StateError: if none can be kept.
        """
        while True:
            waiting: Deferred[Given] = Deferred()
            self._waiting.append(waiting)
            mine = not self._busy
            if mine:
                self._busy = True
                Deferred.fromCoroutine(self._found(refused)).addBoth(self._settled)
            given = await waiting
            if mine or given.access != refused:
                return given

    def _settled(self, result: Given | Failure) -> None:
        self._busy = False
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.called:
                one.callback(result)

    async def _found(self, refused: str) -> Given:
        with self._named():
            store = self._store or await storeOf(self._reactor, self._config)
            kept = await self._kept(store)
            if self._isGood(kept, refused):
                return Given(kept.access, False)
            async with lockOf(self._reactor, self._config):
                kept = await self._kept(store)  # by somebody else, meanwhile
                if self._isGood(kept, refused):
                    return Given(kept.access, False)
                if kept.refresh:
                    await store.write(kept)  # while it is of use, if that fails
                fresh = await self._renewed(kept, store.where)
                if self._config.attended or not await self._isTaken(store):
                    await store.write(fresh)
        _log.debug("{where}: there is a new token", where=self._server.where)
        return Given(fresh.access, True)

    async def _isTaken(self, store: Store) -> bool:
        """
        Whether somebody has said yes to what is kept there for another purpose: that
        must not be lost to what can be got at any time.
        """
        there = await store.read()
        return there is not None and bool(there.refresh)

    async def _kept(self, store: Store) -> Tokens:
        """
        What is kept for us; nothing, if it is for somebody or something else.
        """
        kept = await store.read()
        if kept is None or kept.identity != self._client.identity:
            return Tokens("")
        return kept

    def _isGood(self, kept: Tokens, refused: str) -> bool:
        if kept.access in ("", refused):
            return False
        return kept.expires is None or kept.expires > self._now() + MARGIN

    async def _renewed(self, kept: Tokens, where: str) -> Tokens:
        config = self._config
        if config.attended and not kept.refresh:
            what = (
                f"the token in {where} is no longer good, and nothing renews it"
                if kept.access
                else f"there is no token of {titleOf(config)} yet in {where}"
            )
            raise Distrusted(f"{what}: run {config.mend}")
        try:
            if config.attended:
                return await self._client.refreshed(kept)
            return await self._client.own(self._server.user or "")
        except Declined as error:
            advice = "see oauth2-client-id and the other options of oauth2"
            if config.attended and error.error in _ASKS:
                advice = f"a user has to say yes once more: run {config.mend}"
            raise Declined(f"{error}; {advice}", error.error) from None

    @contextmanager
    def _named(self) -> Iterator[None]:
        """
        Put the server's name in front of what is told of it.
        """
        where = self._server.where
        try:
            yield
        except Later as error:
            raise Later(f"{where}: {error}", error.seconds) from None
        except Declined as error:
            raise Declined(f"{where}: {error}", error.error) from None
        except (Lost, Distrusted, ConfigError, StateUnavailable) as error:
            raise type(error)(f"{where}: {error}") from None


#: Those in use: what several connections need is got once.
_sources: WeakValueDictionary[object, Source] = WeakValueDictionary()


def sourceOf(reactor: Any, server: ServerConfig) -> Source:
    """
    The one of a server, for all who need it at the same time.
    """
    key = reactor, server.oauth2, server.user, server.where
    source = _sources.get(key)
    if source is None:
        source = _sources[key] = Source(reactor, server)
    return source
