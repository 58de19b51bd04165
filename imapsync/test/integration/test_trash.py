"""
What is moved to a trash instead of being expunged, on real servers.
"""

from __future__ import annotations

from collections import Counter

from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.cyrus import dottedCyrus
from imapsync.test.integration.dovecot import Dovecot, Settings, poorServer
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Scene, SceneCase


class TrashTests(SceneCase):
    """
    Tests for C{trash}.
    """

    def trashed(self, scene: Scene) -> None:
        """
        Two messages that were expunged on the local side, one of them first
        marked as deleted, are moved to the remote trash.
        """
        # Such as Cyrus leaves alone.
        bodies = (b"Message-ID: <%d@example>\r\n\r\nx\r\n" % n for n in range(4))
        scene.local.fill("INBOX", map(Mail, bodies))
        self.ends(scene, 0)
        scene.local.store("INBOX", [2], "+FLAGS (\\Deleted)")
        self.ends(scene, 0)
        gone = Counter(
            m.digest for u, m in scene.local.messages("INBOX").items() if u in (2, 3)
        )
        scene.local.expunge("INBOX", [2, 3])
        run = self.ends(scene, 0)
        self.says(run.errors, "2 moved to the trash on remote")
        found = scene.remote.messages("Gone/Bin").values()
        self.assertEqual(gone, Counter(m.digest for m in found))
        self.assertNotIn("\\deleted", {flag for m in found for flag in m.flags})
        self.assertIn("Gone/Bin", scene.remote.snapshot().subscribed)
        self.assertEqual(2, len(scene.remote.uids("INBOX")))
        self.isIdle(scene)

    def test_synced(self) -> None:
        """
        The trash is synced as other mailboxes are, and emptied for good.
        """
        settings = Settings(separator=".", prefix="INBOX.")
        scene = self.scene(remoteServer=self.server(Dovecot(settings)))
        scene.configure({"remote": {"trash": "Gone.Bin"}})
        self.trashed(scene)
        self.assertEqual([], scene.differences())
        scene.local.expunge("Gone/Bin", scene.local.uids("Gone/Bin"))
        self.syncs(scene)
        self.assertEqual([], scene.remote.uids("Gone/Bin"))

    def test_cyrus(self) -> None:
        """
        On Cyrus, in both directions; and a mailbox there is renamed.
        """
        scene = self.scene(remoteServer=dottedCyrus())
        scene.configure({"remote": {"trash": "INBOX.Gone.Bin"}})
        self.trashed(scene)
        self.assertEqual([], scene.differences())
        run = scene.order("--rename", "Gone", "Bin/Gone")
        self.assertEqual(0, run.code, run.tail)
        scene.configure({})
        run = self.ends(scene, 0, "--debug")
        self.assertEqual(0, run.appended)
        self.assertEqual([], scene.differences())

    def test_without(self) -> None:
        """
        On a server without MOVE, and out of scope.
        """
        scene = self.scene(remoteServer=poorServer())
        options = {"ignore-mailbox": "^Gone"}
        scene.configure({"": options, "remote": {"trash": "Gone/Bin"}})
        self.trashed(scene)
        self.assertEqual({"INBOX"}, set(scene.local.snapshot().mailboxes))

    def test_refused(self) -> None:
        """
        A trash that the server refuses is told, and nothing is expunged.
        """
        scene = self.scene()
        scene.configure({"remote": {"trash": "~x"}})
        scene.local.fill("INBOX", mails(2, seed=4))
        self.ends(scene, 0)
        scene.local.expunge("INBOX", [1])
        run = self.ends(scene, 1)
        self.says(run.errors, "INBOX: remote: would not move to ~x UID 1: ")
        self.assertEqual(2, len(scene.remote.uids("INBOX")))
        scene.configure({})
        self.syncs(scene)
