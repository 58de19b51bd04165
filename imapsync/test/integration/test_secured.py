"""
Much mail over TLS, to and from real servers.
"""

from __future__ import annotations

from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import SceneCase


class SecuredTests(SceneCase):
    """
    Both sides are reached within TLS: one from the start, one after STARTTLS.
    """

    def test_bothWays(self) -> None:
        """
        Small messages and large ones arrive as they were, both ways.
        """
        scene = self.scene()
        local, remote = mdboxServer(), maildirServer()
        scene.configure(
            {
                "local": {
                    "type": "imaps",
                    "port": str(local.tlsPort),
                    "STARTTLS": None,
                    "SSL_ca_file": str(local.certificate.authority),
                },
                "remote": {
                    "STARTTLS": "YES",
                    "SSL_ca_file": str(remote.certificate.authority),
                    "compress": "NO",
                },
            }
        )
        for seed, account in enumerate((scene.local, scene.remote)):
            account.fill("INBOX", mails(200, size=500, seed=2 * seed))
            account.fill("INBOX", mails(5, size=400_000, seed=2 * seed + 1))
        self.syncs(scene)
        self.assertEqual(2 * 205, len(scene.local.uids("INBOX")))
