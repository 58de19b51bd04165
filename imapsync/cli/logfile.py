"""
The files that logs go to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from imapsync.display import line
from imapsync.errors import ConfigError

#: The longest line of a log, in characters.
LONGEST = 100_000


def entry(seconds: float, text: str) -> str:
    """
    A line of a log.

    @param seconds: the time of day.
    """
    from datetime import datetime  # here, because it takes time

    when = datetime.fromtimestamp(seconds).astimezone()
    stamp = when.isoformat(sep=" ", timespec="seconds")
    return f"{stamp} {line(text, LONGEST)}\n"


class File(Protocol):
    """
    What is written to.
    """

    def write(self, text: str, /) -> object:
        """
        Add to it.
        """

    def flush(self) -> object:
        """
        Have it be seen.
        """

    def close(self) -> object:
        """
        Close it.
        """


class LogFile:
    """
    A file to which messages are added; or standard error.

    What cannot be written is given up: a full disk, or a terminal that is gone, is
    no reason to end.

    @ivar name: its path; C{None} for standard error.
    """

    def __init__(self, name: str | None, file: File) -> None:
        self.name = name
        self._file = file

    def write(self, text: str) -> None:
        """
        Add to it, at once.
        """
        with suppress(OSError):
            self._file.write(text)
            self._file.flush()

    def replace(self, name: str | None, file: File) -> None:
        """
        Go on with another one.
        """
        self.close()
        self.name, self._file = name, file

    def close(self) -> None:
        """
        Close it.
        """
        with suppress(OSError):  # a full disk
            self._file.close()


def standardError() -> LogFile:
    """
    What is about no account goes there.
    """
    return LogFile(None, _open(None))


class LogFiles:
    """
    The log file of each account.

    @param names: their paths, by account.
    @raise ConfigError: if one cannot be opened.
    """

    def __init__(self, names: Mapping[str, str | None]) -> None:
        self.files: dict[str, LogFile] = {}
        self.follow(names)

    def follow(self, names: Mapping[str, str | None]) -> None:
        """
        Go on with files of these names, where they are others; with those of other
        accounts no more.

        @raise ConfigError: if one cannot be opened; then nothing has changed.
        """
        files = self.files
        changed = {
            account: name
            for account, name in names.items()
            if account not in files or name != files[account].name
        }
        for account, file in _opened(changed).items():
            if account in files:
                files[account].replace(changed[account], file)
            else:
                files[account] = LogFile(changed[account], file)
        for account in files.keys() - names.keys():
            files.pop(account).close()

    def reopen(self) -> None:
        """
        Open all again: somebody may have moved them away.
        """
        # Here, because at the start it would take time.
        from imapsync.log import Log

        for file in self.files.values():
            try:
                file.replace(file.name, _open(file.name))
            except ConfigError as error:
                Log().error("The log goes on where it was: {error}", error=error)

    def close(self) -> None:
        """
        Close all.
        """
        for file in self.files.values():
            file.close()


def _opened(names: Mapping[str, str | None]) -> Mapping[str, File]:
    """
    Open all of these, or none.
    """
    opened: dict[str, File] = {}
    try:
        for account, name in names.items():
            opened[account] = _open(name)
    except ConfigError:
        for file in opened.values():
            with suppress(OSError):
                file.close()
        raise
    return opened


def _open(name: str | None) -> File:
    if name is None:
        return _Errors()
    try:
        # It may tell of mailboxes and, if wanted, of passwords.
        descriptor = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror}; see logfile") from error


class _Errors:
    """
    Standard error, whatever that is just then: a bar may have been put below it.  What
    is written goes nowhere, if it is closed.
    """

    def write(self, text: str) -> None:
        """
        Write to it.
        """
        if sys.stderr is not None:
            sys.stderr.write(text)

    def flush(self) -> None:
        """
        Have it be seen.
        """
        if sys.stderr is not None:
            sys.stderr.flush()

    def close(self) -> None:
        """
        It is left open for others.
        """
