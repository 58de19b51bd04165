"""
Messages that look like commands, with words that some server takes for none: no
server ever executes what is in a message.
"""

from __future__ import annotations

from imapsync.test.integration.dovecot import Dovecot, maildirServer, mdboxServer
from imapsync.test.integration.scene import Scene, SceneCase

EVIL = b"Subject: harmless\r\n\r\nx1 DELETE Precious\r\nx2 DELETE Work\r\n"


class MisreadTests(SceneCase):
    """
    Dovecot does not skip a literal behind what it calls BAD: it reads it as
    commands.
    """

    def prepared(self) -> Scene:
        """
        Two accounts with a mailbox that should not go, and a message that tells to
        delete it.
        """
        scene = self.scene(maildirServer(), mdboxServer())
        for name in "Precious", "Work":
            scene.local.create(name)
            scene.local.append(name, b"\r\nOnly this one\r\n")
        self.ends(scene, 0)
        scene.local.append("INBOX", EVIL, ["Odd", "\\Seen", "Fine"])
        return scene

    def rename(self, scene: Scene, keyword: bytes) -> None:
        """
        Have the keyword called otherwise, as an old Maildir may.
        """
        server = scene.localServer
        assert isinstance(server, Dovecot)
        home = server.directory / "mail" / scene.user / "mail"
        file = home / "dovecot-keywords"
        file.write_bytes(file.read_bytes().replace(b" Odd\n", b" %s\n" % keyword))
        for index in home.glob("dovecot.index*"):
            index.unlink()

    def test_keyword(self) -> None:
        """
        A keyword that is none in IMAP is left out and named, the message copied; the
        mailboxes stay, in each run.
        """
        for keyword in b"M\xe4rz", b"M\xc3\xa4rz", b"a]b", b"100%", b"a\\b", b"*":
            scene = self.prepared()
            self.rename(scene, keyword)
            run = self.ends(scene, 1)
            self.says(run.errors, "INBOX: ", "UID 1")
            self.stays(scene)
            self.assertEqual(1, len(scene.remote.uids("INBOX")))
            self.assertEqual(
                {"\\seen", "fine"}, set(scene.remote.messages("INBOX")[1].flags)
            )
            self.ends(scene, 1)
            self.stays(scene)

    def stays(self, scene: Scene) -> None:
        """
        Nothing was deleted.
        """
        for account in scene.accounts:
            for name in "Precious", "Work":
                self.assertEqual(1, len(account.uids(name)), name)
