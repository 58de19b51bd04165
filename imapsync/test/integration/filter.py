"""
A server that can do less than the one behind it: it says so, and it is so.

usage: python -m imapsync.test.integration.filter HOST PORT OWN-PORT PRESET

It listens on OWN-PORT of the loopback, and lasts until it is ended.  It prints a line
for each command that it takes for BAD.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from imapsync.test.integration.presets import Edit, preset

_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r?\n$")


class Pieces:
    """
    Octets that come in, in lines and literals.

    @ivar left: so many octets of a literal are still to come.
    """

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        self.left = 0

    def take(self, data: bytes) -> None:
        """
        There are more.
        """
        self._data = self._data[self._at :] + data
        self._at = 0

    def next(self) -> bytes:
        """
        The next line, or as much as there is of a literal; nothing, if there is none.
        """
        begin = self._at
        if self.left:
            end = min(len(self._data), begin + self.left)
            self.left -= end - begin
        else:
            end = self._data.find(b"\n", begin) + 1 or begin
        self._at = end
        return self._data[begin:end]


class Filter:
    """
    One connection, in both directions.

    @param toServer: takes octets that go there.
    @param toClient: likewise.
    @param refused: is told of commands that are BAD.
    """

    def __init__(
        self,
        edit: Edit,
        toServer: Callable[[bytes], None],
        toClient: Callable[[bytes], None],
        refused: Callable[[bytes], None],
    ) -> None:
        self._edit = edit
        self._toServer = toServer
        self._toClient = toClient
        self._refused = refused
        self._sent = Pieces()
        self._told = Pieces()
        # Of a command that goes on behind a literal, and whether it is to be heard of.
        self._tag = b""
        self._bad = False
        self._append = False
        # Of a literal that the server has not yet asked for.
        self._promised: int | None = None

    def fromClient(self, data: bytes) -> None:
        """
        Take what it sends.
        """
        self._sent.take(data)
        self._goOn()

    def fromServer(self, data: bytes) -> None:
        """
        Likewise.
        """
        self._told.take(data)
        out: list[bytes] = []
        while True:
            within = self._told.left
            if not (piece := self._told.next()):
                break
            if not within:
                if found := _LITERAL.search(piece):
                    self._told.left = int(found[1])
                self._answered(piece)
                piece = self._edit.told(piece)
            out.append(piece)
        self._toClient(b"".join(out))
        self._goOn()

    def _answered(self, line: bytes) -> None:
        """
        Find out what becomes of a literal.
        """
        if self._promised is None:
            return
        if line.startswith(b"+"):
            self._sent.left, self._promised = self._promised, None
        elif line.startswith(self._tag + b" "):
            self._tag, self._promised = b"", None

    def _goOn(self) -> None:
        out: list[bytes] = []
        while self._promised is None:
            within = self._sent.left
            if not (piece := self._sent.next()):
                break
            if within:
                out.append(b"" if self._bad else piece)
            else:
                out.append(self._heard(piece))
        if sent := b"".join(out):
            self._toServer(sent)

    def _heard(self, line: bytes) -> bytes:
        """
        What the server is to hear instead of a line.
        """
        found = _LITERAL.search(line)
        sent = self._continued(line) if self._tag else self._begun(line)
        if found is None:
            self._tag, self._bad = b"", False
        elif found[2]:
            self._sent.left = int(found[1])
        elif self._bad:
            # It will not be asked for.
            self._tag, self._bad = b"", False
        else:
            self._promised = int(found[1])
        return sent

    def _begun(self, line: bytes) -> bytes:
        self._tag, _, command = line.partition(b" ")
        self._append = command[:7].upper() == b"APPEND "
        if self._edit.refuses(command):
            return self._refuse(line)
        return self._edit.asked(line) if command else line

    def _continued(self, line: bytes) -> bytes:
        if self._bad:
            return b""
        if self._append and line.strip() and self._edit.one:
            return self._refuse(line).removeprefix(self._tag)
        return line

    def _refuse(self, line: bytes) -> bytes:
        self._bad = True
        self._refused(line)
        return self._edit.bad(self._tag)


class _End(Protocol):
    """
    One end of one connection.

    @ivar take: what comes in here.
    """

    transport: Any
    take: Callable[[bytes], None]
    other: _End

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:
        self.take(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.other.leave()

    def write(self, data: bytes) -> None:
        """
        Send what came in at the other end.
        """
        self.transport.write(data)

    def leave(self) -> None:
        """
        The other end is gone.
        """
        if self.transport is not None:
            self.transport.unregisterProducer()
            self.transport.loseConnection()


class _Client(_End):
    """
    The client's end, which comes first.
    """

    def __init__(self, server: TCP4ClientEndpoint, edit: Edit) -> None:
        self._server = server
        self._edit = edit

    def connectionMade(self) -> None:
        super().connectionMade()
        self.transport.pauseProducing()
        self.other = server = _End()
        server.other = self
        filter_ = Filter(self._edit, server.write, self.write, _noted)
        self.take, server.take = filter_.fromClient, filter_.fromServer
        reaching = connectProtocol(self._server, server)
        reaching.addCallbacks(self._reached, lambda _: self.leave())

    def _reached(self, server: _End) -> None:
        if not self.transport.connected:
            server.leave()
            return
        server.transport.registerProducer(self.transport, True)
        self.transport.registerProducer(server.transport, True)
        self.transport.resumeProducing()


def _noted(line: bytes) -> None:
    print(line.decode("utf-8", "replace").strip(), flush=True)


def main(host: str, port: str, own: str, name: str) -> None:
    """
    Be such a server.
    """
    from twisted.internet import reactor

    anyReactor: Any = reactor
    edit = Edit(preset(name))
    server = TCP4ClientEndpoint(reactor, host, int(port))
    factory = Factory.forProtocol(lambda: _Client(server, edit))
    anyReactor.listenTCP(int(own), factory, interface="127.0.0.1", backlog=1000)
    anyReactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
