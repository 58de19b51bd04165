"""
A database that meets other accounts than those that it was made for.
"""

from __future__ import annotations

from imapsync.test.integration.accounts import Account
from imapsync.test.integration.cyrus import slashedCyrus
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Scene, SceneCase
from imapsync.test.integration.server import freshUser


class OwnershipTests(SceneCase):
    """
    What is in the configuration changes; UIDVALIDITYs prove nothing.
    """

    def synced(self) -> Scene:
        """
        Two equal accounts.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(30, size=100))
        self.number(scene.user)
        for _ in range(2):
            self.ends(scene, 0)
        return scene

    def number(self, user: str) -> None:
        """
        Give the INBOXes of a user one UIDVALIDITY on both servers.
        """
        for server in (mdboxServer(), maildirServer()):
            update = ("mailbox", "update", "-u", user, "--uid-validity", "1234567")
            server.doveadm(*update, "INBOX")

    def account(self, scene: Scene) -> Account:
        """
        Another account on the remote server, with other messages.
        """
        user = freshUser()
        account = maildirServer().account(user)
        self.addCleanup(account.close)
        account.fill("INBOX", mails(40, size=100, seed=7))
        self.number(user)
        scene.configure({"remote": {"username": user}})
        return account

    def test_otherUser(self) -> None:
        """
        No message is lost, on either side, with the account of another user.
        """
        scene = self.synced()
        other = self.account(scene)
        run = self.ends(scene, 0)
        self.says(run.errors, "is of another account", "not of user")
        self.assertEqual(70, len(scene.local.uids("INBOX")))
        self.assertEqual(70, len(other.uids("INBOX")))
        self.assertEqual(30, len(scene.remote.uids("INBOX")))

    def test_swapped(self) -> None:
        """
        Nor where the sides change places.
        """
        scene = self.synced()
        scene.local.expunge("INBOX", [1, 2])
        scene.remote.expunge("INBOX", [30])
        self.ends(scene, 0)
        scene.local.append("INBOX", b"\r\nnew\r\n")
        scene.localServer, scene.remoteServer = scene.remoteServer, scene.localServer
        scene.configure({})
        run = self.syncs(scene)
        self.says(run.errors, "is of another account")
        self.assertEqual(28, len(scene.local.uids("INBOX")))

    def test_alias(self) -> None:
        """
        A host by another name has the same account: what was removed stays so.
        """
        scene = self.synced()
        scene.configure({"remote": {"host": "localhost"}})
        run = self.syncs(scene)
        self.says(run.errors, "is the account that was")
        scene.configure({})
        scene.local.expunge("INBOX", [1, 2])
        run = self.syncs(scene)
        self.assertNotIn("paired", run.errors)
        self.assertEqual(28, len(scene.remote.uids("INBOX")))

    def test_behindOneName(self) -> None:
        """
        Another account behind the same name is told by the identity of its INBOX.
        """
        scene = self.synced()
        other = freshUser()
        account = maildirServer().account(other)
        self.addCleanup(account.close)
        account.fill("INBOX", mails(40, size=100, seed=7))
        self.number(other)
        command = scene.directory / "mail"
        scene.configure({"remote": scene.tunnel(str(command))})
        for user in (scene.user, other):
            command.write_text(
                f"#!/bin/sh\nexec {maildirServer().tunnelCommand(user)}\n"
            )
            command.chmod(0o700)
            run = self.ends(scene, 0)
        self.says(run.errors, "is of another account")
        self.assertEqual(70, len(scene.local.uids("INBOX")))
        self.assertEqual(70, len(account.uids("INBOX")))


class OneAccountTests(SceneCase):
    """
    Both sides are one account.
    """

    def refuses(self, scene: Scene) -> None:
        """
        It is refused before anything is written.
        """
        scene.local.fill("INBOX", mails(9, size=100))
        before = scene.local.snapshot()
        run = self.ends(scene, 78)
        self.says(run.errors, "are one account", "INBOX")
        self.assertEqual(before, scene.local.snapshot())

    def test_aliases(self) -> None:
        """
        Of a host with two names.
        """
        for server in (mdboxServer(), slashedCyrus()):
            scene = self.scene(
                server, server, options={"remote": {"host": "localhost"}}
            )
            self.refuses(scene)

    def test_tunnel(self) -> None:
        """
        By a tunnel beside another connection.
        """
        self.needs("X-GUID")
        server = mdboxServer()
        scene = self.scene(server, server)
        command = server.tunnelCommand(scene.user)
        scene.configure({"remote": scene.tunnel(command)})
        self.refuses(scene)
