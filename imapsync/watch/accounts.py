"""
The accounts of a program, as those who watch them see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from imapsync.config.settings import Config
from imapsync.run.lifecycle import Outcome
from imapsync.run.status import Change, SyncStatus


class Watcher(Protocol):
    """
    Is told what becomes of them.  What one of these calls costs must not grow with
    the number of accounts.
    """

    def added(self, name: str, config: Config) -> None:
        """
        An account is there, or has another configuration now.
        """

    def changed(self, name: str, change: Change) -> None:
        """
        How it stands has changed.
        """

    def ended(self, name: str, outcome: Outcome) -> None:
        """
        A run of it has come to its end.
        """

    def removed(self, name: str) -> None:
        """
        It is no longer one of ours.
        """


class Accounts(Protocol):
    """
    Pairs of accounts that are kept equal in one process, each by its name, which is
    empty for a single one.  What asks for one that is not there raises C{KeyError}.

    @ivar configs: of all of them.
    """

    @property
    def configs(self) -> Mapping[str, Config]: ...

    def status(self, name: str) -> SyncStatus:
        """
        How one stands just now, with its progress.
        """

    def isPaused(self, name: str) -> bool:
        """
        Whether it rests until L{resume}.
        """

    def syncNow(self, name: str) -> None:
        """
        Have it look at both servers at once, and begin anew if it has ended; nothing is
        done where it is paused.
        """

    def pause(self, name: str) -> None:
        """
        Have it leave both servers, and rest.
        """

    def resume(self, name: str) -> None:
        """
        Have it go on.
        """

    def watch(self, watcher: Watcher) -> None:
        """
        Tell C{watcher} from now on; of all that are there, at once.
        """

    def unwatch(self, watcher: Watcher) -> None:
        """
        Tell it no more.
        """
