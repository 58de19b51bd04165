"""
Others change both accounts in the middle of a run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet import reactor

from imapsync.test.integration.accounts import Account
from imapsync.test.integration.dovecot import maildirServer
from imapsync.test.integration.inprocess import meddled, syncHere
from imapsync.test.integration.messages import mails, messages
from imapsync.test.integration.scene import Run, Scene, SceneCase

#: With UIDPLUS, and without.
_EXPUNGE = r"> \S+ (UID )?EXPUNGE"


class MeanwhileTests(SceneCase):
    """
    A change at the worst moment.
    """

    def filled(self) -> Scene:
        """
        Two accounts that were equal, with twenty messages, and then got five
        more each.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(20))
        scene.local.create("Work")
        scene.local.fill("Work", mails(20, seed=2))
        self.ends(scene, 0)
        scene.local.fill("INBOX", mails(5, seed=3))
        scene.remote.fill("INBOX", mails(5, seed=4))
        return scene

    async def meddled(
        self, scene: Scene, side: str, moment: str, act: Callable[[], Any]
    ) -> Run:
        """
        Run once, and do C{act} at that moment.
        """
        return await meddled(scene, reactor, side, moment, act)

    def become(self, scene: Scene, run: Run, code: int = 0) -> None:
        """
        The run ended well, and the next one, at the latest, makes both sides
        equal.
        """
        self.assertEqual(code, run.code, run.tail)
        self.syncs(scene)

    def meddle(self, account: Account) -> None:
        """
        Do something of each kind.
        """
        uids = account.uids("INBOX")
        account.store("INBOX", uids[3:12:4], "+FLAGS (\\Answered)")
        account.expunge("INBOX", uids[8:9])
        account.append("INBOX", b"\r\nlate\r\n")

    async def test_amongOurs(self) -> None:
        """
        Whatever others do while flags and removals are carried over is carried by
        the same run.
        """
        for moment in (r"> \S+ UID STORE", _EXPUNGE, r"< \S+ OK.*[Ss]tore"):
            for there in ("local", "remote"):
                scene = self.filled()
                self.ends(scene, 0)
                local = scene.local
                account = scene.local if there == "local" else scene.remote
                uids = local.uids("INBOX")
                local.store("INBOX", uids[:5], "+FLAGS (\\Flagged)")
                local.expunge("INBOX", uids[5:7])

                run = await self.meddled(
                    scene, "remote", moment, partial(self.meddle, account)
                )
                self.assertEqual(0, run.code, run.tail)
                self.assertEqual([], scene.differences())
                self.become(scene, run)

    async def test_newOnSource(self) -> None:
        """
        A message that arrives while others are copied is copied by the same
        run.
        """
        scene = self.filled()
        run = await self.meddled(
            scene,
            "local",
            r"> \S+ UID FETCH",
            lambda: scene.local.append("INBOX", b"\r\nlate\r\n", ["\\Flagged"]),
        )
        self.assertEqual([], scene.differences())
        self.become(scene, run)
        self.assertEqual(31, len(scene.remote.uids("INBOX")))

    async def test_newOnTarget(self) -> None:
        """
        So is one that arrives where copies are going.
        """
        for moment in r"> \S+ APPEND", r"< \S+ OK (\[APPENDUID|Append)":
            scene = self.filled()
            run = await self.meddled(
                scene,
                "remote",
                moment,
                partial(scene.remote.append, "INBOX", b"\r\nlate\r\n"),
            )
            self.assertEqual([], scene.differences())
            self.become(scene, run)
            self.assertEqual(31, len(scene.local.uids("INBOX")))

    async def test_goneOnSource(self) -> None:
        """
        Messages that are expunged just before they would be copied, and while
        they are, take nothing else along and leave nothing behind.
        """
        for moment in r"> \S+ UID FETCH", r"< \* \d+ FETCH \(UID 23":
            scene = self.filled()
            run = await self.meddled(
                scene,
                "local",
                moment,
                partial(scene.local.expunge, "INBOX", [1, 22, 23, 24]),
            )
            self.become(scene, run)
            self.assertEqual(26, len(scene.remote.uids("INBOX")))

    async def test_goneOnTarget(self) -> None:
        """
        A copy that is expunged as soon as it is there is expunged at its
        origin, not copied again.
        """
        self.needs("UIDPLUS")
        scene = self.filled()
        run = await self.meddled(
            scene,
            "remote",
            r"< \S+ OK \[APPENDUID",
            lambda: scene.remote.expunge("INBOX", scene.remote.uids("INBOX")[-5:]),
        )
        self.become(scene, run)
        self.assertEqual(25, len(scene.local.uids("INBOX")))

    async def test_flagsOnSource(self) -> None:
        """
        Flags that change while messages are copied reach the copies.
        """
        scene = self.filled()
        run = await self.meddled(
            scene,
            "remote",
            r"> \S+ APPEND",
            lambda: scene.local.store("INBOX", [3, 22], "FLAGS (Late \\Seen)"),
        )
        self.assertEqual([], scene.differences())
        self.become(scene, run)
        found = [each.flags for each in scene.remote.messages("INBOX").values()]
        self.assertEqual(2, found.count(frozenset(("late", "\\seen"))))

    async def test_flagsOnTarget(self) -> None:
        """
        A flag that changes where flags are being set is kept.
        """
        scene = self.filled()
        scene.local.store("INBOX", [1, 2, 3], "FLAGS (\\Flagged)")
        run = await self.meddled(
            scene,
            "remote",
            r"> \S+ UID STORE",
            lambda: scene.remote.store("INBOX", [2, 4], "+FLAGS (Late)"),
        )
        self.assertEqual([], scene.differences())
        self.become(scene, run)
        for account in scene.accounts:
            found = account.messages("INBOX")
            self.assertIn("late", found[2].flags)
            self.assertIn("late", found[4].flags)
            self.assertIn("\\flagged", found[2].flags)

    async def test_flaggedAndGone(self) -> None:
        """
        A message that vanishes as its flags are set is expunged on both
        sides.
        """
        scene = self.filled()
        scene.local.store("INBOX", [1, 2, 3], "FLAGS (Red)")
        run = await self.meddled(
            scene,
            "remote",
            r"> \S+ UID STORE",
            lambda: scene.remote.expunge("INBOX", [2]),
        )
        self.become(scene, run)
        self.assertNotIn(2, scene.local.uids("INBOX"))
        self.assertEqual(29, len(scene.local.uids("INBOX")))

    async def test_restored(self) -> None:
        """
        A message that is put back while its expunge is carried over stays.
        """
        scene = self.filled()
        body = next(messages(1))
        scene.local.expunge("INBOX", [1])
        run = await self.meddled(
            scene,
            "remote",
            _EXPUNGE,
            lambda: scene.local.append("INBOX", body),
        )
        self.become(scene, run)
        self.assertEqual(30, len(scene.remote.uids("INBOX")))

    async def test_deletedFlag(self) -> None:
        r"""
        What somebody else marks C{\Deleted} as we expunge is not expunged.
        """
        scene = self.filled()
        scene.local.expunge("INBOX", [1, 2])
        run = await self.meddled(
            scene,
            "remote",
            _EXPUNGE,
            lambda: scene.remote.store("INBOX", [5, 6], "+FLAGS (\\Deleted)"),
        )
        self.become(scene, run)
        self.assertEqual(28, len(scene.remote.uids("INBOX")))

    async def test_deletedMailbox(self) -> None:
        """
        A mailbox that is deleted before it is selected goes on the other side
        too, or comes back with all that is there if there is new mail in it.
        """
        for side in "local", "remote":
            scene = self.filled()
            scene.local.append("Work", b"\r\nnew\r\n")
            account = getattr(scene, side)
            run = await self.meddled(
                scene,
                side,
                r'> \S+ SELECT "?Work',
                partial(account.delete, "Work"),
            )
            self.become(scene, run)
            there = scene.remote.snapshot().mailboxes
            self.assertEqual(side == "remote", "Work" in there)
            if side == "remote":
                self.assertEqual(21, there["Work"].total())
            self.assertEqual(30, len(scene.remote.uids("INBOX")))

    async def test_remadeMailbox(self) -> None:
        """
        A mailbox that is deleted and made anew, empty, while its expunges are
        confirmed: what the other side has of it is not removed.
        """
        scene = self.filled()
        scene.local.expunge("Work", [1, 2])

        def remake() -> None:
            scene.local.delete("Work")
            scene.local.create("Work")

        run = await self.meddled(scene, "local", r"> \S+ UID SEARCH", remake)
        self.assertIn(run.code, (0, 1), run.tail)
        scene.reconnect()
        self.assertGreaterEqual(len(scene.remote.uids("Work")), 18)
        self.syncs(scene)
        self.assertGreaterEqual(len(scene.local.uids("Work")), 18)

    async def test_newMailbox(self) -> None:
        """
        A mailbox that comes into being on both sides while we make it.
        """
        scene = self.filled()
        scene.remote.create("New")
        scene.remote.fill("New", mails(3, seed=5))

        def make() -> None:
            scene.local.create("New")
            scene.local.fill("New", mails(4, seed=5))

        run = await self.meddled(scene, "local", r"> \S+ CREATE", make)
        self.assertIn(run.code, (0, 1), run.tail)
        self.syncs(scene)
        self.assertEqual(4, len(scene.remote.uids("New")))

    async def test_renumbered(self) -> None:
        """
        A UIDVALIDITY that changes in the middle of a run.  Dovecot may then
        tell no mod-sequences in that session: this mailbox has to wait for
        the next run.
        """
        scene = self.filled()
        scene.local.fill("Work", mails(5, seed=6))

        def renumber() -> None:
            maildirServer().doveadm(
                *("mailbox", "update", "-u", scene.user),
                *("--uid-validity", "1234567", "Work"),
            )

        run = await self.meddled(scene, "local", r'< \* STATUS "?Work', renumber)
        self.assertIn(run.code, (0, 1), run.tail)
        scene.reconnect()
        self.syncs(scene)
        self.assertEqual(25, len(scene.remote.uids("Work")))

    async def test_sameCopy(self) -> None:
        """
        Somebody who copies by hand what we are about to copy: no harm is
        done beyond that.
        """
        scene = self.filled()
        copies = list(mails(5, seed=3))
        run = await self.meddled(
            scene,
            "remote",
            r"> \S+ SELECT",
            lambda: scene.remote.fill("INBOX", copies),
        )
        self.become(scene, run)
        self.assertEqual(30, len(scene.remote.uids("INBOX")))

    async def test_busy(self) -> None:
        """
        One who changes something each time we look does not keep us for ever.
        """
        scene = self.filled()
        count = 0

        def watch(line: str) -> None:
            nonlocal count
            if count < 15 and re.search(r"^local .*> \S+ SELECT", line):
                count += 1
                scene.local.append("INBOX", b"\r\n%d\r\n" % count)

        run = await syncHere(scene, reactor, watch)
        self.become(scene, run)
        self.assertEqual(30 + count, len(scene.remote.uids("INBOX")))
