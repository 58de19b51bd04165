"""
Channel binding (RFC 5056): what ties a login to the TLS connection that it is made
on, so that nobody between two connections can pass it on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from OpenSSL.SSL import Connection

_TLS13 = 0x0304

#: In the name of a signature's algorithm.
_HASH = re.compile(rb"(md5|sha(?:1|224|256|384|512))(?![0-9])", re.IGNORECASE)


class Binding(NamedTuple):
    """
    What both ends know of their connection.

    @ivar usual: whether a server that can do any can do this one.
    """

    type: str
    data: bytes
    usual: bool


def bindingOf(connection: Connection) -> Binding | None:
    """
    That of a TLS connection, after its handshake, if it has any.
    """
    if connection.get_protocol_version() >= _TLS13:
        # RFC 9266.
        data = connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
        return Binding("tls-exporter", data, usual=True)
    certificate = connection.get_peer_certificate()
    if certificate is None:
        return None
    match = _HASH.search(certificate.get_signature_algorithm())
    if match is None:
        return None  # RFC 5929 does not say what it would be
    # Imported here because few need them.
    import hashlib

    from OpenSSL import crypto

    # RFC 5929, 4.1.
    name = match[1].decode().lower()
    algorithm = "sha256" if name in ("md5", "sha1") else name
    octets = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
    data = hashlib.new(algorithm, octets).digest()
    # Before TLS 1.3 most servers know tls-unique only (RFC 5802, 6).
    return Binding("tls-server-end-point", data, usual=False)
