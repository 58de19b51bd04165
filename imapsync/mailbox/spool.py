"""
Where the octets of a message wait that cannot go on at once.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from typing import IO

from imapsync.errors import StateError

#: A file is made for what has more octets than that.
_MEMORY = 1024 * 1024
#: So many are read at once.
_PIECE = 64 * 1024


def newSpool() -> IO[bytes]:
    """
    An empty one.
    """
    return tempfile.SpooledTemporaryFile(_MEMORY)


def pieces(spool: IO[bytes]) -> Iterator[bytes]:
    """
    What is in it, from its beginning.
    """
    spool.seek(0)
    while piece := spool.read(_PIECE):
        yield piece


@contextlib.contextmanager
def spooling() -> Iterator[None]:
    """
    While one is written or read.

    @raise StateError: there is no room for it.
    """
    try:
        yield
    except OSError as error:
        raise StateError(
            f"a message cannot be spooled: {error.strerror}; make room in the folder"
            " for temporary files, or set TMPDIR to another"
        ) from error
