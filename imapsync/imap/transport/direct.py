"""
Sending octets from where they are: L{send}.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from twisted.internet import tcp

from imapsync.imap.transport.records import encrypted, layerOf
from imapsync.model import Octets

#: Fewer octets than that go with others that are written before the reactor's next
#: turn, in as few packets as can be.
_LEAST = 16 * 1024

#: More pieces than that are small: they are joined sooner than looked at one by one.
_PIECES = 64

#: Not every system has it.
_ABLE = hasattr(socket.socket, "sendmsg")


def send(transport: Any, pieces: Sequence[Octets]) -> None:
    """
    Write C{pieces} to a transport, one behind the other.

    Twisted joins what it is given, twice perhaps, and sends it at the reactor's next
    turn.  Where that would be to a plain TCP connection, of which nothing waits to be
    sent, the system gets many octets at once, as they are; or as they are encrypted,
    where TLS is between.  What it does not take, because there is no room or the
    connection is broken, is left to Twisted.
    """
    many = sum(map(len, pieces)) >= _LEAST
    layer = layerOf(transport) if many else None
    if layer is not None:
        octets, left = encrypted(layer, b"".join(pieces))
        # After STARTTLS, what is below is the connection behind a thin wall.
        below = layer.transport
        _send(getattr(below, "_connection", below), below, [octets])
        pieces = [left] if left else []
    elif many and not getattr(transport, "TLS", False):
        _send(transport, transport, pieces)
        pieces = []
    if pieces:
        transport.write(b"".join(pieces))


def _send(connection: Any, transport: Any, pieces: Sequence[Octets]) -> None:
    """
    @param connection: gets what it takes at once, if it is a TCP connection.
    @param transport: gets the rest.
    """
    if _ABLE and isinstance(connection, tcp.Connection) and _isIdle(connection):
        if len(pieces) > _PIECES:
            pieces = [b"".join(pieces)]
        with suppress(OSError):  # Twisted meets it, too
            pieces = _without(pieces, connection.socket.sendmsg(pieces))
    if pieces:
        transport.write(b"".join(pieces))


def _isIdle(connection: tcp.Connection) -> bool:
    """
    Whether all that was written to C{connection} is sent.
    """
    alive = bool(connection.connected) and not connection.disconnecting
    return alive and not (connection.dataBuffer or connection._tempDataBuffer)


def _without(pieces: Sequence[Octets], octets: int) -> Sequence[Octets]:
    """
    What is left of C{pieces} behind the first C{octets}.
    """
    for index, piece in enumerate(pieces):
        if octets < len(piece):
            return [memoryview(piece)[octets:], *pieces[index + 1 :]]
        octets -= len(piece)
    return ()
