"""
Tests for L{imapsync.imap.transport.refusals}: handshakes that fail, and why.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from OpenSSL import SSL
from twisted.internet.testing import StringTransport

from imapsync.config.values import Fingerprint
from imapsync.errors import Lost
from imapsync.test.fakes import x509
from imapsync.test.fakes.handshakes import HandshakeCase, wrapped
from imapsync.test.fakes.x509 import (
    Draft,
    authority,
    der,
    dns,
    extension,
    hosts,
    named,
    oid,
    sequence,
    valid,
)

NAMES = hosts(dns(b"mail.example"))
LEAF = Draft(extensions=[NAMES])

#: What OpenSSL can load, but not check.
MALFORMED = {
    "two subjectAltNames": Draft(extensions=[NAMES, NAMES]),
    "a subjectAltName that ends too early": Draft(
        extensions=[extension("2.5.29.17", b"\x30\x20\x82\x02ab")]
    ),
    "a kind of name that there is not": Draft(
        extensions=[hosts(dns(b"mail.example"), der(0x8B, b"x"))]
    ),
}


class ChainTests(HandshakeCase):
    """
    Tests for certificates that do not lead to an authority.
    """

    def setUp(self) -> None:
        self.root = authority(b"root")
        self.between = authority(b"between")

    def test_complete(self) -> None:
        """
        One that is sent with those between is trusted.
        """
        self.forge(
            LEAF, self.between.signed(self.root), issuer=self.between, root=self.root
        )
        self.accepted(self.trust())

    def test_incomplete(self) -> None:
        """
        Without them the authority is not found: they may be missing, or the
        authority.
        """
        self.forge(LEAF, issuer=self.between, root=self.root)
        reason = self.refused(self.trust())
        self.assertIn("its certificate, issued by CN=between, is not trusted", reason)
        self.assertIn("unable to get local issuer certificate", reason)
        self.assertIn("the server does not send", reason)
        self.assertIn("see SSL_ca_file", reason)

    def test_otherAuthority(self) -> None:
        """
        Where they are sent, the authority is missing, and only that.
        """
        self.forge(
            LEAF, self.between.signed(self.root), issuer=self.between, root=self.root
        )
        for options in ({"caFile": None}, {"caFile": None, "caPath": "."}):
            reason = self.refused(self.trust(**options))
            self.assertIn(
                "the certificate of CN=between in its chain, issued by CN=root", reason
            )
            self.assertNotIn("does not send", reason)
        self.assertIn("SSL_ca_path", reason)
        self.assertIn("openssl rehash", reason)

    def test_rootSent(self) -> None:
        """
        An authority that is sent along is not trusted for that.
        """
        self.forge(
            LEAF,
            self.between.signed(self.root),
            self.root.signed(),
            issuer=self.between,
            root=self.root,
        )
        reason = self.refused(self.trust(caFile=None))
        self.assertIn("self-signed certificate in certificate chain", reason)
        self.assertIn("CN=root", reason)
        self.assertIn("SSL_ca_file", reason)

    def test_intermediateOnly(self) -> None:
        """
        An intermediate certificate in SSL_ca_file wants its own issuer there.
        """
        self.forge(LEAF, issuer=self.between, root=self.root)
        self.certificate.authority.write_bytes(x509.pem(self.between.signed(self.root)))
        reason = self.refused(self.trust())
        self.assertIn("unable to get issuer certificate", reason)
        self.assertIn("add the certificate of CN=root to SSL_ca_file", reason)

    def test_expiredBetween(self) -> None:
        """
        It is told whose certificate has expired.
        """
        old = Draft(
            subject=self.between.subject,
            extensions=self.between.extensions,
            key=self.between.key,
            validity=valid(b"200101000000Z", b"210203040506Z"),
        )
        self.forge(LEAF, old.signed(self.root), issuer=old, root=self.root)
        reason = self.refused(self.trust())
        self.assertIn("the certificate of CN=between in its chain", reason)
        self.assertIn("certificate has expired (2021-02-03 04:05:06 UTC)", reason)

    def test_noAuthority(self) -> None:
        """
        Not everybody may sign.
        """
        anybody = Draft(subject=named(b"anybody"), extensions=[NAMES])
        self.forge(LEAF, anybody.signed(self.root), issuer=anybody, root=self.root)
        self.assertIn("invalid CA certificate", self.refused(self.trust()))

    def test_forgedSignature(self) -> None:
        """
        A signature that is not the authority's.
        """
        other = Draft(subject=self.root.subject, extensions=self.root.extensions)
        self.forge(LEAF, issuer=other, root=self.root)
        self.assertIn("certificate signature failure", self.refused(self.trust()))


class CertificateTests(HandshakeCase):
    """
    Tests for certificates that will not do.
    """

    def advised(self, *words: str, **options: Any) -> None:
        """
        Expect a refusal that says this.
        """
        reason = self.refused(self.trust(**options))
        for word in words:
            self.assertIn(word, reason)

    def test_untrusted(self) -> None:
        """
        A certificate from an unknown authority is refused with the
        authority's name and OpenSSL's reason.
        """
        self.advised(
            "issued by CN=imapsync tests, is not trusted",
            "unable to get local issuer certificate",
            "SSL_ca_file",
            caFile=None,
        )

    def test_selfSigned(self) -> None:
        """
        A self-signed certificate is trusted only if it is named.
        """
        self.issue("mail.example", selfSigned=True)
        self.accepted(self.trust())
        self.advised(
            "issued by CN=mail.example",
            ": self-signed certificate;",
            "SSL_ca_file",
            "SSL_fingerprint",
            caFile=None,
        )

    def test_expired(self) -> None:
        """
        An expired certificate is refused, with its end; it may be the clock
        that is wrong.
        """
        for validity in (
            valid(b"991231235959Z", b"210203040506Z"),
            sequence(der(0x18, b"19491231235959Z"), der(0x18, b"20210203040506Z")),
        ):
            self.forge(Draft(extensions=[NAMES], validity=validity))
            self.advised(
                "certificate has expired (2021-02-03 04:05:06 UTC)",
                "clock",
                "SSL_fingerprint",
            )

    def test_notYetValid(self) -> None:
        """
        So is one that is not valid yet.
        """
        future = valid(b"481231235959Z", b"491231235959Z")
        self.forge(Draft(extensions=[NAMES], validity=future))
        self.advised("certificate is not yet valid (2048-12-31 23:59:59 UTC)", "clock")

    def test_badDates(self) -> None:
        """
        So is one whose dates are none.
        """
        for since, until, what in (
            (b"200101000000+0100", b"490101000000Z", "notBefore"),
            (b"200101000000Z", b"491301000000Z", "notAfter"),
        ):
            self.forge(Draft(extensions=[NAMES], validity=valid(since, until)))
            self.advised(f"format error in certificate's {what} field")
        self.assertEqual([], self.flushWarnings())

    def test_purpose(self) -> None:
        """
        So is one that is not meant for servers.
        """
        client = extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.2")))
        self.forge(Draft(extensions=[NAMES, client]))
        self.advised("unsuitable certificate purpose", "not for servers")

    def test_constrained(self) -> None:
        """
        So is one whose authority may not vouch for its name.
        """
        only = sequence(der(0xA0, sequence(dns(b"other.example"))))
        root = authority()
        constrained = Draft(
            subject=root.subject,
            extensions=[x509.AUTHORITY, extension("2.5.29.30", only, critical=True)],
            key=root.key,
        )
        between = authority(b"between")
        between = Draft(
            subject=between.subject, key=between.key, extensions=constrained.extensions
        )
        self.forge(LEAF, between.signed(root), issuer=between, root=root)
        self.advised("permitted subtree violation")

    def test_critical(self) -> None:
        """
        So is one that asks for what OpenSSL does not know.
        """
        unknown = extension("1.2.3.4", b"\5\0", critical=True)
        self.forge(Draft(extensions=[NAMES, unknown]))
        self.advised("unhandled critical extension")

    def test_malformed(self) -> None:
        """
        So is one that OpenSSL cannot read, which is told as that; its
        fingerprints can be checked all the same.
        """
        for what, draft in MALFORMED.items():
            self.forge(draft)
            self.assertIn("malformed", self.refused(self.trust()), what)
            wanted = Fingerprint(
                "sha256", bytes.fromhex(self.certificate.keyFingerprint)
            )
            trust = self.trust(verifyPeer=False, fingerprints=(wanted,))
            trust.checkFingerprint(self.accepted(trust))

    def test_unreadable(self) -> None:
        """
        One that OpenSSL cannot even load is told as that, too.
        """
        self.server.context.set_max_proto_version(SSL.TLS1_2_VERSION)
        trust = self.trust()
        client, server = wrapped(trust, True), wrapped(self.server, False)
        ours, theirs = StringTransport(), StringTransport()
        client.makeConnection(ours)
        server.makeConnection(theirs)
        server.dataReceived(ours.value())
        client.dataReceived(theirs.value().replace(b"mail.example", b"\xff" * 12, 1))
        reason = str(trust.explained())
        self.assertIn("cannot be read", reason)
        self.assertIn("malformed", reason)

    def test_weak(self) -> None:
        """
        A key that is too weak for OpenSSL leads to the option that allows it.
        """
        root = replace(authority(), key=x509.weakKey())
        self.forge(LEAF, root=root)
        self.advised("CA certificate key too weak", "@SECLEVEL in SSL_cipher_list")
        self.accepted(self.trust(cipherList="DEFAULT@SECLEVEL=0"))


class HandshakeTests(HandshakeCase):
    """
    Tests for what the two sides do not agree on.
    """

    def test_newer(self) -> None:
        """
        A server whose TLS is newer than allowed.
        """
        self.server.context.set_min_proto_version(SSL.TLS1_3_VERSION)
        reason = self.refused(self.trust(protocolMax="TLSv1.2"))
        self.assertIn("SSL_protocol_max", reason)

    def test_older(self) -> None:
        """
        A server whose TLS is older than allowed: both options that it takes
        to allow it are told.
        """
        self.server.context.set_cipher_list(b"DEFAULT@SECLEVEL=0")
        self.server.context.set_max_proto_version(SSL.TLS1_1_VERSION)
        # With the second, it is OpenSSL who refuses the server's version.
        for highest in (None, "TLSv1.2"):
            reason = self.refused(self.trust(protocolMax=highest))
            self.assertIn("older than SSL_protocol_min = TLSv1.2", reason)
            self.assertIn("SSL_cipher_list = DEFAULT@SECLEVEL=0", reason)
            self.assertNotIn("SSL_protocol_max", reason)

    def test_oldWithoutLevel(self) -> None:
        """
        Allowed by SSL_protocol_min alone, the other option is missing, be it
        the server or OpenSSL itself who says so.
        """
        self.server.context.set_cipher_list(b"DEFAULT@SECLEVEL=0")
        self.server.context.set_max_proto_version(SSL.TLS1_1_VERSION)
        for highest in (None, "TLSv1.2", "TLSv1.1"):
            reason = self.refused(self.trust(protocolMin="TLSv1", protocolMax=highest))
            self.assertIn("SSL_cipher_list = DEFAULT@SECLEVEL=0", reason)
            self.assertNotIn("SSL_protocol", reason)
        self.accepted(self.trust(protocolMin="TLSv1", cipherList="ALL@SECLEVEL=0"))

    def test_ciphers(self) -> None:
        """
        Without a common cipher or suite the error leads to the option.
        """
        self.server.context.set_cipher_list(b"ECDHE-ECDSA-AES128-GCM-SHA256")
        self.server.context.set_tls13_ciphersuites(b"TLS_AES_128_GCM_SHA256")
        reason = self.refused(
            self.trust(
                protocolMax="TLSv1.2", cipherList="ECDHE-ECDSA-CHACHA20-POLY1305"
            )
        )
        self.assertIn("SSL_cipher_list", reason)
        reason = self.refused(
            self.trust(protocolMin="TLSv1.3", ciphersuites="TLS_AES_256_GCM_SHA384")
        )
        self.assertIn("SSL_ciphersuites", reason)

    def test_clientCertificate(self) -> None:
        """
        A server that wants a certificate of ours, or another one.
        """
        context = self.server.context
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
        own = {
            "certificate": str(self.certificate.path),
            "key": str(self.certificate.key),
        }
        for version in ("TLSv1.2", "TLSv1.3"):
            reason = self.refused(self.trust(protocolMax=version))
            self.assertIn("wants a client certificate; see ", reason)
            self.assertIn("SSL_certificate", reason)
            reason = self.refused(self.trust(protocolMax=version, **own))
            self.assertIn("unknown ca", reason)
            self.assertIn("does not accept SSL_certificate", reason)

    def test_unknownName(self) -> None:
        """
        A server that does not know the name that it is asked for.
        """
        trust = self.trust()
        client = wrapped(trust, True)
        client.makeConnection(StringTransport())
        client.dataReceived(ALERT % 112)
        self.assertIn("SSL_hostname", str(trust.explained()))

    def test_noTLS(self) -> None:
        """
        A server that greets in clear text where TLS belongs is recognised.
        """
        for greeting in (
            b"* OK IMAP4rev1 ready\r\n",
            b"+OK POP3 ready\r\n",
            b"SSH-2.0-OpenSSH_9.2p1\r\n",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
        ):
            trust = self.trust()
            client = wrapped(trust, True)
            client.makeConnection(StringTransport())
            client.dataReceived(greeting)
            self.assertIn("does not speak TLS", str(trust.explained()))

    def test_itsOwnTrouble(self) -> None:
        """
        A server that has trouble of its own is tried again.
        """
        trust = self.trust()
        client = wrapped(trust, True)
        client.makeConnection(StringTransport())
        client.dataReceived(ALERT % 80)
        explanation = trust.explained()
        self.assertIsInstance(explanation, Lost)
        self.assertIn("internal error", str(explanation))


#: A fatal alert (RFC 8446, 6).
ALERT = b"\x15\3\3\0\2\2%c"
