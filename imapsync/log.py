"""
What is logged says which account it is about, and does no harm where it is read.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import cast

from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, formatEvent

from imapsync.display import LONGEST, line, shown

#: The account that is worked on, if there are several.
account: ContextVar[str] = ContextVar("account", default="")

#: Fields of events that are the names of mailboxes.
_NAMES = frozenset(("name", "trash"))

#: The longest line of a trace.
_TRACED = 100_000

#: So many are not told again.
_MEMORY = 100


class Log(Logger):
    """
    Says of each event which account it is about, if there are several; and has what
    servers and users wrote escaped, see L{imapsync.display}.

    @param label: the account; by default the one that was worked on when this was
        made, or else is.
    """

    def __init__(
        self,
        namespace: str | None = None,
        source: object | None = None,
        observer: ILogObserver | None = None,
        label: str = "",
    ) -> None:
        caller = sys._getframe(1).f_globals["__name__"]
        super().__init__(namespace or caller, source, observer)
        self._label = label or account.get()
        self._told: dict[str, None] = {}

    def __get__(self, instance: object, owner: type | None = None) -> Log:
        return cast(Log, super().__get__(instance, owner))

    def once(
        self,
        key: str,
        format: str,  # noqa: A002
        level: LogLevel = LogLevel.warn,
        **fields: object,
    ) -> None:
        """
        Warn of something, if that was not just done.

        @param key: tells it from what else there is to warn of.
        """
        if key not in self._told:
            if len(self._told) >= _MEMORY:
                del self._told[next(iter(self._told))]
            self._told[key] = None
            self.emit(level, format, **fields)

    def emit(
        self,
        level: LogLevel,
        format: str | None = None,  # noqa: A002 (Twisted's name)
        **fields: object,
    ) -> None:
        """
        Tell the observers of an event.
        """
        most = _TRACED if level is LogLevel.debug else LONGEST
        safe = {key: _safe(key, value, most) for key, value in fields.items()}
        if label := self._label or account.get():
            super().emit(level, f"{{account}}: {format}", account=label, **safe)
        else:
            super().emit(level, format, **safe)


def text(event: LogEvent) -> str:
    """
    What an event says, with what was wrong.
    """
    if event.get("isError") and "failure" in event:
        # Twisted's old way of logging a failure has the traceback in the text.
        return f"{event.get('why') or 'Unhandled error'}: {event['failure'].value!r}"
    told = formatEvent(event) or "(no text)"
    failure = event.get("log_failure")
    return told if failure is None else f"{told.rstrip('.')}: {failure.value!r}"


def _safe(key: str, value: object, most: int) -> object:
    if isinstance(value, Exception):
        value = str(value)
    if not isinstance(value, str):
        return value
    return shown(value) if key in _NAMES else line(value, most)
