"""
Sending octets from where they are: L{send}.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from twisted.internet import tcp

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
    sent, the system gets many octets at once, as they are.  What it does not take,
    because there is no room or the connection is broken, is left to Twisted.
    """
    if sum(map(len, pieces)) >= _LEAST and _ABLE and _isIdle(transport):
        if len(pieces) > _PIECES:
            pieces = [b"".join(pieces)]
        with suppress(OSError):  # Twisted meets it, too
            pieces = _without(pieces, transport.socket.sendmsg(pieces))
    if pieces:
        transport.write(b"".join(pieces))


def _isIdle(transport: Any) -> bool:
    """
    Whether all that was written to C{transport} is sent as it was.
    """
    return (
        isinstance(transport, tcp.Connection)
        and bool(transport.connected)
        and not (transport.TLS or transport.disconnecting)
        and not (transport.dataBuffer or transport._tempDataBuffer)
    )


def _without(pieces: Sequence[Octets], octets: int) -> Sequence[Octets]:
    """
    What is left of C{pieces} behind the first C{octets}.
    """
    for index, piece in enumerate(pieces):
        if octets < len(piece):
            return [memoryview(piece)[octets:], *pieces[index + 1 :]]
        octets -= len(piece)
    return ()
