"""
A server that breaks the connection over one of its messages.
"""

from __future__ import annotations

from pathlib import Path

from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.messages import messages
from imapsync.test.integration.scene import Scene, SceneCase


def files(scene: Scene) -> list[Path]:
    """
    The messages of the remote INBOX, which is a Maildir.
    """
    home = scene.remoteServer.directory / "mail" / scene.user / "mail"
    return sorted([*home.glob("new/*"), *home.glob("cur/*")])


def misname(scene: Scene, number: int) -> None:
    """
    Have the name of a message tell a wrong size, and no client be told of it.
    """
    path = files(scene)[number]
    before, _, flags = path.name.partition(":")
    base = before.partition(",")[0]
    path.rename(path.with_name(f"{base},S=10:{flags or '2,'}"))


class UnreadableTests(SceneCase):
    """
    Messages with a wrong size in the names of their files.
    """

    def test_copied(self) -> None:
        """
        Each is found out, and left out; the others are copied, in this run and in
        those that follow.
        """
        scene = self.scene()
        scene.remote.fill("INBOX", map(Mail, messages(8)))
        scene.remote.close()
        for number in 2, 5:
            misname(scene, number)
        for more in range(2):
            run = self.ends(scene, 1)
            self.says(run.errors, "INBOX: remote: UID ")
            self.assertEqual(6 + more, len(scene.local.uids("INBOX")), run.tail)
            scene.reconnect()
            scene.remote.append("INBOX", b"Subject: more\r\n\r\n%d\r\n" % more)

    def test_paired(self) -> None:
        """
        They are when both sides hold them and the database is lost: nothing is
        doubled.
        """
        scene = self.scene()
        scene.remote.fill("INBOX", map(Mail, messages(8)))
        self.syncs(scene)
        scene.database.unlink()
        scene.remote.close()
        misname(scene, 3)
        run = self.ends(scene, 1)
        self.says(run.errors, "INBOX: remote: UID ")
        self.assertEqual(8, len(files(scene)), run.tail)
