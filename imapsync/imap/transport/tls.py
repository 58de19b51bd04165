"""
TLS as a server's configuration asks for it, and the reason when it fails.

Whoever imports this imports OpenSSL, a good part of a short run's time and
memory: do so only where TLS is used.

This makes its own OpenSSL context, because
L{twisted.internet.ssl.CertificateOptions} knows neither OpenSSL's cipher
strings (C{DEFAULT@SECLEVEL=0}) nor TLS 1.3 ciphersuites, and its own
verification, because L{twisted.internet.ssl.optionsForClientTLS} always
verifies, and lets a trusted certificate that names no host at all pass for
any host (Twisted 26.10 with service-identity 24.1 or newer).
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from weakref import WeakValueDictionary

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto
from service_identity import CertificateError, VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, ISSLTransport
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from imapsync.config.tls import TLSConfig
from imapsync.config.values import Fingerprint
from imapsync.errors import ConfigError, Distrusted
from imapsync.imap.wire.text import printable

_VERSIONS = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}

#: X509_verify_cert_error_string(3), which pyOpenSSL does not offer, for what
#: goes wrong with servers.
_VERIFY_ERRORS = {
    9: "certificate is not yet valid",
    10: "certificate has expired",
    18: "self-signed certificate",
    19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate",
    21: "unable to verify the first certificate",
    23: "certificate revoked",
    26: "unsuitable certificate purpose",
    66: "EE certificate key too weak",
    67: "CA certificate key too weak",
    68: "CA signature digest algorithm too weak",
    79: "invalid CA certificate",
}

#: What OpenSSL says when a handshake fails, and what its user wants to know.
_HANDSHAKE_ERRORS = {
    "wrong version number": "the server does not speak TLS there; see port and type",
    "packet length too long": "the server does not speak TLS there; see port and type",
    "unsupported protocol": "no TLS version in common; see SSL_protocol_min",
    "protocol version": "no TLS version in common; see SSL_protocol_min",
    "no protocols available": "see SSL_protocol_min and SSL_protocol_max",
    "handshake failure": (
        "no cipher in common, or the server wants a client certificate; "
        "see SSL_cipher_list and SSL_certificate"
    ),
    "certificate required": (
        "the server wants a client certificate; see SSL_certificate"
    ),
}


class _Connection(SSL.Connection):
    """
    Remembers why it failed: what Twisted reports afterwards depends on which
    end closes the connection first.

    @ivar trust: which judges the peer.
    @ivar objection: what we have against the peer's certificate.
    @ivar failure: OpenSSL's words.
    """

    trust: Trust
    objection = ""
    failure = ""

    def do_handshake(self) -> None:
        with self._watched():
            super().do_handshake()

    def recv(self, bufsiz: int, flags: int | None = None) -> bytes:
        # In TLS 1.3 a server refuses our certificate only after the handshake.
        with self._watched():
            return super().recv(bufsiz, flags)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except (SSL.WantReadError, SSL.ZeroReturnError):
            raise
        except SSL.Error as error:
            # Empty if the connection was cut off.
            self.failure = _reason(error)
            raise


@implementer(IOpenSSLClientConnectionCreator)
class Trust:
    """
    Makes one server's TLS connections, judges its certificate, and knows
    afterwards what was wrong.
    """

    def __init__(self, config: TLSConfig, host: str, where: str) -> None:
        """
        @param host: the name or address that the user knows the server by.
        @param where: how to call the server in an error.
        @raise ConfigError: if OpenSSL cannot use the configuration.
        """
        self._fingerprints = config.fingerprints
        self._where = where
        with _blamed(where, "host", host):
            self._identity = _identityOf(config.hostname or host)
        self._context = _contextFor(config, where)
        self._last: _Connection | None = None

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> _Connection:
        """
        A connection whose handshake fails unless the peer is the right one.
        """
        self._last = connection = _Connection(self._context)
        connection.trust = self
        if isinstance(self._identity, DNS_ID):
            connection.set_tlsext_host_name(self._identity.hostname)
        return connection

    def checkFingerprint(self, transport: ISSLTransport) -> None:
        """
        Compare the peer's certificate with the fingerprints that were
        configured, if any.  To be called as soon as the handshake is done.

        @raise Distrusted: if none of them matches.
        """
        if not self._fingerprints:
            return
        certificate = cast(crypto.X509 | None, transport.getPeerCertificate())
        if certificate is None:
            raise Distrusted(f"{self._where}: there is no certificate to compare")
        if not any(_matches(certificate, each) for each in self._fingerprints):
            key = hashlib.sha256(_keyOf(certificate)).hexdigest()
            whole = hashlib.sha256(_octetsOf(certificate)).hexdigest()
            raise Distrusted(
                f"{self._where}: its certificate has the digest sha256${whole}, "
                f"its key sha256${key}; SSL_fingerprint names neither; "
                "put one there only if you know that the certificate was changed"
            )

    def explained(self) -> Distrusted | None:
        """
        Why the last handshake failed, if it is for TLS to say.
        """
        last = self._last
        if last is None or not (last.objection or last.failure):
            return None
        return Distrusted(
            last.objection or f"{self._where}: TLS failed: {_advised(last.failure)}"
        )

    def objection(
        self, certificate: crypto.X509, number: int, depth: int, ok: int
    ) -> str:
        """
        What there is to object to one of the peer's certificates, if anything;
        the other arguments are OpenSSL's.
        """
        if not ok:
            return self._untrusted(certificate, number)
        return "" if depth else self._misnamed(certificate)

    def _untrusted(self, certificate: crypto.X509, number: int) -> str:
        parsed = certificate.to_cryptography()
        issuer = printable(parsed.issuer.rfc4514_string().encode())
        error = _VERIFY_ERRORS.get(number, f"verify error {number}")
        return (
            f"{self._where}: its certificate, issued by {issuer}, is not trusted: "
            f"{error}; see SSL_ca_file, or SSL_verify_trusted_peer and SSL_fingerprint"
        )

    def _misnamed(self, certificate: crypto.X509) -> str:
        try:
            verify_service_identity(extract_patterns(certificate), [self._identity], [])
        except (CertificateError, VerificationError, ValueError):
            names = printable(", ".join(_namesIn(certificate)).encode())
            return (
                f"{self._where}: its certificate is for {names or 'no host at all'}, "
                f"not for {_spelled(self._identity)}; see host and SSL_hostname"
            )
        return ""


def _identityOf(host: str) -> DNS_ID | IPAddress_ID:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return DNS_ID(host.rstrip("."))
    return IPAddress_ID(host)


def _spelled(identity: DNS_ID | IPAddress_ID) -> str:
    if isinstance(identity, IPAddress_ID):
        return str(identity.ip)
    return identity.hostname.decode("ascii")


#: Those in use.  The authorities of a system take close to a megabyte, which
#: not every one of many connections can have.
_contexts: WeakValueDictionary[object, SSL.Context] = WeakValueDictionary()


def _contextFor(config: TLSConfig, where: str) -> SSL.Context:
    """
    A context like this, shared by all that want the same as long as the files
    are the same, too: a certificate may be renewed while we run.  The system's
    own authorities are read again when no connection is left.
    """
    paths = (config.caFile, config.caPath, config.certificate, config.key)
    same = config._replace(fingerprints=(), hostname=None)
    key = (same, *(_version(path) for path in paths if path))
    context = _contexts.get(key)
    if context is None:
        context = _contexts[key] = _newContext(config, where)
    return context


def _version(path: str) -> tuple[int, ...]:
    try:
        found = Path(path).stat()
    except OSError:
        return ()  # OpenSSL knows what to say about it
    return found.st_ino, found.st_size, found.st_mtime_ns


def _newContext(config: TLSConfig, where: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_options(SSL.OP_NO_COMPRESSION)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_min_proto_version(_VERSIONS[config.protocolMin])
    if config.protocolMax:
        context.set_max_proto_version(_VERSIONS[config.protocolMax])
    if config.cipherList:
        with _blamed(where, "SSL_cipher_list", config.cipherList):
            context.set_cipher_list(config.cipherList.encode())
    if config.ciphersuites:
        with _blamed(where, "SSL_ciphersuites", config.ciphersuites):
            context.set_tls13_ciphersuites(config.ciphersuites.encode())
    if config.verifyPeer:
        _loadAuthorities(context, config, where)
        mode = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        context.set_verify(mode, _verify)
    _loadCertificate(context, config, where)
    return context


def _verify(
    connection: SSL.Connection,
    certificate: crypto.X509,
    number: int,
    depth: int,
    ok: int,
) -> bool:
    """
    OpenSSL's question for each certificate, from the root to the server's own;
    also for each error in it.
    """
    asked = cast(_Connection, connection)
    asked.objection = asked.trust.objection(certificate, number, depth, ok)
    return not asked.objection


def _loadAuthorities(context: SSL.Context, config: TLSConfig, where: str) -> None:
    if config.caFile:
        with _blamed(where, "SSL_ca_file", config.caFile):
            context.load_verify_locations(config.caFile)
    if config.caPath:
        with _blamed(where, "SSL_ca_path", config.caPath):
            context.load_verify_locations(None, config.caPath)
    if not config.caFile and not config.caPath:
        context.set_default_verify_paths()


def _loadCertificate(context: SSL.Context, config: TLSConfig, where: str) -> None:
    if not config.certificate:
        return
    # Without this, OpenSSL asks for the passphrase on the terminal.
    context.set_passwd_cb(lambda length, repeat, data: b"")
    with _blamed(where, "SSL_certificate", config.certificate):
        context.use_certificate_chain_file(config.certificate)
    key = config.key or config.certificate
    with _blamed(where, "SSL_key", key):
        context.use_privatekey_file(key)
        context.check_privatekey()


@contextmanager
def _blamed(where: str, option: str, value: str) -> Iterator[None]:
    try:
        yield
    except (SSL.Error, OSError, ValueError) as error:
        reason = _reason(error) if isinstance(error, SSL.Error) else str(error)
        raise ConfigError(
            f"{where}: {option} = {value} cannot be used: "
            f"{reason or 'not readable, or of the wrong form'}"
        ) from error


def _reason(error: SSL.Error) -> str:
    """
    OpenSSL's words, without its libraries' names.
    """
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(dict.fromkeys(entry[-1] for entry in entries if entry[-1]))


def _advised(failure: str) -> str:
    for words, advice in _HANDSHAKE_ERRORS.items():
        if words in failure:
            return f"{failure}: {advice}"
    return failure


def _namesIn(certificate: crypto.X509) -> Iterator[str]:
    try:
        names = (
            certificate.to_cryptography()
            .extensions.get_extension_for_class(x509.SubjectAlternativeName)
            .value
        )
    except (x509.ExtensionNotFound, ValueError):
        return
    yield from names.get_values_for_type(x509.DNSName)
    yield from map(str, names.get_values_for_type(x509.IPAddress))


def _octetsOf(certificate: crypto.X509) -> bytes:
    return certificate.to_cryptography().public_bytes(Encoding.DER)


def _keyOf(certificate: crypto.X509) -> bytes:
    return crypto.dump_publickey(crypto.FILETYPE_ASN1, certificate.get_pubkey())


def _matches(certificate: crypto.X509, wanted: Fingerprint) -> bool:
    return any(
        hashlib.new(wanted.algorithm, octets).digest() == wanted.digest
        for octets in (_octetsOf(certificate), _keyOf(certificate))
    )
