"""
Two accounts on real servers become equal, and stay so after any change on
either side.
"""

from __future__ import annotations

import functools

from imapsync.test.integration.accounts import Account
from imapsync.test.integration.dovecot import (
    Dovecot,
    Settings,
    maildirServer,
    mdboxServer,
)
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Scene, SceneCase


@functools.cache
def prefixServer() -> Dovecot:
    """
    A server whose names begin with C{INBOX.}, as Courier's and Cyrus's do.
    """
    return Dovecot(Settings(layout="sdbox", separator=".", prefix="INBOX."))


class ServersTests(SceneCase):
    """
    Whatever the servers make of layout, separator and prefix.
    """

    def works(self, local: Dovecot, remote: Dovecot) -> None:
        """
        Fill two accounts, make them equal, change them, and do it again; the
        servers' own tools are witnesses.
        """
        scene = self.scene(local, remote)
        fill(scene)
        self.syncs(scene)
        self.agree(scene, local, remote)
        change(scene)
        self.syncs(scene)
        self.agree(scene, local, remote)
        snapshot = scene.local.snapshot()
        self.assertEqual(
            {"INBOX", "Work/Invoices 2026/May", "Été", "New", "Trash"},
            set(snapshot.mailboxes),
        )
        self.assertEqual({"Été", "New"}, snapshot.subscribed)
        counts = {name: held.total() for name, held in snapshot.mailboxes.items()}
        self.assertEqual(25 + 20 - 3 - 1 + 2 + 1, counts["INBOX"])
        self.assertEqual(15 - 15 + 1, counts["Été"])

    def agree(self, scene: Scene, *servers: Dovecot) -> None:
        """
        Dovecot's own tools see the same on both sides.
        """
        local, remote = map(scene.witness, servers)
        self.assertEqual([], sorted((local - remote) + (remote - local)))
        self.assertGreater(local.total(), 10)

    def test_mdboxToMaildir(self) -> None:
        """
        mdbox with C{/} and maildir with C{.}.
        """
        self.works(mdboxServer(), maildirServer())

    def test_maildirToMdbox(self) -> None:
        """
        The other way round.
        """
        self.works(maildirServer(), mdboxServer())

    def test_prefix(self) -> None:
        """
        Names that begin with C{INBOX.} on the remote side only.
        """
        self.works(mdboxServer(), prefixServer())

    def test_localPrefix(self) -> None:
        """
        Names that begin with C{INBOX.} on the local side only.
        """
        self.works(prefixServer(), maildirServer())


def fill(scene: Scene) -> None:
    """
    Different mail on both sides, some of it in mailboxes that only one has.
    """
    local, remote = scene.accounts
    local.fill("INBOX", mails(25))
    remote.fill("INBOX", mails(20, seed=2))
    make(local, "Work/Invoices 2026/May", 15, seed=3)
    local.subscribe("Work/Invoices 2026/May")
    make(remote, "Été", 15, seed=4)
    remote.subscribe("Été")
    make(remote, "Trash", 0, seed=0)


def make(account: Account, mailbox: str, count: int, seed: int) -> None:
    """
    A mailbox with so many messages.
    """
    account.create(mailbox)
    account.fill(mailbox, mails(count, seed=seed))


def change(scene: Scene) -> None:
    """
    Everything that users do, on both sides.
    """
    local, remote = scene.accounts
    inbox, theirs = local.uids("INBOX"), remote.uids("INBOX")
    local.store("INBOX", inbox[:5], "FLAGS (\\Seen Later)")
    local.expunge("INBOX", inbox[10:13])
    local.fill("INBOX", mails(2, seed=5))
    remote.store("INBOX", theirs[30:35], "-FLAGS (\\Seen Work)")
    remote.store("INBOX", theirs[32:40], "+FLAGS (\\Flagged \\Deleted)")
    remote.expunge("INBOX", theirs[44:45])
    remote.fill("INBOX", mails(1, seed=6))
    local.expunge("Été", local.uids("Été"))
    remote.fill("Été", mails(1, seed=7))
    remote.unsubscribe("Work/Invoices 2026/May")
    make(local, "New", 3, seed=8)
    local.subscribe("New")
