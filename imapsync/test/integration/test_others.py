"""
Servers of other kinds, each beside Dovecot.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.others import Hoodiecrow, Other, Pymap
from imapsync.test.integration.scene import Scene, SceneCase

NOON = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)


def plain(first: int, count: int) -> Sequence[Mail]:
    """
    Messages that all servers keep as they are.
    """
    text = "Message-ID: <{0}@example>\r\nSubject: number {0}\r\n\r\nText {0}\r\n"
    bodies = [text.format(number).encode() for number in range(first, first + count)]
    return [Mail(body, [], NOON) for body in bodies]


class OtherTests(SceneCase):
    """
    Messages go both ways, and so do flags, copies and removals; another run changes
    nothing.
    """

    def goesWith(self, server: Other) -> None:
        """
        So it is with this one.
        """
        scene = self.scene(remoteServer=self.server(server))
        local, remote = scene.accounts
        local.create("Work")
        remote.create("Theirs")
        for number, (account, other) in enumerate(
            ((local, "Work"), (remote, "Theirs"))
        ):
            account.fill("INBOX", plain(200 * number, 8))
            account.fill(other, plain(200 * number + 100, 8))
        self.goesOn(scene)
        for number, account in enumerate(scene.accounts):
            uids = account.uids("INBOX")
            account.store("INBOX", uids[:2], "+FLAGS (\\Flagged)")
            account.expunge("INBOX", uids[2:4])
            account.copy("INBOX", account.uids("INBOX")[4:6], "Work")
            account.fill("INBOX", plain(1000 + number, 1))
        self.goesOn(scene)
        found = local.snapshot().mailboxes
        sizes = {name: box.total() for name, box in found.items()}
        self.assertEqual({"INBOX": 14, "Work": 12, "Theirs": 8}, sizes)
        flagged = ["\\flagged" in one.flags for one in found["INBOX"]]
        self.assertEqual(4, sum(flagged))

    def goesOn(self, scene: Scene) -> None:
        """
        Both sides become equal, and another run changes nothing.
        """
        run = self.ends(scene, 0, "--debug")
        self.assertEqual([], scene.differences(), run.tail)
        again = self.ends(scene, 0, "--debug")
        self.assertEqual([], again.changes, again.tail)

    def test_pymap(self) -> None:
        """
        pymap refuses to close what is only read.
        """
        self.goesWith(Pymap())

    def test_hoodiecrow(self) -> None:
        """
        Hoodiecrow has next to nothing, and UIDVALIDITY 1 everywhere.
        """
        self.goesWith(Hoodiecrow())
