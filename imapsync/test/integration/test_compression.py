"""
Compressed connections to real servers.
"""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from imapsync.model import Side
from imapsync.test.integration.dovecot import maildirServer
from imapsync.test.integration.inprocess import syncHere
from imapsync.test.integration.messages import mails
from imapsync.test.integration.relay import Relay, Way
from imapsync.test.integration.scene import Scene, SceneCase
from imapsync.test.integration.test_messages import big, measured

COMPRESS = {"compress": "YES"}


class CompressionTests(SceneCase):
    """
    Both sides compress.
    """

    def compressed(self) -> Scene:
        """
        Two accounts with different mail.
        """
        scene = self.scene(options={"local": COMPRESS, "remote": COMPRESS})
        scene.local.fill("INBOX", mails(150, size=8000))
        scene.remote.fill("INBOX", mails(100, size=8000, seed=2))
        return scene

    def test_synced(self) -> None:
        """
        All goes over as ever: over TLS and without, both ways.
        """
        self.needs("COMPRESS=DEFLATE")
        scene = self.compressed()
        server = maildirServer()
        encrypted = {
            "type": "imaps",
            "port": str(server.tlsPort),
            "STARTTLS": None,
            "SSL_ca_file": str(server.certificate.authority),
            **COMPRESS,
        }
        scene.configure({"local": COMPRESS, "remote": encrypted})
        run = self.syncs(scene, "--debug")
        for side in Side:
            self.assertEqual(1, run.sentTo(str(side))["COMPRESS"], run.tail)

    def test_tunnel(self) -> None:
        """
        Commands can compress as well.
        """
        scene = self.compressed()
        command = maildirServer().tunnelCommand(scene.user)
        scene.configure({"remote": {**scene.tunnel(command), **COMPRESS}})
        run = self.syncs(scene, "--debug")
        self.assertEqual(1, run.sentTo("remote")["COMPRESS"], run.tail)

    def test_memory(self) -> None:
        """
        A message of 30 MB that is next to nothing on the wire is streamed in
        flat memory; so is one that goes to a server which does not compress.
        """
        scene = self.compressed()
        scene.local.append("INBOX", big(1))
        scene.remote.append("INBOX", big(2))
        measured(scene)
        self.assertEqual([], scene.differences())
        scene.configure({"local": COMPRESS})
        scene.local.append("INBOX", big(3))
        measured(scene)
        self.assertEqual([], scene.differences())

    def test_cut(self) -> Deferred[None]:
        """
        A connection that is cut in the middle of the compressed stream is
        made again; nothing is lost or doubled.
        """
        return Deferred.fromCoroutine(self._cut())

    async def _cut(self) -> None:
        for way in Way:
            scene = self.compressed()
            relay = Relay(reactor, scene.remoteServer)
            try:
                reached = {"port": str(relay.port), **COMPRESS}
                scene.configure({"local": COMPRESS, "remote": reached})
                relay.at(way, 100_000, relay.cut)
                run = await syncHere(scene, reactor)
                self.assertEqual(0, run.code, run.tail)
                self.assertIn("trying again", run.errors)
            finally:
                await relay.close()
            self.assertEqual([], scene.differences())
            self.assertEqual(250, len(scene.local.uids("INBOX")))
