"""
What a server forgets to tell, because its index was made anew.
"""

from __future__ import annotations

from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.messages import messages
from imapsync.test.integration.scene import SceneCase


class RebuiltTests(SceneCase):
    """
    A Maildir without its index.
    """

    def test_passed(self) -> None:
        """
        Its mod-sequences begin again, and have passed the mark when it is looked:
        an expunge that is never told is carried over nevertheless, and nothing else
        is.
        """
        scene = self.scene()
        scene.remote.fill("INBOX", map(Mail, messages(6)))
        self.syncs(scene)
        scene.remote.close()
        home = scene.remoteServer.directory / "mail" / scene.user / "mail"
        for index in home.glob("dovecot.index*"):
            index.unlink()
        files = sorted([*home.glob("new/*"), *home.glob("cur/*")])
        files[2].unlink()
        scene.reconnect()
        for _ in range(12):
            for sign in "+-":
                scene.remote.store("INBOX", [1], f"{sign}FLAGS (\\Flagged)")
        run = self.ends(scene, 0)
        self.says(run.errors, "INBOX: 1 expunged on local")
        self.assertEqual(5, len(scene.local.uids("INBOX")), run.tail)
        self.syncs(scene)
        self.assertNotIn("reading the flags of all", scene.sync().errors)
