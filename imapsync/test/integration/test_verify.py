"""
Two accounts on real servers are compared, and nothing is changed in them.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from twisted.internet.threads import deferToThread

from imapsync.test.fakes.schema import complaints
from imapsync.test.integration.accounts import Mail, Snapshot
from imapsync.test.integration.cyrus import dottedCyrus
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Run, Scene, SceneCase
from imapsync.test.integration.server import Server
from imapsync.test.integration.test_live import LiveCase
from imapsync.test.integration.test_messages import ODD

NOON = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)

#: An account: what is in it, and what STATUS tells of each mailbox.
State = tuple[Snapshot, dict[str, bytes]]


class VerifyCase(SceneCase):
    """
    Comparisons.
    """

    def verify(self, scene: Scene, code: int, *arguments: str) -> Run:
        """
        Compare both accounts: it must end with C{code}, and have changed nothing.
        """
        before = states(scene)
        run = scene.order(*(arguments or ("--verify",)))
        self.assertEqual(code, run.code, run.tail + run.output)
        self.assertEqual(before, states(scene))
        return run


def states(scene: Scene) -> list[State]:
    """
    How both accounts are; even C{\\Recent} and mod-sequences.
    """
    found = []
    for account in scene.accounts:
        # The status first: what comes then is no business of the program's.
        names = account.snapshot().mailboxes
        status = {name: account.state(name) for name in names}
        found.append((account.snapshot(), status))
    return found


class EqualTests(VerifyCase):
    """
    What a sync calls equal, is.
    """

    def equal(self, local: Server, remote: Server, odd: tuple[bytes, ...]) -> None:
        """
        After a sync, nothing differs: not with a database, nor without.
        """
        scene = self.scene(local, remote)
        scene.local.fill("INBOX", mails(40))
        scene.remote.fill("INBOX", mails(20, seed=2))
        scene.remote.create("Été/Deep & down")
        scene.remote.fill("Été/Deep & down", mails(5, seed=3))
        scene.remote.subscribe("Été/Deep & down")
        scene.local.fill("INBOX", map(Mail, odd))
        scene.sync()
        self.isIdle(scene)
        scene.database.unlink()
        for way in "--verify", "--verify=content":
            run = self.verify(scene, 0, way, "--debug")
            self.assertIn("Equal: ", run.output)
            for side in "local", "remote":
                sent = run.sentTo(side)
                self.assertFalse(sent["SELECT"] or sent["UID STORE"])
        self.assertFalse(scene.database.exists())

    def test_dovecot(self) -> None:
        """
        On Dovecots with different stores.
        """
        self.equal(mdboxServer(), maildirServer(), ODD)

    def test_cyrus(self) -> None:
        """
        On Dovecot and Cyrus, which changes 8-bit headers.
        """
        odd = [body for body in ODD if body.startswith(b"Subject: \xe9t\xe9")]
        self.equal(mdboxServer(), dottedCyrus(), tuple(odd))


class DifferenceTests(VerifyCase):
    """
    What another client changes on one side is named.
    """

    def test_differences(self) -> None:
        """
        Each kind of change.
        """
        self.named(maildirServer())

    def test_cyrus(self) -> None:
        """
        The same on Cyrus.
        """
        self.named(dottedCyrus())

    def named(self, remoteServer: Server) -> None:
        """
        Change one side, and see it named.
        """
        scene = self.scene(remoteServer=remoteServer)
        local, remote = scene.accounts
        for number in range(8):
            local.append("INBOX", body(number), ["\\Seen"], NOON)
        local.create("Work")
        local.subscribe("Work")
        self.syncs(scene)
        there = remote.uids("INBOX")
        local.expunge("INBOX", [1])
        remote.store("INBOX", there[1:2], "FLAGS (\\Seen \\Flagged Later)")
        remote.expunge("INBOX", there[2:5])
        remote.append("INBOX", body(2), ["\\Seen"], NOON.replace(day=28))
        remote.append("INBOX", body(3).replace(b"text", b"tixt"), ["\\Seen"], NOON)
        remote.append("INBOX", body(4).replace(b"text", b"texts"), ["\\Seen"], NOON)
        remote.append("INBOX", body(5), ["\\Seen"], NOON)
        remote.create("There")
        remote.unsubscribe("Work")
        now = remote.uids("INBOX")
        size = len(body(0))
        told = f"({size} octets, 2024-02-29T12:00:00Z)"
        named = [
            f"INBOX: UID 2 on local, {there[1]} on remote:"
            " flags (\\Seen) and (Later \\Flagged \\Seen)",
            f"INBOX: UID 3 on local, {now[-4]} on remote:"
            " date 2024-02-29T12:00:00Z and 2024-02-28T12:00:00Z",
            f"INBOX: UID 5 on local, {now[-2]} on remote: size {size} and {size + 1}",
            f"INBOX: only on remote: UID {there[0]} {told}",
            f"INBOX: only on remote: UID {now[-1]} {told}",
            "There: there is no such mailbox on local; on remote it holds 0 messages",
            "Work: subscribed only on local",
            "7 differences, in 3 of 3 mailboxes.",
        ]
        run = self.verify(scene, 1, "--verify", "--quiet")
        self.assertEqual(named, run.output.splitlines())
        run = self.verify(scene, 1, "--verify=content", "--quiet")
        told = f"INBOX: UID 4 on local, {now[-3]} on remote: content"
        named.insert(2, told)
        named[-1] = "8 differences, in 3 of 3 mailboxes."
        self.assertEqual(named, run.output.splitlines())
        run = self.verify(scene, 1, "--verify", "--json")
        [inbox, *_] = document(run)["mailboxes"]
        self.assertEqual(5, inbox["differences"])
        self.assertNotEqual(inbox["local"]["digest"], inbox["remote"]["digest"])

    def test_machines(self) -> None:
        """
        Machines are told of each account in a line of its own, whatever became of it,
        and who the servers are.
        """
        self.needs("ID")
        scene, other = self.scene(), self.scene()
        scene.local.fill("INBOX", mails(2))
        first = document(scene.order("--oneshot", "--json"))
        self.assertEqual(2, first["totals"]["copied"])
        self.assertEqual("Dovecot", first["servers"]["local"]["name"])
        other.configure({"remote": {"port": "1"}})
        run = scene.order("--verify", "--json", f"--config={other.file}")
        lines = [json.loads(line) for line in run.output.splitlines()]
        *each, last = lines
        self.assertEqual([0, 75], sorted(line["exit"] for line in each))
        self.assertEqual(("accounts", 75), (last["kind"], last["exit"]))
        self.assertEqual(75, run.code)


def body(number: int) -> bytes:
    """
    A message.
    """
    return (
        f"Message-ID: <{number}@example.org>\r\nSubject: {number}\r\n\r\n"
        "Some text that is here.\r\n"
    ).encode()


def document(run: Run) -> Any:
    """
    What a run printed.
    """
    [line] = run.output.splitlines()
    found = json.loads(line)
    if wrong := complaints(found):
        raise AssertionError(wrong)
    return found


class LiveTests(LiveCase):
    """
    While another instance is at work.
    """

    async def test_live(self) -> None:
        """
        It neither needs the database, nor calls a difference what is just being
        carried over.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(200))
        alive = await self.started(scene)
        scene.local.fill("INBOX", mails(300, seed=2))
        run = await deferToThread(scene.order, "--verify")
        await alive.equal()
        self.assertEqual(0, run.code, run.output + run.errors)
        self.assertIn("Equal: 500 messages in 1 mailbox.", run.output)
