"""
What is remembered of refusals, and what C{--status} tells of it: on real servers, while
a live imapsync runs and while none does.
"""

from __future__ import annotations

import functools
import json
import sqlite3
from contextlib import closing
from itertools import chain
from typing import Any

from twisted.internet import reactor

from imapsync.state.schema import UPGRADES
from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.alive import Alive
from imapsync.test.integration.cyrus import Cyrus
from imapsync.test.integration.cyrus import Settings as CyrusSettings
from imapsync.test.integration.dovecot import Dovecot, Settings, mdboxServer
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import PROGRAM, Scene, SceneCase, finished
from imapsync.test.integration.server import Server

#: So often a message is tried in each run.
TRIES = 4
LIMIT = 20_000


@functools.cache
def strictCyrus() -> Cyrus:
    """
    A server that takes small messages only, and says so.
    """
    return Cyrus(CyrusSettings(sizeLimit=LIMIT))


@functools.cache
def strictDovecot() -> Dovecot:
    """
    One that takes small messages only.
    """
    return Dovecot(Settings(sizeLimit=LIMIT))


class StatusTests(SceneCase):
    """
    What is told.
    """

    def status(self, scene: Scene, *mailboxes: str, code: int = 0) -> dict[str, Any]:
        """
        Ask for it; people are told as well.
        """
        # Processes of their own: one may be live in this one.
        command = [*PROGRAM, f"--config={scene.file}", "--status", *mailboxes]
        for more in [], ["--json"]:
            run = finished(scene.start([*command, *more]))
            self.assertEqual(code, run.code, run.tail)
            self.assertEqual(code > 0, bool(run.errors), run.tail)
        told: dict[str, Any] = json.loads(run.output)
        return told

    def troubles(self, scene: Scene) -> list[dict[str, Any]]:
        """
        What is told to be wrong with INBOX.
        """
        [inbox] = self.status(scene, "INBOX")["mailboxes"]
        found: list[dict[str, Any]] = inbox["troubles"]
        return found

    def filled(self, local: Server | None, remote: Server) -> Scene:
        """
        An account with a message that the other server does not take.
        """
        scene = self.scene(local, remote)
        big = Mail(b"Subject: big\r\n\r\n" + b"x" * LIMIT + b"\r\n")
        scene.local.fill("INBOX", [*mails(2, size=100), big, *mails(1, size=100)])
        return scene

    def refuses(self, scene: Scene) -> None:
        """
        It is tried in some runs and then no more, but named in each; all else goes
        on; it is told in detail, and forgotten when it is gone.
        """
        for tries in range(1, TRIES + 1):
            run = self.ends(scene, 1, "--debug")
            self.says(run.errors, "INBOX: local: UID 3: not copied: ")
            [trouble] = self.troubles(scene)
            self.assertEqual(
                ("local", "3", tries),
                (trouble["side"], trouble["uids"], trouble["tries"]),
            )
        run = self.ends(scene, 1, "--debug")
        self.assertEqual([], scene.excess(run))
        self.says(run.errors, "INBOX: local: UID 3: not copied: ", "tried 4 times")
        self.assertLess(trouble["since"], trouble["due"])
        scene.local.append("INBOX", b"Subject: new\r\n\r\nnew\r\n")
        run = self.ends(scene, 1)
        self.assertEqual(4, len(scene.remote.uids("INBOX")))
        self.assertEqual([trouble], self.troubles(scene))
        # Whoever names the mailbox need not wait.
        run = self.ends(scene, 1, "INBOX")
        self.assertNotIn("tried 4 times", run.errors)
        scene.local.expunge("INBOX", [3])
        self.syncs(scene)
        told = self.status(scene)
        self.assertFalse(any(box["troubles"] for box in told["mailboxes"]))
        self.assertIsNotNone(told["synced"])

    def test_dovecot(self) -> None:
        """
        A message that is too large for Dovecot.
        """
        self.refuses(self.filled(None, strictDovecot()))

    def test_cyrus(self) -> None:
        """
        One that is too large for Cyrus.
        """
        self.refuses(self.filled(mdboxServer(), strictCyrus()))

    def test_arrived(self) -> None:
        """
        A message that comes to the other side in another way, while it waits there
        for want of room, is not copied back.
        """
        scene = self.scene(None, Dovecot(Settings(messageLimit=5)))
        [*first, late] = mails(6, size=100)
        scene.local.fill("INBOX", [*first, late])
        for _ in range(TRIES + 1):
            self.ends(scene, 1)
        [trouble] = self.troubles(scene)
        self.assertEqual(("6", "OVERQUOTA"), (trouble["uids"], trouble["code"]))
        scene.remote.expunge("INBOX", [1])
        scene.remote.fill("INBOX", [late])
        self.syncs(scene)
        self.assertEqual([], self.troubles(scene))
        self.assertEqual(5, len(scene.local.uids("INBOX")))

    async def test_live(self) -> None:
        """
        It is told beside a live imapsync, which has the database for itself, and
        neither of them minds.
        """
        scene = self.filled(None, strictDovecot())
        alive = Alive(scene, reactor)
        self.addCleanup(alive.stop)
        await alive.until(lambda: len(scene.remote.uids("INBOX")) == 3)
        told = self.status(scene)
        self.assertEqual(3, told["totals"]["messages"])
        self.assertEqual(1, told["totals"]["refused"])
        scene.local.expunge("INBOX", [3])
        await alive.until(lambda: not self.troubles(scene))
        scene.local.append("INBOX", b"Subject: new\r\n\r\nnew\r\n")
        await alive.until(lambda: self.status(scene)["totals"]["messages"] == 4)

    def test_offline(self) -> None:
        """
        No server is needed, nor is anything written; one that an earlier version
        wrote is told of as it is, and what is none, or not known, is said.
        """
        scene = self.scene()
        self.status(scene, code=66)
        self.assertFalse(scene.database.exists())
        scene.local.fill("INBOX", mails(3))
        self.syncs(scene)
        before = scene.database.read_bytes()
        scene.configure({"remote": {"command": "/bin/false"}})
        self.assertEqual(3, self.status(scene)["totals"]["messages"])
        self.assertEqual(before, scene.database.read_bytes())
        self.status(scene, "Unknown", code=66)
        scene.database.unlink()
        with closing(sqlite3.connect(scene.database)) as database:
            for statement in chain(*UPGRADES[:2]):
                database.execute(statement)
            database.execute("PRAGMA user_version = 2")
            database.execute("INSERT INTO mailbox (name, subscribed) VALUES ('Old', 1)")
            database.commit()
        before = scene.database.read_bytes()
        told = self.status(scene)
        self.assertEqual((2, "Old"), (told["version"], told["mailboxes"][0]["name"]))
        self.assertEqual(before, scene.database.read_bytes())
        scene.database.write_bytes(b"no database")
        self.status(scene, code=65)
