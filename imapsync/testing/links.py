"""
Connections to accounts in memory.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IProtocol
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from imapsync.testing.accounts import Account
from imapsync.testing.dialogue import Dialogue

#: Where accounts in memory are: not on the net.
ADDRESS = IPv4Address("TCP", "127.0.0.1", 143)

#: When a transport holds more than this, it pauses its producer.
_HIGH = 64 * 1024


class Server(Protocol):
    """
    The other end of a connection.
    """

    @property
    def closing(self) -> bool:
        """
        Whether it hangs up.
        """

    def received(self, data: bytes) -> None:
        """
        The client sent something.
        """

    def said(self) -> bytearray:
        """
        What there is to be sent; whoever sends it takes it out.
        """


class Link(StringTransport):
    """
    The client's transport, with a L{Dialogue} at its other end.

    @ivar peak: the most octets that ever waited in it to be taken.
    @ivar passed: how many octets had gone up, and how many down, after each that
        went one way or the other at once.
    """

    def __init__(self, account: Account, protocol: IProtocol) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            peerAddress=ADDRESS, lenient=True
        )
        self.account = account
        self.dialogue = Dialogue(account)
        self.peak = 0
        self.passed: dict[str, list[int]] = {"up": [0], "down": [0]}
        self._protocol: IProtocol | None = protocol
        self._full = False
        self._server = self._within(self.dialogue)
        protocol.makeConnection(self)

    def _within(self, dialogue: Dialogue) -> Server:
        """
        What C{dialogue} is spoken through.
        """
        return dialogue

    @property
    def open(self) -> bool:
        """
        Whether nobody has closed it yet.
        """
        return self._protocol is not None and not self.disconnecting

    def write(self, data: bytes) -> None:
        """
        Take octets from the client.
        """
        if self.disconnected or self._protocol is None:
            return
        self.io.write(data)
        waiting = self.io.tell()
        self.peak = max(self.peak, waiting)
        if waiting > _HIGH and self.producer is not None and not self._full:
            self._full = True
            self.producer.pauseProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """
        As TCP does: nothing can be sent over what has ended.
        """
        if self._protocol is None:
            producer.stopProducing()
        else:
            self.producer, self.streaming = producer, streaming

    def unregisterProducer(self) -> None:
        """
        If there is one.
        """
        self.producer = None

    def move(self) -> bool:
        """
        Bring octets to the other end.

        @return: whether anything happened.
        """
        if self._protocol is None:
            return False
        if self.disconnected:
            self.end(ConnectionLost())
            return True
        moved = self._up(), self._down()
        return any(moved) or self._hangUp()

    def end(self, reason: Exception) -> None:
        """
        The connection is gone.
        """
        protocol, self._protocol = self._protocol, None
        if protocol is None:
            return
        account, producer = self.account, self.producer
        self.producer = None
        if account.stalls:
            account.upLeft = account.downLeft = None  # only this one did
        if producer is not None:
            producer.stopProducing()
        protocol.connectionLost(Failure(reason))

    def _up(self) -> bool:
        waiting = self.value()
        account = self.account
        if not waiting or account.upLeft == 0:
            return False
        data = waiting[: account.window][: account.upLeft]
        self.clear()
        self.io.write(waiting[len(data) :])
        self._server.received(data)
        self.passed["up"].append(self.passed["up"][-1] + len(data))
        if account.upLeft is not None:
            account.upLeft -= len(data)
            if not account.upLeft and not account.stalls:
                account.upLeft = None
                self.end(ConnectionLost())
        if self._full and not self.io.tell():
            self._full = False
            if self.producer is not None:
                self.producer.resumeProducing()
        return True

    def _down(self) -> bool:
        output, account = self._server.said(), self.account
        if self.producerState != "producing" or not output or self._protocol is None:
            return False
        if account.downLeft == 0:
            return False
        data = bytes(output[: account.chunk][: account.downLeft])
        del output[: len(data)]
        self.passed["down"].append(self.passed["down"][-1] + len(data))
        if data:
            self._protocol.dataReceived(data)
        if account.downLeft is not None:
            account.downLeft -= len(data)
            if not account.downLeft and not account.stalls:
                account.downLeft = None
                self.end(ConnectionLost())
        return True

    def _hangUp(self) -> bool:
        theirs = self._server.closing and not self._server.said()
        ours = self.disconnecting and not self.io.tell()
        if theirs or ours:
            self.end(ConnectionDone())
        return theirs or ours
