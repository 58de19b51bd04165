"""
What a check (C{--check}) found of one server, as values.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from twisted.internet.address import IPv4Address, IPv6Address

from imapsync.accounts.inspection import Inspected
from imapsync.config.server import ServerConfig
from imapsync.display import line
from imapsync.errors import Distrusted, ImapSyncError, MissingCapability
from imapsync.imap.auth.redaction import redacted
from imapsync.imap.client import SyncClient
from imapsync.imap.features import QRESYNC, Features
from imapsync.imap.transport.certificate import read
from imapsync.imap.transport.identity import spelled
from imapsync.model import Name
from imapsync.plan.capacity import Size, total


class Peer(NamedTuple):
    """
    What a server has shown of itself by TLS, whether or not that is trusted.

    @ivar cipher: empty if none was agreed on.
    @ivar names: whom its certificate is for.
    @ivar since: when the certificate's time begins.
    @ivar until: when it ends.
    @ivar fingerprint: its digest, as C{SSL_fingerprint} takes it.
    @ivar keyFingerprint: that of its public key.
    """

    version: str
    cipher: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    since: str
    until: str
    fingerprint: str
    keyFingerprint: str


class Met(NamedTuple):
    """
    What is known of a connection, however far it came.

    @ivar address: of the other end; empty if it has none, or was not reached.
    @ivar port: likewise, 0.
    @ivar greeted: whether it has greeted us.
    @ivar name: what it calls itself (RFC 2971), if it does; and C{version}.
    @ivar offered: the mechanisms to log in by.
    @ivar method: that which we took; empty if there was no login.
    @ivar user: whose mail it is, as far as that is known.
    @ivar entered: whether we are logged in.
    @ivar features: what it can do, as it said last.
    @ivar kind: what kind of server it is; empty if that is not known.
    @ivar way: how changes are found out, see L{imapsync.imap.features}.
    """

    address: str
    port: int
    peer: Peer | None
    greeted: bool
    greeting: str
    name: str
    version: str
    offered: tuple[str, ...]
    method: str
    user: str
    entered: bool
    features: Features
    kind: str = ""
    way: str = QRESYNC


class Found(NamedTuple):
    """
    All that was found of one server.

    @ivar met: C{None} if it was never reached.
    @ivar inspected: C{None} if it did not come to that.
    @ivar selected: the mailboxes that a run would work on.
    @ivar error: why it went no further, if it did not.
    """

    server: ServerConfig
    met: Met | None = None
    inspected: Inspected | None = None
    selected: frozenset[Name] = frozenset()
    error: ImapSyncError | None = None

    @property
    def step(self) -> str:
        """
        At which step it was when it went no further.
        """
        met, error = self.met, self.error
        if met is None or (self.server.command and not met.greeted):
            return "command" if self.server.command else "address"
        if isinstance(error, MissingCapability):
            return "capabilities"
        if met.entered:
            return "mailboxes"
        if met.method or met.offered:
            return "login"
        isTrust = isinstance(error, Distrusted) or "TLS" in str(error)
        if self.server.encrypted and isTrust:
            return "TLS"
        return "login" if met.greeted else "greeting"

    @property
    def proxy(self) -> str:
        """
        Who connects us, if we do not connect ourselves; without a login.
        """
        return str(self.server.proxy or "")

    @property
    def size(self) -> Size:
        """
        How much there is to be worked on.
        """
        if self.inspected is None:
            return Size(0, None)
        there = self.inspected.account
        names = [name for name in self.selected if there.has(name)]
        return total([self.inspected.size(name) for name in names])


def metBy(client: SyncClient) -> Met:
    """
    What is known of a connection.
    """
    host, port = _address(client)
    capabilities = client.offered or client.features.told
    mechanisms = sorted(w[5:] for w in capabilities if w.startswith("AUTH="))
    # Whoever learns a secret may say it again.
    identity = {
        key: line(redacted(told, client.secrets))
        for key, told in client.identity.items()
    }
    return Met(
        host,
        port,
        _peer(client),
        client.state is not None,
        line(client.greeting),
        identity.get("name", ""),
        identity.get("version", ""),
        tuple(line(word) for word in mechanisms),
        client.method,
        client.user,
        client.state == "auth",
        client.features,
        client.host.name,
        client.way,
    )


def _address(client: SyncClient) -> tuple[str, int]:
    transport: Any = client.transport
    peer = None if transport is None else transport.getPeer()
    if isinstance(peer, (IPv4Address, IPv6Address)):
        return peer.host, peer.port
    return "", 0


def _peer(client: SyncClient) -> Peer | None:
    shown = client.trust and client.trust.shown()
    if not shown:
        return None
    certificate = read(shown.certificate)
    return Peer(
        shown.version,
        shown.cipher,
        line(certificate.subject),
        line(certificate.issuer),
        tuple(map(spelled, certificate.hosts)),
        line(certificate.since),
        line(certificate.until),
        _digest(shown.certificate),
        _digest(certificate.key),
    )


def _digest(octets: bytes) -> str:
    return f"sha256${hashlib.sha256(octets).hexdigest()}"
