"""
The last lines that were logged of each account.
"""

from __future__ import annotations

from collections import OrderedDict, deque

from twisted.logger import ILogObserver, LogEvent, LogLevel
from zope.interface import implementer

from imapsync.display import line
from imapsync.log import text
from imapsync.watch.facts import Line

#: So many lines are remembered of an account, and so many of all.
EACH = 100
ALL = 10_000

#: The longest of them, in characters.
LONGEST = 500


@implementer(ILogObserver)
class Recent:
    """
    Remembers them.  What is for debugging may hold anything, and is no part of it.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[int, tuple[str, Line]] = OrderedDict()
        self._accounts: dict[str, deque[int]] = {}
        self._next = 0

    def begin(self, name: str) -> None:
        """
        Remember what is logged of an account.
        """
        self._accounts.setdefault(name, deque())

    def end(self, name: str) -> None:
        """
        Forget all about it.
        """
        for number in self._accounts.pop(name, ()):
            del self._lines[number]

    def lines(self, name: str) -> tuple[Line, ...]:
        """
        Those of one account, the latest last.
        """
        return tuple(self._lines[number][1] for number in self._accounts[name])

    def __call__(self, event: LogEvent) -> None:
        """
        Something is logged.
        """
        level = event.get("log_level", LogLevel.info)
        name = event.get("account", "")
        ours = str(event.get("log_namespace", "")).startswith("imapsync")
        if not ours or level < LogLevel.info or name not in self._accounts:
            return
        told = text(event).removeprefix(f"{name}: ")
        self._add(name, Line(event["log_time"], level.name, line(told, LONGEST)))

    def _add(self, name: str, entry: Line) -> None:
        numbers = self._accounts[name]
        if len(numbers) == EACH:
            del self._lines[numbers.popleft()]
        elif len(self._lines) == ALL:
            _, (other, _) = self._lines.popitem(last=False)
            self._accounts[other].popleft()
        self._lines[self._next] = name, entry
        numbers.append(self._next)
        self._next += 1
