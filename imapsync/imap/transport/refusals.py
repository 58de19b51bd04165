"""
Why there is no TLS connection, and which option is about it, in the user's words.
"""

from __future__ import annotations

from imapsync.config.tls import TLSConfig
from imapsync.config.values import PROTOCOLS
from imapsync.imap.transport.certificate import Certificate, Host
from imapsync.imap.transport.identity import listed, spelled
from imapsync.imap.wire.text import printable

#: X509_verify_cert_error_string(3), which pyOpenSSL does not offer, for what
#: goes wrong with servers.
_VERIFY_ERRORS = {
    2: "unable to get issuer certificate",
    6: "unable to decode issuer public key",
    7: "certificate signature failure",
    9: "certificate is not yet valid",
    10: "certificate has expired",
    13: "format error in certificate's notBefore field",
    14: "format error in certificate's notAfter field",
    18: "self-signed certificate",
    19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate",
    21: "unable to verify the first certificate",
    22: "certificate chain too long",
    23: "certificate revoked",
    24: "issuer certificate doesn't have a public key",
    25: "path length constraint exceeded",
    26: "unsuitable certificate purpose",
    27: "certificate not trusted",
    28: "certificate rejected",
    32: "key usage does not include certificate signing",
    34: "unhandled critical extension",
    37: "invalid non-CA certificate (has CA markings)",
    41: "invalid or inconsistent certificate extension",
    47: "permitted subtree violation",
    48: "excluded subtree violation",
    51: "unsupported name constraint type",
    52: "unsupported or invalid name constraint syntax",
    53: "unsupported or invalid name syntax",
    66: "EE certificate key too weak",
    67: "CA certificate key too weak",
    68: "CA signature digest algorithm too weak",
    79: "invalid CA certificate",
    94: "Certificate public key has explicit ECC parameters",
}

_NOT_YET, _EXPIRED, _NO_ISSUER = 9, 10, 20
#: Whoever vouches for the certificate is not among those whom we trust.
_UNKNOWN = (2, 18, 19, _NO_ISSUER, 21)
_WEAK = (66, 67, 68)

#: What more is to be said.
_EXPLAINED = {
    2: ": add the certificate of {issuer} to {store}",
    _NOT_YET: ", or this machine's clock is wrong",
    _EXPIRED: ", or this machine's clock is wrong",
    26: ": it is not for servers",
}
_NOT_FOUND = (
    ": that authority is none to trust, or the server does not send the certificates"
    " that lead to one"
)

_ANYWAY = "SSL_verify_trusted_peer and SSL_fingerprint"
_WEAKER = "@SECLEVEL in SSL_cipher_list"

#: OpenSSL's word for what it cannot read, and so takes for another certificate
#: than the one that it looks for.
MALFORMED = "invalid certificate"

_NO_TLS = "the server does not speak TLS there; see port and type"

#: What OpenSSL says when a handshake fails, and what its user wants to know.
_HANDSHAKE_ERRORS = {
    MALFORMED: (
        f"the server's certificate, or one in its chain, is malformed; see {_ANYWAY}"
    ),
    "wrong version number": _NO_TLS,
    "packet length too long": _NO_TLS,
    "nested asn1 error": "the server's certificate is malformed, and cannot be read",
    "unrecognized name": "the server knows no host of that name; see SSL_hostname",
    "handshake failure": (
        "no cipher in common, or the server wants a client certificate; "
        "see SSL_cipher_list, SSL_ciphersuites and SSL_certificate"
    ),
    "key too small": f"the server's key is too weak for OpenSSL; see {_WEAKER}",
    "excessive message size": "the server's certificates are too large",
}

#: Our own OpenSSL's: it has not even asked the server, or is answered with a version
#: that is too old.
_NO_VERSION, _TOO_OLD = "no protocols available", "unsupported protocol"
_VERSION_ERRORS = ("protocol version", _NO_VERSION, _TOO_OLD)

#: What a server says about the certificate that it wants of us.
_CERTIFICATE_ALERTS = (
    "certificate required",
    "unknown ca",
    "bad certificate",
    "unsupported certificate",
    "certificate revoked",
    "certificate expired",
    "certificate unknown",
    "access denied",
)


def untrusted(
    certificate: Certificate, number: int, depth: int, config: TLSConfig
) -> str:
    """
    Why a certificate is not to be trusted.

    @param number: OpenSSL's for the error.
    @param depth: 0 for the server's own certificate, more towards its authority.
    """
    issuer = _shown(certificate.issuer)
    whose = "its certificate"
    if depth:
        whose = f"the certificate of {_shown(certificate.subject)} in its chain"
    error = _VERIFY_ERRORS.get(number, f"verify error {number}")
    if number in (_NOT_YET, _EXPIRED):
        time = certificate.since if number == _NOT_YET else certificate.until
        error += f" ({_shown(time)})"
    more = _EXPLAINED.get(number, "")
    if number == _NO_ISSUER and not depth:
        more = _NOT_FOUND
    store = "SSL_ca_path" if config.caPath and not config.caFile else "SSL_ca_file"
    error += more.format(issuer=issuer, store=store)
    options = _ANYWAY
    if number in _UNKNOWN:
        hashed = " (and openssl rehash)" if store == "SSL_ca_path" else ""
        options = f"{store}{hashed}, or {_ANYWAY}"
    elif number in _WEAK:
        options = _WEAKER
    return f"{whose}, issued by {issuer}, is not trusted: {error}; see {options}"


def misnamed(certificate: Certificate, wanted: Host, config: TLSConfig) -> str:
    """
    Whom a certificate is for that is not for the host.
    """
    names = listed(certificate.hosts)
    if not names and "CN=" in certificate.subject:
        return (
            f"its certificate names a host only in its subject"
            f" ({_shown(certificate.subject)}), which does not count (RFC 9525): it"
            f" needs a subjectAltName; see {_ANYWAY}"
        )
    options = "SSL_hostname" if config.hostname else "host and SSL_hostname"
    return (
        f"its certificate is for {names or 'no host at all'}, "
        f"not for {spelled(wanted)}; see {options}"
    )


def handshake(words: str, config: TLSConfig) -> str:
    """
    Why a handshake failed.

    @param words: OpenSSL's.
    """
    advice = [told for error, told in _HANDSHAKE_ERRORS.items() if error in words]
    if any(error in words for error in _VERSION_ERRORS):
        advice.append(_versions(words, config))
    if isAboutUs(words):
        advice.append(
            "the server does not accept SSL_certificate"
            if config.certificate
            else "the server wants a client certificate; see SSL_certificate"
        )
    return ": ".join(["TLS failed", words, *advice[:1]])


def isAboutUs(words: str) -> bool:
    """
    Whether it is our certificate that the server objects to: in TLS 1.3 we hear of
    that only after the handshake.
    """
    return any(alert in words for alert in _CERTIFICATE_ALERTS)


def isPassing(words: str) -> bool:
    """
    Whether it is trouble of the server's own (RFC 8446, 6.2).
    """
    return "alert internal error" in words


def _versions(words: str, config: TLSConfig) -> str:
    """
    Why there is no version that suits both.
    """
    bounds = []
    if config.protocolMax not in (None, PROTOCOLS[-1]) and _TOO_OLD not in words:
        bounds.append(f"newer than SSL_protocol_max = {config.protocolMax}")
    if config.protocolMin != PROTOCOLS[0]:
        bounds.append(f"older than SSL_protocol_min = {config.protocolMin}")
    told = []
    if bounds and _NO_VERSION not in words:
        told.append(f"the server's are {' or '.join(bounds)}")
    if "SECLEVEL=0" not in (config.cipherList or ""):
        told.append("those before TLSv1.2 need SSL_cipher_list = DEFAULT@SECLEVEL=0")
    return "; ".join(("no version in common", *told))


def _shown(text: str) -> str:
    return printable(text.encode(), 200) or "nobody"
