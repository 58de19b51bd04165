"""
What is logged says which account it is about.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar

from twisted.logger import ILogObserver, Logger, LogLevel

#: The account that is worked on, if there are several.
account: ContextVar[str] = ContextVar("account", default="")


class Log(Logger):
    """
    Says of each event which account it is about, if there are several.

    @param label: the account; by default the one that is worked on.
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
        self._label = label

    def emit(
        self,
        level: LogLevel,
        format: str | None = None,  # noqa: A002 (Twisted's name)
        **fields: object,
    ) -> None:
        """
        Tell the observers of an event.
        """
        if label := self._label or account.get():
            super().emit(level, f"{{account}}: {format}", account=label, **fields)
        else:
            super().emit(level, format, **fields)
