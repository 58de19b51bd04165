"""
SCRAM (RFC 5802, RFC 7677): client and server prove to each other that they know the
password, and neither sends it.

Written here because the library for it, C{scramp}, has neither an authorisation
identity nor C{tls-exporter}, and takes more than a short run's time to be imported.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence

from imapsync.display import octets
from imapsync.errors import Distrusted, ProtocolViolation
from imapsync.imap.auth.binding import Binding
from imapsync.imap.auth.exchange import Exchange, Identity, Told
from imapsync.imap.auth.preparation import prepared

#: With fewer rounds, whoever has heard a proof soon finds the password (RFC 7677, 4).
_LEAST = 4096

#: No server is known to want so many; with more, nothing else would be done for a
#: second or more, on a slow computer.
_MOST = 2_000_000

#: What the server's words for an error amount to (RFC 5802, 7).
_CODES = {
    "invalid-proof": "AUTHENTICATIONFAILED",
    "unknown-user": "AUTHENTICATIONFAILED",
    "invalid-username-encoding": "AUTHENTICATIONFAILED",
    "no-resources": "UNAVAILABLE",
}


class Scram(Exchange):
    """
    One login.
    """

    def __init__(
        self,
        algorithm: str,
        identity: Identity,
        binding: Binding | None = None,
        bindable: bool = False,
        nonce: str = "",
    ) -> None:
        """
        @param algorithm: C{sha1} or C{sha256}.
        @param binding: what the login is tied to.
        @param bindable: whether it would be to something if the server offered that.
        @param nonce: a random one by default.
        """
        self._algorithm = algorithm
        self._password = prepared(identity.password).encode()
        self._nonce = nonce or base64.b64encode(os.urandom(18)).decode()
        flag = f"p={binding.type}" if binding else "y" if bindable else "n"
        acting = identity.authorizeAs and f"a={escaped(identity.authorizeAs)}"
        header = f"{flag},{acting},".encode()
        self._binding = base64.b64encode(header + (binding.data if binding else b""))
        user = escaped(prepared(identity.username))
        self._first = f"n={user},r={self._nonce}".encode()
        self.initial = header + self._first
        self._signature = b""
        self._isProven = False
        self._steps = [self._prove, self._check]

    def respond(self, challenge: bytes) -> bytes:
        """
        Prove that we know the password; then see whether the server does.
        """
        if not self._steps:
            return super().respond(challenge)
        if challenge.startswith(b"e="):
            self._steps.clear()
            word = octets(challenge[2:].partition(b",")[0])
            self.told = Told(_CODES.get(word, ""), word)
            return b""  # which it refuses, in its own words
        return self._steps.pop(0)(challenge)

    def conclude(self) -> None:
        """
        A server that knows the password has shown it.
        """
        if not self._isProven:
            raise Distrusted(
                "the server let us in without a proof that it knows the password:"
                " it may be another one that pretends to be it"
            )

    def _prove(self, challenge: bytes) -> bytes:
        """
        The client's final message, for the server's first one.
        """
        nonce, salt, count = _parts(challenge, b"r", b"s", b"i")
        ours = self._nonce.encode()
        if not nonce.startswith(ours) or nonce == ours:
            raise Distrusted(
                "the server's nonce does not begin with ours: somebody may be between"
                " us and the server"
            )
        rounds = _rounds(count)
        salted = hashlib.pbkdf2_hmac(
            self._algorithm, self._password, _decoded(salt), rounds
        )
        key = self._hmac(salted, b"Client Key")
        final = b"c=%b,r=%b" % (self._binding, nonce)
        exchange = b"%b,%b,%b" % (self._first, challenge, final)
        stored = hashlib.new(self._algorithm, key).digest()
        proof = _xor(key, self._hmac(stored, exchange))
        self._signature = self._hmac(self._hmac(salted, b"Server Key"), exchange)
        return b"%b,p=%b" % (final, base64.b64encode(proof))

    def _check(self, challenge: bytes) -> bytes:
        """
        Nothing, for the right signature.
        """
        [signature] = _parts(challenge, b"v")
        if not hmac.compare_digest(_decoded(signature), self._signature):
            raise Distrusted(
                "the server does not know the password: its signature is wrong; it may"
                " be another one that pretends to be it"
            )
        self._isProven = True
        return b""

    def _hmac(self, key: bytes, text: bytes) -> bytes:
        return hmac.digest(key, text, self._algorithm)


def escaped(name: str) -> str:
    """
    A user's name among the attributes of a message (RFC 5801, 4).
    """
    return name.replace("=", "=3D").replace(",", "=2C")


def _parts(message: bytes, *names: bytes) -> Sequence[bytes]:
    """
    The values of the attributes that a message begins with; what follows is an
    extension, and may be ignored (RFC 5802, 5.1).

    @raise ProtocolViolation: if it does not begin so, as with one that may not be
        ignored (C{m}).
    """
    attributes = message.split(b",")[: len(names)]
    found = [attribute[:2] for attribute in attributes]
    if found != [name + b"=" for name in names]:
        raise ProtocolViolation(f"no message of SCRAM: {octets(message, 80)}")
    return [attribute[2:] for attribute in attributes]


def _rounds(count: bytes) -> int:
    if not count.isdigit() or len(count) > 12:
        raise ProtocolViolation(f"no iteration count: {octets(count, 80)}")
    rounds = int(count)
    if not _LEAST <= rounds <= _MOST:
        raise Distrusted(
            f"the server asks for {rounds} iterations of SCRAM; between {_LEAST} and"
            f" {_MOST} are safe and bearable"
        )
    return rounds


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ProtocolViolation(f"no base 64: {octets(text, 80)}") from None


def _xor(one: bytes, other: bytes) -> bytes:
    mixed = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return mixed.to_bytes(len(one), "big")
