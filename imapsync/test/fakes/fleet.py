"""
Accounts at work, of which a test says how they stand.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from imapsync.config.mapping import Value
from imapsync.config.settings import Config
from imapsync.model import Name
from imapsync.run.lifecycle import Outcome
from imapsync.run.status import Change, MailboxStatus, SyncStatus
from imapsync.watch.accounts import Watcher


def configOf(name: str, **options: Any) -> Config:
    """
    The configuration of an account called C{name}, between two hosts.
    """
    user = name or "me"
    server: dict[str, Value] = {"type": "imap", "STARTTLS": False, "password": "secret"}
    return Config.of(
        {"database": f"/nowhere/{user}.db", **options},
        local={**server, "host": "old.example", "username": f"{user}@a.example"},
        remote={**server, "host": "new.example", "username": f"{user}@b.example"},
    )


class Fleet:
    """
    L{imapsync.watch.accounts.Accounts}, of which a test says how they stand.

    @ivar clock: their reactor.
    @ivar asked: what people wanted, and of which account.
    @ivar looked: of which accounts it was asked how they stand.
    """

    def __init__(self, *names: str, **options: Any) -> None:
        self.clock = Clock()
        self.configs = {name: configOf(name, **options) for name in names}
        self.asked: list[tuple[str, str]] = []
        self.looked: list[str] = []
        self._statuses = {name: SyncStatus() for name in names}
        self._paused: set[str] = set()
        self._watchers: list[Watcher] = []

    # As those who watch have it

    def status(self, name: str) -> SyncStatus:
        """
        How it stands.
        """
        self.looked.append(name)
        return self._statuses[name]

    def isPaused(self, name: str) -> bool:
        """
        Whether it rests.
        """
        if name not in self.configs:
            raise KeyError(name)
        return name in self._paused

    def syncNow(self, name: str) -> None:
        """
        Have it look.
        """
        self._ask("sync now", name)

    def pause(self, name: str) -> None:
        """
        Have it rest.
        """
        self._ask("pause", name)
        self._paused.add(name)
        self.becomes(name)

    def resume(self, name: str) -> None:
        """
        Have it go on.
        """
        self._ask("resume", name)
        self._paused.discard(name)
        self.becomes(name)

    def watch(self, watcher: Watcher) -> None:
        """
        Tell C{watcher}.
        """
        self._watchers.append(watcher)
        for name, config in self.configs.items():
            watcher.added(name, config)

    def unwatch(self, watcher: Watcher) -> None:
        """
        Tell it no more.
        """
        self._watchers.remove(watcher)

    def _ask(self, what: str, name: str) -> None:
        if name not in self.configs:
            raise KeyError(name)
        self.asked.append((what, name))

    # What a test has happen

    def quietly(self, name: str, **fields: Any) -> SyncStatus:
        """
        It stands otherwise, and nobody is told.
        """
        before = self._statuses[name]
        after = self._statuses[name] = before._replace(**fields)
        return after

    def becomes(self, name: str, **fields: Any) -> None:
        """
        It stands otherwise.
        """
        before = self._statuses[name]
        if "state" in fields:
            fields.setdefault("since", self.clock.seconds())
        after = self.quietly(name, **fields)
        boxes: dict[Name, MailboxStatus | None] = {**fields.get("mailboxes", {})}
        for watcher in list(self._watchers):
            watcher.changed(name, Change(before, after, boxes))

    def add(self, name: str, config: Config | None = None) -> None:
        """
        It is there, or is another one now.
        """
        config = self.configs[name] = config or configOf(name)
        self._statuses[name] = SyncStatus(since=self.clock.seconds())
        for watcher in list(self._watchers):
            watcher.added(name, config)

    def end(self, name: str, outcome: Outcome) -> None:
        """
        A run of it ends.
        """
        for watcher in list(self._watchers):
            watcher.ended(name, outcome)

    def remove(self, name: str) -> None:
        """
        It is no longer there.
        """
        del self.configs[name], self._statuses[name]
        self._paused.discard(name)
        for watcher in list(self._watchers):
            watcher.removed(name)
