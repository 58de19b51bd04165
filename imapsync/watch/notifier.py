"""
Telling people that an account fails, and that it does so no longer: L{Notifier}.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from imapsync import document
from imapsync.display import line
from imapsync.errors import ConfigError, Lost
from imapsync.gather import together
from imapsync.log import Log
from imapsync.system.running import run
from imapsync.watch.accounts import Accounts
from imapsync.watch.facts import Facts, Health
from imapsync.watch.notification import Notice, Told, decide, due
from imapsync.watch.outbox import Outbox
from imapsync.watch.watch import Watch

if TYPE_CHECKING:
    from imapsync.http.web import Web

#: So many commands run at once, however many accounts fail; so many URLs are posted
#: to, each with one notice at a time.
COMMANDS = 4
WEBHOOKS = 8

#: So long may a command take, in seconds.
PATIENCE = 60.0

#: What errors call the configuration's section.
_WHERE = "[notify]"

_BUSY = (408, 425, 429)


class Notifier(Service):
    """
    Tells whom the configuration of each account names.

    @param watch: knows how they are.
    @param accounts: those that it watches.
    @param reactor: runs commands and tells the time.
    @param now: tells the time of day.
    @param web: asks web servers.
    """

    log = Log()

    def __init__(
        self,
        watch: Watch,
        accounts: Accounts,
        reactor: Any,
        now: Callable[[], float] = time.time,
        web: Web | None = None,
    ) -> None:
        self._watch = watch
        self._accounts = accounts
        self._reactor = reactor
        self._now = now
        self._web = web
        self._told: dict[str, Told] = {}
        self._alarms: dict[str, IDelayedCall] = {}
        self._commands = Outbox(reactor, self._command, COMMANDS, COMMANDS)
        self._webhooks = Outbox(reactor, self._post, WEBHOOKS, 1)

    def startService(self) -> None:
        """
        Begin.
        """
        Service.startService(self)
        self._watch.subscribe(self._look)
        for facts in self._watch.accounts():
            self._look(facts.name)

    def stopService(self) -> Deferred[list[Any]]:
        """
        Tell nobody any more.

        @return: fires when nothing is under way.
        """
        Service.stopService(self)
        self._watch.unsubscribe(self._look)
        for alarm in self._alarms.values():
            alarm.cancel()
        self._alarms.clear()
        return together([self._commands.close(), self._webhooks.close()])

    def _look(self, name: str) -> None:
        """
        Something has become of an account, or time has passed.
        """
        if (alarm := self._alarms.pop(name, None)) is not None and alarm.active():
            alarm.cancel()
        try:
            facts = self._watch.facts(name)
        except KeyError:
            self._told.pop(name, None)
            for outbox in self._commands, self._webhooks:
                outbox.forget(line(name))  # as notices have it
            return
        if facts.health is not Health.PAUSED:
            self._review(name, facts)

    def _review(self, name: str, facts: Facts) -> None:
        config = self._accounts.configs[name].notify
        before = self._told.get(name)
        if config is None or (facts.failing is None and before is None):
            return
        now = self._now()
        event, told = decide(config, before, facts.failing, now)
        if told is None:
            self._told.pop(name, None)
        else:
            self._told[name] = told
        if event is not None:
            said = told or before
            assert said is not None
            notice = Notice.of(event, facts, said.since, now)
            if config.command is not None:
                self._commands.put(notice, config.command)
            if config.webhook is not None:
                self._webhooks.put(notice, config.webhook)
        if facts.failing is not None:
            at = due(config, told, facts.failing)
            if at is not None:
                self._alarms[name] = self._reactor.callLater(
                    max(0.0, at - now), self._look, name
                )

    async def _command(self, notice: Notice, command: str) -> None:
        """
        Have a command tell it.
        """
        await run(*(self._reactor, "command", command, _WHERE, notice.facts, PATIENCE))

    async def _post(self, notice: Notice, url: str) -> None:
        """
        Tell a web server.
        """
        if self._web is None:
            from imapsync.http.web import Web  # here, because few need it

            self._web = Web(self._reactor)
        body = "".join(document.text(notice.document))
        status = await self._web.tell(url, body)
        if status >= 500 or status in _BUSY:
            raise Lost(f"{_WHERE}: webhook: the server answers {status}")
        if not 200 <= status < 300:
            raise ConfigError(
                f"{_WHERE}: webhook: the server answers {status}: check the URL"
            )
