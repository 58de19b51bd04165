"""
Tests for L{imapsync.mailbox.kept}: what may be there again.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.mailbox.report import Report
from imapsync.model import Act, Side
from imapsync.test.fakes.world import World, troubles
from imapsync.testing.accounts import mail

LOCAL = Side.LOCAL


class ReturnedTests(SynchronousTestCase):
    """
    Tests for L{returned<imapsync.mailbox.kept.returned>}.
    """

    def setUp(self) -> None:
        self.world = World(self.mktemp())
        self.ours, self.theirs = self.world.local.inbox, self.world.remote.inbox
        for number in range(1, 4):
            self.theirs.add(mail(number, size=100 * number))
        self.sync()
        self.theirs.expunge(1, 2)
        self.sync()

    def sync(self) -> Report:
        """
        Sync once; nothing may be expunged on the local side.
        """
        allowed = tuple(act for act in Act if act is not Act.EXPUNGE)
        return self.world.sync(allow={LOCAL: allowed})

    def test_back(self) -> None:
        """
        A message that comes back is the one that has stayed; only what has the size of
        such a one is read for that.
        """
        self.theirs.add(mail(1, size=100))
        self.sync()
        self.assertEqual(3, len(self.ours.messages))
        self.assertEqual(0, self.world.local.count("APPEND"))
        fetched = [line for line in self.world.local.heard if "FETCH" in line]
        self.assertIn("UID FETCH 1 ", fetched[0])
        self.theirs.expunge(4)
        self.sync()
        self.theirs.add(mail(4))
        self.sync()
        self.assertEqual([], [x for x in self.world.local.heard if "FETCH 1" in x])
        self.assertEqual(4, len(self.ours.messages))

    def test_marked(self) -> None:
        """
        That we have marked it C{\\Deleted} is not carried over to the side on which it
        is wanted again.
        """
        self.world.options[LOCAL]["marks"] = True
        self.theirs.expunge(3)
        self.sync()
        self.assertEqual({"\\Deleted"}, self.ours.messages[3].flags)
        uid = self.theirs.add(mail(3, size=300), frozenset(["\\Seen"]))
        self.sync()
        for message in self.ours.messages[3], self.theirs.messages[uid]:
            self.assertEqual({"\\Seen"}, message.flags)
        self.assertEqual(0, self.sync().changes)

    def test_refused(self) -> None:
        """
        A server may not tell sizes: then it is new.
        """
        remote = self.world.remote
        remote.refusal = lambda line: (
            "NO what" if line == "UID FETCH 4 ['RFC822.SIZE']" else ""
        )
        self.theirs.add(mail(1, size=100))
        self.assertEqual([], troubles(self.sync()))
        self.assertEqual(4, len(self.ours.messages))
