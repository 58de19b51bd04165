"""
Tests for L{imapsync.imap.transport.tls}: handshakes in memory.
"""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from OpenSSL import SSL, crypto
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, connect
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from imapsync.config.tls import TLSConfig
from imapsync.config.values import Fingerprint
from imapsync.errors import ConfigError, Distrusted
from imapsync.imap.transport.tls import Trust
from imapsync.test.integration.certificates import Certificate, issue

WHERE = "remote (imaps://mail.example:993)"


@implementer(IOpenSSLServerConnectionCreator)
class Server:
    """
    The server's side of TLS.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self.context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self.context.use_certificate_file(str(certificate))
        self.context.use_privatekey_file(str(key))

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """
        A connection as the context is now.
        """
        return SSL.Connection(self.context)


def wrapped(creator: Any, isClient: bool) -> Any:
    """
    A protocol within TLS.
    """
    inner = Factory.forProtocol(Protocol)
    return TLSMemoryBIOFactory(creator, isClient, inner, Clock()).buildProtocol(None)


class TrustTests(SynchronousTestCase):
    """
    Tests for L{Trust}.
    """

    certificate: Certificate

    def setUp(self) -> None:
        self.issue("mail.example", "127.0.0.1", "::1")

    def issue(self, *names: str, **special: bool) -> None:
        """
        Give the server a certificate.
        """
        directory = Path(self.mktemp())
        directory.mkdir()
        self.certificate = issue(directory, names, **special)
        self.server = Server(self.certificate.path, self.certificate.key)

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
        client, self.serverSide = wrapped(trust, True), wrapped(self.server, False)
        pump = connect(
            self.serverSide,
            FakeTransport(self.serverSide, isServer=True),
            client,
            FakeTransport(client, isServer=False),
        )
        pump.flush()
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

    def refused(self, trust: Trust) -> str:
        """
        Do a handshake that fails.

        @return: the reason.
        """
        self.assertFalse(self.shake(trust).connected)
        explanation = trust.explained()
        if explanation is None:
            self.fail("no reason")
        self.assertTrue(str(explanation).startswith(f"{WHERE}: "), str(explanation))
        self.assertNotIn("\n", str(explanation))
        return str(explanation)

    def test_shared(self) -> None:
        """
        Connections that want the same share a context, but each judges for
        itself; a file that changes is read again.
        """

        def contextOf(trust: Trust) -> SSL.Context:
            return cast(SSL.Connection, self.accepted(trust).getHandle()).get_context()

        right, other = self.trust(), self.trust("127.0.0.1")
        wrong = self.trust("other.example")
        context = contextOf(right)
        self.assertIs(context, contextOf(other))
        self.assertIn("other.example", self.refused(wrong))
        self.assertIsNone(right.explained())
        self.assertIsNot(context, contextOf(self.trust(protocolMax="TLSv1.2")))
        authority = self.certificate.authority
        authority.write_bytes(authority.read_bytes() + b"\n")
        self.assertIsNot(context, contextOf(self.trust()))

    def test_name(self) -> None:
        """
        A certificate for the host's name, in any case and with a final dot,
        is accepted.
        """
        self.accepted(self.trust("mail.example"))
        self.accepted(self.trust("MAIL.example."))

    def test_address(self) -> None:
        """
        A host that is given by its address must have that in its
        certificate.
        """
        self.accepted(self.trust("127.0.0.1"))
        self.accepted(self.trust("::1"))
        self.assertIn("not for 127.0.0.2", self.refused(self.trust("127.0.0.2")))

    def test_foreignName(self) -> None:
        """
        A name that is not the host's is a failure that tells both.
        """
        reason = self.refused(self.trust("imap.example"))
        self.assertIn("for mail.example, 127.0.0.1, ::1, not for imap.example", reason)

    def test_wildcard(self) -> None:
        """
        A wildcard stands for one label.
        """
        self.issue("*.some.example")
        self.accepted(self.trust("mail.some.example"))
        self.refused(self.trust("some.example"))
        self.refused(self.trust("a.mail.some.example"))

    def test_noName(self) -> None:
        """
        A trusted certificate that names no host at all is not for any host,
        whatever its subject's common name is.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "mail.example")]
        )
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), 1)
            .not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        both = Path(self.mktemp())
        both.write_bytes(
            certificate.public_bytes(Encoding.PEM)
            + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        self.server = Server(both, both)
        reason = self.refused(self.trust(caFile=str(both)))
        self.assertIn("for no host at all", reason)

    def test_strangeName(self) -> None:
        """
        A name that service-identity cannot make sense of is a foreign name.
        """
        self.issue("*", "mail.example")
        self.assertIn("is for *, mail.example", self.refused(self.trust()))

    def test_untrusted(self) -> None:
        """
        A certificate from an unknown authority is refused with the
        authority's name and OpenSSL's reason.
        """
        reason = self.refused(self.trust(caFile=None))
        self.assertIn("issued by CN=imapsync tests", reason)
        self.assertIn("unable to get local issuer certificate", reason)
        self.assertIn("SSL_ca_file", reason)

    def test_selfSigned(self) -> None:
        """
        A self-signed certificate is trusted only if it is named.
        """
        self.issue("mail.example", selfSigned=True)
        self.accepted(self.trust())
        reason = self.refused(self.trust(caFile=None))
        self.assertIn("issued by CN=mail.example", reason)
        self.assertIn("self-signed certificate", reason)

    def test_authorityDirectory(self) -> None:
        """
        Authorities can come from a directory, where OpenSSL looks for hashes
        of their names.
        """
        directory = Path(self.mktemp())
        directory.mkdir()
        trust = self.trust(caFile=None, caPath=str(directory))
        self.refused(trust)
        pem = self.certificate.authority.read_bytes()
        hashed = crypto.load_certificate(crypto.FILETYPE_PEM, pem).subject_name_hash()
        (directory / f"{hashed:08x}.0").write_bytes(pem)
        self.accepted(trust)

    def test_expired(self) -> None:
        """
        An expired certificate is refused.
        """
        self.issue("mail.example", expired=True)
        self.assertIn("certificate has expired", self.refused(self.trust()))

    def test_notVerified(self) -> None:
        """
        With verifyPeer off, name and chain do not count.
        """
        self.accepted(self.trust("imap.example", caFile=None, verifyPeer=False))

    def test_serverName(self) -> None:
        """
        The server hears which host we want, by the configured name if there
        is one, but never an address.
        """
        self.accepted(self.trust())
        self.assertEqual(b"mail.example", self.serverSide.getHandle().get_servername())
        self.accepted(self.trust("10.0.0.1", hostname="mail.example"))
        self.assertEqual(b"mail.example", self.serverSide.getHandle().get_servername())
        self.accepted(self.trust("127.0.0.1"))
        self.assertIsNone(self.serverSide.getHandle().get_servername())

    def test_international(self) -> None:
        """
        A name beyond ASCII is looked for in its IDNA form.
        """
        self.issue("xn--mller-kva.example")
        self.accepted(self.trust("müller.example"))

    def test_fingerprint(self) -> None:
        """
        The certificate's digest, or its key's, by any algorithm, satisfies,
        also beside one that does not match.
        """
        for digits in (self.certificate.fingerprint, self.certificate.keyFingerprint):
            wanted = Fingerprint("sha256", bytes.fromhex(digits))
            other = Fingerprint("sha256", bytes(32))
            trust = self.trust(fingerprints=(other, wanted))
            trust.checkFingerprint(self.accepted(trust))
        transport = self.accepted(self.trust())
        der = (
            transport.getPeerCertificate().to_cryptography().public_bytes(Encoding.DER)
        )
        wanted = Fingerprint("sha1", hashlib.sha1(der).digest())
        self.trust(fingerprints=(wanted,)).checkFingerprint(transport)

    def test_wrongFingerprint(self) -> None:
        """
        Without a match the error tells the digests that would match, also
        where the chain is not verified.
        """
        trust = self.trust(
            fingerprints=(Fingerprint("sha256", bytes(32)),), verifyPeer=False
        )
        error = self.assertRaises(
            Distrusted, trust.checkFingerprint, self.accepted(trust)
        )
        self.assertIn(self.certificate.fingerprint, str(error))
        self.assertIn(self.certificate.keyFingerprint, str(error))

    def test_noFingerprint(self) -> None:
        """
        Without a fingerprint in the configuration there is nothing to check.
        """
        trust = self.trust()
        trust.checkFingerprint(self.accepted(trust))

    def test_fingerprintIsNoTrust(self) -> None:
        """
        A matching fingerprint does not make up for an untrusted chain.
        """
        wanted = Fingerprint("sha256", bytes.fromhex(self.certificate.fingerprint))
        self.refused(self.trust(fingerprints=(wanted,), caFile=None))

    def test_versions(self) -> None:
        """
        A server that speaks too old versions only is refused, which is not
        its certificate's fault.
        """
        self.server.context.set_max_proto_version(SSL.TLS1_2_VERSION)
        self.accepted(self.trust())
        reason = self.refused(self.trust(protocolMin="TLSv1.3"))
        self.assertIn("SSL_protocol_min", reason)

    def test_highestVersion(self) -> None:
        """
        Newer versions can be ruled out.
        """
        client = self.accepted(self.trust(protocolMax="TLSv1.2"))
        self.assertEqual("TLSv1.2", client.getHandle().get_protocol_version_name())

    def test_oldVersions(self) -> None:
        """
        TLS 1.1 is refused unless it was asked for.
        """
        self.server.context.set_cipher_list(b"DEFAULT@SECLEVEL=0")
        self.server.context.set_max_proto_version(SSL.TLS1_1_VERSION)
        self.refused(self.trust())
        self.accepted(self.trust(protocolMin="TLSv1", cipherList="DEFAULT@SECLEVEL=0"))

    def test_ciphers(self) -> None:
        """
        The lists of ciphers for TLS 1.2 and of suites for 1.3 are followed.
        """
        cipher, suite = "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_CHACHA20_POLY1305_SHA256"
        trust = self.trust(protocolMax="TLSv1.2", cipherList=cipher)
        self.assertEqual(cipher, self.accepted(trust).getHandle().get_cipher_name())
        trust = self.trust(ciphersuites=suite)
        self.assertEqual(suite, self.accepted(trust).getHandle().get_cipher_name())

    def test_noCommonCipher(self) -> None:
        """
        Without a common cipher the error leads to the options.
        """
        self.server.context.set_cipher_list(b"ECDHE-ECDSA-AES128-GCM-SHA256")
        trust = self.trust(
            protocolMax="TLSv1.2", cipherList="ECDHE-ECDSA-AES256-GCM-SHA384"
        )
        self.assertIn("SSL_cipher_list", self.refused(trust))

    def test_noTLS(self) -> None:
        """
        A server that greets in clear text where TLS belongs is recognised.
        """
        trust = self.trust()
        client = wrapped(trust, True)
        client.makeConnection(StringTransport())
        client.dataReceived(b"* OK IMAP4rev1 ready\r\n")
        self.assertIn("does not speak TLS", str(trust.explained()))

    def test_cutOff(self) -> None:
        """
        A connection that is cut off, in the handshake or after it, is no
        matter of trust.
        """
        trust = self.trust()
        client = wrapped(trust, True)
        client.makeConnection(StringTransport())
        client.connectionLost(Failure(ConnectionLost()))
        self.assertIsNone(trust.explained())
        client = self.accepted(trust)
        client.connectionLost(Failure(ConnectionLost()))
        self.assertIsNone(trust.explained())

    def test_clientCertificate(self) -> None:
        """
        A server that wants a certificate gets the configured one; without
        one, the error leads to the option.
        """
        self.server.context.load_verify_locations(str(self.certificate.authority))
        self.server.context.set_verify(
            SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        )
        self.accepted(
            self.trust(
                certificate=str(self.certificate.path), key=str(self.certificate.key)
            )
        )
        for version in ("TLSv1.2", "TLSv1.3"):
            reason = self.refused(self.trust(protocolMax=version))
            self.assertIn("SSL_certificate", reason)

    def test_keyInCertificateFile(self) -> None:
        """
        The key may be in the certificate's file.
        """
        both = Path(self.mktemp())
        both.write_bytes(
            self.certificate.path.read_bytes() + self.certificate.key.read_bytes()
        )
        self.accepted(self.trust(certificate=str(both)))

    def test_unusable(self) -> None:
        """
        What OpenSSL cannot use is a configuration error that names the
        option.
        """
        other = Path(self.mktemp())
        other.mkdir()
        foreign = issue(other, ["mail.example"])
        own = str(self.certificate.path)
        for option, options in {
            "host": {"host": "mail..example/"},
            "SSL_cipher_list": {"cipherList": "NONSENSE"},
            "SSL_ciphersuites": {"ciphersuites": "NONSENSE"},
            "SSL_ca_file": {"caFile": "/nonexistent"},
            "SSL_certificate": {"certificate": "/nonexistent"},
            "SSL_key": {"certificate": own, "key": str(foreign.key)},
        }.items():
            error = self.assertRaises(ConfigError, self.trust, **options)
            self.assertIn(f"{option} = ", str(error))
            self.assertNotIn("\n", str(error))

    def test_encryptedKey(self) -> None:
        """
        Nobody is asked for a key's passphrase: such a key is an error.
        """
        key = load_pem_private_key(self.certificate.key.read_bytes(), None)
        locked = Path(self.mktemp())
        locked.write_bytes(
            key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
            )
        )
        self.assertRaises(
            ConfigError,
            self.trust,
            certificate=str(self.certificate.path),
            key=str(locked),
        )
