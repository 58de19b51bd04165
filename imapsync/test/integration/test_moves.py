"""
Messages that are moved and copied between mailboxes, on real servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import count
from random import Random

from imapsync.test.integration.accounts import Account, Mail
from imapsync.test.integration.dovecot import (
    mdboxServer,
    poorServer,
)
from imapsync.test.integration.ended import killedAtCommit
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Run, Scene, SceneCase
from imapsync.test.integration.server import Server

_HEADER = ("From", "To", "Subject", "Date", "Message-ID")


def octets(run: Run) -> int:
    """
    How much went over both connections, either way.
    """
    [told] = re.findall(r"(\d+) octets in", run.errors)
    return int(told)


class MovesCase(SceneCase):
    """
    Two accounts with messages in INBOX, Archive/2024 and Été, all known.
    """

    @property
    def tells(self) -> bool:
        """
        Whether servers tell what became of what they have moved; else the copies are
        looked for, and one may be told of in another way.
        """
        return self.offers("UIDPLUS") and self.offers("MOVE")

    def known(self, local: Server | None = None, remote: Server | None = None) -> Scene:
        """
        Make them.
        """
        scene = self.scene(local, remote)
        for number, name in enumerate(("INBOX", "Archive/2024", "Été")):
            if name != "INBOX":
                scene.local.create(name)
            scene.local.fill(name, mails(12, seed=number))
        self.syncs(scene)
        return scene

    def follows(self, scene: Scene, here: str, **expected: int) -> Run:
        """
        What was done to C{here} takes so many commands there, and no message
        is sent.
        """
        there = "remote" if here == "local" else "local"
        run = self.ends(scene, 0, "--debug")
        self.assertEqual([], scene.differences(), run.tail)
        self.isIdle(scene)
        self.assertNotIn("APPEND", run.commands)
        self.assertFalse({"UID MOVE", "UID COPY"} & set(run.sentTo(here)), run.tail)
        commands = run.sentTo(there)
        for verb in ("MOVE", "COPY", "EXPUNGE") if self.tells else ():
            self.assertEqual(expected.get(verb, 0), commands[f"UID {verb}"], run.tail)
        return run


class FollowTests(MovesCase):
    """
    Moves and copies that are followed.
    """

    def sides(self, scene: Scene) -> list[tuple[str, Account]]:
        """
        Each side once.
        """
        return [("local", scene.local), ("remote", scene.remote)]

    def test_moves(self) -> None:
        """
        A move is one command on the other server, in either direction, and in
        whatever order the mailboxes come.
        """
        scene = self.known()
        for side, account in self.sides(scene):
            for source, target in (("INBOX", "Été"), ("Été", "Archive/2024")):
                account.move(source, account.uids(source)[1:9:2], target)
                run = self.follows(scene, side, MOVE=1)
                if self.tells:
                    self.assertIn(f"{target}: 4 moved on ", run.errors)

    def test_newMailbox(self) -> None:
        """
        The target may be new.
        """
        scene = self.known()
        for side, account in self.sides(scene):
            account.create(f"From {side}")
            account.move("INBOX", account.uids("INBOX")[:4], f"From {side}")
            self.follows(scene, side, MOVE=1)

    def test_everything(self) -> None:
        """
        Everything can be moved at once: that is no removal.
        """
        scene = self.known()
        scene.local.fill("INBOX", large(120, 100))
        self.syncs(scene)
        for name in ("INBOX", "Archive/2024"):
            scene.local.move(name, scene.local.uids(name), "Été")
        self.follows(scene, "local", MOVE=2)

    def test_swapped(self) -> None:
        """
        Messages can change places.
        """
        scene = self.known()
        here = scene.remote
        one, other = here.uids("INBOX")[:3], here.uids("Été")[:5]
        here.move("INBOX", one, "Été")
        here.move("Été", other, "INBOX")
        self.follows(scene, "remote", MOVE=2)

    def test_flags(self) -> None:
        """
        Flags that were changed as well come along.
        """
        scene = self.known()
        for side, account in self.sides(scene):
            uids = account.uids("INBOX")[:4]
            account.store("INBOX", uids[:2], "FLAGS (\\Seen $Before)")
            new = account.move("INBOX", uids, "Été")
            account.store("Été", new[1:3], "FLAGS (\\Flagged After)")
            account.store("Été", new[3:], "FLAGS ()")
            self.follows(scene, side, MOVE=1)

    def test_bothSides(self) -> None:
        """
        Moves on both sides, with flags changed on the other, leave all in one
        place.
        """
        scene = self.known()
        uids = scene.local.uids("INBOX")
        scene.local.move("INBOX", uids[:3], "Été")
        scene.remote.store("INBOX", scene.remote.uids("INBOX")[:1], "+FLAGS (Mine)")
        scene.remote.move("INBOX", scene.remote.uids("INBOX")[6:8], "Archive/2024")
        run = self.syncs(scene, "--debug")
        self.assertNotIn("APPEND", run.commands)
        held = scene.local.snapshot().mailboxes["Été"]
        self.assertEqual(1, sum("mine" in one.flags for one in held))

    def test_withoutMove(self) -> None:
        """
        A server without MOVE copies and expunges.
        """
        scene = self.known(mdboxServer(), poorServer())
        scene.local.move("INBOX", scene.local.uids("INBOX")[:6], "Été")
        self.follows(scene, "local", COPY=1, EXPUNGE=1)

    def test_copies(self) -> None:
        """
        What is copied on one side is copied by the other server, with flags
        of its own.
        """
        scene = self.known()
        scene.local.fill("INBOX", large(12, 100))
        self.syncs(scene)
        for first, (side, account) in enumerate(self.sides(scene)):
            name = f"Copies from {side}"
            account.create(name)
            new = account.copy("INBOX", account.uids("INBOX")[12 + first :: 2], name)
            account.store(name, new[:2], "FLAGS (\\Deleted Other)")
            self.follows(scene, side, COPY=1)

    def test_copyThenGone(self) -> None:
        """
        A move of which the second half comes later is none that is sent.
        """
        scene = self.known()
        uids = scene.local.uids("INBOX")[:3]
        scene.local.copy("INBOX", uids, "Été")
        self.follows(scene, "local", COPY=1)
        scene.local.expunge("INBOX", uids)
        self.follows(scene, "local", EXPUNGE=1)

    def test_equal(self) -> None:
        """
        Of equal messages, as many are on both sides.
        """
        scene = self.known()
        [same] = mails(1, seed=77)
        scene.local.fill("INBOX", [same] * 3)
        scene.local.fill("Été", [same] * 2)
        self.syncs(scene)
        scene.local.move("INBOX", scene.local.uids("INBOX")[-2:], "Archive/2024")
        scene.remote.move("Été", scene.remote.uids("Été")[-1:], "Archive/2024")
        self.syncs(scene)

    def test_dryRun(self) -> None:
        """
        A dry run says it, and not that anything is removed or sent.
        """
        scene = self.known()
        scene.local.move("INBOX", scene.local.uids("INBOX")[:5], "Été")
        scene.remote.copy("Été", scene.remote.uids("Été")[:1], "Archive/2024")
        run = self.ends(scene, 0, "--dry-run")
        self.assertEqual(
            [
                "INBOX: move UID 1:5 to Été on remote",
                "Été: copy UID 1 to Archive/2024 on local",
            ],
            run.output.splitlines(),
        )
        self.syncs(scene)


class CostTests(MovesCase):
    """
    What goes over the wire.
    """

    def test_large(self) -> None:
        """
        Moving a thousand messages of 50 KB takes less than 500 KB.
        """
        scene = self.scene()
        scene.local.create("Archive")
        scene.local.fill("INBOX", large(1000, 50_000))
        self.ends(scene, 0)
        scene.local.move("INBOX", scene.local.uids("INBOX"), "Archive")
        run = self.ends(scene, 0)
        self.assertIn("Archive: 1000 moved on remote", run.errors)
        self.assertLess(octets(run), 500_000)
        self.isIdle(scene)

    def test_ordinary(self) -> None:
        """
        It takes less than 200 octets to see that a new message is no copy.
        """
        costs = []
        for known in range(2):
            scene = self.scene()
            scene.local.fill("INBOX", large(known, 10))
            self.ends(scene, 0)
            scene.local.fill("INBOX", large(1000, 2_000))
            costs.append(octets(self.ends(scene, 0)))
        self.assertLess(costs[1] - costs[0], 200_000)


def large(count: int, size: int) -> Iterator[Mail]:
    """
    Messages with a header as they have it.
    """
    rng = Random(size)
    start = datetime(2024, 2, 29, tzinfo=timezone.utc)
    for number in range(count):
        head = "".join(f"{name}: {rng.getrandbits(200):x}\r\n" for name in _HEADER)
        text = f"{rng.getrandbits(240):060x}\r\n" * (size // 62)
        yield Mail(f"{head}\r\n{text}".encode(), (), start + timedelta(hours=number))


class InterruptedTests(MovesCase):
    """
    Runs that are killed.
    """

    def test_moves(self) -> None:
        """
        Killed before or after any commit, the next run makes both sides equal:
        nothing is lost, doubled or sent.
        """
        self.killed(self.known(), "MOVE")

    def test_withoutMove(self) -> None:
        """
        So it is where the server has no MOVE.
        """
        self.killed(self.known(mdboxServer(), poorServer()), "MOVE")

    def test_copies(self) -> None:
        """
        So it is with copies.
        """
        self.killed(self.known(), "COPY")

    def killed(self, scene: Scene, verb: str) -> None:
        """
        Move or copy, and kill the run that follows it, each time a bit later,
        until one gets through.
        """
        account = scene.local
        for number in count(1):
            source, target = ("INBOX", "Été") if number % 2 else ("Été", "INBOX")
            uids = account.uids(source)[:4]
            do = account.move if verb == "MOVE" else account.copy
            do(source, uids, target)
            expected = account.snapshot()
            code = killedAtCommit(scene, number // 2 + 1, after=bool(number % 2))
            run = self.ends(scene, 0, "--debug")
            self.assertEqual([], scene.differences(), run.tail)
            self.assertEqual([], expected.differences(account.snapshot()), run.tail)
            self.assertNotIn("APPEND", run.commands)
            self.isIdle(scene)
            if code == 0:
                break
            if verb == "COPY":
                self.undo(scene, target)
        self.assertGreater(number, 10)

    def undo(self, scene: Scene, target: str) -> None:
        """
        Remove the copies, so that no message has several.
        """
        scene.local.expunge(target, scene.local.uids(target)[-4:])
        self.syncs(scene)
