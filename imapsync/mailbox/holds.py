"""
Why nothing is read from a source for now: L{Holds}.
"""

from __future__ import annotations

from imapsync.imap.client import SyncClient


class Holds:
    """
    The reasons for which a source is paused, for as long as there is one.
    """

    def __init__(self, source: SyncClient) -> None:
        self._source = source
        self._reasons: set[str] = set()

    def __contains__(self, reason: str) -> bool:
        return reason in self._reasons

    def add(self, reason: str) -> None:
        """
        Read nothing while there is this reason.
        """
        if not self._reasons:
            self._source.pauseProducing()
        self._reasons.add(reason)

    def remove(self, reason: str) -> None:
        """
        There is this no more, if there was.
        """
        if reason in self._reasons:
            self._reasons.remove(reason)
            self._resume()

    def clear(self) -> None:
        """
        There is none any more.
        """
        if self._reasons:
            self._reasons.clear()
            self._resume()

    def forget(self, reason: str) -> None:
        """
        There is this no more, and there may be nothing to read either.
        """
        self._reasons.discard(reason)

    def _resume(self) -> None:
        if not self._reasons:
            self._source.resumeProducing()
