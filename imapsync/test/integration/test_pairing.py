"""
Messages that both sides hold already are paired by content, not copied.
"""

from __future__ import annotations

import random
from datetime import datetime, timezone

from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.dovecot import Dovecot, maildirServer, mdboxServer
from imapsync.test.integration.messages import mails, messages
from imapsync.test.integration.scene import Run, Scene, SceneCase


class PairingCase(SceneCase):
    """
    Counts what is copied.
    """

    def pairs(self, scene: Scene, copied: int = 0) -> Run:
        """
        A run makes both sides equal and copies just so many messages; without UIDPLUS,
        some of these count as paired by content.
        """
        run = self.syncs(scene, "--debug")
        if self.offers("UIDPLUS") or not copied:
            self.assertEqual(copied, run.appended, run.tail)
        return run


class FilledTests(PairingCase):
    """
    Two filled accounts that were never synced.
    """

    def test_equal(self) -> None:
        """
        Equal accounts: nothing is copied, no flag is set, whatever the order
        of the messages; and then they are in step.
        """
        scene = self.scene()
        sent = list(mails(80))
        for account in scene.accounts:
            for mailbox in ("INBOX", "Work"):
                if mailbox != "INBOX":
                    account.create(mailbox)
                random.Random(id(account)).shuffle(sent)
                account.fill(mailbox, sent)
        run = self.ends(scene, 0, "--debug")
        self.assertEqual(0, run.sentTo("local")["APPEND"], run.tail)
        self.assertEqual(0, run.sentTo("remote")["APPEND"])
        self.assertIn("paired by content", run.errors)
        for account in scene.accounts:
            self.holds(account, "INBOX", [mail.body for mail in sent])
        self.isIdle(scene)
        scene.local.expunge("INBOX", scene.local.uids("INBOX")[:3])
        self.ends(scene, 0)
        self.assertEqual(77, len(scene.remote.uids("INBOX")))

    def test_inOrder(self) -> None:
        """
        Equal accounts with equal flags: no command changes anything.
        """
        self.needs("X-GUID")
        scene = self.scene()
        for account in scene.accounts:
            account.fill("INBOX", mails(60))
        run = self.pairs(scene)
        self.assertEqual({"SELECT"}, set(run.commands))

    def test_partly(self) -> None:
        """
        Only what is missing is copied.
        """
        scene = self.scene()
        scene.local.fill("INBOX", [*mails(30), *mails(5, seed=2)])
        scene.remote.fill("INBOX", [*mails(7, seed=3), *mails(30)])
        self.pairs(scene, 12)

    def test_duplicates(self) -> None:
        """
        Three equal messages here and five there become five; four and four
        stay four.
        """
        scene = self.scene()
        one, other, third = messages(3)
        scene.local.fill("INBOX", [dated(one)] * 3 + [dated(other)] * 4)
        scene.remote.fill(
            "INBOX", [dated(other)] * 4 + [dated(one)] * 5 + [dated(third)]
        )
        self.pairs(scene, 3)
        self.holds(scene.local, "INBOX", [one] * 5 + [other] * 4 + [third])

    def test_alike(self) -> None:
        """
        Messages with the same header and size, and different bodies, are
        different messages: with and without Message-ID, and empty ones too.
        """
        headers = (
            b"Subject: Scan\r\n\r\n",
            b"Message-ID: <same@example>\r\n\r\n",
            b"\r\n",
        )
        scene = self.scene()
        ours = [head + b"%d\r\n" % n for head in headers for n in range(10, 20)]
        theirs = [head + b"%d\r\n" % n for head in headers for n in range(15, 25)]
        scene.local.fill("INBOX", map(dated, ours))
        scene.remote.fill("INBOX", map(dated, reversed(theirs)))
        self.pairs(scene, 2 * 15)
        self.holds(scene.local, "INBOX", set(ours + theirs))

    def test_flags(self) -> None:
        """
        Both get the union of the flags.
        """
        scene = self.scene()
        sent = list(messages(4))
        scene.local.fill("INBOX", [dated(body, "\\Seen", "Mine") for body in sent])
        scene.remote.fill("INBOX", [dated(body, "\\Flagged") for body in sent])
        self.pairs(scene)
        for account in scene.accounts:
            found = account.messages("INBOX").values()
            flags = {"\\seen", "\\flagged", "mine"}
            self.assertEqual([flags] * 4, [each.flags for each in found])

    def test_other(self) -> None:
        """
        A copy in another mailbox is no pair.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(5))
        scene.remote.create("Other")
        scene.remote.fill("Other", mails(5))
        self.pairs(scene, 10)


class LostDatabaseTests(PairingCase):
    """
    Accounts that were synced, with a database that is gone.
    """

    def test_deleted(self) -> None:
        """
        Nothing is copied, doubled or deleted; a message expunged meanwhile
        comes back rather than taking its copy along.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(50))
        scene.remote.create("Work")
        scene.remote.fill("Work", mails(20, seed=2))
        self.ends(scene, 0)
        scene.database.unlink()
        self.pairs(scene)
        scene.database.unlink()
        scene.local.expunge("INBOX", scene.local.uids("INBOX")[-2:])
        self.pairs(scene, 2)

    def test_old(self) -> None:
        """
        A database from a backup: what was synced since is paired.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(20))
        self.ends(scene, 0)
        backup = scene.database.read_bytes()
        scene.local.fill("INBOX", mails(20, seed=2))
        scene.remote.fill("INBOX", mails(10, seed=3))
        scene.local.expunge("INBOX", scene.local.uids("INBOX")[:5])
        scene.remote.store("INBOX", scene.remote.uids("INBOX")[6:9], "FLAGS (Red)")
        self.ends(scene, 0)
        scene.database.write_bytes(backup)
        self.pairs(scene)


class RenumberedTests(PairingCase):
    """
    A server whose UIDs mean something else now.
    """

    def filled(self) -> Scene:
        """
        Two equal accounts.
        """
        scene = self.scene()
        for mailbox in ("INBOX", "Work"):
            if mailbox != "INBOX":
                scene.local.create(mailbox)
            scene.local.fill(mailbox, mails(40))
        self.ends(scene, 0)
        return scene

    def test_uidvalidity(self) -> None:
        """
        A changed UIDVALIDITY, on one side or on both: all messages are paired
        again.
        """
        scene = self.filled()
        local, remote = mdboxServer(), maildirServer()
        for number, servers in enumerate([[local], [remote], [local, remote]], 1000):
            for server in servers:
                update(scene, server, "Work", "--uid-validity", str(number))
            run = self.pairs(scene)
            self.says(run.errors, "Work", "UIDVALIDITY")

    def test_changed(self) -> None:
        """
        What happened meanwhile is not forgotten: flags go over, new messages
        are copied; and nothing is deleted.
        """
        scene = self.filled()
        update(scene, maildirServer(), "Work", "--uid-validity", "1234567890")
        scene.local.expunge("Work", scene.local.uids("Work")[:2])
        scene.local.store("Work", scene.local.uids("Work")[5:8], "+FLAGS (Red)")
        scene.remote.fill("Work", mails(3, seed=2))
        self.pairs(scene, 5)

    def test_again(self) -> None:
        """
        A mailbox that was deleted and made anew is filled, and does not empty
        the other side.
        """
        scene = self.filled()
        scene.remote.delete("Work")
        scene.remote.create("Work")
        self.pairs(scene, 40)
        scene.local.delete("Work")
        scene.local.create("Work")
        scene.local.fill("Work", mails(7, seed=2))
        self.pairs(scene, 47)

    def test_lostIndex(self) -> None:
        """
        An mdbox whose index is lost looks empty, and is no deletion.
        """
        scene = self.filled()
        home = scene.localServer.directory / "mail" / scene.user
        for index in home.glob("mail/mailboxes/Work/dbox-Mails/dovecot.index*"):
            index.unlink()
        scene.reconnect()
        self.ends(scene, 0)
        self.assertEqual([], scene.differences())
        self.assertEqual(40, len(scene.remote.uids("Work")))

    def test_modseqWentBack(self) -> None:
        """
        A maildir whose index is lost counts mod-sequences anew: what was
        expunged, added or flagged there meanwhile is found all the same.
        """
        scene = self.filled()
        for number in range(20):  # so that the mod-sequence is high
            sign = "+-"[number % 2]
            scene.remote.store("INBOX", [1], f"{sign}FLAGS (Often)")
        self.ends(scene, 0)
        scene.remote.expunge("INBOX", [3, 4])
        scene.remote.store("INBOX", [7], "FLAGS (\\Flagged \\Draft)")
        home = scene.remoteServer.directory / "mail" / scene.user / "mail"
        for index in home.glob("dovecot.index*"):
            index.unlink()
        scene.reconnect()
        scene.remote.fill("INBOX", mails(2, seed=2))
        status = maildirServer().doveadm(
            "mailbox", "status", "-u", scene.user, "highestmodseq", "INBOX"
        )
        self.assertLess(int(status.partition("=")[2]), 20)
        self.pairs(scene, 2)
        self.assertEqual(40, len(scene.local.uids("INBOX")))
        self.assertNotIn(3, scene.local.uids("INBOX"))

    def test_modseqWentUp(self) -> None:
        """
        Mod-sequences and UIDs near their ends.
        """
        scene = self.filled()
        for server in (mdboxServer(), maildirServer()):
            update(scene, server, "Work", "--min-next-uid", "4294960000")
            highest = str(2**63 - 10_000)
            update(scene, server, "Work", "--min-highest-modseq", highest)
        scene.local.fill("Work", mails(10, seed=2))
        scene.remote.fill("Work", mails(10, seed=3))
        scene.remote.store("Work", [4294960001], "+FLAGS (High)")
        self.syncs(scene)
        self.assertEqual(4294960019, scene.local.uids("Work")[-1])
        scene.local.expunge("Work", [4294960001, 2])
        scene.local.store("Work", [4294960003, 3], "+FLAGS (Higher)")
        self.syncs(scene)
        self.assertEqual(58, len(scene.remote.uids("Work")))


class OtherProgramsTests(PairingCase):
    """
    Others have been at work between two runs.
    """

    def test_copiedByHand(self) -> None:
        """
        A user who copied new mail to the other side by hand gets no copies.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(20))
        self.ends(scene, 0)
        for account in scene.accounts:
            account.fill("INBOX", map(dated, messages(15, seed=2)))
        scene.local.fill("INBOX", mails(3, seed=3))
        self.pairs(scene, 3)

    def test_reverted(self) -> None:
        """
        A message that was expunged and put back is a new one.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(5))
        self.ends(scene, 0)
        [body, *_] = messages(5)
        scene.local.expunge("INBOX", [1])
        scene.local.append("INBOX", body)
        self.pairs(scene, 1)


def dated(body: bytes, *flags: str) -> Mail:
    """
    A message that always came at the same time.
    """
    return Mail(body, flags, datetime(2020, 5, 4, tzinfo=timezone.utc))


def update(scene: Scene, server: Dovecot, mailbox: str, *options: str) -> None:
    """
    Change what Dovecot keeps about a mailbox.
    """
    server.doveadm("mailbox", "update", "-u", scene.user, *options, mailbox)
    scene.reconnect()
