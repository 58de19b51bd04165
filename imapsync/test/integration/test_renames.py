"""
Mailboxes that are renamed and deleted, on real servers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import count

from imapsync.test.integration.accounts import Account, CommandFailed
from imapsync.test.integration.cyrus import slashedCyrus
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.ended import killedAtCommit
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Run, Scene, SceneCase
from imapsync.test.integration.server import Server
from imapsync.test.integration.test_moves import large


class TreeCase(SceneCase):
    """
    Two accounts with mailboxes of three messages each, all known and subscribed.
    """

    def known(self, *names: str, remote: Server | None = None) -> Scene:
        """
        Make them, with the default selection: what is subscribed.
        """
        options = {"": {"list-select-opts": None}}
        scene = self.scene(remoteServer=remote, options=options)
        self.fill(scene, *names)
        self.syncs(scene)
        return scene

    def fill(self, scene: Scene, *names: str) -> None:
        """
        Make more on one side.
        """
        for number, name in enumerate(("INBOX", *names)):
            if name != "INBOX":
                scene.local.create(name)
            scene.local.subscribe(name)
            scene.local.fill(name, large(3, 100 + number))

    def sides(self, scene: Scene) -> Iterator[tuple[Account, Account, str]]:
        """
        Each side once, with the other one and its name.
        """
        yield scene.local, scene.remote, "remote"
        yield scene.remote, scene.local, "local"

    def follows(self, scene: Scene, *arguments: str) -> Run:
        """
        What was done on one side is done on the other, and no message is sent.
        """
        run = self.syncs(scene, "--debug", *arguments)
        self.assertEqual(0, run.appended, run.tail)
        self.assertNotIn("paired by content", run.errors)
        return run

    def has(self, scene: Scene, *names: str) -> None:
        """
        Both sides have exactly these mailboxes, and INBOX, and are subscribed to
        all.
        """
        for snapshot in scene.snapshots():
            self.assertEqual({"INBOX", *names}, set(snapshot.mailboxes))
            self.assertEqual({"INBOX", *names}, snapshot.subscribed)


class RenameTests(TreeCase):
    """
    Renames.
    """

    def test_renamed(self) -> None:
        """
        One with children is renamed by one command, in both directions; messages
        and flags that changed meanwhile are synced as ever.
        """
        scene = self.known("Work", "Work/Deep", "Work/Deep/er", "Été")
        old = "Work"
        for here, there, side in self.sides(scene):
            new = f"Neu & {side}"
            here.rename(old, new)
            here.store(f"{new}/Deep", here.uids(f"{new}/Deep")[:1], "FLAGS (\\Seen)")
            there.store(f"{old}/Deep", there.uids(f"{old}/Deep")[1:2], "FLAGS (Mine)")
            here.expunge(f"{new}/Deep/er", here.uids(f"{new}/Deep/er")[:1])
            there.expunge(old, there.uids(old)[-1:])
            run = self.follows(scene)
            self.assertEqual(1, run.sentTo(side)["RENAME"])
            self.says(run.errors, f"{new}: renamed from {old} on {side}")
            self.has(scene, new, f"{new}/Deep", f"{new}/Deep/er", "Été")
            old = new

    def test_newMessages(self) -> None:
        """
        So are new messages on both sides.
        """
        scene = self.known("A")
        scene.local.rename("A", "B")
        scene.local.fill("B", mails(2, seed=7))
        scene.remote.fill("A", mails(2, seed=8))
        self.syncs(scene)
        self.assertEqual(7, len(scene.local.uids("B")))

    def test_swapped(self) -> None:
        """
        Two that changed places, each with a child, and a chain of three.
        """
        scene = self.known("A", "A/x", "B", "B/y", "C", "D", "E")
        for here, _, side in self.sides(scene):
            here.rename("A", "T")
            here.rename("B", "A")
            here.rename("T", "B")
            run = self.follows(scene)
            self.assertEqual(3, run.sentTo(side)["RENAME"])
        for here, _, _ in self.sides(scene):
            here.rename("E", "T")
            here.rename("D", "E")
            here.rename("C", "D")
            here.rename("T", "C")
            self.follows(scene)
        self.has(scene, "A", "A/x", "B", "B/y", "C", "D", "E")

    def test_parentAndChild(self) -> None:
        """
        A mailbox and one below it change places; one comes to lie below the
        other.
        """
        scene = self.known("A", "A/x", "B")
        scene.local.rename("A/x", "T")
        scene.local.rename("A", "U")
        scene.local.rename("T", "A")
        scene.local.rename("U", "A/x")
        self.follows(scene)
        scene.remote.rename("A", "B/A")
        self.follows(scene)
        self.has(scene, "B", "B/A", "B/A/x")

    def test_newUnderOldName(self) -> None:
        """
        Another mailbox was made under the old name; or one was deleted, and
        another renamed to its name.
        """
        scene = self.known("A", "B", "C")
        for here, there, _ in self.sides(scene):
            here.rename("A", "Z")
            here.create("A")
            here.subscribe("A")
            here.fill("A", large(1, 9))
            run = self.syncs(scene, "--debug")
            self.assertEqual(1, run.appended, run.tail)
            self.assertEqual(3, len(there.uids("Z")))
            here.delete("A")
            here.rename("Z", "A")
            self.follows(scene)
        self.has(scene, "A", "B", "C")

    def test_bothSides(self) -> None:
        """
        Renamed on both sides: alike, or else the remote's name counts.
        """
        scene = self.known("A", "A/x", "B")
        for account in scene.accounts:
            account.rename("A", "Z")
        self.assertEqual(0, self.follows(scene).sentTo("local")["RENAME"])
        scene.local.rename("B", "Mine")
        scene.remote.rename("B", "Theirs")
        run = self.follows(scene)
        self.says(run.errors, "Theirs", "which counts")
        self.has(scene, "Theirs", "Z", "Z/x")

    def test_case(self) -> None:
        """
        Only the case changed.
        """
        scene = self.known("work", "work/x")
        scene.local.rename("work", "Work")
        self.follows(scene)
        self.has(scene, "Work", "Work/x")

    def test_scope(self) -> None:
        """
        A rename out of what is chosen is followed; one into it makes the mailbox
        known.
        """
        options = {"": {"list-mailbox": "INBOX In*", "list-select-opts": ""}}
        scene = self.scene(options=options)
        self.fill(scene, "In", "In/x", "Out")
        self.ends(scene, 0)
        scene.local.rename("In", "Gone")
        scene.local.rename("Out", "Into")
        self.ends(scene, 0)
        self.isIdle(scene)
        self.assertEqual(
            {"INBOX", "Gone", "Gone/x", "Into"}, set(scene.remote.snapshot().mailboxes)
        )
        self.assertEqual([], scene.differences())

    def test_taken(self) -> None:
        """
        Where another mailbox has the name, the two become one, as any two of one
        name do; the messages are moved there.
        """
        scene = self.known("A", "B")
        scene.local.rename("A", "Z")
        scene.remote.create("Z")
        scene.remote.fill("Z", large(2, 8))
        run = self.syncs(scene, "--debug")
        self.assertEqual(1, run.sentTo("remote")["UID MOVE"])
        self.assertEqual(2, run.appended - 3)
        self.has(scene, "B", "Z")

    def test_level(self) -> None:
        """
        The other side has a mere level by that name, to which its server may
        not rename anything: then the messages are moved.
        """
        scene = self.known("A", "A/y", "P/x")
        scene.remote.rename("A", "P")
        run = self.syncs(scene, "--debug")
        self.assertNotIn("APPEND", run.commands)
        self.assertEqual(1, run.sentTo("local")["UID MOVE"])
        self.has(scene, "P", "P/x", "P/y")

    def test_inbox(self) -> None:
        """
        What was INBOX is another mailbox, where a server lets that be; nothing is
        lost.
        """
        scene = self.known("A")
        scene.local.rename("INBOX", "Old")
        scene.local.subscribe("Old")
        self.syncs(scene)
        self.assertEqual(3, len(scene.remote.uids("Old")))
        self.assertEqual(3, len(scene.remote.uids("INBOX")))

    def test_dryRun(self) -> None:
        """
        A dry run says it, and does nothing.
        """
        scene = self.known("A", "A/x", "B")
        scene.local.rename("A", "Z")
        scene.remote.delete("B")
        before = scene.snapshots()
        run = self.ends(scene, 0, "--dry-run")
        self.says(run.output, "A: rename to Z on remote", "B: delete on local (3 mess")
        self.assertEqual(before, scene.snapshots())
        self.follows(scene)


class DeletionTests(TreeCase):
    """
    Deletions.
    """

    def test_deleted(self) -> None:
        """
        In both directions, with what is below; and by a name that is made again.
        """
        scene = self.known("A", "A/x", "B")
        for here, _, side in self.sides(scene):
            here.delete("A/x")
            here.delete("A")
            run = self.follows(scene)
            self.says(run.errors, f"A: deleted on {side}")
            self.has(scene, "B")
            for name in ("A", "A/x"):
                here.create(name)
                here.subscribe(name)
                here.append(name, b"\r\nanother\r\n")
            self.syncs(scene)

    def test_parents(self) -> None:
        """
        A parent is deleted whose children stay, on either kind of server.
        """
        self.needs("LIST-EXTENDED")
        for local, remote in (
            (mdboxServer(), maildirServer()),
            (maildirServer(), mdboxServer()),
        ):
            scene = self.scene(local, remote, {"": {"list-select-opts": None}})
            self.fill(scene, "A", "A/x", "B")
            self.syncs(scene)
            scene.local.delete("A")
            run = self.ends(scene, 0)
            self.says(run.errors, "A: deleted on remote")
            self.isIdle(scene)
            self.assertEqual(3, len(scene.remote.uids("A/x")))
            self.assertRaises(CommandFailed, scene.remote.uids, "A")
            scene.remote.create("A")
            scene.remote.subscribe("A")
            self.syncs(scene)

    def test_unknown(self) -> None:
        """
        One that has what never was on the other side is made again and filled.
        """
        scene = self.known("A", "B")
        scene.local.delete("A")
        scene.remote.append("A", b"\r\nnew\r\n")
        self.syncs(scene)
        self.assertEqual(4, len(scene.local.uids("A")))
        self.has(scene, "A", "B")

    def test_moved(self) -> None:
        """
        What was moved out of it before is moved, not sent.
        """
        self.needs("MOVE")
        scene = self.known("A", "B", "C")
        for old, (here, _, side) in zip("AC", self.sides(scene), strict=True):
            here.create("Neu")
            here.subscribe("Neu")
            here.move(old, here.uids(old)[:2], "Neu")
            here.move(old, here.uids(old), "B")
            here.delete(old)
            run = self.syncs(scene, "--debug")
            self.assertNotIn("APPEND", run.commands)
            self.assertEqual(2, run.sentTo(side)["UID MOVE"])
            here.rename("Neu", f"From {old}")
            self.follows(scene)
        self.has(scene, "B", "From A", "From C")

    def test_brake(self) -> None:
        """
        Deletions count, before anything is done.
        """
        scene = self.known("A", "B")
        scene.local.fill("A", mails(60, seed=5, size=100))
        scene.local.fill("B", mails(40, seed=6, size=100))
        self.syncs(scene)
        scene.local.delete("A")
        scene.local.rename("B", "C")
        self.complains(scene.sync(), 1, "--allow-mass-delete", "63 of 109")
        self.assertEqual(63, len(scene.remote.uids("A")))
        self.follows(scene, "--allow-mass-delete")
        self.has(scene, "C")


class CyrusTests(TreeCase):
    """
    A Cyrus on the other side, where UIDVALIDITY is a time in seconds.
    """

    def cyrus(self, *names: str) -> Scene:
        """
        Two accounts, as L{known} makes them.
        """
        return self.known(*names, remote=slashedCyrus())

    def test_renamed(self) -> None:
        """
        Renames with children, swaps and a rename together with a new mailbox,
        in both directions.
        """
        self.needs("OBJECTID")
        scene = self.cyrus("A", "A/x", "B", "C", "D", "E")
        # Cyrus deletes a mailbox of the same name but once in a second.
        for name, (here, there, side) in zip("DE", self.sides(scene), strict=True):
            here.rename("A", f"Zu {side}")
            self.follows(scene)
            here.rename(f"Zu {side}", "A")
            here.rename("B", "T")
            here.rename("C", "B")
            here.rename("T", "C")
            here.store("C", here.uids("C")[:1], "+FLAGS (\\Flagged)")
            there.store("B", there.uids("B")[1:2], "+FLAGS (\\Seen)")
            self.follows(scene)
            here.rename(name, "Old")
            here.create(name)
            here.subscribe(name)
            here.fill(name, large(1, 9))
            run = self.syncs(scene, "--debug")
            self.assertEqual(1, run.appended, run.tail)
            here.delete(name)
            here.rename("Old", name)
            self.follows(scene)
        self.has(scene, "A", "A/x", "B", "C", "D", "E")

    def test_deleted(self) -> None:
        """
        Deletions, with messages that were moved out or are not known, and of a
        parent, in both directions.
        """
        self.needs("MOVE")
        scene = self.cyrus("A", "B", "C", "D", "E", "F", "P", "P/x", "Q", "Q/x")
        names = iter((*"ABCP", *"DEFQ"))
        for here, there, side in self.sides(scene):
            moved, gone, kept, parent = (next(names) for _ in range(4))
            here.move(moved, here.uids(moved), "INBOX")
            here.delete(moved)
            here.delete(gone)
            there.append(kept, b"A: new\r\n\r\nnew\r\n")
            here.delete(kept)
            run = self.syncs(scene, "--debug")
            self.says(run.errors, f"{gone}: deleted on {side}")
            self.assertEqual(1, run.sentTo(side)["UID MOVE"])
            self.assertEqual(4, len(here.uids(kept)))
            with contextlib.suppress(CommandFailed):  # Cyrus deletes no parent
                here.delete(parent)
            self.syncs(scene)
            self.assertEqual(3, len(there.uids(f"{parent}/x")))


class InterruptedTests(TreeCase):
    """
    Renames and deletions that are cut off.
    """

    def test_killed(self) -> None:
        """
        Killed before or after any commit.
        """
        for number in count(1):
            scene = self.known("A", "A/x", "B", "C", "D")
            scene.local.rename("A", "T")
            scene.local.rename("B", "A")
            scene.local.rename("T", "B")
            scene.remote.move("C", scene.remote.uids("C")[:1], "INBOX")
            scene.remote.delete("C")
            scene.local.delete("D")
            scene.remote.append("D", b"\r\nnew\r\n")
            code = killedAtCommit(scene, number, after=number % 2 == 0)
            self.syncs(scene)
            self.has(scene, "A", "B", "B/x", "D")
            self.assertEqual(4, len(scene.local.uids("INBOX")))
            self.assertEqual(4, len(scene.local.uids("D")))
            if code == 0:
                break
        self.assertGreater(number, 5)
