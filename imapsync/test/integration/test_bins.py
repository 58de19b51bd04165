"""
Mailboxes of our own, by way of which messages are expunged where there is MOVE and no
UIDPLUS: a run was killed, and another imapsync comes first.
"""

from __future__ import annotations

from imapsync.plan.selection import BIN
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Scene
from imapsync.test.integration.test_aside import AsideCase


class BinTests(AsideCase):
    """
    One was left.
    """

    ways = ("CONDSTORE/UIDPLUS", "COMPARING/UIDPLUS")

    def bins(self, scene: Scene) -> list[str]:
        """
        Those that the remote server has.
        """
        names = scene.remote.snapshot().mailboxes
        return [name for name in names if name.startswith(BIN)]

    async def test_another(self) -> None:
        """
        Another imapsync, with a database of its own, leaves it alone, copies nothing of
        it, and expunges by its own way; the first one then deletes it.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(8))
        self.syncs(scene)
        first, other = scene.database, scene.directory / "other.db"
        scene.database = other
        scene.configure({})
        self.syncs(scene)
        scene.database = first
        scene.local.expunge("INBOX", [1, 3])
        await self.killed(scene, rb"UID MOVE ")
        [left] = self.bins(scene)
        scene.database = other
        scene.configure({})
        scene.local.expunge("INBOX", [5])
        self.ends(scene, 0)
        self.assertEqual([left], self.bins(scene))
        self.assertEqual({"INBOX"}, set(scene.local.snapshot().mailboxes))
        for account in scene.accounts:
            self.assertEqual(5, len(account.uids("INBOX")))
        scene.database = first
        scene.configure({})
        self.syncs(scene)
        self.assertEqual([], self.bins(scene))
