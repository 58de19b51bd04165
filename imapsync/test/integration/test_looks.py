"""
What a run leaves of its last look is what real servers tell the next one.
"""

from __future__ import annotations

from contextlib import closing

from twisted.internet import reactor

import imapsync
from imapsync.accounts.listing import Listing
from imapsync.config import file as config
from imapsync.imap.client import SyncClient
from imapsync.imap.connect import connect
from imapsync.plan.unchanged import fingerprint
from imapsync.state.store import Store
from imapsync.test.integration.cyrus import dottedCyrus
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Scene, SceneCase


class LookTests(SceneCase):
    """
    Runs between Dovecot and Cyrus.
    """

    def kept(self, scene: Scene) -> bytes:
        """
        What is kept.
        """
        with closing(Store.open(str(scene.database))) as state:
            return state.cleanLook

    async def told(self, scene: Scene) -> bytes:
        """
        What it would be now, as seen over other connections.
        """
        settings = config.load(str(scene.file), {})
        clients = {
            side: await connect(reactor, server, lambda: SyncClient(reactor, "server"))
            for side, server in settings.servers.items()
        }
        listing = Listing(settings, clients)
        await listing.look()
        for client in clients.values():
            client.leave()
            await client.lost
        return fingerprint(settings, imapsync.__version__, listing.told)

    async def test_kept(self) -> None:
        """
        It is the same after a run, be there anything to do or not, and another one
        when somebody has changed a flag or a subscription.
        """
        self.needs("CONDSTORE")
        scene = self.scene(remoteServer=dottedCyrus())
        scene.local.create("Été/Là")
        scene.local.fill("Été/Là", mails(3))
        scene.remote.fill("INBOX", mails(20))
        self.ends(scene, 0)
        kept = [self.kept(scene)]
        self.assertEqual(kept[0], await self.told(scene))
        self.ends(scene, 0)
        self.assertEqual(kept[0], self.kept(scene))
        scene.remote.store("INBOX", [2], "+FLAGS (\\Flagged)")
        kept.append(await self.told(scene))
        scene.local.subscribe("Été/Là")
        kept.append(await self.told(scene))
        self.ends(scene, 0)
        kept.append(self.kept(scene))
        self.assertEqual(kept[3], await self.told(scene))
        self.assertEqual(4, len({*kept}))
