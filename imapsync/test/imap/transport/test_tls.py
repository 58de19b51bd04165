"""
Tests for L{imapsync.imap.transport.tls}: handshakes in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, cast

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from OpenSSL import SSL, crypto
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from imapsync.config.values import Fingerprint
from imapsync.errors import ConfigError, Distrusted, Lost
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.base import Simple
from imapsync.imap.transport import tls
from imapsync.imap.transport.tls import Trust
from imapsync.test.config.test_file import ConfigTestCase
from imapsync.test.fakes import x509
from imapsync.test.fakes.handshakes import WHERE, HandshakeCase, joined, wrapped
from imapsync.test.integration.certificates import issue, kept


class TrustTests(HandshakeCase):
    """
    Tests for L{Trust}.
    """

    def test_shared(self) -> None:
        """
        Connections that want the same share a context, but each judges for
        itself; a file that changes is read again, and so are the system's authorities
        when the environment names others.
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
        changed = contextOf(self.trust())
        self.assertIsNot(context, changed)
        environ = {**os.environ, _SYSTEM: str(authority)}
        self.patch(os, "environ", environ)
        self.assertIsNot(changed, contextOf(self.trust()))

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

    def test_shown(self) -> None:
        """
        What a server has shown is known, above all if it is not trusted.
        """
        for trust, cipher in (
            (self.trust(), True),
            (self.trust("other.example"), True),
            (self.trust(caFile=None), True),
            (self.trust(caFile=None, protocolMax="TLSv1.2"), False),
        ):
            self.assertIsNone(trust.shown())
            self.shake(trust)
            shown = trust.shown()
            assert shown is not None
            digest = hashlib.sha256(shown.certificate).hexdigest()
            self.assertEqual(self.certificate.fingerprint, digest)
            version = "TLSv1.3" if cipher else "TLSv1.2"
            self.assertEqual((version, cipher), (shown.version, bool(shown.cipher)))

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
            "SSL_hostname": {"hostname": "mail..example"},
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


class SessionTests(HandshakeCase):
    """
    Tests for what comes after the handshake, and for how it all ends.
    """

    def begin(self, **options: Any) -> None:
        """
        Connect an IMAP client.
        """
        self.clock = Clock()
        self.trusting = self.trust(**options)
        self.client = SyncClient(self.clock, WHERE, timeout=60)
        self.client.greeted.addErrback(lambda failure: None)
        ours = wrapped(self.trusting, True, lambda: self.client, self.clock)
        self.theirs = wrapped(self.server, False, clock=self.clock)
        self.pump = joined(ours, self.theirs)
        self.pump.flush()
        self.successResultOf(self.client.secured)

    def say(self, data: bytes) -> None:
        """
        The server says this.
        """
        self.theirs.write(data)
        self.flow()

    def flow(self) -> None:
        """
        Let flow what is to flow.
        """
        self.theirs._flushSendBIO()
        self.clock.advance(0)
        self.pump.flush()

    def lost(self, done: Deferred[Any], *words: str) -> None:
        """
        Expect the connection to be gone, which says nothing about trust, and
        C{done} to fail with one line that tells how.
        """
        self.successResultOf(self.client.lost)
        text = str(self.failureResultOf(done, Lost).value)
        self.assertEqual(f"{WHERE}: the connection was lost: {': '.join(words)}", text)
        self.assertIsNone(self.trusting.explained())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_tickets(self) -> None:
        """
        The tickets that a server sends after the handshake (RFC 8446, 4.6.1)
        are no data, however they are mixed with it.
        """
        self.begin()
        self.say(b"* PREAUTH [CAPABILITY X] hi\r\n* CAPABI")
        self.assertEqual("TLSv1.3", self.server.last.get_protocol_version_name())
        self.say(b"LITY Y\r\n")
        self.assertEqual({"Y"}, self.client.capabilities)

    def test_octets(self) -> None:
        """
        Records may arrive octet by octet.
        """
        self.begin()
        self.theirs.write(b"* PREAUTH [CAPABILITY X] hi\r\n")
        self.clock.advance(0)
        sent = self.theirs.transport.getOutBuffer()
        for octet in sent:
            self.pump.client.dataReceived(bytes((octet,)))
        self.assertEqual({"X"}, self.client.capabilities)

    def test_renegotiation(self) -> None:
        """
        A server up to TLS 1.2 may shake hands again, in the midst of a line.
        """
        self.begin(protocolMax="TLSv1.2")
        self.say(b"* PREAUTH [CAPABI")
        self.assertTrue(self.server.last.renegotiate())
        with contextlib.suppress(SSL.WantReadError):
            self.server.last.do_handshake()
        self.flow()
        self.assertEqual(1, self.server.last.total_renegotiations())
        self.say(b"LITY X] hi\r\n")
        self.assertEqual({"X"}, self.client.capabilities)

    def test_closed(self) -> None:
        """
        A server that says goodbye by close_notify has closed the connection,
        if it was in the midst of a line or a literal; nobody waits for more.
        """
        for line in (b"", b"* OK not all of", b"* 1 FETCH (BODY[] {100}\r\nabc"):
            self.begin()
            self.say(b"* PREAUTH hi\r\n")
            done = self.client.perform(Simple("NOOP"))
            self.say(line)
            self.theirs.loseConnection()
            self.flow()
            self.lost(done, "closed by the server")

    def test_halfClosed(self) -> None:
        """
        After a close_notify there is nothing to be read, though the TCP
        connection stays: we close it.
        """
        self.begin()
        self.say(b"* PREAUTH hi\r\n")
        done = self.client.perform(Simple("NOOP"))
        self.server.last.shutdown()
        self.flow()
        self.lost(done, "closed by the server")

    def test_cutOff(self) -> None:
        """
        A server that closes without close_notify has cut the connection off:
        what it has sent may lack its end.
        """
        for line in (b"", b"* OK not all of", b"* 1 FETCH (BODY[] {100}\r\nabc"):
            self.begin()
            self.say(b"* PREAUTH hi\r\n")
            done = self.client.perform(Simple("NOOP"))
            self.say(line)
            self.theirs.transport.loseConnection()
            self.flow()
            self.lost(done, "cut off")

    def test_farewell(self) -> None:
        """
        Its last words count, whether there is a close_notify or not.
        """
        for end in ("theirs.loseConnection", "theirs.transport.loseConnection"):
            self.begin()
            self.say(b"* PREAUTH hi\r\n")
            done = self.client.perform(Simple("NOOP"))
            self.say(b"* BYE see you\r\n")
            attrgetter(end)(self)()
            self.flow()
            self.lost(done, "see you")

    def test_loggedOut(self) -> None:
        """
        After LOGOUT it does not matter how the server closes.
        """
        self.begin()
        self.say(b"* PREAUTH hi\r\n")
        done = self.client.leave()
        self.flow()
        self.theirs.write(b"* BYE\r\n0001 OK\r\n")
        self.clock.advance(0)
        self.theirs.transport.loseConnection()
        self.pump.flush()
        self.successResultOf(done)

    def test_clearText(self) -> None:
        """
        Clear text among the records is trouble on the way, and no question of
        trust.
        """
        self.begin()
        self.say(b"* PREAUTH hi\r\n")
        done = self.client.perform(Simple("NOOP"))
        self.theirs.transport.write(b"* BYE out of memory\r\n")
        self.pump.flush()
        self.successResultOf(self.client.lost)
        text = str(self.failureResultOf(done, Lost).value)
        self.assertIn(f"{WHERE}: the connection was lost: TLS failed: ", text)
        self.assertNotIn("[", text)
        self.assertIsNone(self.trusting.explained())


#: Where OpenSSL looks for the system's authorities, if the environment has it.
_SYSTEM = "SSL_CERT_FILE"


class Outcome(NamedTuple):
    """
    What became of a handshake.

    @ivar refusal: why it failed, if it did.
    @ivar asked: whom the client asked for.
    @ivar shown: the digest of the client's certificate.
    """

    refusal: str
    version: str
    cipher: str
    asked: bytes
    shown: str


def _digest(certificate: crypto.X509) -> str:
    der = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
    return hashlib.sha256(der).hexdigest()


class OptionTests(ConfigTestCase, HandshakeCase):
    """
    Each option for TLS does what it says, from the file to the wire: without it,
    things go otherwise.
    """

    def setUp(self) -> None:
        ConfigTestCase.setUp(self)
        HandshakeCase.setUp(self)
        self.trusted = f"SSL_ca_file = {self.certificate.authority}"

    def outcome(self, *lines: str, host: str = "mail.example") -> Outcome:
        """
        Do a handshake with these lines in the configuration.
        """
        text = "\n".join((f"host = {host}", "username = me", "password = x", *lines))
        server = self.remote(text)
        trust = Trust(server.tls, server.host, server.where)
        client = self.shake(trust)
        explanation = trust.explained()
        if explanation is None:
            try:
                trust.checkFingerprint(client)
            except Distrusted as error:
                explanation = error
        theirs = self.server.last
        shown = theirs.get_peer_certificate()
        return Outcome(
            "" if explanation is None else str(explanation),
            theirs.get_protocol_version_name(),
            theirs.get_cipher_name() or "",
            theirs.get_servername() or b"",
            "" if shown is None else _digest(shown),
        )

    def test_verify(self) -> None:
        """
        SSL_verify_trusted_peer = NO lets anybody in: chain and name do not
        count.
        """
        off = "SSL_verify_trusted_peer = NO"
        self.assertIn("not trusted", self.outcome().refusal)
        self.assertIn(
            "for mail.example", self.outcome(self.trusted, host="x.example").refusal
        )
        self.assertEqual("", self.outcome(off).refusal)
        self.assertEqual("", self.outcome(off, host="x.example").refusal)

    def test_fingerprint(self) -> None:
        """
        SSL_fingerprint keeps out whoever has another one; it does not make up
        for an untrusted chain, but serves without one.
        """
        own = f"SSL_fingerprint = {self.certificate.fingerprint}"
        other = f"SSL_fingerprint = sha1${'00' * 20}"
        off = "SSL_verify_trusted_peer = NO"
        self.assertEqual("", self.outcome(self.trusted).refusal)
        self.assertIn(
            "SSL_fingerprint names", self.outcome(self.trusted, other).refusal
        )
        self.assertEqual("", self.outcome(self.trusted, own).refusal)
        self.assertIn("not trusted", self.outcome(own).refusal)
        self.assertEqual("", self.outcome(off, own).refusal)
        self.assertIn("SSL_fingerprint names", self.outcome(off, other).refusal)

    def test_authorityFile(self) -> None:
        """
        SSL_ca_file names whom to trust.
        """
        self.assertIn("not trusted", self.outcome().refusal)
        self.assertEqual("", self.outcome(self.trusted).refusal)

    def test_authorityDirectory(self) -> None:
        """
        SSL_ca_path is a directory of them, in which OpenSSL looks for hashes
        of their names.
        """
        before = self.certificate
        folder = self.folder / "authorities"
        folder.mkdir()
        line = "SSL_ca_path = authorities"
        self.assertIn("openssl rehash", self.outcome(line).refusal)
        pem = self.certificate.authority.read_bytes()
        hashed = crypto.load_certificate(crypto.FILETYPE_PEM, pem).subject_name_hash()
        (folder / f"{hashed:08x}.0").write_bytes(pem)
        self.assertEqual("", self.outcome(line).refusal)
        # Both together trust what either does.
        leaf = x509.Draft(extensions=[x509.hosts(x509.dns(b"mail.example"))])
        self.forge(leaf, root=x509.authority(b"others"))
        self.assertIn("not trusted", self.outcome(line).refusal)
        self.assertIn("not trusted", self.outcome(self.trusted).refusal)
        self.trusted = f"SSL_ca_file = {self.certificate.authority}"
        self.assertEqual("", self.outcome(line, self.trusted).refusal)
        self.show(before)
        self.assertEqual("", self.outcome(line, self.trusted).refusal)

    def test_authoritiesOfSystem(self) -> None:
        """
        The system's authorities are trusted where none is named, and only there.
        """
        self.patch(tls, "_contexts", {})  # the system's are not read twice
        if (before := os.environ.get(_SYSTEM)) is None:
            self.addCleanup(os.environ.pop, _SYSTEM)
        else:
            self.addCleanup(os.environ.__setitem__, _SYSTEM, before)
        os.environ[_SYSTEM] = str(self.certificate.authority)
        known = self.certificate
        self.assertEqual("", self.outcome().refusal)
        (self.folder / "authorities").mkdir()
        self.issue("mail.example")
        other = f"SSL_ca_file = {self.certificate.authority}"
        self.show(known)
        for line in other, "SSL_ca_path = authorities":
            self.assertIn("not trusted", self.outcome(line).refusal)

    def test_lowest(self) -> None:
        """
        SSL_protocol_min keeps older versions out, and lets them in.
        """
        self.server.context.set_max_proto_version(SSL.TLS1_2_VERSION)
        self.assertEqual("TLSv1.2", self.outcome(self.trusted).version)
        refusal = self.outcome(self.trusted, "SSL_protocol_min = TLSv1.3").refusal
        self.assertIn("SSL_protocol_min = TLSv1.3", refusal)
        self.show(self.certificate)
        context = self.server.context
        context.set_cipher_list(b"DEFAULT@SECLEVEL=0")
        context.set_max_proto_version(SSL.TLS1_1_VERSION)
        weak = "SSL_cipher_list = DEFAULT@SECLEVEL=0"
        self.assertIn("SSL_protocol_min", self.outcome(self.trusted, weak).refusal)
        for lowest in ("TLSv1", "TLSv1.1"):
            outcome = self.outcome(self.trusted, weak, f"SSL_protocol_min = {lowest}")
            self.assertEqual(("", "TLSv1.1"), outcome[:2])

    def test_highest(self) -> None:
        """
        SSL_protocol_max keeps newer versions out.
        """
        self.assertEqual("TLSv1.3", self.outcome(self.trusted).version)
        outcome = self.outcome(self.trusted, "SSL_protocol_max = TLSv1.2")
        self.assertEqual(("", "TLSv1.2"), outcome[:2])

    def test_ciphers(self) -> None:
        """
        SSL_cipher_list names ciphers up to TLS 1.2.
        """
        self.server.context.set_max_proto_version(SSL.TLS1_2_VERSION)
        for cipher in (
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            "ECDHE-ECDSA-AES128-GCM-SHA256",
        ):
            self.assertNotEqual(cipher, self.outcome(self.trusted).cipher)
            outcome = self.outcome(self.trusted, f"SSL_cipher_list = {cipher}")
            self.assertEqual(cipher, outcome.cipher)

    def test_suites(self) -> None:
        """
        SSL_ciphersuites names those of TLS 1.3.
        """
        for suite in ("TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"):
            self.assertNotEqual(suite, self.outcome(self.trusted).cipher)
            outcome = self.outcome(self.trusted, f"SSL_ciphersuites = {suite}")
            self.assertEqual(suite, outcome.cipher)

    def test_hostname(self) -> None:
        """
        SSL_hostname is what the server is asked for, and must be for; an
        address is looked for, but nobody is asked for it.
        """
        outcome = self.outcome(self.trusted, host="10.0.0.1")
        self.assertIn("not for 10.0.0.1", outcome.refusal)
        self.assertEqual(b"", outcome.asked)
        named = "SSL_hostname = Mail.Example."
        outcome = self.outcome(self.trusted, named, host="10.0.0.1")
        self.assertEqual(("", b"mail.example"), (outcome.refusal, outcome.asked))
        outcome = self.outcome(self.trusted, "SSL_hostname = 127.0.0.1")
        self.assertEqual(("", b""), (outcome.refusal, outcome.asked))
        outcome = self.outcome(self.trusted)
        self.assertEqual(("", b"mail.example"), (outcome.refusal, outcome.asked))
        self.issue("xn--mller-kva.example")
        self.trusted = f"SSL_ca_file = {self.certificate.authority}"
        outcome = self.outcome(self.trusted, "SSL_hostname = M\xfcller.example")
        self.assertEqual(
            ("", b"xn--mller-kva.example"), (outcome.refusal, outcome.asked)
        )

    def test_certificate(self) -> None:
        """
        SSL_certificate and SSL_key are shown to a server that asks.
        """
        other = issue(self.folder, ["me.example"])
        context = self.server.context
        context.load_verify_locations(str(other.authority))
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
        for version in ("TLSv1.2", "TLSv1.3"):
            base = (self.trusted, f"SSL_protocol_max = {version}")
            self.assertIn("SSL_certificate", self.outcome(*base).refusal)
            outcome = self.outcome(
                *base, "SSL_certificate = certificate.pem", "SSL_key = key.pem"
            )
            self.assertEqual(("", other.fingerprint), (outcome.refusal, outcome.shown))
            both = self.folder / "both.pem"
            both.write_bytes(other.path.read_bytes() + other.key.read_bytes())
            outcome = self.outcome(*base, "SSL_certificate = both.pem")
            self.assertEqual(("", other.fingerprint), (outcome.refusal, outcome.shown))

    def test_chain(self) -> None:
        """
        What stands behind the certificate in its file is sent along.
        """
        root, between = x509.authority(), x509.authority(b"between")
        leaf = x509.Draft(subject=x509.named(b"me")).signed(between)
        theirs = kept(self.folder, x509.KEY, root.signed(), leaf, between.signed(root))
        context = self.server.context
        context.load_verify_locations(str(theirs.authority))
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
        pair = ("SSL_certificate = certificate.pem", "SSL_key = key.pem")
        self.assertEqual("", self.outcome(self.trusted, *pair).refusal)
        theirs.path.write_bytes(x509.pem(leaf))
        self.assertIn("SSL_certificate", self.outcome(self.trusted, *pair).refusal)
