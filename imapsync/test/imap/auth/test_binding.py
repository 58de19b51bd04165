"""
Tests for L{imapsync.imap.auth.binding}: real handshakes, in memory.
"""

from __future__ import annotations

import hashlib

from OpenSSL import crypto

from imapsync.imap.auth.binding import Binding
from imapsync.test.fakes.handshakes import HandshakeCase


class BindingTests(HandshakeCase):
    """
    What both ends know of a connection.
    """

    def binding(self, version: str) -> Binding | None:
        """
        That of a new connection.
        """
        trust = self.trust(protocolMin=version, protocolMax=version)
        self.assertIsNone(trust.binding())
        self.accepted(trust)
        return trust.binding()

    def test_exporter(self) -> None:
        """
        TLS 1.3: the server knows the same, and it is of this connection only (RFC
        9266).
        """
        bindings = [self.binding("TLSv1.3") for _ in range(2)]
        known = self.server.last.export_keying_material(
            b"EXPORTER-Channel-Binding", 32, None
        )
        self.assertEqual(Binding("tls-exporter", known, True), bindings[1])
        self.assertNotEqual(bindings[0], bindings[1])

    def test_endPoint(self) -> None:
        """
        Before: the digest of the server's certificate (RFC 5929, 4.1).
        """
        whole = crypto.dump_certificate(
            crypto.FILETYPE_ASN1,
            crypto.load_certificate(
                crypto.FILETYPE_PEM, self.certificate.path.read_bytes()
            ),
        )
        digest = hashlib.sha256(whole).digest()
        expected = Binding("tls-server-end-point", digest, False)
        self.assertEqual(expected, self.binding("TLSv1.2"))
