"""
Getting a token for one side, once: C{--authorize}.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from imapsync.cli.login import loggedIn
from imapsync.config.oauth import OAuthConfig
from imapsync.config.request import Request
from imapsync.config.settings import Config
from imapsync.errors import ConfigError, ImapSyncError, Lost, MissingCapability
from imapsync.http.web import Web
from imapsync.log import Log
from imapsync.model import Side
from imapsync.oauth.client import Client
from imapsync.oauth.flows import EndUser, consented
from imapsync.oauth.place import keep, lockOf, storeOf
from imapsync.run.lifecycle import Outcome, failed


class Authorization:
    """
    Has a user say yes, keeps what comes of it, and shows that it opens their mail.

    @param ended: is told how it ended, as of
        L{Several<imapsync.several.services.Several>}.
    @param web: asks the provider.
    @param debug: see L{loggedIn}.
    @ivar finished: fires with the exit code.
    """

    log = Log()

    def __init__(
        self,
        request: Request,
        config: Config,
        reactor: Any,
        person: EndUser,
        ended: Callable[[str, Outcome], None],
        debug: int = 0,
        web: Web | None = None,
    ) -> None:
        self._config = config
        self._server = config.servers[request.authorize or Side.REMOTE]
        self._reactor = reactor
        self._person = person
        self._ended = ended
        self._web = web or Web(reactor)
        self._debug = debug
        self._working: Deferred[None] | None = None
        self._stopped = False
        self.finished: Deferred[int] = Deferred()

    def startService(self) -> None:
        """
        Begin.
        """
        self._working = Deferred.fromCoroutine(self._run())

    def stopService(self) -> Deferred[None] | None:
        """
        Give it up, if it goes on.

        @return: fires when all is closed.
        """
        self._stopped = True
        if self._working is not None:
            self._working.cancel()
        return self._working

    async def _run(self) -> None:
        try:
            await self._authorize()
            outcome = Outcome(0)
        except Exception as error:  # noqa: BLE001 (the outermost)
            # What was interrupted may fail with whatever that meant for it.
            interrupted = Outcome(Lost.code, "interrupted")
            outcome = interrupted if self._stopped else failed(error)
        self._ended("", outcome)
        self.finished.callback(outcome.code)

    async def _authorize(self) -> None:
        for warning in self._config.warnings:
            self.log.warn("{text}", text=warning)
        server = self._server
        if server.oauth2 is None:
            raise ConfigError(
                f"{self._config.path}: [{server.side}] has no oauth2, and so there is"
                " nothing to authorize: give oauth2 = google, microsoft or custom"
            )
        try:
            await self._ask(server.oauth2)
        except ImapSyncError as error:
            error.args = (f"{server.where}: {error}",)
            raise
        await self._prove()

    async def _ask(self, config: OAuthConfig) -> None:
        """
        Get a token, and keep it.
        """
        server, reactor = self._server, self._reactor
        # It is who says yes that is asked, for their own mail or not.
        user = (server.username if config.attended else server.user) or ""
        async with lockOf(reactor, config):
            # Where that is not possible, nobody need be asked.
            await (await storeOf(reactor, config)).read()
        client = Client(self._web, config, time.time)
        if config.attended:
            tokens = await consented(reactor, client, config, user, self._person)
        else:
            tokens = await client.own(user)
        where = await keep(reactor, config, tokens)
        renewable = tokens.refresh or not config.attended
        self._person.say(
            f"The token for {user} is kept in {where}; it is renewed without you"
            " from now on."
            if renewable
            else f"The token for {user} is kept in {where}; there is nothing to"
            " renew it with, so do this again when it has expired."
        )

    async def _prove(self) -> None:
        """
        Log in.
        """
        server = self._server
        try:
            user = await loggedIn(self._reactor, server, self._debug)
        except MissingCapability as lacking:
            self._person.say(f"The login works; but {lacking}")
            return
        who = f" as {user}" if user else ""
        self._person.say(f"{server.where}: the login{who} works.")
