"""
A part of a program that keeps the mail of its users equal on two servers: an
example of imapsync within another Twisted program.

C{embedded.tac} is the program around it, and C{test_keeper.py} tests it without
any server.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.logger import Logger

from imapsync.service import (
    Access,
    Change,
    Config,
    Credentials,
    Outcome,
    Request,
    Side,
    SyncService,
    SyncState,
)

#: Tells who a user is on one of the servers.  It is asked at each login, and so may
#: have a token renewed, or look in a database.
Vault = Callable[[str, Side], Awaitable[Credentials]]


class Keeper(MultiService):
    """
    A service for each user.

    @param folder: where the databases are.
    @ivar troubles: what keeps the mail of whom from being kept equal.
    """

    log = Logger()

    def __init__(self, reactor: Any, folder: Path, vault: Vault) -> None:
        super().__init__()
        self._reactor = reactor
        self._folder = folder
        self._vault = vault
        self.troubles: dict[str, str] = {}

    def add(
        self,
        user: str,
        options: Mapping[str, Any],
        endpoints: Mapping[Side, IStreamClientEndpoint] | None = None,
    ) -> None:
        """
        Begin to keep a user's mail.

        @param options: as in a configuration file; a mapping for each server.
        @raise ConfigError: if they are wrong.
        """
        config = Config.of(options, database=self._folder / f"{user}.db")
        local, remote = (
            Access(
                endpoint=(endpoints or {}).get(side),
                credentials=partial(self._vault, user, side),
            )
            for side in Side
        )
        service = SyncService(
            config,
            self._reactor,
            Request(live=True),
            verbose=False,
            local=local,
            remote=remote,
        )
        service.setName(user)
        service.observe(partial(self._changed, user))
        service.whenFinished().addCallback(partial(self._ended, user))
        service.setServiceParent(self)

    def sync(self, user: str) -> Deferred[None]:
        """
        Look at a user's mail at once, as when they ask where it is.

        @return: fires when both servers are equal.
        """
        return self._service(user).syncNow()

    def describe(self, user: str) -> str:
        """
        How a user's mail stands, in one line.
        """
        status = self._service(user).status
        messages = sum(box.messages for box in status.mailboxes.values())
        done = status.counters
        text = f"{status.state}: {messages} messages, {done.messages} copied"
        return f"{text}; {self.troubles[user]}" if user in self.troubles else text

    def _service(self, user: str) -> SyncService:
        service = self.getServiceNamed(user)
        assert isinstance(service, SyncService)
        return service

    def _changed(self, user: str, change: Change) -> None:
        """
        Something has changed: here, only what is in the way is kept in mind.
        """
        if change.after.state is SyncState.BACKING_OFF:
            self.troubles[user] = change.after.error
        elif change.after.state is SyncState.WAITING:
            self.troubles.pop(user, None)
        for name, mailbox in change.mailboxes.items():
            if mailbox is not None and mailbox.trouble:
                self.log.warn(
                    "{user}: {name}: {text}", user=user, name=name, text=mailbox.trouble
                )

    def _ended(self, user: str, outcome: Outcome) -> None:
        """
        It is over: it was stopped, or something is wrong that somebody has to mend,
        such as a password.
        """
        if outcome.code:
            self.troubles[user] = outcome.text
            self.log.error("{user}: {text}", user=user, text=outcome.text)
