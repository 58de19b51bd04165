"""
A password that stands in a file of its own.
"""

from __future__ import annotations

import os

from imapsync.errors import ConfigError

#: More than that, in octets, is no password.
_MOST = 64 * 1024


def readSecret(path: str, where: str, option: str = "password-file") -> str:
    """
    The first line of a file.

    @param option: what names it.
    @raise ConfigError: if that is no password.
    """
    try:
        with open(path, "rb", opener=_opened) as stream:
            line = stream.readline(_MOST + 1)
    except OSError as error:
        raise ConfigError(
            f"{where}: {option} {path} cannot be read: {error.strerror}"
        ) from None
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    if not line:
        raise ConfigError(f"{where}: the first line of {option} {path} is empty")
    if len(line) > _MOST:
        raise ConfigError(f"{where}: the first line of {option} {path} is endless")
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: {option} {path} is not UTF-8") from None


def _opened(path: str, flags: int) -> int:
    """
    Without waiting, as for who writes to a FIFO that has come in its place.
    """
    return os.open(path, flags | os.O_NONBLOCK)
