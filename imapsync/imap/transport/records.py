"""
Encrypting many octets at once: L{layerOf} and L{encrypted}.

Twisted's TLS is given octets one TLS record at a time, and lets what comes of each be
joined with the others later.  That is the work of a first synchronisation, all over.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

#: So many octets are encrypted together (RFC 8446, 5.1).
_RECORD = 16 * 1024

#: What is added to a record takes less than that.
_MORE = 512

#: What is looked at inside of Twisted's TLS.  Where there is no such thing, octets go
#: its own way.
_INSIDE = ("_handshakeDone", "_lostTLSConnection", "_aggregator", "_appSendBuffer")


def layerOf(transport: Any) -> Any:
    """
    Twisted's TLS that encrypts what is written to C{transport}; C{None} if that is not
    encrypted, or cannot be at once.
    """
    layer = transport.protocol if getattr(transport, "TLS", False) else transport
    if not all(hasattr(layer, name) for name in _INSIDE) or not layer.connected:
        return None
    if not layer._handshakeDone or layer.disconnecting or layer._lostTLSConnection:
        return None
    layer._aggregator.flush()  # goes first
    return None if layer._appSendBuffer else layer


def encrypted(layer: Any, octets: bytes) -> tuple[bytes, memoryview]:
    """
    C{octets} as they are to be sent, and those of them that could not be encrypted.
    """
    # Whoever made the layer has imported it.
    from OpenSSL.SSL import Error, WantReadError

    connection, left = layer.getHandle(), memoryview(octets)
    with suppress(Error):  # Twisted meets it, too
        while left:
            left = left[connection.send(left[:_RECORD]) :]
    most = len(octets) + (len(octets) // _RECORD + 1) * _MORE
    pieces: list[bytes] = []
    with suppress(WantReadError):  # there is nothing more
        while not pieces or len(pieces[-1]) == most:
            pieces.append(connection.bio_read(most))
    return b"".join(pieces), left
