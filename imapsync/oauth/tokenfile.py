"""
Tokens in a file that nobody else can read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imapsync.errors import StateUnavailable
from imapsync.oauth.store import parsed, written
from imapsync.oauth.tokens import Tokens


class TokenFile:
    """
    A L{Store<imapsync.oauth.store.Store>}.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self.where = path

    async def read(self) -> Tokens | None:
        """
        What is kept.
        """
        with self._blamed("read"), suppress(FileNotFoundError):
            return parsed(self._path.read_bytes())
        return None

    async def write(self, tokens: Tokens) -> None:
        """
        Put another file in its place: whenever we are interrupted, there is the old
        one or the new one.
        """
        text = written(tokens).encode()
        fresh = self._path.with_name(f"{self._path.name}.new")
        with self._blamed("written"):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                fresh.unlink()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            descriptor = os.open(fresh, flags, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(descriptor)
            fresh.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    @contextmanager
    def _blamed(self, done: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StateUnavailable(
                f"{self._path}: the tokens in it cannot be {done}: {error.strerror}"
            ) from None
