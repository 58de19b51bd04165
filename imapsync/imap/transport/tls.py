"""
TLS as a server's configuration asks for it, and the reason when it fails.

Whoever imports this imports OpenSSL, a good part of a short run's time and
memory: do so only where TLS is used.

This makes its own OpenSSL context, because
L{twisted.internet.ssl.CertificateOptions} knows neither OpenSSL's cipher
strings (C{DEFAULT@SECLEVEL=0}) nor TLS 1.3 ciphersuites, and its own
verification, because L{twisted.internet.ssl.optionsForClientTLS} always
verifies, lets a trusted certificate that names no host at all pass for any
host, and takes one odd name in it for a reason to believe none (Twisted 26.10
with service-identity 24.1 or newer).

OpenSSL calls back while it verifies.  Nothing may be raised there: so nothing
there reads a certificate by means of C{cryptography}, which does not load all
that OpenSSL accepts, and warns on standard error of what else it does not like.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast
from weakref import WeakValueDictionary

from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, ISSLTransport
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from imapsync.config.tls import TLSConfig
from imapsync.errors import ConfigError, Distrusted, Lost
from imapsync.imap.auth.binding import Binding, bindingOf
from imapsync.imap.transport import refusals
from imapsync.imap.transport.certificate import read
from imapsync.imap.transport.identity import identify, isFor

_VERSIONS = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}


class _Failure(SSL.Error):
    """
    One that can be told to people.
    """

    def __str__(self) -> str:
        return f"TLS failed: {_words(self)}"


class _Connection(SSL.Connection):
    """
    Remembers why it failed: what Twisted reports afterwards depends on which
    end closes the connection first.

    @ivar trust: which judges the peer.
    @ivar objection: what we have against the peer's certificate.
    @ivar failure: OpenSSL's words, if the failure is about who the peers are.
    """

    trust: Trust
    objection = ""
    failure = ""
    _end: SSL.Error | None = None

    def do_handshake(self) -> None:
        """
        All that goes wrong here is remembered.
        """
        try:
            super().do_handshake()
        except SSL.Error as error:
            # Empty if there is more to come, or the connection was cut off.  What
            # arrives after a failure only fails again.
            self.failure = self.failure or _words(error)
            raise

    def recv(self, bufsiz: int, flags: int | None = None) -> bytes:
        """
        All that has come: servers send small records, and whoever reads them has as
        much to do with each as with all.
        """
        if self._end is not None:
            raise self._end
        records = [self._record(bufsiz, flags)]
        try:
            while True:
                records.append(self._record(bufsiz, flags))
        except SSL.WantReadError:
            pass  # that was all
        except SSL.Error as error:
            self._end = error  # behind what came before it
        return b"".join(records)

    def _record(self, bufsiz: int, flags: int | None) -> bytes:
        """
        In TLS 1.3 a server refuses our certificate only after the handshake.
        """
        try:
            return super().recv(bufsiz, flags)
        except SSL.Error as error:
            words = _words(error)
            if not words:
                raise
            if refusals.isAboutUs(words):
                self.failure = words
            raise _Failure(*error.args) from error


class Shown(NamedTuple):
    """
    What a peer has shown of itself.

    @ivar version: of TLS, such as C{"TLSv1.3"}.
    @ivar cipher: OpenSSL's name for it; empty if none was agreed on yet.
    @ivar certificate: DER.
    """

    version: str
    cipher: str
    certificate: bytes


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
        self._config = config
        self._where = where
        option, named = "host", host
        if config.hostname:
            option, named = "SSL_hostname", config.hostname
        with _blamed(where, option, named):
            self._identity = identify(named)
        self._context = _contextFor(config, where)
        self._last: _Connection | None = None

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> _Connection:
        """
        A connection whose handshake fails unless the peer is the right one.
        """
        self._last = connection = _Connection(self._context)
        connection.trust = self
        if not self._identity.isAddress:
            connection.set_tlsext_host_name(self._identity.octets)
        return connection

    def checkFingerprint(self, transport: ISSLTransport) -> None:
        """
        Compare the peer's certificate with the fingerprints that were
        configured, if any.  To be called as soon as the handshake is done.

        @raise Distrusted: if none of them matches.
        """
        if not self._config.fingerprints:
            return
        certificate = cast(crypto.X509 | None, transport.getPeerCertificate())
        if certificate is None:
            raise Distrusted(f"{self._where}: there is no certificate to compare")
        whole = _octetsOf(certificate)
        key = read(whole).key
        # What OpenSSL prints of a key is not always what is in the certificate.
        printed = crypto.dump_publickey(crypto.FILETYPE_ASN1, certificate.get_pubkey())
        if not any(
            hashlib.new(wanted.algorithm, octets).digest() == wanted.digest
            for wanted in self._config.fingerprints
            for octets in (whole, key, printed)
        ):
            raise Distrusted(
                f"{self._where}: its certificate has the digest"
                f" sha256${hashlib.sha256(whole).hexdigest()}, its key"
                f" sha256${hashlib.sha256(key).hexdigest()}; SSL_fingerprint names"
                " neither; put one there only if you know that the certificate was"
                " changed"
            )

    def shown(self) -> Shown | None:
        """
        What the peer has shown of itself on the last connection, also if that is not
        trusted; C{None} if there was nothing.
        """
        chain = self._last and self._last.get_peer_cert_chain()
        if not (self._last and chain):
            return None
        return Shown(
            self._last.get_protocol_version_name(),
            self._last.get_cipher_name() or "",
            _octetsOf(chain[0]),
        )

    def binding(self) -> Binding | None:
        """
        What ties a login to the last connection, whose handshake is done.
        """
        return None if self._last is None else bindingOf(self._last)

    def explained(self) -> Distrusted | Lost | None:
        """
        Why the last handshake failed, if it is for TLS to say.
        """
        last = self._last
        if last is None or not (last.objection or last.failure):
            return None
        text = last.objection
        if not text or refusals.MALFORMED in last.failure:
            text = refusals.handshake(last.failure, self._config)
        kind = Lost if refusals.isPassing(last.failure) else Distrusted
        return kind(f"{self._where}: {text}")

    def objection(
        self, certificate: crypto.X509, number: int, depth: int, ok: int
    ) -> str:
        """
        What there is to object to one of the peer's certificates, if anything;
        the other arguments are OpenSSL's.
        """
        if ok and depth:
            return ""
        shown = read(_octetsOf(certificate))
        if not ok:
            return refusals.untrusted(shown, number, depth, self._config)
        if isFor(shown, self._identity):
            return ""
        return refusals.misnamed(shown, self._identity, self._config)


#: Where OpenSSL reads the system's authorities, if it is told.
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

#: Those in use.  The authorities of a system take close to a megabyte, which
#: not every one of many connections can have.
_contexts: WeakValueDictionary[object, SSL.Context] = WeakValueDictionary()


def _contextFor(config: TLSConfig, where: str) -> SSL.Context:
    """
    A context like this, shared by all that want the same as long as the files
    are the same, too: a certificate may be renewed while we run.  The system's
    own authorities are read again when no connection is left, or if the environment
    names others.
    """
    paths = (config.caFile, config.caPath, config.certificate, config.key)
    same = config._replace(fingerprints=(), hostname=None)
    system = [os.environ.get(name) for name in _AUTHORITIES]
    key = (same, *system, *(_version(path) for path in paths if path))
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
        reason = _words(error) if isinstance(error, SSL.Error) else str(error)
        raise ConfigError(
            f"{where}: {option} = {value} cannot be used: "
            f"{reason or 'not readable, or of the wrong form'}"
        ) from error


def _words(error: SSL.Error) -> str:
    """
    OpenSSL's, without its libraries' names.
    """
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(dict.fromkeys(entry[-1] for entry in entries if entry[-1]))


def _octetsOf(certificate: crypto.X509) -> bytes:
    # As OpenSSL has it: others do not load what it does.
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
