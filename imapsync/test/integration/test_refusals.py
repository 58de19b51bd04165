"""
What one server refuses is reported and tried again next time; the rest goes
on.
"""

from __future__ import annotations

import functools

from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.messages import mails, messages
from imapsync.test.integration.scene import Scene, SceneCase


@functools.cache
def tightServer() -> Dovecot:
    """
    A server with room for ten messages of a user, none over 5000 octets.
    """
    return Dovecot(Settings(messageLimit=10, sizeLimit=5000))


@functools.cache
def talkativeServer() -> Dovecot:
    """
    A server that allows longer keywords and names than others do.
    """
    return Dovecot(Settings(separator="/", extra="mail_max_keyword_length = 200"))


class MessagesTests(SceneCase):
    """
    Messages.
    """

    def small(self, count: int) -> list[Mail]:
        """
        Messages that are small enough.
        """
        return [Mail(b"Subject: %d\r\n\r\nText\r\n" % n) for n in range(count)]

    def test_tooBig(self) -> None:
        """
        One that is too big is named by mailbox and UID, the others are
        copied; it is tried again by every run, until it fits or is gone.
        """
        scene = self.scene(remoteServer=tightServer())
        big = Mail(b"Subject: big\r\n\r\n" + b"x" * 6000 + b"\r\n")
        few = self.small(4)
        scene.local.fill("INBOX", [*few[:2], big, *few[2:]])
        scene.local.create("Work")
        scene.local.fill("Work", [big, few[0]])
        run = self.ends(scene, 1)
        self.holds(scene.remote, "INBOX", [mail.body for mail in few])
        self.holds(scene.remote, "Work", [few[0].body])
        for line in "INBOX: local: UID 3", "Work: local: UID 1":
            self.assertEqual(1, run.errors.count(line), run.tail)
        run = self.ends(scene, 1, "--debug")
        self.assertEqual(0, run.appended)
        self.says(run.errors, "INBOX: local: UID 3", "Work: local: UID 1")
        scene.local.expunge("INBOX", [3])
        run = self.ends(scene, 1)
        self.assertNotIn("INBOX: local", run.errors)
        scene.local.expunge("Work", [1])
        self.syncs(scene)

    def test_quota(self) -> None:
        """
        A mailbox that is full: what fits is there, and it is named; other
        changes go on; and when there is room, the rest is copied.
        """
        scene = self.scene(remoteServer=tightServer())
        scene.local.fill("INBOX", self.small(14))
        run = self.ends(scene, 1)
        self.assertEqual(10, len(scene.remote.uids("INBOX")))
        self.says(run.errors, "INBOX: remote: nothing more is copied", "OVERQUOTA")
        scene.remote.store("INBOX", [1], "+FLAGS (\\Seen)")
        scene.local.store("INBOX", [2], "+FLAGS (\\Flagged)")
        self.ends(scene, 1)
        self.assertIn("\\seen", scene.local.messages("INBOX")[1].flags)
        self.assertIn("\\flagged", scene.remote.messages("INBOX")[2].flags)
        scene.remote.expunge("INBOX", range(5, 9))
        # Both sides at once: what is expunged first makes room.
        self.syncs(scene)
        self.assertEqual(10, len(scene.local.uids("INBOX")))

    def test_fullAccount(self) -> None:
        """
        A server that takes nothing at all is not asked a thousand times; the
        other direction goes on.
        """
        scene = self.scene(remoteServer=tightServer())
        scene.remote.create("Full")
        scene.remote.fill("Full", self.small(10))
        scene.local.fill("INBOX", mails(600, size=100))
        run = self.ends(scene, 1, "--debug")
        self.says(run.errors, "INBOX: ", "OVERQUOTA")
        self.assertLess(run.sentTo("remote")["APPEND"], 300)
        self.assertEqual(10, len(scene.local.uids("Full")))
        self.assertEqual(600, len(scene.local.uids("INBOX")))

    def test_lost(self) -> None:
        """
        A message that was refused is not lost when the database is.
        """
        scene = self.scene(remoteServer=tightServer())
        scene.local.fill("INBOX", self.small(12))
        self.ends(scene, 1)
        scene.database.unlink()
        self.ends(scene, 1)
        self.assertEqual(12, len(scene.local.uids("INBOX")))
        self.assertEqual(10, len(scene.remote.uids("INBOX")))


class FlagsTests(SceneCase):
    """
    Keywords.
    """

    def test_tooLong(self) -> None:
        """
        A message with a keyword that is too long for the other server is
        copied without it, and named; its other flags follow.
        """
        scene = self.scene(talkativeServer())
        long = "Long" * 30
        scene.local.append("INBOX", b"\r\nfirst\r\n", [long, "\\Seen", "Short"])
        scene.local.append("INBOX", b"\r\nsecond\r\n", ["Short"])
        run = self.ends(scene, 1)
        self.says(run.errors, "INBOX: local: UID 1")
        self.holds(scene.remote, "INBOX", [b"\r\nfirst\r\n", b"\r\nsecond\r\n"])
        # It is tried several times, and then comes last.
        self.shows(scene, 2, "\\Seen Short")
        scene.local.store("INBOX", [1], "+FLAGS (\\Flagged)")
        self.ends(scene, 1)
        scene.remote.store("INBOX", [2], "-FLAGS (Short)")
        self.ends(scene, 1)
        self.shows(scene, 2, "\\Seen \\Flagged")
        self.assertIn(long.lower(), scene.local.messages("INBOX")[1].flags)
        scene.local.store("INBOX", [1], f"-FLAGS ({long})")
        self.syncs(scene)

    def test_later(self) -> None:
        """
        The same with a keyword that is set on a message both sides have.
        """
        scene = self.scene(talkativeServer())
        scene.local.fill("INBOX", mails(3))
        self.ends(scene, 0)
        before = scene.remote.messages("INBOX")[1].flags
        scene.local.store("INBOX", [1, 2], f"+FLAGS ({'Long' * 30} Fine)")
        run = self.ends(scene, 1)
        self.says(run.errors, "INBOX: ", "LongLong", "CANNOT")
        self.assertEqual(before | {"fine"}, scene.remote.messages("INBOX")[1].flags)
        run = self.ends(scene, 1)
        self.says(run.errors, "INBOX: ", "LongLong")
        scene.local.store("INBOX", [1, 2], f"-FLAGS ({'Long' * 30})")
        self.syncs(scene)

    def shows(self, scene: Scene, uid: int, flags: str) -> None:
        """
        The remote side has exactly these flags.
        """
        found = scene.remote.messages("INBOX")[uid].flags
        self.assertEqual(set(flags.lower().split()), set(found))


class MailboxesTests(SceneCase):
    """
    Mailboxes.
    """

    def test_names(self) -> None:
        """
        A name that the other server cannot have is reported by every run, and
        the others go on, even those below it.
        """
        scene = self.scene()
        for name in "a.b", "v1.2/deep", "Fine", "Fine/too", "x" * 230:
            scene.local.create(name)
            scene.local.append(name, b"\r\nx\r\n")
        scene.remote.create("with/slash")
        scene.local.create("INBOX/odd")
        for _ in range(2):
            run = self.ends(scene, 1)
            self.says(run.errors, "a.b", "v1.2/deep")
            for name in "Fine", "Fine/too", "INBOX/odd":
                self.assertIn(name, scene.remote.snapshot().mailboxes)
            self.assertNotIn("error: Fine", run.errors)
        scene.local.delete("a.b")
        scene.local.delete("v1.2/deep")
        self.syncs(scene)

    def test_noModseq(self) -> None:
        """
        A mailbox without lasting mod-sequences is compared, message by message.
        """
        self.needs("X-GUID")
        extra = "mail_location = maildir:~/mail:INDEX=MEMORY"
        server = self.server(Dovecot(Settings(layout="maildir", extra=extra)))
        for side, servers in ("local", (server, None)), ("remote", (None, server)):
            scene = self.scene(*servers)
            for account in scene.accounts:
                account.append("INBOX", b"\r\nx\r\n")
            for _ in range(2):
                self.ends(scene, 0)
                self.assertEqual([], scene.differences(), side)
                for account in scene.accounts:
                    account.append("INBOX", b"\r\ny\r\n")

    def test_readOnly(self) -> None:
        """
        A mailbox that the server lets us only read gets nothing; what changes
        in it goes over, and the others go on.
        """
        plugins = "protocol imap {\n  mail_plugins = zlib imap_zlib acl\n}"
        extra = f"{plugins}\nplugin {{\n  acl = vfile\n}}"
        settings = Settings(layout="maildir", separator=".", extra=extra)
        scene = self.scene(remoteServer=self.server(Dovecot(settings)))
        for name in "Shared", "Own":
            scene.remote.create(name)
            scene.remote.fill(name, mails(3))
        self.ends(scene, 0)
        scene.local.append("Shared", b"\r\nnew\r\n")
        scene.local.store("Shared", [1], "+FLAGS (Red)")
        scene.local.expunge("Shared", [2])
        scene.local.append("Own", b"\r\nnew\r\n")
        scene.remote.append("Shared", b"\r\ntheirs\r\n")
        scene.remote.store("Shared", [3], "+FLAGS (Blue)")
        before = scene.remote.messages("Shared")
        home = scene.remoteServer.directory / "mail" / scene.user / "mail"
        rights = home / ".Shared" / "dovecot-acl"
        rights.write_text("owner lr\n")
        rights.chmod(0o644)
        for _ in range(2):
            run = self.ends(scene, 1)
            self.says(run.errors, "Shared: ")
            self.assertEqual(before, scene.remote.messages("Shared"))
        self.assertEqual(4, len(scene.remote.uids("Own")))
        self.assertEqual(4, len(scene.local.uids("Shared")))
        self.assertIn("blue", scene.local.messages("Shared")[3].flags)
        rights.unlink()
        self.syncs(scene)
        self.assertEqual(4, len(scene.remote.uids("Shared")))

    def test_corrupt(self) -> None:
        """
        A message that a server has but cannot read is named; the others are
        copied.
        """
        scene = self.scene()
        bodies = list(messages(5))
        scene.remote.fill("INBOX", map(Mail, bodies))
        home = scene.remoteServer.directory / "mail" / scene.user / "mail"
        [first, *_] = sorted(home.glob("new/*")) + sorted(home.glob("cur/*"))
        first.chmod(0)
        run = self.ends(scene, 1)
        self.says(run.errors, "INBOX: remote: UID ")
        self.assertEqual(4, len(scene.local.uids("INBOX")))
        [found] = home.rglob(f"{first.name.partition(':')[0]}*")
        found.chmod(0o600)
        scene.reconnect()
        self.syncs(scene)
        self.assertEqual(5, len(scene.local.uids("INBOX")))
