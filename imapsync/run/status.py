"""
How things stand: what those who watch a service are told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from imapsync.model import Known, Name


class MailboxStatus(NamedTuple):
    """
    One mailbox.

    @ivar messages: how many are known on both sides.
    @ivar behind: since when the service knows that one side has something
        that the other has not; C{None} if both are equal.
    @ivar trouble: why it cannot be synced, or an empty string.
    """

    messages: int
    behind: float | None = None
    trouble: str = ""

    def lag(self, now: float) -> float:
        """
        How many seconds it is behind.
        """
        return 0.0 if self.behind is None else max(0.0, now - self.behind)


class SyncStatus(NamedTuple):
    """
    A service.  All times are those of its reactor.

    @ivar state: C{"connecting"}, C{"first sync"}, C{"tuning in"}, C{"waiting"},
        C{"syncing"}, C{"syncing, again"}, C{"backing off"}, C{"finishing"},
        C{"stopping"} or C{"stopped"}; of a run that ends by itself,
        C{"syncing"} or C{"stopped"}.
    @ivar since: when that began.
    @ivar mailboxes: all that are synced.
    @ivar error: what went wrong last, or an empty string.
    @ivar errorAt: when it did.
    @ivar synced: when both sides were found equal last.
    """

    state: str = "stopped"
    since: float = 0.0
    mailboxes: Mapping[Name, MailboxStatus] = MappingProxyType({})
    error: str = ""
    errorAt: float | None = None
    synced: float | None = None


class Standing:
    """
    Keeps the status of a service.

    @param now: tells the time.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._status = SyncStatus("new", now())
        self._behind: dict[Name, float] = {}

    @property
    def state(self) -> str:
        """
        What it is doing.
        """
        return self._status.state

    @property
    def error(self) -> str:
        """
        What went wrong last.
        """
        return self._status.error

    def moved(self, state: str) -> None:
        """
        It does something else now.
        """
        self._status = self._status._replace(state=state, since=self._now())

    def failed(self, error: str) -> None:
        """
        Something went wrong.
        """
        self._status = self._status._replace(error=error, errorAt=self._now())

    def fell(self, name: Name) -> None:
        """
        A mailbox has something on one side that the other has not.
        """
        self._behind.setdefault(name, self._now())

    @property
    def fallen(self) -> frozenset[Name]:
        """
        All such mailboxes.
        """
        return frozenset(self._behind)

    def synced(self, began: float, left: Collection[Name]) -> None:
        """
        Both sides are equal, as they were after C{began}, but for C{left}.
        """
        self._status = self._status._replace(synced=self._now())
        self._behind = {
            name: since
            for name, since in self._behind.items()
            if name in left or since > began
        }

    def status(
        self, mailboxes: Iterable[Known], troubles: Mapping[Name, str]
    ) -> SyncStatus:
        """
        How things stand.
        """
        told = {
            known.name: MailboxStatus(
                known.pairs,
                self._behind.get(known.name),
                troubles.get(known.name, ""),
            )
            for known in mailboxes
        }
        return self._status._replace(mailboxes=told)
