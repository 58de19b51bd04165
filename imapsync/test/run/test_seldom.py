"""
Tests for live mode where the STATUS of quiet mailboxes is asked for seldom
(L{imapsync.accounts.polling}), on servers in memory.
"""

from __future__ import annotations

from typing import Any

from imapsync.model import Side
from imapsync.test.run.test_live import FollowingCase
from imapsync.testing.accounts import mail

#: Long enough for it to be asked seldom.
_QUIET = 3 * 3600


class SeldomTests(FollowingCase):
    """
    Two mailboxes of a server that has no LIST-STATUS, in which nothing has happened for
    hours.

    @cvar lacking: what else it cannot do.
    """

    lacking = frozenset(("NOTIFY",))

    def setUp(self) -> None:
        """
        Have a trash, too.
        """
        super().setUp()
        self.remote.capabilities -= {"LIST-STATUS", *self.lacking}
        for name in ("One", "Two"):
            folder = self.remote.make(name)
            for n in range(3):
                folder.add(mail((name, n)))

    def begin(self, **arguments: Any) -> None:
        """
        Follow both.
        """
        self.follow(**arguments)
        self.wait(_QUIET)
        self.assertTrue(self.world.equal)
        self.logged.clear()

    def counts(self) -> dict[str, int]:
        """
        How many messages there are in each mailbox of the other server.
        """
        return {name: len(f.messages) for name, f in self.local.folders.items()}

    def test_over(self) -> None:
        """
        One that is given the name of another, which was deleted, is not taken for that.
        """
        self.begin()
        self.remote.delete("Two")
        self.remote.rename("One", "Two")
        self.wait(61)
        self.assertTrue(self.world.equal)
        self.assertEqual({"INBOX": 3, "Two": 3}, self.counts())
        self.assertEqual([], self.said("warn"))

    def test_swapped(self) -> None:
        """
        Two that have changed places are told from each other, whatever shows it first.
        """
        self.begin()
        two = self.remote.folders["Two"]
        self.remote.rename("One", "Three")
        self.remote.rename("Two", "One")
        self.remote.rename("Three", "Two")
        two.add(mail("more"))
        self.wait(700)
        self.assertTrue(self.world.equal)
        self.assertEqual({"INBOX": 3, "One": 4, "Two": 3}, self.counts())
        self.assertEqual([], self.said("warn"))

    def test_trash(self) -> None:
        """
        The trash that we fill ourselves is asked for at once.
        """
        self.remote.make("Trash").add(mail("old"))
        self.begin(changes={"trash": {Side.REMOTE: "Trash"}})
        self.local.inbox.expunge(1)
        self.world.pump()
        self.assertTrue(self.world.equal)
        self.assertEqual(2, self.counts()["Trash"])

    def test_costs(self) -> None:
        """
        A new message has no more asked for than the mailbox that it is in.
        """
        self.begin()
        self.forget()
        self.local.inbox.add(mail("new"))
        self.world.pump()
        self.assertTrue(self.world.equal)
        self.assertGreaterEqual(3, self.remote.count("STATUS"))


class ComparedTests(SeldomTests):
    """
    The same where it does not tell what has changed, either.
    """

    lacking = frozenset(("NOTIFY", "QRESYNC", "CONDSTORE"))
