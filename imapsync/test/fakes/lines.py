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

from imapsync.testing.dialogue import Dialogue
from imapsync.testing.links import Link, Server


class SecureLink(Link):
    """
    One within TLS.
    """

    def _within(self, dialogue: Dialogue) -> Server:
        return Secured(dialogue)


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
