"""
What lies between a client and a server in memory: a connection, perhaps within
TLS, or the pipes of a process that speaks IMAP.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto
from twisted.internet.error import (
    ConnectionDone,
    ConnectionLost,
    ProcessDone,
    ProcessExitedAlready,
    ProcessTerminated,
)
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import Factory, ProcessProtocol, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from imapsync.test.fakes.accounts import Account
from imapsync.test.fakes.scripted import Dialogue

#: When a transport holds more than this, it pauses its producer.
_HIGH = 64 * 1024


class Link(StringTransport):
    """
    The client's transport, with a L{Dialogue} at its other end.

    @param secure: whether the server speaks TLS.
    @ivar peak: the most octets that ever waited in it to be taken.
    @ivar passed: how many octets had gone up, and how many down, after each that
        went one way or the other at once.
    """

    def __init__(
        self, account: Account, protocol: Protocol, secure: bool = False
    ) -> None:
        super().__init__(lenient=True)  # type: ignore[no-untyped-call]
        self.account = account
        self.dialogue = Dialogue(account)
        self.peak = 0
        self.passed: dict[str, list[int]] = {"up": [0], "down": [0]}
        self._protocol: Protocol | None = protocol
        self._full = False
        self._server = Secured(self.dialogue) if secure else self.dialogue
        protocol.makeConnection(self)

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


class Secured:
    """
    The server's end of a connection within TLS, as L{Dialogue} is that of one
    without.
    """

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._clock = Clock()
        factory = TLSMemoryBIOFactory(
            SelfSigned(), False, Factory.forProtocol(self._inner), self._clock
        )
        self._tls: Any = factory.buildProtocol(None)
        self._wire = StringTransport()
        self._tls.makeConnection(self._wire)
        self._output = bytearray()

    def _inner(self) -> Protocol:
        return _Within(self._dialogue)

    @property
    def closing(self) -> bool:
        """
        Whether it hangs up.
        """
        return self._dialogue.closing or self._wire.disconnecting

    def received(self, data: bytes) -> None:
        """
        The client sent something.
        """
        self._tls.dataReceived(data)

    def said(self) -> bytearray:
        """
        What there is to be sent.
        """
        said = self._dialogue.said()
        if said:
            self._tls.write(bytes(said))
            said.clear()
            self._clock.advance(0)
        self._output += self._wire.value()
        self._wire.clear()
        return self._output


class _Within(Protocol):
    """
    What TLS protects.
    """

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    def dataReceived(self, data: bytes) -> None:
        self._dialogue.received(data)


@implementer(IOpenSSLServerConnectionCreator)
class SelfSigned:
    """
    A server that vouches for itself.
    """

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """
        A connection.
        """
        return SSL.Connection(_context())


@cache
def _context() -> SSL.Context:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate(crypto.X509.from_cryptography(certificate))
    context.use_privatekey(crypto.PKey.from_cryptography_key(key))
    return context


class Piped(Protocol):
    """
    The end of a connection that a process is for its protocol.

    It does what a process of Twisted's does, as far as can be seen from outside:
    closing its input lets what was written arrive first, and its end is told
    when its pipes are closed.
    """

    transport: Any
    pid = None
    pipes: Mapping[int, Any] = MappingProxyType({})

    def __init__(self, protocol: ProcessProtocol) -> None:
        self._protocol = protocol
        self._ending: Exception = ProcessDone(0)

    def connectionMade(self) -> None:
        """
        It has begun.
        """
        self._protocol.makeConnection(self)

    def dataReceived(self, data: bytes) -> None:
        """
        It wrote to its standard output.
        """
        self._protocol.childDataReceived(1, data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        It has ended.
        """
        if not reason.check(ConnectionDone) and isinstance(self._ending, ProcessDone):
            self._ending = ProcessTerminated(1)
        ending = Failure(self._ending)
        self._protocol.processExited(ending)
        for descriptor in (0, 1, 2):
            self._protocol.childConnectionLost(descriptor)
        self._protocol.processEnded(ending)

    # As the transport of a process protocol

    def write(self, data: bytes) -> None:
        """
        To its standard input.
        """
        self.transport.write(data)

    def closeStdin(self) -> None:
        """
        End its input, behind all that was written.
        """
        self.transport.loseConnection()

    def loseConnection(self) -> None:
        """
        Close its pipes.
        """
        self.transport.abortConnection()

    def signalProcess(self, name: str) -> None:
        """
        It minds every signal.
        """
        if not self.transport.open and self.transport.disconnected:
            raise ProcessExitedAlready
        self._ending = ProcessTerminated(None, 15)
        self.transport.abortConnection()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """
        To be paused while its input is full.
        """
        self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """
        No longer.
        """
        if self.transport.producer is not None:
            self.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        """
        Read none of its output.
        """
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """
        Go on reading.
        """
        self.transport.resumeProducing()
