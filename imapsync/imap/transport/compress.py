"""
DEFLATE in both directions (RFC 4978).
"""

from __future__ import annotations

import zlib
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imapsync.errors import ProtocolViolation

#: Octets that are inflated at a time: a thousand times as many may be behind
#: what was read.
PIECE = 64 * 1024

#: zlib's default: text becomes a fifth smaller than with the least effort, and
#: no line that is worth compressing for is faster than this.
_LEVEL = 6
#: No header and no checksum, a window of 32 KiB.
_RAW = -15


class Ends(Protocol):
    """
    What lies at both ends of a L{Compression}.
    """

    @property
    def deaf(self) -> bool:
        """
        Whether nothing is to be received for now, or ever.
        """

    def inflated(self, piece: bytes) -> None:
        """
        Receive octets as they were before they were compressed.
        """

    def put(self, data: bytes) -> None:
        """
        Send compressed octets.
        """


class Compression:
    """
    Compresses what is sent, and expands what is received.

    @param behind: what came behind the server's consent, thus compressed.
    """

    def __init__(self, clock: IReactorTime, ends: Ends, behind: bytes = b"") -> None:
        self._clock = clock
        self._ends = ends
        self._inflate = zlib.decompressobj(_RAW)
        self._deflate = zlib.compressobj(_LEVEL, wbits=_RAW)
        self._received = behind
        self._more = bool(behind)  # to be inflated; perhaps within zlib only
        self._busy = False
        self._flushing: IDelayedCall | None = None

    def receive(self, data: bytes = b"") -> None:
        """
        Expand what was received, for as long as somebody listens; what is left
        then waits for the next call.

        @raise ProtocolViolation: it is not compressed as it should be.
        """
        self._received += data
        self._more = self._more or bool(data)
        if self._busy:
            return  # a piece makes more arrive: it comes afterwards
        self._busy = True
        try:
            while self._more and not self._ends.deaf:
                self._ends.inflated(self._next())
        finally:
            self._busy = False

    def _next(self) -> bytes:
        inflate = self._inflate
        try:
            piece = inflate.decompress(self._received, PIECE)
        except zlib.error as error:
            raise ProtocolViolation(
                f"its compressed data is damaged: {error}"
            ) from None
        if inflate.unused_data:
            raise ProtocolViolation("its compressed data goes on behind its end")
        self._received = inflate.unconsumed_tail
        # A piece that is full may not be all that can be had of the octets.
        self._more = bool(self._received) or len(piece) == PIECE
        return piece

    def send(self, data: bytes) -> None:
        """
        Compress octets, and send them with all others that come before the
        reactor's next turn: to flush costs some octets each time.
        """
        if self._flushing is None:
            self._flushing = self._clock.callLater(0, self._flush)
        self._put(self._deflate.compress(data))

    def _flush(self) -> None:
        self._flushing = None
        self._put(self._deflate.flush(zlib.Z_SYNC_FLUSH))

    def _put(self, data: bytes) -> None:
        if data:
            self._ends.put(data)

    def close(self) -> None:
        """
        Nothing is to be sent or received any more.
        """
        self._received, self._more = b"", False
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
