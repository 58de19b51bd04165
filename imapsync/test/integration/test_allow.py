"""
What may be done on a side, on real servers.
"""

from __future__ import annotations

from imapsync.model import Act
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Scene, SceneCase


class AllowTests(SceneCase):
    """
    Tests for C{allow}.
    """

    def test_each(self) -> None:
        """
        What is not allowed is not done, nor tried again and again; and it is done as
        soon as it is allowed.
        """
        scene = self.scene()
        local = scene.local
        for name in ("A", "B", "C"):
            local.create(name)
            local.fill(name, mails(3))
        self.syncs(scene)
        uids = local.uids("A")
        for act, change in (
            (Act.CREATE, lambda: local.create("D")),
            (Act.RENAME, lambda: local.rename("C", "E")),
            (Act.DELETE, lambda: local.delete("B")),
            (Act.APPEND, lambda: local.fill("A", mails(1, seed=7))),
            (Act.FLAGS, lambda: local.store("A", uids[:1], "+FLAGS (\\Flagged)")),
            (Act.EXPUNGE, lambda: local.expunge("A", uids[1:2])),
            (Act.SUBSCRIBE, lambda: local.subscribe("A")),
        ):
            others = " ".join(str(one) for one in Act if one is not act)
            scene.configure({"remote": {"allow": others}})
            self.ends(scene, 0)
            self.assertEqual([], scene.differences(), act)
            change()
            before = scene.snapshots()
            run = self.ends(scene, 0, "--debug")
            self.assertEqual(before[0], scene.local.snapshot(), run.tail)
            # One that may not be renamed is made by its new name, and the old deleted.
            equal = act is Act.RENAME
            self.assertEqual(equal, not scene.differences(), act)
            self.isIdle(scene)
        scene.configure({})
        self.syncs(scene)

    def test_archive(self) -> None:
        """
        An archive keeps all that ever was, and gives nothing back.
        """
        scene = self.scene()
        local, remote = scene.local, scene.remote
        scene.configure({"remote": {"allow": "create append subscribe"}})
        local.create("A")
        local.fill("A", mails(4))
        local.fill("INBOX", mails(2, seed=7))
        self.syncs(scene)
        self.changed(scene)
        self.assertEqual([], local.uids("INBOX"))
        self.assertEqual(2, len(remote.uids("INBOX")))
        self.assertEqual(4, len(remote.uids("A")))
        self.assertEqual(3, len(remote.uids("B")))
        scene.configure({})
        self.syncs(scene)
        self.assertEqual({"INBOX", "B"}, {*remote.snapshot().mailboxes})

    def changed(self, scene: Scene) -> None:
        """
        What happens on the local side is not undone there.
        """
        local = scene.local
        local.expunge("INBOX", local.uids("INBOX"))
        local.expunge("A", local.uids("A")[:1])
        self.kept(scene)
        local.rename("A", "B")
        self.kept(scene)

    def kept(self, scene: Scene) -> None:
        """
        That is how it is to be.
        """
        before = scene.local.snapshot()
        self.ends(scene, 0)
        self.isIdle(scene)
        run = scene.order("--repair")
        self.assertEqual(0, run.code, run.tail)
        self.says(run.output, "No anomalies.")
        self.assertEqual(before, scene.local.snapshot())
