"""
Databases of older versions, which knew only servers with QRESYNC.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from imapsync.state.schema import UPGRADES
from imapsync.test.integration.filtered import filtered
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Scene, SceneCase

#: The step that brought what servers without UIDPLUS need.
_STEP = next(number for number, step in enumerate(UPGRADES) if "TABLE sent" in step[0])


def takeBack(scene: Scene) -> None:
    """
    Have the database be as it was before that.
    """
    with closing(sqlite3.connect(scene.database)) as database:
        for statement in (text for step in UPGRADES[_STEP:] for text in step):
            words = statement.split()
            if words[:2] == ["CREATE", "TABLE"]:
                database.execute(f"DROP TABLE {words[2]}")
            else:
                raise ValueError(statement)
        database.execute(f"PRAGMA user_version = {_STEP}")


class UpgradedTests(SceneCase):
    """
    They are gone on with, whatever the servers are without now.
    """

    ways = ("QRESYNC", "QRESYNC")

    def test_bare(self) -> None:
        """
        The servers have nothing but IMAP4rev1 any more: nothing is doubled, nor lost.
        """
        scene = self.scene()
        for seed, name in enumerate(("INBOX", "Work")):
            if name != "INBOX":
                scene.local.create(name)
            scene.local.fill(name, mails(12, seed=seed, size=300))
        self.syncs(scene)
        takeBack(scene)
        local, remote = scene.accounts
        local.expunge("INBOX", [1, 2])
        remote.expunge("INBOX", remote.uids("INBOX")[3:5])
        local.store("Work", [1, 2], "+FLAGS (\\Flagged Mine)")
        remote.store("Work", [3], "-FLAGS (\\Seen)")
        remote.fill("Work", mails(3, seed=7, size=300))
        servers = scene.localServer, scene.remoteServer
        scene.localServer, scene.remoteServer = (
            filtered(server, "BARE") for server in servers
        )
        scene.configure({})
        run = self.syncs(scene)
        self.says(run.errors, "new version", "INBOX: 2 expunged on local, 2 expunged")
        self.says(run.errors, "Work: 3 copied remote to local, 2 flagged on remote")
        self.assertEqual(8, len(local.uids("INBOX")))
        self.assertEqual(15, len(local.uids("Work")))
