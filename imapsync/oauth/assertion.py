"""
What we sign, so that nobody else can ask in our name (RFC 7523): a JWT (RFC 7519) with
an RSA key, RS256 (RFC 7515, A.2).
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from imapsync.errors import ConfigError

#: So many seconds is an assertion good for: what Google takes at the most is an hour,
#: and what Microsoft recommends is less.
LASTS = 600

_NO_KEY = "cannot be used: it must be an RSA key in PEM without a passphrase, or a JSON"


class Key(NamedTuple):
    """
    What we sign with.

    @ivar header: what tells which key it is.
    @ivar issuer: who signs, as the file has it; empty if it does not say.
    """

    private: RSAPrivateKey
    header: Mapping[str, str]
    issuer: str = ""


def load(path: str) -> Key:
    """
    The key in a file: a service account's JSON, or PEM, perhaps with a certificate.

    @raise ConfigError: if there is none.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"oauth2-key-file {path} cannot be read: {error.strerror}"
        ) from None
    with suppress(ValueError, RecursionError, LookupError, TypeError, AttributeError):
        if not text.lstrip().startswith(b"{"):
            return Key(_private(text), _certified(text))
        fields = json.loads(text)
        number = fields.get("private_key_id")
        header = {"kid": str(number)} if number else {}
        private = _private(fields["private_key"].encode())
        return Key(private, header, str(fields["client_email"]))
    raise ConfigError(f"oauth2-key-file {path} {_NO_KEY} of a service account")


def signed(
    key: Key, claims: Mapping[str, str], now: float, unique: str | None = None
) -> str:
    """
    C{claims}, signed.

    @param now: when, in seconds since 1970.
    @param unique: no other one has this; made up if not given.
    """
    header = {"alg": "RS256", "typ": "JWT", **key.header}
    times = {"iat": int(now), "exp": int(now) + LASTS}
    said = {**claims, **times, "jti": unique or secrets.token_urlsafe(16)}
    return jws(key.private, *(json.dumps(one).encode() for one in (header, said)))


def jws(private: RSAPrivateKey, header: bytes, payload: bytes) -> str:
    """
    The compact form (RFC 7515, 7.1).
    """
    text = f"{_base64(header)}.{_base64(payload)}"
    signature = private.sign(text.encode(), PKCS1v15(), SHA256())
    return f"{text}.{_base64(signature)}"


def _private(pem: bytes) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, None)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("no RSA key")
    return key


def _certified(pem: bytes) -> Mapping[str, str]:
    """
    By which certificate Microsoft knows the key (RFC 7515, 4.1.7).
    """
    with suppress(ValueError):
        certificate = x509.load_pem_x509_certificate(pem)
        return {
            "x5t": _base64(certificate.fingerprint(SHA1())),
            "x5t#S256": _base64(certificate.fingerprint(SHA256())),
        }
    return {}


def _base64(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
