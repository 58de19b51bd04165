"""
Tests for L{imapsync.imap.looking} and L{imapsync.imap.unsized}, and for leaving a
mailbox that cannot be closed.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.commands.limited import ALL
from imapsync.imap.commands.mailbox import Heard
from imapsync.imap.wire.responses import Row
from imapsync.model import Side
from imapsync.test.fakes.world import World
from imapsync.testing.accounts import mail
from imapsync.uidset import UidSet


class LookingTests(SynchronousTestCase):
    """
    A server in memory, with a mailbox selected.
    """

    def setUp(self) -> None:
        """
        There are three messages.
        """
        self.world = World(self.mktemp())
        self.world.fill(mail(1), mail(2), mail(3))
        self.account = self.world.local

    def test_reticent(self) -> None:
        """
        One that does not say that it found nothing is asked in another way.
        """
        self.account.capabilities -= {"ESEARCH"}
        self.account.reticent = True
        client = self.world.connect(Side.LOCAL)
        self.world.run(client.open("INBOX", None, Heard(), writable=False))
        some = UidSet.of([2, 9])
        self.assertEqual(UidSet.of([2]), self.world.run(client.exists(some)))
        self.assertEqual(0, self.account.count("FETCH"))
        self.assertEqual(UidSet(), self.world.run(client.exists(UidSet.of([9]))))
        self.account.deaf.add("SEARCH")
        self.account.answers["SEARCH"] = "OK done"
        self.assertEqual(UidSet.of([2]), self.world.run(client.exists(some)))
        self.assertEqual(UidSet.of([1, 2, 3]), self.world.run(client.exists(ALL)))

    def test_unsized(self) -> None:
        """
        No size is told where none is to be believed.
        """
        client = self.world.connect(Side.LOCAL)
        client.exact = False
        self.world.run(client.open("INBOX", None, Heard(), writable=False))
        rows: list[Row] = []
        self.world.run(client.fetchRows(ALL, "(RFC822.SIZE)", rows.extend))
        self.assertEqual([0, 0, 0], [row.size for row in rows])

    def test_notClosed(self) -> None:
        """
        A mailbox is left though the server does not close what it cannot write.
        """
        self.account.capabilities -= {"UNSELECT"}
        self.account.answers["CLOSE"] = "NO [READ-ONLY] no"
        client = self.world.connect(Side.LOCAL)
        self.world.run(client.open("INBOX", None, Heard(), writable=True))
        self.world.run(client.unselect())
        heard = [
            line for line in self.account.heard if "CLOSE" in line or "EXAM" in line
        ]
        self.assertEqual(["EXAMINE", "CLOSE"], [line.split()[0] for line in heard])
