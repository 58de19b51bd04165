"""
Which mailboxes there are, and who subscribes to them, on real servers.
"""

from __future__ import annotations

from imapsync.test.integration.accounts import Account
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import SceneCase


class MailboxCase(SceneCase):
    """
    Knows its mailboxes.
    """

    def has(self, account: Account, *names: str) -> None:
        """
        An account has exactly these mailboxes, and INBOX.
        """
        self.assertEqual({"INBOX", *names}, set(account.snapshot().mailboxes))

    def fill(self, account: Account, *names: str, subscribed: bool = False) -> None:
        """
        Make mailboxes with three messages each.
        """
        for name in names:
            if name != "INBOX":
                account.create(name)
            account.fill(name, mails(3, seed=len(name)))
            if subscribed:
                account.subscribe(name)

    def filled(self, account: Account) -> set[str]:
        """
        The names of the mailboxes that have messages.
        """
        held = account.snapshot().mailboxes
        return {name for name, messages in held.items() if messages}


class SubscriptionTests(MailboxCase):
    """
    Subscriptions.
    """

    def test_bothDirections(self) -> None:
        """
        They are followed both ways, and so are their ends.
        """
        scene = self.scene()
        self.fill(scene.local, "A", "B", "C", subscribed=True)
        self.fill(scene.local, "D", "E")
        self.syncs(scene)
        scene.local.unsubscribe("A")
        scene.remote.unsubscribe("B")
        scene.local.subscribe("D")
        scene.remote.subscribe("E")
        self.syncs(scene)
        self.assertEqual({"C", "D", "E"}, scene.remote.snapshot().subscribed)
        scene.remote.subscribe("A")
        scene.remote.unsubscribe("D")
        scene.local.unsubscribe("D")
        self.syncs(scene)
        self.assertEqual({"A", "C", "E"}, scene.local.snapshot().subscribed)

    def test_outOfScope(self) -> None:
        """
        With the default C{list-select-opts}, the end of a subscription goes
        over; after that the mailbox is left alone, until it is subscribed
        again.
        """
        scene = self.scene(options={"": {"list-select-opts": None}})
        self.fill(scene.local, "A", "B", subscribed=True)
        self.syncs(scene)
        scene.remote.unsubscribe("A")
        self.syncs(scene)
        scene.remote.append("A", b"\r\nlater\r\n")
        self.isIdle(scene)
        scene.local.subscribe("A")
        self.syncs(scene)
        self.assertEqual(4, len(scene.local.uids("A")))

    def test_first(self) -> None:
        """
        At first, what either side subscribes to is subscribed on both.
        """
        scene = self.scene()
        for account in scene.accounts:
            self.fill(account, "A", "B", "C")
        scene.local.subscribe("A")
        scene.remote.subscribe("B")
        self.syncs(scene)
        self.assertEqual({"A", "B"}, scene.local.snapshot().subscribed)

    def test_inbox(self) -> None:
        """
        INBOX is subscribed as others are.
        """
        self.needs("X-GUID")
        scene = self.scene()
        for account in scene.accounts:
            self.fill(account, "INBOX")
        scene.remote.subscribe("INBOX")
        self.syncs(scene)
        scene.local.unsubscribe("INBOX")
        self.syncs(scene)

    def test_ghost(self) -> None:
        """
        A subscription to what does not exist is no mailbox, and in nobody's
        way; when it comes into being, it is synced.
        """
        for options in None, {"": {"list-select-opts": None}}:
            scene = self.scene(options=options)
            for account, name in zip(
                scene.accounts, ("Ghost/Rider", "Phantom"), strict=True
            ):
                account.create(name)
                account.subscribe(name)
                account.delete(name)
            self.ends(scene, 0)
            self.isIdle(scene)
            self.has(scene.remote)
            self.fill(scene.remote, "Ghost/Rider", subscribed=True)
            scene.remote.unsubscribe("Phantom")
            self.syncs(scene)

    def test_parent(self) -> None:
        """
        A subscription to a mere level above mailboxes.
        """
        scene = self.scene()
        self.fill(scene.local, "A/B")
        scene.local.subscribe("A")
        self.ends(scene, 0)
        self.has(scene.remote, "A/B")
        self.isIdle(scene)


class VanishedTests(MailboxCase):
    """
    Mailboxes that are gone from one side, for now.
    """

    def test_bothSides(self) -> None:
        """
        One that is gone from both sides is forgotten, and may come back as
        another.
        """
        scene = self.scene()
        self.fill(scene.local, "A", subscribed=True)
        self.syncs(scene)
        for account in scene.accounts:
            account.delete("A")
            account.unsubscribe("A")
        self.syncs(scene)
        self.has(scene.local)
        self.fill(scene.remote, "A")
        self.syncs(scene)
        self.has(scene.local, "A")

    def test_emptied(self) -> None:
        """
        A server that lost everything loses nothing more, and gets all of it back.
        """
        self.needs("X-GUID")
        for side in "local", "remote":
            scene = self.scene()
            self.fill(scene.local, "INBOX", "A")
            self.syncs(scene)
            server = getattr(scene, f"{side}Server")
            home = server.directory / "mail" / scene.user
            home.rename(scene.directory / "lost")
            scene.reconnect()
            run = self.ends(scene, 0)
            self.says(run.errors, f"{side}: the database", "of another account")
            for account in scene.accounts:
                self.assertEqual({"INBOX", "A"}, self.filled(account))
                self.assertEqual(3, len(account.uids("INBOX")))
