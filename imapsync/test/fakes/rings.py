"""
Keyrings in memory, and what asks them in a thread that is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock


class Threads(Clock):
    """
    A reactor whose threads do all at once.
    """

    def callFromThread(self, act: Callable[..., object], *words: Any) -> None:
        """
        Act.
        """
        act(*words)


def spawned(work: Callable[[], None]) -> None:
    """
    Do it at once.
    """
    work()


class Keyring:
    """
    What the package C{keyring} is, with one backend.

    @ivar priority: that of the backend.
    @ivar kept: by the names of the service and the user.
    @ivar broken: raised whatever is asked, if anything.
    """

    def __init__(self, priority: float = 5.0) -> None:
        self.priority = priority
        self.kept: dict[tuple[str, str], str] = {}
        self.broken: Exception | None = None

    def get_keyring(self) -> Keyring:
        """
        The backend.
        """
        self._asked()
        return self

    def get_password(self, service: str, user: str) -> str | None:
        """
        What is kept.
        """
        self._asked()
        return self.kept.get((service, user))

    def set_password(self, service: str, user: str, password: str) -> None:
        """
        Keep something.
        """
        self._asked()
        self.kept[service, user] = password

    def _asked(self) -> None:
        if self.broken is not None:
            raise self.broken
