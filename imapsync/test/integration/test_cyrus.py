"""
Cyrus: our private servers, and what syncs with them have to cope with.
"""

from __future__ import annotations

import hashlib
import re
import signal
import socket
from collections import Counter
from datetime import datetime, timezone
from itertools import count

from twisted.trial.unittest import SynchronousTestCase

from imapsync.test.integration.accounts import CommandFailed, Mail
from imapsync.test.integration.cyrus import (
    Cyrus,
    Settings,
    dottedCyrus,
    slashedCyrus,
)
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.ended import killedAtCommit
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Run, Scene, SceneCase
from imapsync.test.integration.server import PASSWORD, Server, freshUser
from imapsync.test.integration.test_messages import ODD
from imapsync.test.integration.test_moves import large

NOON = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)


class FixtureTests(SynchronousTestCase):
    """
    Servers start, speak, stop and are as their settings say.
    """

    def server(self, settings: Settings) -> Cyrus:
        """
        A server of this test's own.
        """
        server = Cyrus(settings)
        self.addCleanup(server.close)
        return server

    def test_names(self) -> None:
        """
        Names are the same whatever the separator and the prefix; a message and
        what belongs to it is kept.
        """
        user = freshUser()
        for server in dottedCyrus(), slashedCyrus():
            account = server.account(user)
            self.addCleanup(account.close)
            account.create("Work/Größe & so")
            uid = account.append(
                "Work/Größe & so", b"From: a\r\n\r\nhello\r\n", ["\\Seen", "Blue"], NOON
            )
            [message] = account.messages("Work/Größe & so").values()
            digest = hashlib.sha256(b"From: a\r\n\r\nhello\r\n").hexdigest()
            self.assertEqual((1, digest), (uid, message.digest))
            self.assertEqual({"\\seen", "blue"}, message.flags)
            self.assertEqual(NOON, message.date)
            names = {"INBOX", "Work", "Work/Größe & so"}
            self.assertEqual(names, set(account.snapshot().mailboxes))

    def test_restart(self) -> None:
        """
        What was stored is there after a stop and after a kill.
        """
        server = self.server(Settings())
        server.account("user").append("INBOX", b"A: 1\r\n\r\n")
        server.restart()
        server.account("user").append("INBOX", b"A: 2\r\n\r\n")
        server.kill()
        self.assertRaises(OSError, server.account, "user")
        server.restart()
        self.assertEqual([1, 2], server.account("user").uids("INBOX"))

    def test_close(self) -> None:
        """
        A closed server leaves nothing behind.
        """
        server = Cyrus(Settings())
        server.close()
        self.assertFalse(server.directory.exists())
        self.assertRaises(OSError, server.account, "user")

    def test_settings(self) -> None:
        """
        It can refuse what is too big, and 8-bit headers; by default it changes
        those.
        """
        odd = "Subject: Été\r\n\r\nx\r\n".encode()
        account = self.server(Settings(munges=False, sizeLimit=1000)).account("user")
        self.assertRaises(CommandFailed, account.append, "INBOX", odd)
        big = b"A: b\r\n\r\n" + b"x" * 1000
        self.assertRaises(CommandFailed, account.append, "INBOX", big)
        account = dottedCyrus().account(freshUser())
        account.append("INBOX", odd)
        [message] = account.messages("INBOX").values()
        changed = b"Subject: XXtXX\r\n\r\nx\r\n"
        self.assertEqual(hashlib.sha256(changed).hexdigest(), message.digest)

    def test_idle(self) -> None:
        """
        One who is in IDLE hears of a new message at once.
        """
        server, user = slashedCyrus(), freshUser()
        account = server.account(user)
        self.addCleanup(account.close)
        with (
            socket.create_connection((server.host, server.port), 20) as connection,
            connection.makefile("rwb", buffering=0) as stream,
        ):
            stream.write(f"a LOGIN {user} {PASSWORD}\r\nb SELECT INBOX\r\n".encode())
            while not stream.readline().startswith(b"b OK"):
                pass
            stream.write(b"c IDLE\r\n")
            self.assertTrue(stream.readline().startswith(b"+"))
            account.append("INBOX", b"A: 1\r\n\r\n")
            self.assertEqual(b"* 1 EXISTS\r\n", stream.readline())

    def test_programs(self) -> None:
        """
        Its programs can be run beside it.
        """
        server, user = slashedCyrus(), freshUser()
        server.account(user).close()
        path = server.run("mbpath", f"user/{user}").strip()
        self.assertTrue(path.startswith(str(server.directory)), path)


def munged(body: bytes) -> bytes:
    """
    What Cyrus makes of a message.
    """
    header, empty, text = body.partition(b"\r\n\r\n")
    return re.sub(rb"[\x80-\xff]", b"X", header) + empty + text


def plain(number: int, seed: int = 1) -> list[Mail]:
    """
    Messages that stay as they are.
    """
    made = mails(number, seed=seed, size=500)
    return [mail for mail in made if mail.body == munged(mail.body)]


def keyed(*numbers: int) -> list[Mail]:
    """
    Small messages, each with a keyword of its own.
    """
    text = "Message-ID: <%d@example>\r\n\r\nText\r\n"
    return [Mail((text % n).encode(), [f"K{n}", "\\Flagged"], NOON) for n in numbers]


class MessagesTests(SceneCase):
    """
    Messages and what belongs to them.
    """

    def test_odd(self) -> None:
        """
        Odd messages go over as far as Cyrus takes them: with X for 8-bit octets
        in a header, which do not keep them from being recognised.  What it
        refuses is named, and tried again.
        """
        refused = (b"x", b"x\r\n", b"Subject: no empty line")
        lineless = (b"no header", b": no name")
        # Dovecot changes others.
        odd = [
            body for body in ODD if not set(body.replace(b"\r\n", b"")) & set(b"\0\r\n")
        ]
        taken = [
            munged(body)
            for body in odd
            if body not in refused and not body.startswith(lineless)
        ]
        ours = "Subject: Été\r\n\r\nÉté\r\n".encode()
        scene = self.scene(remoteServer=dottedCyrus())
        scene.local.fill("INBOX", map(Mail, odd))
        scene.remote.append("INBOX", ours)
        for _ in range(2):
            run = self.ends(scene, 1)
            self.assertEqual(5, run.errors.count("invalid header"), run.tail)
        self.holds(scene.remote, "INBOX", [*taken, munged(ours)])
        self.assertEqual(len(odd) + 1, len(scene.local.uids("INBOX")))
        scene.database.unlink()
        run = self.ends(scene, 1, "--debug")
        self.assertEqual(0, run.appended)
        self.assertIn(f"{len(taken) + 1} paired by content", run.errors)

    def test_changes(self) -> None:
        """
        Two filled accounts, then changes of every kind on both sides; dates in
        far-off years stay.
        """
        for local, remote in (
            (mdboxServer(), dottedCyrus()),
            (slashedCyrus(), maildirServer()),
        ):
            scene = self.scene(local, remote)
            for account, seed in zip(scene.accounts, (2, 3), strict=True):
                account.fill("INBOX", [*plain(20), *plain(10, seed)])
                account.create(f"Work/{seed}")
                account.fill(f"Work/{seed}", plain(5 * seed, seed + 2))
                account.subscribe(f"Work/{seed}")
            for year in 1970, 1999:
                date = datetime(year, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
                scene.local.append("INBOX", b"A: %d\r\n\r\n" % year, date=date)
            run = self.syncs(scene)
            self.assertIn("paired by content", run.errors)
            for account, first in zip(scene.accounts, (0, 10), strict=True):
                uids = account.uids("INBOX")[first : first + 8]
                account.store("INBOX", uids[:3], "FLAGS (\\Seen $Odd&Key wOrK)")
                account.store("INBOX", uids[2:5], "-FLAGS (WORK \\Seen)")
                account.expunge("INBOX", uids[5:])
                account.fill("Work/2", plain(5, first + 10))
                account.unsubscribe(f"Work/{2 + first // 10}")
            self.syncs(scene)

    def test_keywords(self) -> None:
        """
        Cyrus has room for a hundred keywords in a mailbox, and crashes when one
        APPEND has too many: all messages are there in the end, those with
        keywords too many are named, and nothing is lost where it came from.
        """
        self.needs("UIDPLUS")
        scene = self.scene(remoteServer=dottedCyrus())
        scene.local.fill("INBOX", keyed(*range(70)))
        self.syncs(scene)
        scene.local.fill("INBOX", keyed(*range(70, 104)))
        scene.local.store("INBOX", [1], "+FLAGS (One Two)")
        before = scene.local.messages("INBOX")
        run = self.ends(scene, 1)
        self.assertIn("Too many user flags", run.errors)
        self.assertEqual(104, len(scene.remote.uids("INBOX")))
        self.assertEqual(before, scene.local.messages("INBOX"))
        # MOVE drops what there is no room for, and says OK.
        scene.local.create("Box")
        scene.local.fill("Box", keyed(200))
        self.ends(scene, 1)
        moved = scene.local.move("Box", [1], "INBOX")
        run = self.ends(scene, 1)
        self.assertIn("1 moved on remote", run.errors)
        self.assertIn("would not change K200", run.errors)
        self.assertIn("k200", scene.local.messages("INBOX")[moved[0]].flags)

    def test_killed(self) -> None:
        """
        A run that is killed, at each commit in turn, is taken up by the next.
        """
        scene = self.scene(slashedCyrus(), mdboxServer())
        for number in count(1):
            held, gone = set(), set()
            for account, seed in zip(scene.accounts, (1, 2), strict=True):
                account.fill("INBOX", large(4, 100 * number + seed))
                found = account.messages("INBOX")
                held |= {one.digest for one in found.values()}
                gone |= {found[uid].digest for uid in list(found)[:2]}
                account.expunge("INBOX", list(found)[:2])
                account.store("INBOX", list(found)[2:4], f"FLAGS (K{number})")
            code = killedAtCommit(scene, number // 2 + 1, after=bool(number % 2))
            self.assertIn(code, (0, -signal.SIGKILL))
            self.syncs(scene)
            left = {one.digest for one in scene.local.messages("INBOX").values()}
            self.assertEqual(held - gone, left)
            if code == 0:
                break
        self.assertGreater(number, 6)


class MovesTests(SceneCase):
    """
    Messages that go from one mailbox to another.
    """

    def test_moves(self) -> None:
        """
        Moves and copies are followed in either direction, with flags that were
        changed as well, and no message is sent.
        """
        self.needs("UIDPLUS")
        for local, remote in (
            (mdboxServer(), dottedCyrus()),
            (slashedCyrus(), dottedCyrus()),
        ):
            scene = self.scene(local, remote)
            scene.local.fill("INBOX", large(30, 100))
            scene.local.create("Été/2024")
            self.syncs(scene)
            for account, first in zip(scene.accounts, (0, 10), strict=True):
                uids = account.uids("INBOX")[first : first + 10]
                account.store("INBOX", uids[:2], "FLAGS (\\Seen $Before)")
                new = account.move("INBOX", uids[:6], "Été/2024")
                account.store("Été/2024", new[1:3], "FLAGS (\\Flagged After)")
                account.copy("INBOX", uids[7:9], "Été/2024")
            run = self.syncs(scene, "--debug")
            self.assertNotIn("APPEND", run.commands)
            for side in "local", "remote":
                sent = run.sentTo(side)
                self.assertEqual((1, 1), (sent["UID MOVE"], sent["UID COPY"]))
                self.assertIn(f"6 moved on {side}", run.errors)

    def test_further(self) -> None:
        """
        What is copied into one mailbox after another is the same in all, as Cyrus tells
        (EMAILID): the other server copies it each time.
        """
        scene = self.scene(mdboxServer(), dottedCyrus())
        scene.local.fill("INBOX", large(5, 100))
        names = "A", "B", "C"
        for name in names:
            scene.local.create(name)
        self.syncs(scene)
        for name in names:
            scene.remote.copy("INBOX", scene.remote.uids("INBOX")[:3], name)
            run = self.syncs(scene, "--debug")
            self.assertNotIn("APPEND", run.commands)
            self.assertEqual(1, run.sentTo("local")["UID COPY"])


class TreeTests(SceneCase):
    """
    Mailboxes that are renamed and deleted.
    """

    #: Either kind of Cyrus, on either side.
    servers = (
        (mdboxServer, dottedCyrus),
        (slashedCyrus, maildirServer),
    )

    def known(self, local: Server, remote: Server) -> Scene:
        """
        Accounts with mailboxes.  Cyrus gives all that it makes in one second the
        same UIDVALIDITY.
        """
        scene = self.scene(local, remote)
        for number, name in enumerate(("Work", "Work/Deep", "Twin", "Other twin")):
            scene.local.create(name)
            scene.local.fill(name, large(3, 100 + number))
        self.ends(scene, 0)
        self.assertEqual([], scene.differences())
        return scene

    def follows(self, scene: Scene) -> Run:
        """
        All is followed by one run, and no message is sent.
        """
        run = self.ends(scene, 0, "--debug")
        self.assertEqual([], scene.differences(), run.tail)
        self.assertEqual(0, run.appended)
        self.assertNotIn("paired by content", run.errors)
        run = self.ends(scene, 0, "--debug")
        # Twins that changed places would look as they did before.
        self.assertLessEqual(set(run.commands), {"EXAMINE"}, run.tail)
        return run

    def test_renames(self) -> None:
        """
        In both directions: with what is below, to a name from which another
        mailbox has gone, and of two that change places.
        """
        self.needs("OBJECTID")
        for local, remote in self.servers:
            scene = self.known(local(), remote())
            old = "Work"
            for number, account in enumerate(scene.accounts):
                twins = [account.messages(name) for name in ("Twin", "Other twin")]
                account.rename("Twin", "Third")
                account.rename("Other twin", "Twin")
                account.rename("Third", "Other twin")
                new = f"Neu {number}"
                account.rename(old, new)
                account.create(old)
                self.follows(scene)
                held = scene.accounts[1 - number].snapshot().mailboxes
                self.assertEqual(Counter(twins[0].values()), held["Other twin"])
                self.assertEqual(Counter(twins[1].values()), held["Twin"])
                self.assertEqual(3, held[f"{new}/Deep"].total())
                self.assertEqual(0, held[old].total())
                old = new

    def test_deletions(self) -> None:
        """
        In both directions.  One that Cyrus keeps, because of what is below, is
        emptied.
        """
        self.needs("LIST-EXTENDED")
        for local, remote in self.servers:
            scene = self.known(local(), remote())
            for account, name in zip(
                scene.accounts, ("Twin", "Other twin"), strict=True
            ):
                account.delete(name)
                self.follows(scene)
                self.assertNotIn(name, scene.local.snapshot().mailboxes)
                self.assertNotIn(name, scene.remote.snapshot().mailboxes)
            dovecot = scene.accounts[local is slashedCyrus]
            dovecot.delete("Work")
            self.follows(scene)
            self.assertEqual(3, len(scene.local.uids("Work/Deep")))
            self.assertEqual([], scene.local.uids("Work"))


class NamesTests(SceneCase):
    """
    What mailboxes are called.
    """

    #: What both servers can have, wherever the separators are.
    names = (
        *(
            "with spaces  in it",
            "a & b &- c",
            "&",
            "*",
            "#news",
            "NIL",
            "-",
            "😀 emoji",
        ),
        *("Grüße/日本語/Ελλάς", "INBOX/sub", "Inbox2", "user/other"),
    )
    #: What Cyrus refuses.
    refused = ("100%", 'a "quoted" one', "back\\slash", "{x}", "x!", "INBOX/INBOX")

    def test_names(self) -> None:
        """
        Whether Cyrus separates levels by C{.} or C{/}, and whether all are below
        INBOX: names are carried over.  Those that Cyrus cannot have are named,
        and the others go on.
        """
        for cyrus, more in (
            (dottedCyrus(), ("dot.in it",)),
            (slashedCyrus(), ("^",)),
        ):
            scene = self.scene(mdboxServer(), cyrus)
            for number, name in enumerate(self.names):
                account = scene.accounts[number % 2]
                account.create(name)
                account.fill(name, keyed(*range(number + 1)))
            self.syncs(scene)
            held = scene.remote.snapshot().mailboxes
            self.assertLessEqual(set(self.names), set(held))
            for name in *self.refused, *more, "Fine":
                scene.local.create(name)
                scene.local.fill(name, keyed(1))
            run = self.ends(scene, 1)
            for name in *self.refused, *more:
                self.assertIn(f"error: {name}: ", run.errors)
            held = scene.remote.snapshot().mailboxes
            self.assertEqual(1, held["Fine"].total())
            self.assertFalse({*self.refused, *more} & set(held))

    def test_dots(self) -> None:
        """
        Where C{.} does not separate levels, it can be in a name.
        """
        scene = self.scene(mdboxServer(), slashedCyrus())
        scene.remote.create("v1.2/a..b")
        scene.remote.fill("v1.2/a..b", keyed(1))
        scene.local.create("user.x")
        self.syncs(scene)
