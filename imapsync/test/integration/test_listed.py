"""
What LIST shows, though there is no getting at it, or no such thing.
"""

from __future__ import annotations

from dataclasses import replace

from imapsync.test.integration.dovecot import (
    Dovecot,
    Settings,
    maildirServer,
    mdboxServer,
)
from imapsync.test.integration.test_lookalikes import LookalikeCase
from imapsync.test.integration.test_moves import large


class ListedTests(LookalikeCase):
    """
    Only LIST says that a mailbox is gone.
    """

    def test_changedLocation(self) -> None:
        """
        With another C{mail_location}, Dovecot lists a mailbox of which it says
        otherwise that it does not exist.  It is left alone, whether it was known
        or not, until that is mended.
        """
        for layout in "maildir", "mdbox":
            location = f"mail_location = {layout}:~/mail:UTF-8"
            settings = Settings(layout=layout, separator=".", extra=location)
            server = self.server(Dovecot(settings))
            scene = self.known(mdboxServer(), server)
            scene.remote.create("Été/Là")
            scene.remote.subscribe("Été/Là")
            scene.remote.fill("Été/Là", large(1, 999))
            before = scene.local.snapshot(), scene.remote.snapshot()
            server.settings = replace(settings, extra="")
            server.restart()
            for _ in range(2):
                run = self.ends(scene, 1, "--debug")
                for name in "Été", "Été/Là":
                    self.says(
                        run.errors,
                        f"error: {name}: remote: it is listed, but cannot be opened",
                    )
                self.keeps(scene, "local", before[0])
            server.settings = settings
            server.restart()
            scene.reconnect()
            self.keeps(scene, "remote", before[1])
            self.syncs(scene)
            self.keeps(scene, "local", before[1])

    def test_deletedParent(self) -> None:
        """
        Dovecot lists what was deleted as if it were there, if there are others
        below it (Maildir).  It is deleted on the other side, and does not come
        back.
        """
        self.needs("LIST-EXTENDED")
        for subscribed in True, False:
            scene = self.known(mdboxServer(), maildirServer())
            if not subscribed:
                scene.remote.unsubscribe("Work")
            scene.remote.delete("Work")
            for _ in range(2):
                self.ends(scene, 0)
                for account in scene.accounts:
                    held = account.snapshot().mailboxes
                    self.assertEqual({"INBOX", "Work/Deep", "Été"}, set(held))

    def test_deletedParentUnsubscribed(self) -> None:
        """
        Nor does it where nobody is subscribed to any of them.
        """
        self.needs("LIST-EXTENDED")
        scene = self.scene(
            mdboxServer(), maildirServer(), {"": {"list-select-opts": ""}}
        )
        for name in "Work", "Work/Deep":
            scene.local.create(name)
            scene.local.fill(name, large(2, 500))
        self.syncs(scene)
        scene.remote.delete("Work")
        for _ in range(2):
            self.ends(scene, 0)
            for account in scene.accounts:
                held = account.snapshot().mailboxes
                self.assertEqual({"INBOX", "Work/Deep"}, set(held))


_NAMESPACES = """
namespace archive {
  type = private
  separator = SEPARATOR
  prefix = ArchiveSEPARATOR
  location = maildir:~/archive
}
namespace shared {
  type = public
  separator = SEPARATOR
  prefix = SharedSEPARATOR
  location = maildir:~/shared
}
"""


class NamespaceTests(LookalikeCase):
    """
    More than one namespace.
    """

    def test_further(self) -> None:
        """
        Each personal one is synced, wherever the first one begins; a public one
        is named and left out, but nothing that only begins like it.
        """
        self.needs("NAMESPACE")
        for separator, prefix in ("/", ""), (".", "INBOX."):
            extra = _NAMESPACES.replace("SEPARATOR", separator)
            settings = Settings("maildir", separator, prefix, extra=extra)
            server = self.server(Dovecot(settings))
            scene = self.scene(mdboxServer(), server)
            for name in "Archive/2023", "Archive/2023/May", "Shared with Bob":
                scene.local.create(name)
                scene.local.fill(name, large(1, 500))
            wire = scene.remote._wire
            wire.command("CREATE", f"Shared{separator}x")
            for _ in range(2):
                run = self.ends(scene, 0)
                self.says(run.errors, "left out, as it is in no personal namespace")
            told = wire.command("LIST", '""', "*", "RETURN (STATUS (MESSAGES))")
            texts = b"\n".join(row.text for row in told).decode()
            for name in ("Archive/2023", "Archive/2023/May"):
                spelled = name.replace("/", separator)
                self.assertIn(f"STATUS {spelled} (MESSAGES 1)", texts)
            self.assertIn(f'STATUS "{prefix}Shared with Bob" (MESSAGES 1)', texts)
            scene.local.fill("Archive/2023", large(2, 700))
            self.ends(scene, 0)
            self.isIdle(scene)
