"""
Certificates put together octet by octet (RFC 5280, 4.1), so that they can be as
odd as those of real servers: who makes them properly cannot make such.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

UTF8, PRINTABLE, BMP = 0x0C, 0x13, 0x1E


def der(tag: int, *parts: bytes) -> bytes:
    """
    An element.
    """
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def sequence(*parts: bytes) -> bytes:
    """
    A SEQUENCE.
    """
    return der(0x30, *parts)


def integer(number: int) -> bytes:
    """
    An INTEGER.
    """
    size = number.bit_length() // 8 + 1
    return der(0x02, number.to_bytes(size, "big", signed=True))


def oid(dotted: str) -> bytes:
    """
    An OBJECT IDENTIFIER.
    """
    first, second, *rest = map(int, dotted.split("."))
    octets = bytearray()
    for number in (40 * first + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        octets += bytes(reversed(groups))
    return der(0x06, bytes(octets))


def named(text: bytes, tag: int = UTF8, kind: str = "2.5.4.3") -> bytes:
    """
    A distinguished name of one attribute: a common name unless C{kind} says
    otherwise.
    """
    return sequence(der(0x31, sequence(oid(kind), der(tag, text))))


def dns(name: bytes) -> bytes:
    """
    A dNSName.
    """
    return der(0x82, name)


def address(octets: bytes) -> bytes:
    """
    An iPAddress.
    """
    return der(0x87, octets)


def extension(kind: str, value: bytes, *, critical: bool = False) -> bytes:
    """
    An extension.
    """
    return sequence(oid(kind), b"\1\1\xff" if critical else b"", der(0x04, value))


def hosts(*names: bytes) -> bytes:
    """
    A subjectAltName.
    """
    return extension("2.5.29.17", sequence(*names))


def valid(since: bytes, until: bytes) -> bytes:
    """
    A validity, of two UTCTimes.
    """
    return sequence(der(0x17, since), der(0x17, until))


#: Without it, nobody may sign others' certificates.
AUTHORITY = extension("2.5.29.19", sequence(b"\1\1\xff"), critical=True)

_CURVE = ec.SECP256R1()
_ECDSA = sequence(oid("1.2.840.10045.4.3.2"))

#: The key of those who do not bring their own.
KEY = ec.generate_private_key(_CURVE)


@dataclass(frozen=True)
class Draft:
    """
    A certificate before it is signed.  What is C{bytes} is DER.

    @ivar publicKey: as it stands in the certificate, if it is written otherwise
        than usual.
    """

    subject: bytes = named(b"mail.example")
    extensions: Sequence[bytes] = ()
    serial: bytes = integer(1)
    validity: bytes = valid(b"200101000000Z", b"490101000000Z")
    version: bytes = integer(2)
    key: ec.EllipticCurvePrivateKey = KEY
    publicKey: bytes = b""

    def signed(self, issuer: Draft | None = None) -> bytes:
        """
        The certificate.

        @param issuer: signs it; if there is none, it signs itself.
        """
        signer = issuer or self
        inner = sequence(
            der(0xA0, self.version),
            self.serial,
            _ECDSA,
            signer.subject,
            self.validity,
            self.subject,
            self.publicKey
            or self.key.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            ),
            der(0xA3, sequence(*self.extensions)) if self.extensions else b"",
        )
        signature = signer.key.sign(inner, ec.ECDSA(hashes.SHA256()))
        return sequence(inner, _ECDSA, der(0x03, b"\0", signature))


def authority(name: bytes = b"root", tag: int = UTF8) -> Draft:
    """
    One that may sign others', with a key of its own.
    """
    key = ec.generate_private_key(_CURVE)
    return Draft(subject=named(name, tag), extensions=(AUTHORITY,), key=key)


def weakKey() -> ec.EllipticCurvePrivateKey:
    """
    A key that is weaker than OpenSSL likes.
    """
    return ec.generate_private_key(ec.SECP192R1())


def pem(certificate: bytes) -> bytes:
    """
    The same in PEM format.
    """
    text = base64.encodebytes(certificate)
    return b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n" % text


def keyFile(key: ec.EllipticCurvePrivateKey) -> bytes:
    """
    A private key in PEM format.
    """
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
