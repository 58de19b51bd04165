"""
Names of files, and where relative ones start.

The user's own directory is looked for only when it is needed: not every system
user has one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from imapsync.config.values import text


class Files(NamedTuple):
    """
    What names of files stand for.

    @ivar environ: tells where the user's own directory is.
    @ivar start: where relative names start.
    """

    environ: Mapping[str, str]
    start: Callable[[], str]

    def path(self, value: str) -> str:
        """
        A file that need not exist yet.
        """
        tilde, slash, rest = text(value).partition("/")
        if tilde == "~" and slash:
            return os.path.join(homeOf(self.environ), rest)
        return value if os.path.isabs(value) else os.path.join(self.start(), value)

    def file(self, value: str) -> str:
        """
        A file to read.
        """
        path = self.path(value)
        if not os.path.isfile(path) or not os.access(path, os.R_OK):
            raise ValueError(f"names a file that cannot be read: {path}")
        return path

    def secret(self, value: str) -> str:
        """
        A file to read; C{%d} is the directory of a systemd unit's credentials.
        """
        percent, slash, rest = text(value).partition("/")
        if percent != "%d" or not slash:
            return self.file(value)
        directory = self.environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            raise ValueError(
                "begins with %d, but there are no credentials: see LoadCredential in"
                " systemd.exec(5)"
            )
        return self.file(f"{directory}/{rest}")

    def directory(self, value: str) -> str:
        """
        A directory to look files up in.
        """
        path = self.path(value)
        if not os.path.isdir(path) or not os.access(path, os.R_OK | os.X_OK):
            raise ValueError(f"names a directory that cannot be read: {path}")
        return path


def configurations(environ: Mapping[str, str]) -> Files:
    """
    Where configurations are looked for.
    """
    return Files(environ, lambda: _base(environ, "XDG_CONFIG_HOME", ".config"))


def databases(environ: Mapping[str, str]) -> Files:
    """
    Where databases are.
    """

    def start() -> str:
        return os.path.join(_base(environ, "XDG_DATA_HOME", ".local/share"), "imapsync")

    return Files(environ, start)


def homeOf(environ: Mapping[str, str]) -> str:
    """
    The user's own directory.

    @raise ValueError: if there is none.
    """
    home = environ.get("HOME") or os.path.expanduser("~")
    if home.startswith("~"):  # nor does the system know this user
        raise ValueError(
            "needs a home directory, and there is none: set HOME, or give a full path"
        )
    return home


def _base(environ: Mapping[str, str], variable: str, default: str) -> str:
    """
    A base directory of the XDG specification, which wants relative ones
    ignored.

    @param default: below the user's own directory.
    """
    path = environ.get(variable, "")
    return path if os.path.isabs(path) else os.path.join(homeOf(environ), default)
