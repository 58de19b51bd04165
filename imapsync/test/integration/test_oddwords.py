"""
Words that look like something else, as servers send them.
"""

from __future__ import annotations

from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import SceneCase


class OddWordsTests(SceneCase):
    """
    Each costs no more than itself.
    """

    def test_names(self) -> None:
        """
        Mailbox names that are sent without quotes, and look like a section of a
        message or like NIL.
        """
        scene = self.scene()
        for name in "Body[2024]-bills", "BODY[]", "nil", "Nil-x":
            scene.local.create(name)
            scene.local.fill(name, mails(2))
        self.syncs(scene)

    def test_keywords(self) -> None:
        """
        Keywords with parentheses and brackets, which a Maildir can have from other
        programs: what is no flag stays where it is, all else is carried over.
        """
        scene = self.scene()
        scene.remote.fill("INBOX", mails(8))
        scene.remote.close()
        home = scene.remoteServer.directory / "mail" / scene.user / "mail"
        words = ["a(b", "c)d", "(", "e)", "(f)g", "[h]", "i]j", "k"]
        file = home / "dovecot-keywords"
        file.write_text("".join(f"{n} {word}\n" for n, word in enumerate(words)))
        file.chmod(0o644)
        paths = sorted([*(home / "new").iterdir(), *(home / "cur").iterdir()])
        for letter, path in zip("abcdefgh", paths, strict=True):
            name = path.name.partition(":")[0]
            path.rename(home / "cur" / f"{name}:2,S{letter}h")
        scene.reconnect()
        run = self.ends(scene, 1, "--debug")  # other servers do not take "[h]"
        self.assertIn("a(b", run.errors)
        self.assertEqual(8, len(scene.local.uids("INBOX")))
        scene.local.store("INBOX", [8], "+FLAGS (New)")
        self.ends(scene, 1)
        for account in scene.accounts:
            flags = [message.flags for message in account.messages("INBOX").values()]
            self.assertEqual(8, sum("\\seen" in each for each in flags), flags)
            self.assertEqual(8, sum("k" in each for each in flags), flags)
            self.assertEqual(1, sum("new" in each for each in flags), flags)
