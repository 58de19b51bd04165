"""
Courier: our private server, which has neither CONDSTORE nor LITERAL+, and what syncs
with it have to cope with.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import count

from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.courier import Courier, courierServer
from imapsync.test.integration.ended import killedAtCommit
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Run, Scene, SceneCase

NOON = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)


def plain(number: int, seed: int = 1) -> Sequence[Mail]:
    """
    Messages that stay as they are.
    """
    return [
        mail for mail in mails(number, seed=seed, size=500) if Courier.keeps(mail.body)
    ]


class CourierTests(SceneCase):
    """
    Accounts on Dovecot and Courier.
    """

    def begin(self) -> Scene:
        """
        Both hold the same, in three mailboxes.
        """
        scene = self.scene(remoteServer=courierServer())
        scene.local.create("Work")
        scene.remote.create("Été/Big")
        scene.local.fill("INBOX", plain(12))
        scene.local.fill("Work", plain(6, seed=2))
        scene.remote.fill("Été/Big", plain(6, seed=3))
        self.syncsTo(scene)
        return scene

    def syncsTo(self, scene: Scene) -> Run:
        """
        Both sides become equal, and another run changes nothing.
        """
        run = self.ends(scene, 0, "--debug")
        self.assertEqual([], scene.differences(), run.tail)
        again = self.ends(scene, 0, "--debug")
        self.assertEqual([], again.changes, again.tail)
        return run

    def test_fixture(self) -> None:
        """
        It keeps messages, their dates and their flags.
        """
        account = courierServer().account("fixture")
        self.addCleanup(account.close)
        account.create("Größe")
        [uid] = account.fill(
            "Größe", [Mail(b"A: b\r\n\r\nc\r\n", ["\\Seen", "x"], NOON)]
        )
        message = account.messages("Größe")[uid]
        self.assertEqual((NOON, {"\\seen", "x"}), (message.date, message.flags))

    def test_order(self) -> None:
        """
        What is renamed at the user's order, with what lies below, is known as before,
        though it gets another UIDVALIDITY.
        """
        scene = self.begin()
        code = scene.order("--rename", "Été", "Winter").code
        self.assertEqual(0, code)
        run = self.syncsTo(scene)
        self.assertNotIn("UIDs changed", run.errors)
        self.assertEqual([], run.changes)
        scene.remote.append("Winter/Big", b"A: b\r\n\r\nc\r\n")
        run = self.syncsTo(scene)
        self.assertNotIn("UIDs changed", run.errors)

    def test_changes(self) -> None:
        """
        Flags, messages that are new or gone or moved, and mailboxes go both ways.
        """
        scene = self.begin()
        local, remote = scene.accounts
        local.store("INBOX", [1, 2], "+FLAGS (\\Flagged Blue)")
        remote.store("INBOX", [2, 3], "+FLAGS (\\Answered)")
        local.expunge("INBOX", [4])
        remote.expunge("INBOX", [5])
        local.append("INBOX", b"A: new\r\n\r\nhere\r\n")
        remote.append("INBOX", b"A: new\r\n\r\nthere\r\n", ["\\Draft"], NOON)
        local.move("Work", [1], "INBOX")
        remote.move("INBOX", [6, 7], "Work")
        local.create("Made")
        local.subscribe("Made")
        remote.subscribe("Work")
        self.syncsTo(scene)
        self.assertNotIn(4, remote.uids("INBOX"))

    def test_deleted(self) -> None:
        r"""
        What others have marked C{\Deleted} stays, whatever goes beside it.
        """
        scene = self.begin()
        for account in scene.accounts:
            account.store("INBOX", [1], "+FLAGS (\\Deleted)")
        scene.local.expunge("INBOX", [2])
        scene.remote.store("INBOX", [3], "+FLAGS (\\Deleted)")
        self.syncsTo(scene)
        self.assertIn(3, scene.remote.uids("INBOX"))

    def test_mailboxes(self) -> None:
        """
        Mailboxes are renamed and deleted.
        """
        scene = self.begin()
        scene.local.rename("Work", "Job")
        scene.remote.delete("Été/Big")
        self.syncsTo(scene)
        self.assertIn("Job", scene.remote.snapshot().mailboxes)
        # To what it renames, it gives another UIDVALIDITY.
        scene.local.delete("Job")
        self.syncsTo(scene)
        self.assertNotIn("Job", scene.remote.snapshot().mailboxes)

    def test_killed(self) -> None:
        """
        Runs are killed at one commit after another; nothing is lost or doubled.
        """
        scene = self.scene(remoteServer=courierServer())
        scene.local.fill("INBOX", plain(8))
        scene.remote.fill("INBOX", plain(8, seed=9))
        for number in count(1):
            if killedAtCommit(scene, number, after=bool(number % 2)) == 0:
                break
        self.syncsTo(scene)
        here = [one.digest for one in scene.local.messages("INBOX").values()]
        self.assertEqual(len(set(here)), len(here))
