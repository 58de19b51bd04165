"""
TLS handshakes in memory: a real client, a real server, and no network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import (
    IOpenSSLServerConnectionCreator,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.test.iosim import FakeTransport, IOPump, connect
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from imapsync.config.tls import TLSConfig
from imapsync.imap.transport.tls import Trust
from imapsync.test.fakes import x509
from imapsync.test.integration.certificates import Certificate, issue, kept

#: How the server is called in errors.
WHERE = "remote (imaps://mail.example:993)"


@implementer(IOpenSSLServerConnectionCreator)
class Server:
    """
    The server's side of TLS.

    @ivar last: the last connection.
    """

    last: SSL.Connection

    def __init__(self, certificate: Path, key: Path) -> None:
        self.context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self.context.use_certificate_chain_file(str(certificate))
        self.context.use_privatekey_file(str(key))

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """
        A connection as the context is now.
        """
        self.last = SSL.Connection(self.context)
        return self.last


def wrapped(
    creator: Any,
    isClient: bool,
    makeProtocol: Callable[[], Protocol] = Protocol,
    clock: IReactorTime | None = None,
) -> Any:
    """
    A protocol within TLS.
    """
    inner = Factory.forProtocol(makeProtocol)
    factory = TLSMemoryBIOFactory(creator, isClient, inner, clock or Clock())
    return factory.buildProtocol(None)


def joined(client: Any, server: Any) -> IOPump:
    """
    The network between two protocols.
    """
    ends = FakeTransport(server, isServer=True), FakeTransport(client, isServer=False)
    pump: IOPump = connect(server, ends[0], client, ends[1])
    return pump


class HandshakeCase(SynchronousTestCase):
    """
    Shakes hands with a server.

    @ivar certificate: the server's.
    @ivar server: is asked for each connection.
    """

    certificate: Certificate

    def setUp(self) -> None:
        self.issue("mail.example", "127.0.0.1", "::1")

    def directory(self) -> Path:
        """
        A new directory.
        """
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        return directory

    def show(self, certificate: Certificate) -> None:
        """
        Give the server a certificate.
        """
        self.certificate = certificate
        self.server = Server(certificate.path, certificate.key)

    def issue(self, *names: str, **special: bool) -> None:
        """
        Give it one for some names.
        """
        self.show(issue(self.directory(), names, **special))

    def forge(
        self,
        leaf: x509.Draft,
        *chain: bytes,
        issuer: x509.Draft | None = None,
        root: x509.Draft | None = None,
    ) -> None:
        """
        Give it one that is made by hand.

        @param chain: is sent behind it.
        @param issuer: signs it; C{root} by default.
        @param root: who is trusted; a new authority by default.
        """
        root = root or x509.authority()
        shown = leaf.signed(issuer or root)
        self.show(kept(self.directory(), leaf.key, root.signed(), shown, *chain))

    def trust(self, host: str = "mail.example", **options: Any) -> Trust:
        """
        Trust in the server's authority, unless C{options} say otherwise.
        """
        config = TLSConfig(**{"caFile": str(self.certificate.authority), **options})
        return Trust(config, host, WHERE)

    def shake(self, trust: Trust) -> Any:
        """
        Do a handshake.

        @return: the client's transport.
        """
        client, server = wrapped(trust, True), wrapped(self.server, False)
        joined(client, server).flush()
        return client

    def accepted(self, trust: Trust) -> Any:
        """
        Do a handshake that succeeds.

        @return: the client's transport.
        """
        transport = self.shake(trust)
        self.assertIsNone(trust.explained())
        self.assertTrue(transport.connected)
        return transport

    def refusal(self, trust: Trust) -> str:
        """
        Why a handshake fails; nothing if it does not.
        """
        self.shake(trust)
        return str(trust.explained() or "")

    def refused(self, trust: Trust) -> str:
        """
        Do a handshake that fails.

        @return: the reason.
        """
        self.assertFalse(self.shake(trust).connected)
        explanation = trust.explained()
        if explanation is None:
            self.fail("no reason")
        text = str(explanation)
        self.assertEqual(77, explanation.code, text)
        self.assertTrue(text.startswith(f"{WHERE}: "), text)
        self.assertNotIn("\n", text)
        self.assertLess(len(text), 1000)
        return text
