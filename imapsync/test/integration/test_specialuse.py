"""
Mailboxes matched by what they are for, on real servers.
"""

from __future__ import annotations

import functools

from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.test_mailboxes import MailboxCase


@functools.cache
def _otherServer() -> Dovecot:
    """
    A server whose mailboxes for sent messages and so on have other names.
    """
    uses = {"Sent Items": "Sent", "Gone": "Trash", "Drafts": "Drafts"}
    return Dovecot(Settings(separator=".", prefix="INBOX.", uses=uses))


@functools.cache
def _server() -> Dovecot:
    uses = {"Sent": "Sent", "Trash": "Trash", "Drafts": "Drafts"}
    return Dovecot(Settings(uses=uses))


class SpecialUseTests(MailboxCase):
    """
    C{map-special-use}.
    """

    def test_matched(self) -> None:
        """
        They are synced in both directions, with those below them; a missing one
        is made.
        """
        self.needs("SPECIAL-USE")
        scene = self.scene(_server(), _otherServer(), {"": {"map-special-use": "YES"}})
        self.fill(scene.local, "Sent", "Sent/2020", "Drafts", "Work")
        self.fill(scene.remote, "Sent Items", "Gone")
        self.ends(scene, 0)
        self.has(scene.local, "Sent", "Sent/2020", "Drafts", "Work", "Gone")
        self.has(
            scene.remote, "Sent Items", "Sent Items/2020", "Drafts", "Work", "Gone"
        )
        self.assertEqual(6, len(scene.remote.uids("Sent Items")))
        self.isIdle(scene)
        scene.remote.append("Sent Items/2020", b"\r\nmore\r\n")
        self.ends(scene, 0, "Sent/2020")
        self.assertEqual(4, len(scene.local.uids("Sent/2020")))

    def test_inTheWay(self) -> None:
        """
        What another mailbox is in the way of is named, and left alone.
        """
        self.needs("SPECIAL-USE")
        scene = self.scene(_server(), _otherServer())
        self.fill(scene.local, "Sent", "Work")
        self.fill(scene.remote, "Sent Items")
        self.syncs(scene)
        scene.configure({"": {"map-special-use": "YES"}})
        scene.local.append("Work", b"\r\nmore\r\n")
        before = scene.local.snapshot()
        run = self.ends(scene, 1)
        self.says(run.errors, 'Sent: SPECIAL-USE matches "Sent Items" on remote')
        self.assertEqual(before, scene.local.snapshot())
        self.assertEqual(4, len(scene.remote.uids("Work")))
        scene.configure({})
        self.syncs(scene)
