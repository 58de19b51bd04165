"""
One at a time, be it in another process: L{locked}.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from imapsync.errors import Lost, StateUnavailable

#: So many seconds are waited before it is tried again, and so many in all: whoever
#: has it waits for a web server.
AGAIN = 0.1
PATIENCE = 90.0


@asynccontextmanager
async def locked(clock: IReactorTime, path: str) -> AsyncIterator[None]:
    """
    Have it for ourselves.  The system frees it if its holder dies.

    @param path: a file that is there for nothing else, or will be.
    @raise Lost: if somebody else has it for too long.
    @raise StateUnavailable: if the file cannot be made.
    """
    try:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StateUnavailable(f"{path}: cannot be made: {error.strerror}") from None
    try:
        until = clock.seconds() + PATIENCE
        while not _taken(descriptor):
            if clock.seconds() >= until:
                raise Lost(f"{path}: somebody else has it for too long")
            await deferLater(clock, AGAIN)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
