"""
Asking web servers over real connections (L{imapsync.http.web}): which ones are
believed to be who they are.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet import reactor, ssl
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase
from twisted.web.server import Site
from twisted.web.static import Data

from imapsync.errors import Distrusted, ImapSyncError, Lost
from imapsync.http.web import Answer, Web
from imapsync.test.integration.certificates import LOOPBACK, Certificate, issue

_reactor: Any = reactor

#: By which OpenSSL is told whom to trust.
_AUTHORITIES = "SSL_CERT_FILE", "SSL_CERT_DIR"


class TrustTests(TestCase):
    """
    A server with a certificate of an authority of ours.
    """

    def setUp(self) -> None:
        """
        Trust as the system does.
        """
        before = {name: os.environ.pop(name, None) for name in _AUTHORITIES}

        def restore() -> None:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value

        self.addCleanup(restore)

    def serve(self, names: Sequence[str] = LOOPBACK, **how: bool) -> Certificate:
        """
        Have a server that has a certificate for these names.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        certificate = issue(folder, names, **how)
        context = ssl.DefaultOpenSSLContextFactory(
            str(certificate.key), str(certificate.path)
        )
        root = Data(b"{}", "application/json")
        root.putChild(b"x", root)
        port = _reactor.listenSSL(0, Site(root), context, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port
        return certificate

    async def get(self, host: str = "localhost", scheme: str = "https") -> Answer:
        """
        Ask it.
        """
        return await Web(_reactor).get(f"{scheme}://{host}:{self.port}/x")

    async def fails(self, kind: type[ImapSyncError], *words: str, **how: str) -> None:
        """
        Assert that it is not asked.
        """
        asking = Deferred.fromCoroutine(self.get(**how))
        error = await self.assertFailure(asking, kind)
        for word in (f"localhost:{self.port}: ", *words):
            self.assertIn(word, str(error))
        self.assertNotIn("\n", str(error))

    async def test_trusted(self) -> None:
        """
        It is believed if the user's system, or the user, trusts that authority.
        """
        certificate = self.serve()
        os.environ["SSL_CERT_FILE"] = str(certificate.authority.absolute())
        for host in "localhost", "127.0.0.1":
            self.assertEqual(Answer(200, b"{}"), await self.get(host))

    async def test_unknown(self) -> None:
        """
        If not, it is not told anything.
        """
        self.serve()
        await self.fails(Distrusted, "certificate verify failed", "SSL_CERT_FILE")

    async def test_name(self) -> None:
        """
        Nor is one with a certificate for somebody else, or an old one.
        """
        for names, expired, text in (
            (("elsewhere.example",), False, "its certificate is for another host"),
            (LOOPBACK, True, "certificate verify failed"),
        ):
            certificate = self.serve(names, expired=expired)
            os.environ["SSL_CERT_FILE"] = str(certificate.authority.absolute())
            await self.fails(Distrusted, text)

    async def test_cleartext(self) -> None:
        """
        One that wants TLS has nothing to say without.
        """
        self.serve()
        await self.fails(Lost, "cannot be asked", scheme="http")
