"""
What the page is told of accounts: L{Seen}.  Where names are to be hidden, it is told
no names, and nothing that may have some in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from imapsync.run.status import Counters
from imapsync.watch.accounts import Accounts
from imapsync.watch.facts import Detail, Facts
from imapsync.web.labels import Labels


class Known(Protocol):
    """
    What L{Watch<imapsync.watch.watch.Watch>} tells.
    """

    @property
    def total(self) -> Counters:
        """
        What was done since the program began.
        """

    def accounts(self) -> list[Facts]:
        """
        All accounts.
        """

    def facts(self, name: str) -> Facts:
        """
        One of them.
        """

    def account(self, name: str) -> Detail:
        """
        All that is known of it.
        """

    def subscribe(self, subscriber: Callable[[str], None], /) -> None:
        """
        Tell which account has changed, come or gone.
        """

    def unsubscribe(self, subscriber: Callable[[str], None], /) -> None:
        """
        Tell no more.
        """


class Seen:
    """
    Accounts as the page shows them, and what can be asked of them there.  For one
    that is not there, C{KeyError} is raised.

    @param known: tells of them.
    @param accounts: does what is asked.
    @param labels: what they are called, if their names are hidden.
    """

    def __init__(
        self, known: Known, accounts: Accounts, labels: Labels | None = None
    ) -> None:
        self._known = known
        self._accounts = accounts
        self._labels = labels
        self._names: dict[str, str] = {}

    @property
    def total(self) -> Counters:
        """
        What was done since the program began, also of those that are gone.
        """
        return self._known.total

    def all(self) -> list[Facts]:
        """
        All accounts.
        """
        facts = self._known.accounts()
        if self._labels is None:
            return facts
        self._names = {self._labels.account(one.name): one.name for one in facts}
        return [self._labels.facts(one) for one in facts]

    def facts(self, label: str) -> Facts:
        """
        One account.
        """
        facts = self._known.facts(self._name(label))
        return facts if self._labels is None else self._labels.facts(facts)

    def detail(self, label: str) -> Detail:
        """
        All that is known of one.
        """
        detail = self._known.account(self._name(label))
        return detail if self._labels is None else self._labels.detail(detail)

    def label(self, name: str) -> str:
        """
        What the page calls an account.
        """
        if self._labels is None:
            return name
        label = self._labels.account(name)
        self._names[label] = name
        return label

    def syncNow(self, label: str) -> None:
        """
        Have it look at both servers at once.
        """
        self._accounts.syncNow(self._name(label))

    def pause(self, label: str) -> None:
        """
        Have it rest.
        """
        self._accounts.pause(self._name(label))

    def resume(self, label: str) -> None:
        """
        Have it go on.
        """
        self._accounts.resume(self._name(label))

    def _name(self, label: str) -> str:
        if self._labels is None:
            return label
        if label not in self._names:
            self.all()
        return self._names[label]
