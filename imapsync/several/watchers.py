"""
Those who watch the accounts of a program.
"""

from __future__ import annotations

from imapsync.config.settings import Config
from imapsync.log import Log
from imapsync.run.status import Change
from imapsync.service import Outcome
from imapsync.watch.accounts import Watcher


class Watchers:
    """
    Any number of them, each told in its turn: a L{Watcher} itself.  What is wrong with
    one is no concern of the others, nor of the accounts.
    """

    log = Log()

    def __init__(self) -> None:
        self._all: list[Watcher] = []

    def add(self, watcher: Watcher) -> None:
        """
        From now on, tell it too.
        """
        self._all.append(watcher)

    def discard(self, watcher: Watcher) -> None:
        """
        Tell it no more.
        """
        if watcher in self._all:
            self._all.remove(watcher)

    def added(self, name: str, config: Config) -> None:
        """
        An account is there, or has another configuration now.
        """
        for one in list(self._all):
            with self.log.failureHandler(_FAILED):
                one.added(name, config)

    def changed(self, name: str, change: Change) -> None:
        """
        How it stands has changed.
        """
        for one in list(self._all):
            with self.log.failureHandler(_FAILED):
                one.changed(name, change)

    def ended(self, name: str, outcome: Outcome) -> None:
        """
        A run of it has come to its end.
        """
        for one in list(self._all):
            with self.log.failureHandler(_FAILED):
                one.ended(name, outcome)

    def removed(self, name: str) -> None:
        """
        It is no longer one of ours.
        """
        for one in list(self._all):
            with self.log.failureHandler(_FAILED):
                one.removed(name)


_FAILED = "Somebody who watches the accounts failed."
