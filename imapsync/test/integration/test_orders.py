"""
Mailboxes that are deleted and renamed by the command, on real servers.
"""

from __future__ import annotations

import functools

from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.scene import Scene
from imapsync.test.integration.test_mailboxes import MailboxCase


@functools.cache
def _dottedMaildir() -> Dovecot:
    return Dovecot(Settings("maildir", separator=".", prefix="INBOX."))


class OrdersTests(MailboxCase):
    """
    Tests for C{--delete} and C{--rename}.
    """

    def filledScene(self) -> Scene:
        """
        Two accounts in step, with different names on the servers.
        """
        scene = self.scene(remoteServer=_dottedMaildir())
        self.fill(scene.local, "Work", "Work/Deep", "Worker", subscribed=True)
        self.fill(scene.local, "Work/Not")
        self.syncs(scene)
        return scene

    def ordered(self, scene: Scene, code: int, *arguments: str) -> str:
        """
        Have something done.

        @return: what was said.
        """
        run = scene.order(*arguments)
        self.assertEqual(code, run.code, run.tail)
        self.assertNotIn("Traceback", run.errors)
        return run.errors

    def test_orders(self) -> None:
        """
        They take effect on both servers and in the database, so that nothing is
        left to sync.
        """
        self.needs("LIST-EXTENDED")
        scene = self.filledScene()
        self.ordered(scene, 0, "--rename", "Work", "Löst & old/Work")
        self.isIdle(scene)
        self.assertEqual([], scene.differences())
        left = {"Löst & old/Work/Deep", "Löst & old/Work/Not", "Worker"}
        self.has(scene.remote, "Löst & old/Work", *left)
        self.assertEqual(
            {"Löst & old/Work", "Löst & old/Work/Deep", "Worker"},
            scene.remote.snapshot().subscribed,
        )
        self.ordered(scene, 0, "--delete", "Löst & old/Work")
        self.isIdle(scene)
        self.ordered(scene, 0, "--delete", *left)
        self.isIdle(scene)
        for account in scene.accounts:
            self.has(account)
            self.assertEqual(frozenset(), account.snapshot().subscribed)

    def test_targets(self) -> None:
        """
        One server after the other, and the database without any.
        """
        scene = self.filledScene()
        scene.configure({"remote": {"port": "1"}})
        self.ordered(scene, 0, "--rename", "Work", "New", "--target=local")
        self.ordered(scene, 0, "--rename", "Work", "New", "--target=database")
        scene.configure({"local": {"port": "1"}})
        said = self.ordered(
            scene, 1, "--rename", "Work", "New", "--target=remote", "--target=database"
        )
        self.says(said, '"Work" cannot become "New"', "(the database)")
        self.ordered(scene, 0, "--rename", "INBOX.Work", "INBOX.New", "--target=remote")
        scene.configure({})
        self.isIdle(scene)
        self.assertEqual([], scene.differences())

    def test_refused(self) -> None:
        """
        What a server refuses, and what nobody has.
        """
        scene = self.filledScene()
        before = scene.snapshots()
        said = self.ordered(scene, 66, "--delete", "Worker", "Wörker")
        self.says(said, '"Wörker" on local or on remote or in the database')
        said = self.ordered(scene, 1, "--rename", "Worker", "a.b")
        self.says(said, 'a level of it holds a "."')
        self.assertEqual(before, scene.snapshots())
        # The one has a folder for each level, the other one for all of them.
        long = "/".join(letter * 100 for letter in "LMN")
        said = self.ordered(scene, 1, "--rename", "Worker", long)
        self.says(said, "error: Worker: remote: cannot become", "only there")
        self.says(said, '": RENAME was refused: NO')
        self.has(scene.local, "Work", "Work/Deep", "Work/Not", long)
        self.has(scene.remote, "Work", "Work/Deep", "Work/Not", "Worker")
        self.ordered(scene, 0, "--rename", long, "Worker", "--target=local")
        self.isIdle(scene)
