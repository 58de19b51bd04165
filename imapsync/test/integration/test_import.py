"""
Taking over what interimap knows: that runs between two Dovecots, then both sides
change, then imapsync goes on.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

from twisted.trial.unittest import SkipTest

import imapsync
from imapsync.test import children
from imapsync.test.integration.accounts import Account
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import PROGRAM, Scene, SceneCase

#: How many messages each mailbox has in the beginning.
MAILBOXES = {"INBOX": 120, "Work/Deep": 100, "Été": 80}


class ImportTests(SceneCase):
    """
    Two accounts that interimap has kept equal so far.
    """

    if shutil.which("interimap") is None:
        skip = "interimap is not installed"

    def kept(self) -> Scene:
        """
        Make them, and have interimap make them equal.
        """
        scene = self.scene(mdboxServer(), maildirServer())
        for number, (name, count) in enumerate(MAILBOXES.items()):
            if name != "INBOX":
                scene.local.create(name)
                scene.local.subscribe(name)
            scene.local.fill(name, mails(count, seed=number))
        self.theirs(scene)
        self.assertEqual([], scene.differences())
        return scene

    def theirs(self, scene: Scene) -> None:
        """
        Run interimap once, until nothing is left to do.
        """
        file = scene.directory / "interimap"
        text = scene.file.read_text().replace("state.db", "interimap.db")
        file.write_text(text.replace("list-select-opts =", "list-mailbox = *"))
        for _ in range(2):
            command = ["interimap", "--quiet", f"--config={file}"]
            children.done(command, stderr=children.DEVNULL)

    def taken(self, scene: Scene, code: int = 0, *arguments: str) -> str:
        """
        Take over its database.
        """
        path = scene.directory / "interimap.db"
        run = scene.order(f"--import-interimap={path}", *arguments)
        self.assertEqual(code, run.code, run.tail)
        self.assertNotIn("Traceback", run.errors)
        return run.errors + run.output

    def change(self, here: Account, first: int) -> None:
        """
        What happens to one side, to messages that nothing else happens to; but some
        flags change on both.
        """
        for name in MAILBOXES:
            uids = here.uids(name)
            here.store(name, uids[first : first + 4], "+FLAGS (\\Flagged Blue)")
            here.store(name, uids[first + 4 : first + 8], "-FLAGS (\\Seen Work)")
            here.store(name, uids[first + 8 : first + 12], "FLAGS (\\Draft)")
            here.store(name, uids[60:65], f"+FLAGS (both{first})")
            here.expunge(name, uids[first + 12 : first + 17])
            here.fill(name, mails(7, seed=500 + first))
        here.move("INBOX", here.uids("INBOX")[first + 20 : first + 24], "Work/Deep")

    def carried(self, account: Account, uids: list[int], first: int) -> None:
        """
        All of that shows in INBOX of C{account}, by the UIDs that it had before.
        """
        flags = {uid: one.flags for uid, one in account.messages("INBOX").items()}
        for uid in uids[first : first + 4]:
            self.assertLessEqual({"\\flagged", "blue"}, flags[uid])
        for uid in uids[first + 4 : first + 8]:
            self.assertFalse({"\\seen", "work"} & flags[uid])
        for uid in uids[first + 8 : first + 12]:
            self.assertEqual({"\\draft"}, flags[uid])
        for uid in uids[60:65]:
            self.assertLessEqual({"both0", "both30"}, flags[uid])
        self.assertFalse({*uids[first + 12 : first + 17]} & {*flags})

    def test_goesOn(self) -> None:
        """
        What has happened on both sides since its last run is carried over both ways,
        removals and removed flags too; nothing is copied again, nothing is doubled.
        """
        self.needs("QRESYNC")
        scene = self.kept()
        uids = [account.uids("INBOX") for account in scene.accounts]
        for account, first in zip(scene.accounts, (0, 30), strict=True):
            self.change(account, first)
        before = scene.snapshots()
        dry = self.taken(scene, 0, "--dry-run")
        self.assertIn("Work/Deep: take over 100 messages\n", dry)
        self.assertFalse(scene.database.exists())
        self.taken(scene)
        self.assertEqual(before, scene.snapshots())
        run = self.ends(scene, 0, "--debug")
        # What was new, and nothing else: moves are recognised.
        self.assertEqual(2 * 3 * 7 + 2 * 4, run.appended, run.tail)
        self.assertNotIn("paired by content", run.errors)
        self.assertEqual([], scene.differences(), run.tail)
        for name, count in MAILBOXES.items():
            moved = {"INBOX": -8, "Work/Deep": 8}.get(name, 0)
            expected = count + 2 * (7 - 5) + moved
            self.assertEqual(expected, len(scene.local.uids(name)), name)
        for account, theirs in zip(scene.accounts, uids, strict=True):
            for first in (0, 30):
                self.carried(account, theirs, first)
        self.isIdle(scene)
        verified = scene.order("--verify=content")
        self.assertEqual(0, verified.code, verified.output + verified.tail)
        self.complains(
            scene.order(f"--import-interimap={scene.directory}/interimap.db"),
            73,
            "knows mailboxes already",
        )

    def test_howTo(self) -> None:
        """
        The commands of C{doc/from-interimap.rst} do what is said there.
        """
        self.needs("QRESYNC")
        page = Path(imapsync.__file__).parents[1] / "doc" / "from-interimap.rst"
        if not page.exists():
            raise SkipTest("there are no sources")
        scene = self.scene(mdboxServer(), maildirServer())
        scene.local.fill("INBOX", mails(12))
        home = scene.directory / "home"
        configuration = home / ".config" / "interimap" / "config"
        configuration.parent.mkdir(parents=True)
        (home / ".local/share/interimap").mkdir(parents=True)
        lines = scene.file.read_text().splitlines(keepends=True)[2:]
        configuration.write_text("".join(lines))
        program = scene.directory / "imapsync"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(PROGRAM)} "$@"\n')
        program.chmod(0o755)
        told = re.findall(r"(?m)^    (imapsync .*|cp .*|chmod .*)$", page.read_text())
        commands = "\n".join(told).replace("HOST.db", f"{scene.localServer.host}.db")
        self.assertEqual(7, len(told), told)
        environ = {
            **os.environ,
            "HOME": str(home),
            "PATH": f"{scene.directory}:{os.environ['PATH']}",
        }
        for variable in "XDG_CONFIG_HOME", "XDG_DATA_HOME":
            environ.pop(variable, None)
        children.done(["interimap"], env=environ, stderr=children.DEVNULL)
        scene.remote.store("INBOX", [1, 2], "+FLAGS (\\Flagged)")
        done = children.done(
            ["sh", "-euxc", commands],
            check=False,
            env=environ,
            stdout=children.PIPE,
            stderr=children.PIPE,
            encoding="utf-8",
        )
        output = done.stdout + done.stderr
        self.assertEqual(0, done.returncode, output)
        for text in (
            "INBOX: take over 12 messages",
            "INBOX: 12 messages taken over",
            "INBOX: 2 flagged on local",
        ):
            self.assertIn(text, output)
        self.assertEqual([], scene.differences())
