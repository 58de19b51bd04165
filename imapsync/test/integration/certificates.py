"""
Certificates for the servers under test, from an authority of their own.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from imapsync.test.fakes.x509 import keyFile, pem

#: What the servers under test are called.
LOOPBACK = ("localhost", "127.0.0.1", "127.0.0.2")


@dataclass(frozen=True)
class Certificate:
    """
    A certificate, its key and who vouches for it, as PEM files.

    @ivar authority: the issuer's certificate; its own if it signed itself.
    @ivar fingerprint: SHA-256 of the certificate, in hexadecimal.
    @ivar keyFingerprint: SHA-256 of its public key (SPKI), in hexadecimal.
    """

    path: Path
    key: Path
    authority: Path
    fingerprint: str
    keyFingerprint: str


def issue(
    directory: Path,
    names: Sequence[str] = LOOPBACK,
    *,
    expired: bool = False,
    selfSigned: bool = False,
) -> Certificate:
    """
    Make a certificate for a server with these names and addresses, vouched
    for by a new authority, in C{directory}.
    """
    key, rootKey = ec.generate_private_key(_CURVE), ec.generate_private_key(_CURVE)
    root = _signed("imapsync tests", (), rootKey, "imapsync tests", rootKey)
    issuer, issuerKey = (names[0], key) if selfSigned else ("imapsync tests", rootKey)
    leaf = _signed(names[0], names, key, issuer, issuerKey, expired=expired)
    vouching = leaf if selfSigned else root
    return kept(directory, key, *map(_octets, (vouching, leaf)))


def kept(
    directory: Path,
    key: ec.EllipticCurvePrivateKey,
    authority: bytes,
    leaf: bytes,
    *chain: bytes,
) -> Certificate:
    """
    Write a certificate into C{directory}.

    @param chain: what is to be sent behind it.
    """
    spki = key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    result = Certificate(
        path=directory / "certificate.pem",
        key=directory / "key.pem",
        authority=directory / "authority.pem",
        fingerprint=hashlib.sha256(leaf).hexdigest(),
        keyFingerprint=hashlib.sha256(spki).hexdigest(),
    )
    result.path.write_bytes(b"".join(map(pem, (leaf, *chain))))
    result.key.write_bytes(keyFile(key))
    result.authority.write_bytes(pem(authority))
    return result


_CURVE = ec.SECP256R1()


def _signed(
    subject: str,
    names: Sequence[str],
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuerKey: ec.EllipticCurvePrivateKey,
    *,
    expired: bool = False,
) -> x509.Certificate:
    """
    One with C{names} is a server's, one without is an authority's.
    """
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    end = now - day if expired else now + 30 * day
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - 60 * day)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuerKey.public_key()),
            False,
        )
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(name) for name in names]), False
        )
    return builder.sign(issuerKey, hashes.SHA256())


def _octets(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
