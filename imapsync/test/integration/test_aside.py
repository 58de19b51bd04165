"""
Mailboxes that are renamed and deleted on real servers, while messages arrive, and while
runs are killed between a RENAME and what follows it.
"""

from __future__ import annotations

import re
import signal

from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from imapsync.test.children import joined
from imapsync.test.integration.cyrus import dottedCyrus, slashedCyrus
from imapsync.test.integration.dovecot import maildirServer
from imapsync.test.integration.ended import started
from imapsync.test.integration.inprocess import meddled
from imapsync.test.integration.relay import Relay, Way
from imapsync.test.integration.scene import Scene
from imapsync.test.integration.server import Server
from imapsync.test.integration.test_renames import TreeCase

LATE = b"Message-ID: <late@example>\r\nSubject: late\r\n\r\nhello\r\n"

_OURS = "imapsync-temporary-"

#: The first command, and the last, that a deletion takes but for DELETE.
_BETWEEN = (rb"RENAME ", rb"STATUS \S*imapsync-temporary-")


def _servers() -> list[Server]:
    return [maildirServer(), slashedCyrus(), dottedCyrus()]


class AsideCase(TreeCase):
    """
    Two accounts with mailboxes that are known.
    """

    timeout = 120

    async def killed(self, scene: Scene, words: bytes) -> None:
        """
        A run is killed when the remote server has answered what matches C{words},
        before it hears that.
        """
        relay = Relay(reactor, scene.remoteServer)
        options = {"": {"list-select-opts": None}}
        try:
            scene.configure({**options, "remote": {"port": str(relay.port)}})
            process = started(scene)

            def edit(line: bytes) -> bytes:
                if not re.search(words, relay.passed[Way.TO_SERVER]):
                    return line
                process.kill()
                return b""

            relay.edit = edit
            self.assertEqual(-signal.SIGKILL, await deferToThread(joined, process))
        finally:
            await relay.close()
        scene.configure(options)

    def alike(self, scene: Scene, *names: str) -> None:
        """
        Both sides have these mailboxes, and INBOX, and are equal.
        """
        self.assertEqual([], scene.differences())
        for account in scene.accounts:
            self.assertEqual({"INBOX", *names}, set(account.snapshot().mailboxes))


class DeletionTests(AsideCase):
    """
    Nothing that arrives is lost.
    """

    async def test_arrives(self) -> None:
        """
        A message that arrives before each of the commands that a deletion takes.
        """
        leave = "UNSELECT" if self.offers("UNSELECT") else "CLOSE"
        for server in _servers():
            scene = self.known("Doomed", remote=server)
            for verb in ("EXAMINE", leave, r"STATUS \S*Doomed", "RENAME"):
                moment = rf"> \S+ {verb}"
                scene.local.delete("Doomed")

                def arrive(scene: Scene = scene) -> None:
                    scene.remote.append("Doomed", LATE)

                count = len(scene.remote.uids("Doomed"))
                run = await meddled(scene, reactor, "remote", moment, arrive)
                self.assertEqual(0, run.code, run.tail)
                for account in scene.accounts:
                    self.assertEqual(count + 1, len(account.uids("Doomed")), verb)
                self.alike(scene, "Doomed")
                self.isIdle(scene)

    async def test_newMailbox(self) -> None:
        """
        One that is delivered when its name is free, to a mailbox that is made for it.
        """
        for server in _servers():
            scene = self.known("Doomed", remote=server)
            scene.local.delete("Doomed")

            def deliver(scene: Scene = scene) -> None:
                scene.remote.create("Doomed")
                scene.remote.subscribe("Doomed")
                scene.remote.append("Doomed", LATE)

            run = await meddled(scene, reactor, "remote", r"> \S+ DELETE", deliver)
            self.assertEqual(0, run.code, run.tail)
            for account in scene.accounts:
                self.holds(account, "Doomed", [LATE])
            self.alike(scene, "Doomed")
            self.isIdle(scene)

    def aside(self, scene: Scene) -> str:
        """
        The mailbox that was set aside.
        """
        names = scene.remote.snapshot().mailboxes
        [name] = [one for one in names if one.startswith(_OURS)]
        return name

    async def test_killed(self) -> None:
        """
        A run that is killed right after RENAME, or before DELETE, leaves it to the
        next; whatever arrives meanwhile, by either name.
        """
        for server in _servers():
            for words in _BETWEEN:
                scene = self.known("Doomed", remote=server)
                scene.local.delete("Doomed")
                await self.killed(scene, words)
                scene.remote.append(self.aside(scene), LATE)
                self.syncs(scene)
                for account in scene.accounts:
                    self.assertEqual(4, len(account.uids("Doomed")))
                scene.local.delete("Doomed")
                await self.killed(scene, words)
                scene.remote.create("Doomed")
                scene.remote.append(self.aside(scene), LATE + b"more\r\n")
                self.syncs(scene)
                for account in scene.accounts:
                    self.holds(account, "Doomed", [LATE + b"more\r\n"])
                scene.local.delete("Doomed")
                await self.killed(scene, words)
                self.syncs(scene)
                self.alike(scene)


class RenameTests(AsideCase):
    """
    A run that is killed right after it has renamed a mailbox.
    """

    async def test_movedAndDeleted(self) -> None:
        """
        The messages were then moved elsewhere, and the mailbox was deleted: they are
        moved on the other side as well, and it is deleted there.
        """
        self.needs("UIDPLUS")
        for server in _servers():
            scene = self.known("Old", "Other", remote=server)
            scene.local.rename("Old", "New")
            await self.killed(scene, b"RENAME ")
            self.assertIn("New", scene.remote.snapshot().mailboxes)
            scene.local.move("New", scene.local.uids("New"), "Other")
            scene.local.delete("New")
            run = self.syncs(scene, "--debug")
            self.assertEqual(3, run.appended, run.tail)  # by the server alone
            self.assertEqual(0, run.sentTo("remote")["APPEND"], run.tail)
            self.alike(scene, "Other")
            self.assertEqual(6, len(scene.remote.uids("Other")))
