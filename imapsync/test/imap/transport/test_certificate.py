"""
Tests for L{imapsync.imap.transport.certificate}.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import crypto
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.values import Fingerprint
from imapsync.errors import Distrusted
from imapsync.imap.transport.certificate import Certificate, Host, read
from imapsync.test.fakes import x509
from imapsync.test.fakes.handshakes import HandshakeCase
from imapsync.test.fakes.x509 import (
    BMP,
    PRINTABLE,
    der,
    dns,
    extension,
    hosts,
    integer,
    named,
    oid,
    sequence,
)

NAMES = hosts(dns(b"mail.example"))

#: What OpenSSL takes, but not everybody.
ODD = {
    "a serial number of 0": x509.Draft(serial=integer(0), extensions=[NAMES]),
    "a negative one": x509.Draft(serial=integer(-(2**70)), extensions=[NAMES]),
    "a long one": x509.Draft(serial=integer(2**400), extensions=[NAMES]),
    "a PrintableString that is none": x509.Draft(
        subject=named(b"Mail & More_*@\xff", PRINTABLE), extensions=[NAMES]
    ),
    "a long country": x509.Draft(
        subject=named(b"Germany", PRINTABLE, "2.5.4.6"), extensions=[NAMES]
    ),
    "no subject": x509.Draft(subject=sequence(), extensions=[NAMES]),
    "a version that is none": x509.Draft(version=integer(8), extensions=[NAMES]),
    "years from 2050 on before": x509.Draft(
        validity=sequence(der(0x18, b"20200101000000Z"), der(0x18, b"20490101000000Z")),
        extensions=[NAMES],
    ),
    "a default value written down": x509.Draft(
        extensions=[
            sequence(
                oid("2.5.29.17"),
                b"\1\1\0",
                der(0x04, sequence(dns(b"mail.example"))),
            )
        ]
    ),
    "a truth value that is none": x509.Draft(
        extensions=[
            sequence(
                oid("2.5.29.17"),
                b"\1\1\1",
                der(0x04, sequence(dns(b"mail.example"))),
            )
        ]
    ),
    "an extension twice": x509.Draft(
        extensions=[NAMES, *[extension("1.2.3.4", b"\5\0")] * 2]
    ),
}


class OddTests(HandshakeCase):
    """
    Tests for certificates that are not quite as they should be.
    """

    def test_accepted(self) -> None:
        """
        What OpenSSL takes is taken, in silence, whoever else would not.
        """
        for what, draft in ODD.items():
            self.forge(draft)
            self.assertEqual("", self.refusal(self.trust()), what)
            reason = self.refusal(self.trust("imap.example"))
            self.assertIn("is for mail.example, not for imap.example", reason, what)
        self.assertEqual([], self.flushWarnings())

    def test_authority(self) -> None:
        """
        Nor need its authority's be better.
        """
        root = x509.authority(b"R & D", PRINTABLE)
        self.forge(x509.Draft(extensions=[NAMES]), root=root)
        self.accepted(self.trust())
        self.assertEqual([], self.flushWarnings())

    def test_untrusted(self) -> None:
        """
        An untrusted one is refused for that, and in silence.
        """
        for what, draft in ODD.items():
            self.forge(draft)
            self.assertIn("CN=root", self.refusal(self.trust(caFile=None)), what)
        self.assertEqual([], self.flushWarnings())

    def test_fingerprint(self) -> None:
        """
        The fingerprints of such a certificate are those that OpenSSL prints.
        """
        for what, draft in ODD.items():
            self.forge(draft)
            for digits in (
                self.certificate.fingerprint,
                self.certificate.keyFingerprint,
            ):
                wanted = Fingerprint("sha256", bytes.fromhex(digits))
                trust = self.trust(verifyPeer=False, fingerprints=(wanted,))
                self.assertEqual("", self.refusal(trust), what)
                trust.checkFingerprint(self.accepted(trust))
        self.assertEqual([], self.flushWarnings())

    def test_keyWithoutParameters(self) -> None:
        """
        A key whose algorithm lacks its parameters has the fingerprint that it
        has in the certificate, and the one that C{openssl pkey} prints.
        """
        key = rsa.generate_private_key(65537, 2048)
        kind = sequence(oid("1.2.840.113549.1.1.1"))
        content = key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
        inside = sequence(kind, der(0x03, b"\0", content))
        printed = key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        self.assertNotEqual(inside, printed)
        shown = crypto.load_certificate(
            crypto.FILETYPE_ASN1, x509.Draft(publicKey=inside).signed()
        )
        transport: Any = Shown(shown)
        for octets in (inside, printed):
            wanted = Fingerprint("sha1", hashlib.sha1(octets).digest())
            self.trust(fingerprints=(wanted,)).checkFingerprint(transport)
        trust = self.trust(fingerprints=(Fingerprint("sha1", bytes(20)),))
        error = self.assertRaises(Distrusted, trust.checkFingerprint, transport)
        self.assertIn(hashlib.sha256(inside).hexdigest(), str(error))

    def test_anything(self) -> None:
        """
        Whatever OpenSSL loads is judged; nothing is raised where it asks.
        """
        trust = self.trust()
        draft = x509.Draft(
            extensions=[hosts(dns(b"mail.example"), x509.address(b"\x0a\0\0\1"))]
        )
        good, loaded = draft.signed(x509.authority()), 0
        for place in range(len(good)):
            for octet in (0x00, 0x7F, 0xFF, good[place] ^ 0x20):
                odd = good[:place] + bytes((octet,)) + good[place + 1 :]
                with contextlib.suppress(crypto.Error):
                    certificate = crypto.load_certificate(crypto.FILETYPE_ASN1, odd)
                    loaded += 1
                    for number in (9, 10, 20):
                        self.assertTrue(trust.objection(certificate, number, 0, 0))
                        self.assertTrue(trust.objection(certificate, number, 1, 0))
                    trust.objection(certificate, 0, 0, 1)
        self.assertGreater(loaded, len(good))


class Shown(NamedTuple):
    """
    A transport, as far as it shows a certificate.
    """

    certificate: crypto.X509

    def getPeerCertificate(self) -> crypto.X509:
        """
        The peer's.
        """
        return self.certificate


class ReadTests(SynchronousTestCase):
    """
    Tests for L{read}.
    """

    def test_all(self) -> None:
        """
        All that is wanted of a certificate.
        """
        root = x509.authority()
        draft = x509.Draft(
            extensions=[hosts(dns(b"a.example"), x509.address(b"\x0a\0\0\1"))]
        )
        spki = draft.key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        self.assertEqual(
            Certificate(
                issuer="CN=root",
                subject="CN=mail.example",
                since="2020-01-01 00:00:00 UTC",
                until="2049-01-01 00:00:00 UTC",
                key=spki,
                hosts=(Host(False, b"a.example"), Host(True, b"\x0a\0\0\1")),
            ),
            read(draft.signed(root)),
        )

    def test_name(self) -> None:
        """
        Names are told from the closest to the farthest part, in whichever
        alphabet they are written; parts that tell nothing are left out.
        """
        parts = [
            named(b"DE", PRINTABLE, "2.5.4.6"),
            named("\xfcber".encode("utf-16-be"), BMP, "2.5.4.10"),
            named("\u65e5".encode("utf-32-be"), 0x1C, "2.5.4.11"),
            named(b"12345", PRINTABLE, "2.5.4.5"),
            named(b"R & D\xff"),
            named(b"a@example.net", 0x16, "1.2.840.113549.1.9.1"),
        ]
        subject = sequence(*(each[2:] for each in parts))
        self.assertEqual(
            "emailAddress=a@example.net,CN=R & D\ufffd,OU=\u65e5,O=\xfcber,C=DE",
            read(x509.Draft(subject=subject).signed()).subject,
        )

    def test_broken(self) -> None:
        """
        Whatever is wrong, nothing fails, and nobody is named who was not.
        """
        good = x509.Draft(extensions=[NAMES]).signed(x509.authority())
        expected = read(good).hosts
        for place in range(len(good)):
            self.assertIn(read(good[:place]).hosts, ((), expected))
            for octet in (0, 0x1F, 0x30, 0x7F, 0x80, 0x81, 0x84, 0xA3, 0xFF):
                read(good[:place] + bytes((octet,)) + good[place + 1 :])
        read(b"\x30\xff" + b"\xff" * 200)
