"""
Tests for L{imapsync.web.sockets}.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import ServerFactory
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imapsync.web.sockets import InheritedPort, removeLeft


class Reactor(Clock):
    """
    A reactor that is told what to look at.

    @ivar readers: what that is.
    @ivar adopted: who was let in, by what they said.
    """

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []
        self.adopted: list[bytes] = []

    def addReader(self, reader: Any) -> None:
        """
        Look at this.
        """
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        """
        Do not.
        """
        if reader in self.readers:
            self.readers.remove(reader)

    def adoptStreamConnection(self, number: int, family: int, _: object) -> None:
        """
        Take a connection.
        """
        assert family == socket.AF_UNIX
        with socket.socket(fileno=os.dup(number)) as connection:
            self.adopted.append(connection.recv(100))


class InheritedPortTests(SynchronousTestCase):
    """
    Tests for L{InheritedPort}.
    """

    def setUp(self) -> None:
        """
        Have a socket.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        self.path = folder / "page"
        self.opened = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.opened.close)
        self.opened.bind(str(self.path))
        self.opened.listen(5)
        self.path.chmod(0o640)
        self.reactor = Reactor()
        factory: ServerFactory[Any] = ServerFactory()
        factory.noisy = False
        self.factory = factory
        self.port = InheritedPort(self.opened.fileno(), factory, self.reactor)
        self.port.startListening()

    def connect(self, said: bytes) -> None:
        """
        Somebody comes, and says that.
        """
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.path))
            connection.sendall(said)

    def test_life(self) -> None:
        """
        Who comes is let in; the socket stays as it is.
        """
        self.assertEqual([self.port], self.reactor.readers)
        self.assertEqual(os.fsencode(self.path), self.port.getHost().name)
        self.connect(b"one")
        self.port.doRead()
        self.connect(b"two")
        self.port.doRead()
        self.assertEqual([b"one", b"two"], self.reactor.adopted)
        self.port.doRead()  # nobody is there any more
        self.port.stopListening()
        self.assertEqual(([], []), (self.reactor.readers, self.reactor.adopted[2:]))
        self.assertEqual(-1, self.port.fileno())
        self.assertEqual(0o640, self.path.stat().st_mode & 0o777)
        self.connect(b"It is open to others.")
        self.assertEqual(0, self.factory.numPorts)

    def test_tooMany(self) -> None:
        """
        Where nobody can be let in, that is tried again after a while.
        """

        class Full:
            def accept(self) -> object:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

            def close(self) -> None:
                pass

        real, self.port._socket = self.port._socket, Full()  # type: ignore[assignment]
        self.port.doRead()
        self.assertEqual([], self.reactor.readers)
        self.port._socket = real
        self.reactor.advance(1)
        self.assertEqual([self.port], self.reactor.readers)
        self.port._socket = Full()  # type: ignore[assignment]
        self.port.doRead()
        self.port.stopListening()
        self.assertEqual([], self.reactor.getDelayedCalls())
        real.close()

    def test_end(self) -> None:
        """
        The reactor may close it.
        """
        self.port.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(-1, self.port.fileno())

    def test_other(self) -> None:
        """
        What is no UNIX socket, and may be open to all, is refused.
        """
        self.port.stopListening()
        with socket.socket(socket.AF_INET) as other:
            self.assertRaises(
                OSError, InheritedPort, other.fileno(), ServerFactory(), self.reactor
            )


class RemoveLeftTests(SynchronousTestCase):
    """
    Tests for L{removeLeft}.
    """

    def test_left(self) -> None:
        """
        What nobody listens at is removed, but nothing else.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        file, taken, left = (folder / name for name in ("file", "taken", "left"))
        file.write_text("mine\n")
        lock = folder / "left.lock"
        lock.symlink_to(str(os.getpid()))
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(left))
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(taken))
            other.listen(1)
            for path in file, taken, left, folder / "none", folder:
                removeLeft(path)
        self.assertEqual([file, taken], sorted(folder.iterdir()))
