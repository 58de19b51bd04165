"""
UNIX sockets that are there before the program is.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IReadDescriptor
from twisted.internet.protocol import ServerFactory
from twisted.python.failure import Failure
from zope.interface import implementer

#: So long nobody is let in when that has failed, as where too many files are open; in
#: seconds.
_PAUSE = 1.0


@implementer(IListeningPort, IReadDescriptor)
class InheritedPort:
    """
    A socket that systemd has opened.

    Who may use it is said in its unit, and the next run listens there; Twisted would
    let all users of the system have it, and remove it at the end.

    @param number: of its descriptor, which is left as it is.
    @param reactor: provides L{IReactorFDSet}, L{IReactorSocket} and L{IReactorTime}.
    @raise OSError: if that is no UNIX socket.
    """

    def __init__(self, number: int, factory: ServerFactory[Any], reactor: Any) -> None:
        self._socket = socket.socket(fileno=os.dup(number))
        if self._socket.family != socket.AF_UNIX:
            self._socket.close()
            raise OSError("it is no UNIX socket")
        self._socket.setblocking(False)
        self._factory = factory
        self._reactor = reactor
        self._paused: IDelayedCall | None = None

    def startListening(self) -> None:
        """
        Begin.
        """
        self._factory.doStart()
        self._reactor.addReader(self)

    def stopListening(self) -> None:
        """
        Let nobody in any more.
        """
        self._reactor.removeReader(self)
        if self._paused is not None:
            self._paused.cancel()
            self._paused = None
        self._socket.close()
        self._factory.doStop()

    def getHost(self) -> UNIXAddress:
        """
        Where it is.
        """
        return UNIXAddress(self._socket.getsockname())

    # For the reactor

    def fileno(self) -> int:
        """
        Where to look for somebody.
        """
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """
        What this is.
        """
        return "inherited"

    def doRead(self) -> None:
        """
        Somebody is there, or was.
        """
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError:
            self._reactor.removeReader(self)
            self._paused = self._reactor.callLater(_PAUSE, self._goOn)
            return
        with connection:  # the reactor has its own
            connection.setblocking(False)
            self._reactor.adoptStreamConnection(
                connection.fileno(), socket.AF_UNIX, self._factory
            )

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor ends.
        """
        self._socket.close()

    def _goOn(self) -> None:
        self._paused = None
        self._reactor.addReader(self)


def removeLeft(path: Path) -> None:
    """
    Remove the socket of a program that was killed, with its lock: that names a process
    by its number, which may be in use again, as it always is in a container.
    """
    try:
        if not path.is_socket():
            return
        with socket.socket(socket.AF_UNIX) as probe:
            probe.setblocking(False)
            probe.connect(str(path))
    except ConnectionRefusedError:
        for one in path, path.with_name(f"{path.name}.lock"):
            with suppress(OSError):  # whoever listens tells
                one.unlink()
    except OSError:
        pass  # it is not ours
