"""
What only looks like a deletion: nothing of it may cost a message.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from imapsync.test.integration.accounts import Account, Snapshot
from imapsync.test.integration.cyrus import Cyrus, slashedCyrus
from imapsync.test.integration.cyrus import Settings as CyrusSettings
from imapsync.test.integration.dovecot import (
    Dovecot,
    Settings,
    maildirServer,
    mdboxServer,
)
from imapsync.test.integration.inprocess import meddled, syncHere
from imapsync.test.integration.relay import Relay
from imapsync.test.integration.scene import Scene, SceneCase
from imapsync.test.integration.server import Server
from imapsync.test.integration.test_moves import large


class LookalikeCase(SceneCase):
    """
    Two equal accounts of few messages: the brake does not help them.
    """

    def known(self, local: Server | None = None, remote: Server | None = None) -> Scene:
        """
        Make them.
        """
        scene = self.scene(local, remote)
        for number, name in enumerate(("INBOX", "Work", "Work/Deep", "Été")):
            if name != "INBOX":
                scene.local.create(name)
                scene.local.subscribe(name)
            scene.local.fill(name, large(8 + number, 100 + number))
        scene.local.store("Work", [1, 2], "+FLAGS (\\Seen Label)")
        self.syncs(scene)
        return scene

    def keeps(self, scene: Scene, side: str, before: Snapshot) -> None:
        """
        A side has all that it had.
        """
        now = getattr(scene, side).snapshot()
        for name, held in before.mailboxes.items():
            self.assertEqual(held, held & now.mailboxes.get(name, Counter()), name)
        self.assertEqual(before.subscribed, now.subscribed)


class LostIndexTests(LookalikeCase):
    """
    A server that has lost its index, until its administrator comes.
    """

    def test_dovecot(self) -> None:
        """
        Dovecot has the mailbox empty, and with another UIDVALIDITY; once it is
        rebuilt, all is paired again.
        """
        for layout in "mdbox", "sdbox":
            server = self.server(Dovecot(Settings(layout=layout)))
            scene = self.known(remote=server)
            before = scene.local.snapshot()
            home = server.directory / "mail" / scene.user
            for index in home.glob("mail/mailboxes/Work/dbox-Mails/dovecot.index*"):
                index.unlink()
            scene.reconnect()
            self.assertEqual([], scene.remote.uids("Work"))
            self.ends(scene, 0, "--dry-run")
            server.doveadm("force-resync", "-u", scene.user, "Work")
            scene.reconnect()
            self.assertEqual(9, len(scene.remote.uids("Work")))
            run = self.syncs(scene, "--debug")
            self.assertEqual(0, run.appended)
            self.keeps(scene, "local", before)

    def test_dovecotMeanwhile(self) -> None:
        """
        If it is synced before, it is filled; no message is removed, then nor
        later.
        """
        scene = self.known(maildirServer(), mdboxServer())
        before = scene.local.snapshot()
        home = mdboxServer().directory / "mail" / scene.user
        for index in home.glob("mail/mailboxes/Work/dbox-Mails/dovecot.index*"):
            index.unlink()
        scene.reconnect()
        self.syncs(scene)
        self.keeps(scene, "local", before)
        mdboxServer().doveadm("force-resync", "-u", scene.user, "Work")
        scene.reconnect()
        self.syncs(scene)
        self.keeps(scene, "local", before)

    def test_cyrus(self) -> None:
        """
        Cyrus lists the mailbox as C{\\Noselect}; once it is rebuilt, flags are
        gone, and an expunged message is back.
        """
        scene = self.known(remote=slashedCyrus())
        scene.local.expunge("Work", [8])
        self.syncs(scene)
        before = scene.local.snapshot()
        name = f"user/{scene.user}/Work"
        for lost in ("cyrus.index",), ("cyrus.index", "cyrus.header"):
            path = Path(slashedCyrus().run("mbpath", name).strip())
            for each in lost:
                (path / each).unlink()
            scene.reconnect()
            for _ in range(2):
                run = self.ends(scene, 1)
                self.assertIn("error: Work: ", run.errors)
                self.keeps(scene, "local", before)
            slashedCyrus().run("reconstruct", name)
            scene.reconnect()
            run = self.syncs(scene, "--debug")
            self.assertLessEqual(run.appended, 1)
            self.keeps(scene, "local", before)


class VanishedTests(LookalikeCase):
    """
    Cyrus says C{VANISHED 1:n} when somebody renames the mailbox that is selected,
    or deletes it.
    """

    async def test_cyrus(self) -> None:
        """
        At whatever moment that is, each message is still on both sides
        afterwards.
        """
        for act, moment in product(
            ("rename", "remake"),
            (
                r"< \S+ OK \[READ-WRITE\]",
                r"> \S+ UID FETCH",
                r"> \S+ UID STORE",
                r"> \S+ (UID )?EXPUNGE",
                r"> \S+ APPEND",
            ),
        ):
            scene = self.known(remote=slashedCyrus())
            scene.remote.store("Work", [4, 5], "+FLAGS (\\Answered)")
            scene.remote.append("Work", b"A: theirs\r\n\r\n")
            scene.local.store("Work", [5, 6], "+FLAGS (\\Flagged)")
            scene.local.expunge("Work", [8])
            scene.local.append("Work", b"A: ours\r\n\r\n")
            before = held(scene.local)
            await meddled(
                scene, reactor, "remote", moment, partial(getattr(self, act), scene)
            )
            self.assertEqual({*before}, {*before} & {*held(scene.local)}, moment)
            scene.reconnect()
            # The next one may have to wait until the mailbox is found again.
            scene.sync()
            self.ends(scene, 0)
            self.assertEqual([], scene.differences())
            self.assertEqual({*before}, {*before} & {*held(scene.local)}, moment)

    def rename(self, scene: Scene) -> None:
        """
        Give the mailbox another name.
        """
        scene.remote.rename("Work", "Labour")

    def remake(self, scene: Scene) -> None:
        """
        Delete it, and make another one of that name.
        """
        for name in "Work/Deep", "Work":
            scene.remote.delete(name)
        for name in "Work", "Work/Deep":
            scene.remote.create(name)


class ListTests(LookalikeCase):
    """
    A LIST that does not tell all there is.
    """

    @asynccontextmanager
    async def edited(
        self, scene: Scene, edit: Callable[[Relay, bytes], bytes]
    ) -> AsyncIterator[None]:
        """
        The remote server's lines become others.
        """
        relay = Relay(reactor, scene.remoteServer)
        relay.edit = partial(edit, relay)
        scene.configure({"remote": {"port": str(relay.port)}})
        try:
            yield
        finally:
            scene.configure({})
            await relay.close()

    async def unmoved(
        self, edit: Callable[[Relay, bytes], bytes], *codes: int, like: str = ""
    ) -> None:
        """
        Nothing is changed on either side by such a run, and there is nothing to
        do afterwards.
        """
        for server in maildirServer(), slashedCyrus():
            scene = self.known(remote=server)
            before = scene.snapshots()
            async with self.edited(scene, edit):
                for _ in range(2):
                    run = await syncHere(scene, reactor)
                    self.assertIn(run.code, codes, run.tail)
                    self.assertIn(like, run.errors)
                    self.assertEqual(before, scene.snapshots())
            self.isIdle(scene)

    def test_refused(self) -> Deferred[None]:
        """
        It is refused in the end.
        """

        def edit(_: Relay, line: bytes) -> bytes:
            if line.startswith(b"* LIST") and b"Work" in line:
                return b""
            return re.sub(rb"OK (List completed|.* calls\)).*", b"NO broken\r\n", line)

        return Deferred.fromCoroutine(self.unmoved(edit, 1, 75, 76))

    def test_cut(self) -> Deferred[None]:
        """
        The connection breaks in the middle of it.
        """

        def edit(relay: Relay, line: bytes) -> bytes:
            if line.startswith(b"* LIST") and b"Work" in line:
                relay.cut()
                return b""
            return line

        return Deferred.fromCoroutine(self.unmoved(edit, 75))

    def test_noSubscriptions(self) -> Deferred[None]:
        """
        It tells nothing of subscriptions.
        """

        def edit(_: Relay, line: bytes) -> bytes:
            if line.startswith(b"* LIST"):
                return re.sub(rb"\\Subscribed ?", b"", line)
            return line

        return Deferred.fromCoroutine(self.unmoved(edit, 0, like=" LSUB "))

    def test_less(self) -> Deferred[None]:
        """
        It lists less, and says OK.
        """

        def edit(_: Relay, line: bytes) -> bytes:
            return b"" if line.startswith(b"* LIST") and b"Work" in line else line

        return Deferred.fromCoroutine(self.unmoved(edit, 1, like="Work/Deep: "))

    def test_silent(self) -> Deferred[None]:
        """
        Nothing at all is told of some mailboxes, but that they are there.
        """

        def edit(_: Relay, line: bytes) -> bytes:
            hidden = line.startswith((b"* LIST", b"* STATUS")) and b"Work" in line
            return b"" if hidden else line

        return Deferred.fromCoroutine(self.unmoved(edit, 1, like="Work/Deep: "))


class MountTests(LookalikeCase):
    """
    Mail that is somewhere else for a while.
    """

    def test_dovecot(self) -> None:
        """
        A disk that is not mounted: all is as if nothing had ever been there.  INBOX
        shows that it is another account, which gets all that the other side has;
        when the disk is there again, so is the account that was.
        """
        self.needs("X-GUID")
        for layout in "mdbox", "maildir":
            server = self.server(Dovecot(Settings(layout=layout)))
            scene = self.known(remote=server)
            before, settings = scene.local.snapshot(), server.settings
            elsewhere = f"mail_location = {layout}:~/elsewhere"
            server.settings = replace(settings, extra=elsewhere)
            server.restart()
            scene.reconnect()
            run = self.ends(scene, 0)
            self.assertIn("is of another account; pairing by content", run.errors)
            self.keeps(scene, "local", before)
            self.isIdle(scene)
            server.settings = settings
            server.restart()
            scene.reconnect()
            run = self.syncs(scene, "--debug")
            self.assertEqual(0, run.appended)
            self.assertEqual(before, scene.local.snapshot())

    def test_cyrus(self) -> None:
        """
        The same on Cyrus, where the list of mailboxes is on another disk.
        """
        server = self.server(Cyrus(CyrusSettings()))
        scene = self.known(remote=server)
        before = scene.local.snapshot()
        mail = server.directory / "mail"
        mail.rename(server.directory / "away")
        server.owned("mail")
        server.restart()
        for _ in range(2):
            self.assertIn(scene.sync().code, (1, 75))
            scene.local.close()
            scene.local = scene.account(scene.localServer)
            self.keeps(scene, "local", before)
        shutil.rmtree(mail)
        (server.directory / "away").rename(mail)
        server.restart()
        scene.reconnect()
        run = self.syncs(scene, "--debug")
        self.assertEqual(0, run.appended)
        self.assertEqual(before, scene.local.snapshot())

    def test_namespace(self) -> None:
        """
        A namespace that is not there any more, in which all mailboxes are.
        """
        extra = (
            "namespace backup {\n  prefix = Backup/\n  separator = /\n"
            "  location = mdbox:~/backup\n}"
        )
        server = self.server(Dovecot(Settings(extra=extra)))
        scene = self.scene(remoteServer=server)
        scene.configure({"remote": {"list-reference": "Backup/"}})
        for number, name in enumerate(("INBOX", "Work", "Work/Deep")):
            if name != "INBOX":
                scene.local.create(name)
            scene.local.fill(name, large(8 + number, 100 + number))
        self.ends(scene, 0)
        self.isIdle(scene)
        before = scene.local.snapshot()
        server.settings = Settings()
        server.restart()
        scene.reconnect()
        for _ in range(2):
            scene.sync()
            self.keeps(scene, "local", before)
        server.settings = Settings(extra=extra)
        server.restart()
        scene.reconnect()
        run = self.ends(scene, 0, "--debug")
        self.assertEqual(0, run.appended)
        self.assertEqual(before, scene.local.snapshot())


def held(account: Account) -> Counter[str]:
    """
    The messages of all mailboxes.
    """
    boxes = account.snapshot().mailboxes.values()
    return Counter(one.digest for box in boxes for one in box.elements())
