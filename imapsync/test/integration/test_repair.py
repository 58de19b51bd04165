"""
Databases that are damaged on purpose, and what C{--repair} makes of them: on Dovecot
and on Cyrus.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from itertools import count
from string import Template

from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.cyrus import dottedCyrus, slashedCyrus
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.ended import killedAtCommit
from imapsync.test.integration.scene import Run, Scene, SceneCase
from imapsync.test.integration.server import Server
from imapsync.test.integration.test_cyrus import plain

#: Without a Message-ID, and of one size.
BARE = [Mail(b"From: a\r\nSubject: scan\r\n\r\n%d\r\n" % n) for n in range(10, 16)]

_RECOUNT = (
    "UPDATE mailbox SET pairs ="
    " (SELECT count(*) FROM pair WHERE pair.mailbox = mailbox.id)"
)


def _exchange(first: int, second: int) -> tuple[str, ...]:
    """
    Two entries of INBOX get each other's remote message.
    """
    set_ = "UPDATE pair SET remote = {} WHERE mailbox = $INBOX AND remote = {}"
    spare = 4_000_000_000
    return (
        set_.format(spare, first),
        set_.format(first, second),
        set_.format(second, spare),
    )


#: What is damaged, how, and of which kinds the anomalies are then.
DAMAGES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "entries missing": (
        ("DELETE FROM pair WHERE local % 3 = 1", _RECOUNT),
        "messages without an entry",
    ),
    "all entries missing": (
        ("DELETE FROM pair", _RECOUNT),
        "messages without an entry",
    ),
    "crosswise": (
        (*_exchange(1, 2), *_exchange(3, 9), *_exchange(31, 34)),
        "entries of two messages, 6 messages without an entry",
    ),
    "doubled": (
        (
            "DROP INDEX pair_remote",
            "UPDATE pair SET remote = 3 WHERE mailbox = $INBOX AND remote < 7",
        ),
        "6 rows that mean nothing, 6 messages without an entry",
    ),
    "past the end": (
        ("UPDATE pair SET remote = remote + 100000 WHERE local < 4",),
        "entries without a message",
    ),
    "at nothing": (
        (
            "INSERT INTO pair VALUES ($INBOX, 90001, 90002, 1, NULL, NULL, NULL)",
            _RECOUNT,
        ),
        "1 entry without a message",
    ),
    "marks too high": (
        ("UPDATE mailbox SET local_uidnext = 90000, remote_modseq = 1 << 50",),
        "wrong marks",
    ),
    "marks too low": (
        ("UPDATE mailbox SET local_uidnext = 2, remote_modseq = 1",),
        "wrong marks",
    ),
    "no marks": (
        ("UPDATE mailbox SET local_uidvalidity = NULL",),
        "2 rows that mean nothing, 2 wrong UIDVALIDITYs",
    ),
    "agreed flags": (
        (
            "INSERT OR IGNORE INTO flags (text) VALUES ('Odd \\Flagged')",
            "UPDATE pair SET flags = (SELECT max(id) FROM flags)",
        ),
        "entries with wrong flags",
    ),
    "no flags": (
        ("PRAGMA foreign_keys = OFF", "DELETE FROM flags"),
        "rows that mean nothing",
    ),
    "keys missing": (
        ("UPDATE pair SET key = NULL, size = NULL, stamp = NULL",),
        "wrong content keys",
    ),
    "keys wrong": (
        ("UPDATE pair SET key = zeroblob(16), stamp = 5 WHERE local % 2",),
        "wrong content keys",
    ),
    "UIDVALIDITY": (
        ("UPDATE mailbox SET remote_uidvalidity = remote_uidvalidity + 1",),
        "wrong UIDVALIDITYs",
    ),
    "identities": (
        (
            "UPDATE mailbox SET local_identity = (SELECT local_identity FROM mailbox"
            " WHERE name = 'INBOX'), remote_identity = (SELECT remote_identity FROM"
            " mailbox WHERE name = 'INBOX')",
        ),
        "2 wrong identities",
    ),
    "a mailbox missing": (
        (
            "DELETE FROM pair WHERE mailbox = $Work",
            "DELETE FROM mailbox WHERE id = $Work",
        ),
        "1 unknown mailbox",
    ),
    "a mailbox too many": (
        ("INSERT INTO mailbox (name, subscribed) VALUES ('Nowhere', 1)",),
        "1 mailbox on neither side",
    ),
    "counts": (
        ("UPDATE mailbox SET local_strays = 3, remote_strays = -2",),
        "wrong counts",
    ),
    "leftovers": (
        (
            "INSERT INTO postponed (mailbox, side, uid) VALUES ($INBOX, 'local', 1)",
            "INSERT INTO foretold VALUES ($Work, 'remote', 9, NULL)",
            "INSERT INTO copying VALUES ($INBOX, 'local', 70000, 80000)",
        ),
        "leftovers without a reason",
    ),
    "subscriptions": (
        ("UPDATE mailbox SET subscribed = 1 - subscribed",),
        "subscriptions",
    ),
    "everything": (
        (
            "DELETE FROM postponed",
            "DELETE FROM pair",
            "DELETE FROM mailbox",
            "DELETE FROM owner",
            "DELETE FROM flags",
            "DELETE FROM meta",
        ),
        "1 row that means nothing, 2 unknown mailboxes",
    ),
}


class RepairCase(SceneCase):
    """
    Two accounts that are in step.
    """

    timeout = 900

    def synced(self, local: Server, remote: Server) -> Scene:
        """
        Some messages on either side, in two mailboxes.
        """
        scene = self.scene(local, remote)
        for account, seed in zip(scene.accounts, (1, 2), strict=True):
            account.fill("INBOX", plain(15, seed))
        scene.local.create("Work")
        scene.local.subscribe("Work")
        scene.local.fill("Work", plain(5, 3))
        scene.remote.fill("INBOX", BARE)
        scene.remote.store("INBOX", [1, 5], "+FLAGS (\\Seen Blue)")
        self.syncs(scene)
        return scene

    def damage(self, scene: Scene, *statements: str) -> None:
        """
        Change the database.
        """
        with closing(sqlite3.connect(scene.database)) as database, database:
            ids = dict(database.execute("SELECT name, id FROM mailbox"))
            for statement in statements:
                database.execute(Template(statement).substitute(ids))

    def repair(self, scene: Scene, code: int, *arguments: str) -> Run:
        """
        Repair; it must end with C{code}.
        """
        run = scene.order("--repair", *arguments)
        self.assertEqual(code, run.code, run.output + run.tail)
        self.assertNotIn("Traceback", run.errors)
        return run

    def isSound(self, scene: Scene) -> None:
        """
        A repair would find nothing, and a sync does nothing.
        """
        run = self.repair(scene, 0, "--dry-run")
        self.assertEqual("No anomalies.\n", run.output)
        self.isIdle(scene)

    def counts(self, run: Run) -> int:
        """
        The last line tells how many anomalies there were, each on a line before.
        """
        *lines, last = run.output.splitlines()
        found = re.match(r"(\d+) anomal", last)
        assert found is not None, run.output
        rows = [re.match(r"database: (\d+) rows? of ", line) for line in lines]
        told = sum(int(one[1]) if one else 1 for one in rows)
        self.assertEqual(int(found[1]), told, run.output)
        return told


class DamageTests(RepairCase):
    """
    Each kind of damage.
    """

    def test_dovecot(self) -> None:
        """
        Between Dovecots.
        """
        self.mends(mdboxServer(), maildirServer())

    def test_cyrus(self) -> None:
        """
        Between Cyrus and Dovecot.
        """
        self.mends(slashedCyrus(), mdboxServer())

    def test_cyruses(self) -> None:
        """
        Between two Cyrus servers.
        """
        self.mends(slashedCyrus(), dottedCyrus())

    def mends(self, local: Server, remote: Server) -> None:
        """
        A dry run tells of each and changes nothing; a repair mends it, and nothing is
        lost or doubled.
        """
        scene = self.synced(local, remote)
        self.isSound(scene)
        before = scene.snapshots()
        for name, (statements, told) in DAMAGES.items():
            self.damage(scene, *statements)
            octets = scene.database.read_bytes()
            run = self.repair(scene, 1, "--dry-run", "--debug")
            self.counts(run)
            self.assertIn(told, run.output.splitlines()[-1], f"{name}: {run.output}")
            self.assertEqual({"EXAMINE"}, set(run.commands), name)
            self.assertEqual(octets, scene.database.read_bytes(), name)
            mended = self.repair(scene, 0)
            self.assertEqual(run.output, mended.output, name)
            self.assertEqual(before, scene.snapshots(), name)
            self.isSound(scene)


class MessagesTests(RepairCase):
    """
    Mail that has changed meanwhile, and repairs that are interrupted.
    """

    def changed(self, scene: Scene) -> None:
        """
        Others have changed something on both sides.
        """
        scene.local.fill("INBOX", plain(2, 7))
        scene.remote.fill("Work", plain(3, 8))
        scene.local.expunge("INBOX", [2, 3])
        scene.remote.expunge("INBOX", [5])
        scene.local.store("INBOX", [1], "+FLAGS (\\Flagged)")
        scene.remote.store("Work", [1], "+FLAGS (Mine)")

    def test_changed(self) -> None:
        """
        What is on one side only is on both then, even if it was expunged on the
        other; flags become their union.
        """
        for servers in (mdboxServer, maildirServer), (maildirServer, dottedCyrus):
            scene = self.synced(*(make() for make in servers))
            every = sum(len(scene.local.uids(name)) for name in ("INBOX", "Work"))
            self.changed(scene)
            run = self.repair(scene, 1, "--dry-run")
            new = len(plain(2, 7)) + len(plain(3, 8))
            self.says(
                run.output,
                *("3 entries without a message", "2 messages with two sets of flags"),
                f"{3 + new} messages on one side only",
            )
            self.repair(scene, 0)
            self.assertEqual([], scene.differences())
            now = [len(scene.local.uids(name)) for name in ("INBOX", "Work")]
            self.assertEqual(every + new, sum(now))
            self.isSound(scene)

    def test_deleted(self) -> None:
        """
        A mailbox that is gone from one side is made again there, and filled.
        """
        scene = self.synced(slashedCyrus(), maildirServer())
        before = scene.local.messages("Work")
        scene.remote.delete("Work")
        run = self.repair(scene, 0)
        self.assertIn("Work: remote: it is on local only", run.output)
        self.assertEqual([], scene.differences())
        self.assertEqual(before, scene.local.messages("Work"))
        self.isSound(scene)

    def test_killed(self) -> None:
        """
        A repair that is killed at any commit is followed by one that finds the rest,
        or by a sync that does.
        """
        scene = self.synced(mdboxServer(), maildirServer())
        before = scene.snapshots()
        for number in count(1):
            again = number % 2 == 0
            self.damage(
                scene,
                "DELETE FROM pair WHERE local = 4",
                "UPDATE pair SET remote = remote + 9999 WHERE local < 3",
                # A sync believes what a repair would not.
                *(_exchange(7, 8) if again else ()),
                "UPDATE mailbox SET remote_uidnext = 4000",
                _RECOUNT,
            )
            after = number % 4 < 2
            code = killedAtCommit(scene, number, after, "--repair")
            if not again:
                self.ends(scene, 0)
                self.assertEqual(before, scene.snapshots(), str(number))
            self.repair(scene, 0)
            self.assertEqual(before, scene.snapshots(), str(number))
            self.isSound(scene)
            if code == 0:
                self.assertGreater(number, 5)
                return
