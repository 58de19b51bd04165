"""
DEFLATE in both directions (RFC 4978).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IProducer,
    IPushProducer,
    IReactorTime,
    ITransport,
)
from zope.interface import implementer

from imapsync.errors import ProtocolViolation

#: Octets that are inflated at a time: a thousand times as many may be behind
#: what was read.
PIECE = 64 * 1024

#: zlib's default: text becomes a fifth smaller than with the least effort, and
#: no line that is worth compressing for is faster than this.
_LEVEL = 6
#: No header and no checksum, a window of 32 KiB.
_RAW = -15


@implementer(ITransport, IConsumer, IPushProducer)
class Compression:
    """
    A transport that compresses what is sent over the one C{below}, and expands
    what was received from it.

    The protocol of that one hands on what it receives to L{receive}, calls that
    without anything after it has resumed, and calls L{close} when the connection
    is lost.

    @param below: is a transport, consumer and producer, too.
    @param inflated: takes octets as they were before they were compressed.
    @param behind: what came behind the server's consent, thus compressed.
    @ivar sent: octets that were sent so far, as they went over the wire.
    """

    def __init__(
        self,
        clock: IReactorTime,
        below: Any,
        inflated: Callable[[bytes], None],
        behind: bytes = b"",
    ) -> None:
        self._clock = clock
        self._below = below
        self._inflated = inflated
        self._inflate = zlib.decompressobj(_RAW)
        self._deflate = zlib.compressobj(_LEVEL, wbits=_RAW)
        self._received = behind
        self._more = bool(behind)  # to be inflated; perhaps within zlib only
        self._busy = self._paused = self._deaf = self._closed = False
        self._flushing: IDelayedCall | None = None
        self.sent = 0

    # From below

    def receive(self, data: bytes = b"") -> None:
        """
        Expand what was received, until somebody pauses; what is left then waits
        for the next call.

        @raise ProtocolViolation: it is not compressed as it should be.
        """
        self._received += data
        self._more = self._more or bool(data)
        if self._busy:
            return  # a piece makes more arrive: it comes afterwards
        self._busy = True
        try:
            while self._more and not (self._paused or self._deaf):
                self._inflated(self._next())
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

    def close(self) -> None:
        """
        Nothing is to be sent or received any more.
        """
        self._closed = self._deaf = True
        self._received, self._more = b"", False
        self._forgetFlush()

    # The transport

    def write(self, data: bytes) -> None:
        """
        Compress octets, and send them with all others that come before the
        reactor's next turn: to flush costs some octets each time.
        """
        if self._closed:
            return
        if self._flushing is None:
            self._flushing = self._clock.callLater(0, self._flush)
        self._put(self._deflate.compress(data))

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """
        Likewise.
        """
        self.write(b"".join(data))

    def _flush(self) -> None:
        self._flushing = None
        self._put(self._deflate.flush(zlib.Z_SYNC_FLUSH))

    def _forgetFlush(self) -> bool:
        """
        @return: whether there was anything to be flushed.
        """
        flushing, self._flushing = self._flushing, None
        if flushing is not None:
            flushing.cancel()
        return flushing is not None

    def _put(self, data: bytes) -> None:
        if data:
            self.sent += len(data)
            self._below.write(data)

    def loseConnection(self) -> None:
        """
        Close it when all was sent.
        """
        self._deaf = True
        if self._forgetFlush():
            self._flush()
        self._below.loseConnection()

    def abortConnection(self) -> None:
        """
        Close it at once.
        """
        self.close()
        self._below.abortConnection()

    @property
    def disconnecting(self) -> bool:
        """
        Whether it is to be closed.
        """
        return bool(self._below.disconnecting)

    def getPeer(self) -> Any:
        """
        Where it leads to.
        """
        return self._below.getPeer()

    def getHost(self) -> Any:
        """
        Where it comes from.
        """
        return self._below.getHost()

    # Back-pressure

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """
        To be paused while there is too much to be sent.
        """
        self._below.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """
        No longer.
        """
        self._below.unregisterProducer()

    def pauseProducing(self) -> None:
        """
        Receive nothing for now.
        """
        self._paused = True
        self._below.pauseProducing()

    def resumeProducing(self) -> None:
        """
        Receive again.
        """
        self._paused = False
        self._below.resumeProducing()

    def stopProducing(self) -> None:
        """
        Receive nothing any more.
        """
        self.loseConnection()
