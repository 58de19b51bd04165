"""
How what is logged looks to the users of the command C{imapsync}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from twisted.logger import ILogObserver, LogEvent, LogLevel
from twisted.python.failure import Failure
from zope.interface import implementer

from imapsync.cli.logfile import LONGEST, entry
from imapsync.display import line
from imapsync.log import text


class Output(Protocol):
    """
    Where lines go.
    """

    def write(self, text: str, /) -> object:
        """
        Write some.
        """


@implementer(ILogObserver)
class AccountObserver:
    """
    Has each event written to its account's file.

    @param files: by account; there may come more, and some may go.
    @param rest: for what is about none of them.
    """

    def __init__(
        self, files: Mapping[str, Output], rest: Output, least: str, tracebacks: bool
    ) -> None:
        self._files = files
        self._rest = files.get("", rest)
        self._least = least
        self._tracebacks = tracebacks

    def __call__(self, event: LogEvent) -> None:
        """
        Have one written.
        """
        file = self._files.get(event.get("account", ""), self._rest)
        TextObserver(file, self._least, self._tracebacks)(event)


@implementer(ILogObserver)
class TextObserver:
    """
    Writes a line for each event of C{imapsync}, and for what goes wrong
    elsewhere.

    @param least: the lowest level that is written.
    @param tracebacks: whether to show where a failure came from.
    """

    def __init__(self, file: Output, least: str, tracebacks: bool) -> None:
        self._file = file
        self._least = LogLevel.levelWithName(least)
        self._tracebacks = tracebacks

    def __call__(self, event: LogEvent) -> None:
        """
        Write one event.
        """
        level = event.get("log_level", LogLevel.info)
        ours = str(event.get("log_namespace", "")).startswith("imapsync")
        if level < (self._least if ours else max(self._least, LogLevel.warn)):
            return
        word = "" if level == LogLevel.info else f"{level.name}: "
        self._file.write(entry(event["log_time"], word + text(event)))
        failure = event.get("log_failure", event.get("failure"))
        if failure is not None and self._tracebacks:
            self._file.write(traceback(failure))


def traceback(failure: Failure) -> str:
    """
    Where it came from, as lines.
    """
    lines = failure.getTraceback().splitlines()
    return "".join(f"{line(one, LONGEST)}\n" for one in lines)
