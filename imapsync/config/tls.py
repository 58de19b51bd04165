"""
The options about TLS.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import NamedTuple

from imapsync.config import values
from imapsync.config.paths import Files
from imapsync.config.section import Section, quoted
from imapsync.config.values import Fingerprint

OPTIONS = (
    "SSL_verify_trusted_peer",
    "SSL_fingerprint",
    "SSL_cipher_list",
    "SSL_ciphersuites",
    "SSL_protocol_min",
    "SSL_protocol_max",
    "SSL_ca_path",
    "SSL_ca_file",
    "SSL_hostname",
    "SSL_certificate",
    "SSL_key",
)


# RFC 1035, 2.3.4; an underscore is nothing unusual.
_NAME = r"(?=.{1,253}$)[\w-]{1,63}(\.[\w-]{1,63})*"


class TLSConfig(NamedTuple):
    """
    How a server proves who it is, and how the connection is encrypted.

    @ivar verifyPeer: check the certificate's chain and name.
    @ivar fingerprints: the certificate, or its key, must have one of these;
        none given means any.
    @ivar hostname: asked for by SNI and looked for in the certificate; C{None}
        means the server's C{host}.  An address, or a name as L{dnsName} has it.
    @ivar key: C{None} if it is in the C{certificate} file.
    """

    verifyPeer: bool = True
    fingerprints: tuple[Fingerprint, ...] = ()
    cipherList: str | None = None
    ciphersuites: str | None = None
    protocolMin: str = "TLSv1.2"
    protocolMax: str | None = None
    caPath: str | None = None
    caFile: str | None = None
    hostname: str | None = None
    certificate: str | None = None
    key: str | None = None


def dnsName(name: str) -> str:
    """
    A host's name in the form that DNS and certificates have for it: in ASCII (RFC
    5890), in lower case, without the final dot.

    @raise ValueError: if there is no such name.
    """
    encoded = name
    if not name.isascii():
        import idna  # here, because few need it: it takes time and memory

        with suppress(idna.IDNAError):
            encoded = idna.encode(name, uts46=True).decode("ascii")
    encoded = encoded.lower().removesuffix(".")
    if not re.fullmatch(_NAME, encoded, re.ASCII):
        raise ValueError(f"must be a host's name or address, not {quoted(name)}")
    return encoded


def _hostname(value: str) -> str:
    import ipaddress  # here, because few need it: it takes time

    if not value:
        raise ValueError("must not be empty: a name is always sent; remove the line")
    host = values.host(value)
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return dnsName(host)


def read(section: Section, files: Files) -> TLSConfig:
    """
    What a server's section says about TLS.

    @raise ConfigError: if that cannot be used.
    """
    tls = TLSConfig(
        verifyPeer=section.get("SSL_verify_trusted_peer", values.yesNo, True),
        fingerprints=section.get("SSL_fingerprint", values.fingerprints, ()),
        cipherList=section.get("SSL_cipher_list", values.ciphers, None),
        ciphersuites=section.get("SSL_ciphersuites", values.ciphersuites, None),
        protocolMin=section.get("SSL_protocol_min", values.protocol, "TLSv1.2"),
        protocolMax=section.get("SSL_protocol_max", values.protocol, None),
        caPath=section.get("SSL_ca_path", files.directory, None),
        caFile=section.get("SSL_ca_file", files.file, None),
        hostname=section.get("SSL_hostname", _hostname, None),
        certificate=section.get("SSL_certificate", files.file, None),
        key=section.get("SSL_key", files.file, None),
    )
    order = values.PROTOCOLS.index
    if tls.protocolMax and order(tls.protocolMax) < order(tls.protocolMin):
        raise section.wrong(
            "SSL_protocol_max", f"is below SSL_protocol_min ({tls.protocolMin})"
        )
    if tls.certificate and not _fit(tls.certificate, tls.key):
        raise section.wrong(
            "SSL_certificate",
            "cannot be used: it and its key must be in PEM format, belong together,"
            " and have no passphrase",
        )
    return tls


def _fit(certificate: str, key: str | None) -> bool:
    """
    Whether OpenSSL can use a certificate with this key.
    """
    import ssl  # here, because few need it: it takes time and memory

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # How strong they must be is not the question here.
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        # Without a passphrase, even an empty one, the terminal is asked.
        context.load_cert_chain(certificate, key, password="")
    except OSError:
        return False
    return True
