"""
The server's half of SCRAM (RFC 5802), which may lie.
"""

from __future__ import annotations

import base64
import hashlib
import hmac


class ScramServer:
    """
    One login at a server that knows C{password}.

    @ivar binding: what it knows of the connection.
    @ivar first: its first message.
    @ivar header: what the client's first message began with: flag and authorisation
        identity.
    @ivar user: who wants to log in.
    @ivar error: why it refuses, if it does.
    """

    def __init__(
        self,
        algorithm: str,
        password: str,
        binding: bytes = b"",
        rounds: int = 4096,
        salt: bytes = b"salt of the server",
        nonce: str = "server's",
    ) -> None:
        self._algorithm = algorithm
        self._salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), salt, rounds)
        self.binding = binding
        self._tail = f"s={base64.b64encode(salt).decode()},i={rounds}"
        self._nonce = nonce
        self.error = ""

    def begin(self, message: bytes) -> bytes:
        """
        Answer the client's first message.
        """
        flag, acting, bare = message.decode().split(",", 2)
        self.header = f"{flag},{acting},"
        self._bare = bare
        user, self._client = bare.split(",")
        self.user = user.removeprefix("n=").replace("=2C", ",").replace("=3D", "=")
        self.first = f"{self._client}{self._nonce},{self._tail}".encode()
        return self.first

    def end(self, message: bytes) -> bytes:
        """
        Answer the client's final message.
        """
        final, _, proof = message.rpartition(b",p=")
        bound, nonce = final.decode().split(",")
        wanted = base64.b64encode(self.header.encode() + self.binding).decode()
        if nonce != self._client + self._nonce:
            self.error = "other-error"
        elif bound != f"c={wanted}":
            self.error = "channel-bindings-dont-match"
        exchange = b"%b,%b,%b" % (self._bare.encode(), self.first, final)
        key = self._hmac(self._salted, b"Client Key")
        stored = hashlib.new(self._algorithm, key).digest()
        mask = self._hmac(stored, exchange)
        right = bytes(one ^ other for one, other in zip(key, mask, strict=True))
        if base64.b64decode(proof) != right:
            self.error = self.error or "invalid-proof"
        if self.error:
            return f"e={self.error}".encode()
        signature = self._hmac(self._hmac(self._salted, b"Server Key"), exchange)
        return b"v=" + base64.b64encode(signature)

    def _hmac(self, key: bytes, text: bytes) -> bytes:
        return hmac.new(key, text, self._algorithm).digest()
