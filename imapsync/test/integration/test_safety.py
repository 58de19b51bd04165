"""
What is never done: mass deletion by mistake, and writing to a read-only side.
"""

from __future__ import annotations

from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Run, Scene, SceneCase

#: What may be sent to a side that is never written.
HARMLESS = {
    "AUTHENTICATE",
    "CLOSE",
    "ENABLE",
    "EXAMINE",
    "ID",
    "LIST",
    "LOGOUT",
    "LSUB",
    "NOOP",
    "NAMESPACE",
    "STATUS",
    "UID FETCH",
    "UID SEARCH",
    "UNSELECT",
}


class BrakeTests(SceneCase):
    """
    The mass-deletion brake.
    """

    def synced(self, *counts: int) -> Scene:
        """
        Two equal accounts with so many messages in mailboxes C{Box 0},
        C{Box 1} and so on.
        """
        scene = self.scene()
        for number, count in enumerate(counts):
            scene.local.create(f"Box {number}")
            scene.local.fill(f"Box {number}", mails(count, size=100, seed=number))
        self.ends(scene, 0)
        return scene

    def brakes(self, scene: Scene) -> Run:
        """
        A run removes nothing from either side, and says why.
        """
        before = scene.snapshots()
        run = scene.sync()
        self.complains(run, 1, "--allow-mass-delete")
        for held, now in zip(before, scene.snapshots(), strict=True):
            for name, messages in held.mailboxes.items():
                self.assertEqual(messages, messages & now.mailboxes[name])
        return run

    def test_half(self) -> None:
        """
        More than half of 100 messages or more: stop, until it is allowed.
        """
        scene = self.synced(100)
        scene.local.expunge("Box 0", range(1, 52))
        run = self.brakes(scene)
        self.says(run.lastLine, "51", "100")
        self.brakes(scene)
        self.ends(scene, 0, "--allow-mass-delete")
        self.assertEqual(49, len(scene.remote.uids("Box 0")))
        self.assertEqual([], scene.differences())

    def test_below(self) -> None:
        """
        Half of 100 are not too many, and all of 99 are not either.
        """
        scene = self.synced(100)
        scene.remote.expunge("Box 0", range(1, 51))
        self.ends(scene, 0)
        self.assertEqual(50, len(scene.local.uids("Box 0")))
        scene = self.synced(99)
        scene.remote.expunge("Box 0", range(1, 100))
        self.ends(scene, 0)
        self.assertEqual([], scene.local.uids("Box 0"))

    def test_together(self) -> None:
        """
        A few of each mailbox are too many together, and not one is removed.
        """
        scene = self.synced(*[12] * 10)
        for number in range(10):
            scene.accounts[0].expunge(f"Box {number}", range(1, 8))
        self.brakes(scene)

    def test_hidden(self) -> None:
        """
        New messages in their place hide nothing.
        """
        scene = self.synced(60, 60)
        for name in "Box 0", "Box 1":
            scene.remote.expunge(name, range(1, 41))
            scene.remote.fill(name, mails(50, size=100, seed=7))
        self.brakes(scene)

    def test_eachSide(self) -> None:
        """
        What is removed from one account does not count for the other.
        """
        scene = self.synced(120)
        scene.local.expunge("Box 0", range(1, 41))
        scene.remote.expunge("Box 0", range(81, 121))
        self.syncs(scene)
        self.assertEqual(40, len(scene.local.uids("Box 0")))

    def test_bothSides(self) -> None:
        """
        What is gone from both sides needs not be removed.
        """
        scene = self.synced(120)
        for account in scene.accounts:
            account.expunge("Box 0", range(1, 101))
        self.syncs(scene)

    def test_lostFiles(self) -> None:
        """
        A maildir without its files, as with a wrong mount.
        """
        scene = self.synced(120)
        home = scene.remoteServer.directory / "mail" / scene.user / "mail"
        for file in [*home.glob(".Box 0/new/*"), *home.glob(".Box 0/cur/*")]:
            file.unlink()
        self.brakes(scene)
        self.assertEqual(120, len(scene.local.uids("Box 0")))

    def test_dryRun(self) -> None:
        """
        A dry run says so too.
        """
        scene = self.synced(100)
        scene.local.expunge("Box 0", range(1, 101))
        before = scene.snapshots()
        self.complains(scene.sync("--dry-run"), 1, "--allow-mass-delete")
        run = self.ends(scene, 0, "--dry-run", "--allow-mass-delete")
        self.says(run.output, "Box 0", "expunge", "1:100")
        self.assertEqual(before, scene.snapshots())


class ReadOnlyTests(SceneCase):
    """
    C{read-only}.
    """

    def works(self, side: str) -> None:
        """
        Everything flows from C{side}, nothing to it, and what is on the other
        side stays.
        """
        scene = self.scene(options={side: {"read-only": "YES"}})
        source, target = scene.accounts
        if side == "remote":
            target, source = scene.accounts
        source.fill("INBOX", mails(10))
        source.create("Work")
        source.fill("Work", mails(3))
        source.subscribe("Work")
        target.fill("INBOX", mails(4, seed=2))
        target.create("Mine")
        target.fill("Mine", mails(2, seed=3))
        target.subscribe("Mine")
        self.reads(scene, side)
        self.assertEqual(14, len(target.uids("INBOX")))
        self.assertEqual({"Work", "Mine"}, target.snapshot().subscribed)
        self.isIdle(scene)

        source.store("INBOX", [1], "FLAGS (\\Seen Theirs)")
        source.expunge("INBOX", [2, 3])
        source.append("Work", b"\r\nnew\r\n")
        copies = target.uids("INBOX")[4:]
        target.store("INBOX", copies[4:6], "+FLAGS (Ours)")
        target.expunge("INBOX", copies[6:7])
        target.append("Work", b"\r\nours\r\n")
        self.reads(scene, side)
        self.assertEqual(11, len(target.uids("INBOX")))
        self.assertEqual(5, len(target.uids("Work")))
        found = target.messages("INBOX")
        self.assertEqual({"\\seen", "theirs"}, found[copies[0]].flags)
        self.assertIn("ours", found[copies[4]].flags)
        self.isIdle(scene)

        scene.configure({})
        self.ends(scene, 0)
        self.assertEqual([], scene.differences())

    def reads(self, scene: Scene, side: str) -> None:
        """
        A run changes nothing on C{side}, and does not even try.
        """
        account = getattr(scene, side)
        before = account.snapshot()
        run = self.ends(scene, 0, "--debug")
        self.assertEqual(before, account.snapshot())
        self.assertEqual(set(), set(run.sentTo(side)) - HARMLESS, run.tail)

    def test_remote(self) -> None:
        """
        A remote account as a source.
        """
        self.works("remote")

    def test_local(self) -> None:
        """
        A local account as a source.
        """
        self.works("local")
