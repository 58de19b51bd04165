"""
Cyrus: our private servers, and what syncs with them have to cope with.
"""

from __future__ import annotations

import hashlib
import socket
from datetime import datetime, timezone

from twisted.trial.unittest import SynchronousTestCase

from imapsync.test.integration.accounts import CommandFailed
from imapsync.test.integration.cyrus import (
    Cyrus,
    Settings,
    dottedCyrus,
    slashedCyrus,
)
from imapsync.test.integration.server import PASSWORD, freshUser

NOON = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)


class FixtureTests(SynchronousTestCase):
    """
    Servers start, speak, stop and are as their settings say.
    """

    def server(self, settings: Settings) -> Cyrus:
        """
        A server of this test's own.
        """
        server = Cyrus(settings)
        self.addCleanup(server.close)
        return server

    def test_names(self) -> None:
        """
        Names are the same whatever the separator and the prefix; a message and
        what belongs to it is kept.
        """
        user = freshUser()
        for server in dottedCyrus(), slashedCyrus():
            account = server.account(user)
            self.addCleanup(account.close)
            account.create("Work/Größe & so")
            uid = account.append(
                "Work/Größe & so", b"From: a\r\n\r\nhello\r\n", ["\\Seen", "Blue"], NOON
            )
            [message] = account.messages("Work/Größe & so").values()
            digest = hashlib.sha256(b"From: a\r\n\r\nhello\r\n").hexdigest()
            self.assertEqual((1, digest), (uid, message.digest))
            self.assertEqual({"\\seen", "blue"}, message.flags)
            self.assertEqual(NOON, message.date)
            names = {"INBOX", "Work", "Work/Größe & so"}
            self.assertEqual(names, set(account.snapshot().mailboxes))

    def test_restart(self) -> None:
        """
        What was stored is there after a stop and after a kill.
        """
        server = self.server(Settings())
        server.account("user").append("INBOX", b"A: 1\r\n\r\n")
        server.restart()
        server.account("user").append("INBOX", b"A: 2\r\n\r\n")
        server.kill()
        self.assertRaises(OSError, server.account, "user")
        server.restart()
        self.assertEqual([1, 2], server.account("user").uids("INBOX"))

    def test_close(self) -> None:
        """
        A closed server leaves nothing behind.
        """
        server = Cyrus(Settings())
        server.close()
        self.assertFalse(server.directory.exists())
        self.assertRaises(OSError, server.account, "user")

    def test_settings(self) -> None:
        """
        It can refuse what is too big, and 8-bit headers; by default it changes
        those.
        """
        odd = "Subject: Été\r\n\r\nx\r\n".encode()
        account = self.server(Settings(munges=False, sizeLimit=1000)).account("user")
        self.assertRaises(CommandFailed, account.append, "INBOX", odd)
        big = b"A: b\r\n\r\n" + b"x" * 1000
        self.assertRaises(CommandFailed, account.append, "INBOX", big)
        account = dottedCyrus().account(freshUser())
        account.append("INBOX", odd)
        [message] = account.messages("INBOX").values()
        changed = b"Subject: XXtXX\r\n\r\nx\r\n"
        self.assertEqual(hashlib.sha256(changed).hexdigest(), message.digest)

    def test_idle(self) -> None:
        """
        One who is in IDLE hears of a new message at once.
        """
        server, user = slashedCyrus(), freshUser()
        account = server.account(user)
        self.addCleanup(account.close)
        with (
            socket.create_connection((server.host, server.port), 20) as connection,
            connection.makefile("rwb", buffering=0) as stream,
        ):
            stream.write(f"a LOGIN {user} {PASSWORD}\r\nb SELECT INBOX\r\n".encode())
            while not stream.readline().startswith(b"b OK"):
                pass
            stream.write(b"c IDLE\r\n")
            self.assertTrue(stream.readline().startswith(b"+"))
            account.append("INBOX", b"A: 1\r\n\r\n")
            self.assertEqual(b"* 1 EXISTS\r\n", stream.readline())

    def test_programs(self) -> None:
        """
        Its programs can be run beside it.
        """
        server, user = slashedCyrus(), freshUser()
        server.account(user).close()
        path = server.run("mbpath", f"user/{user}").strip()
        self.assertTrue(path.startswith(str(server.directory)), path)
