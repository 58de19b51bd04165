"""
Tests for L{imapsync.mailbox.oneside}, by whole syncs: lists that cannot be whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Side
from imapsync.test.fakes.far import FarWorld
from imapsync.test.fakes.world import troubles
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import NOTHING, SEEN, mail
from imapsync.uidset import MAXIMUM, UidSet

LOCAL, REMOTE = Side


class UnknownTests(MailboxCase):
    """
    A first run.
    """

    def begin(self) -> None:
        """
        There are messages on one side.
        """
        super().begin()
        self.world.fill(*map(mail, range(5)))

    def test_searched(self) -> None:
        """
        What there is is asked in one line; their flags come with the messages.
        """
        self.sync()
        self.assertEqual(1, self.local.count("SEARCH"))
        self.assertNotIn("UID FETCH 1:* ['FLAGS']", self.local.heard)
        self.assertSettled()

    def test_listed(self) -> None:
        """
        Where SEARCH does not tell ranges, is refused, or does not find all, flags are
        asked for.
        """

        def limit() -> None:
            self.local.finds = 3

        acts: list[Callable[[], None]] = [
            lambda: self.local.capabilities.discard("ESEARCH"),
            lambda: self.local.answers.update(SEARCH="NO not that"),
            limit,
        ]
        for act in acts:
            self.begin()
            act()
            self.sync()
            self.local.answers.clear()
            self.assertIn("UID FETCH 1:* ['FLAGS']", self.local.heard)
            self.assertSettled()


class PartTests(MailboxCase):
    """
    An INBOX of twelve messages on both sides, and a remote server that has lost track
    of what changed, so that all flags are asked for.
    """

    def lapse(self, **how: Any) -> None:
        """
        Begin anew, with a remote server that misbehaves from here on.
        """
        self.begin()
        self.both(12)
        for message in self.theirs.messages.values():
            message.modseq = 0
        self.theirs.modseq = 1
        for name, value in how.items():
            setattr(self.remote, name, value)

    def test_window(self) -> None:
        """
        A FETCH that shows only the newest messages removes none of the others, and
        what has changed in these is seen, too.
        """
        self.lapse(shows=5)
        self.theirs.messages[2].flags = SEEN
        del self.theirs.messages[3]
        self.theirs.add(mail("new"))
        report = self.sync()
        self.assertEqual([], troubles(report))
        self.assertEqual(1, sum(report.done("expunged").values()))
        self.assertNotIn(3, self.ours.messages)
        self.assertEqual(12, len(self.ours.messages))

    def test_noMore(self) -> None:
        """
        If nothing shows the others, nothing is removed for that, and it is told.
        """
        self.lapse(shows=5, finds=5)
        for _ in range(2):
            [(name, why)] = troubles(self.sync())
            self.assertEqual("INBOX", name)
            self.assertIn("remote: it shows 5 of its 12 messages", why)
            self.assertEqual(12, len(self.ours.messages))
        self.remote.shows = self.remote.finds = None
        self.assertEqual([], troubles(self.sync()))
        self.assertEqual(12, len(self.ours.messages))
        self.assertSettled()

    def test_hidden(self) -> None:
        """
        Nor if EXISTS knows only of what is shown, and STATUS of more.
        """
        self.lapse(shows=5, finds=5)
        self.theirs.hides = 7
        self.theirs.add(mail("new"))
        [(_, why)] = troubles(self.sync())
        self.assertIn("remote: it shows 6 of its 13 messages", why)
        self.assertEqual(13, len(self.ours.messages))

    def test_noFlags(self) -> None:
        """
        Nor if they are found, and nothing is told of them.
        """
        self.lapse(deaf={"FETCH"})
        [(_, why)] = troubles(self.sync())
        self.assertIn("does not tell the flags of UID 1:12", why)
        self.assertEqual(12, len(self.ours.messages))

    def test_unseen(self) -> None:
        """
        A first sync of two filled mailboxes, one of which is shown in part, doubles
        nothing.
        """
        self.remote.shows = 5
        for number in range(12):
            self.ours.add(mail(number))
            self.theirs.add(mail(number))
        self.assertEqual([], troubles(self.sync()))
        self.assertEqual(12, len(self.ours.messages))
        self.assertEqual(12, len(self.theirs.messages))
        self.assertSettled()

    def test_sentInPart(self) -> None:
        """
        Nor is any message left out that is to be copied from there.
        """
        self.remote.shows = 5
        for number in range(17):
            self.theirs.add(mail(number))
        self.assertEqual([], troubles(self.sync()))
        self.assertEqual(17, len(self.ours.messages))
        self.assertSettled()

    def test_vanishedTooMuch(self) -> None:
        """
        A VANISHED of all UIDs there can be removes nothing that is there.
        """
        for lies in UidSet(((1, MAXIMUM),)), UidSet(((9, MAXIMUM),)):
            self.begin()
            self.both(12)
            self.theirs.lies = lies
            self.theirs.flag(2, "\\Seen")
            self.sync()
            self.assertEqual(12, len(self.ours.messages))
            self.assertEqual(SEEN, self.ours.messages[2].flags)

    def test_vanishedTooLittle(self) -> None:
        """
        What a VANISHED leaves out is found by the number of messages.
        """
        self.both(12)
        self.theirs.expunge(2, 3, 4)
        del self.theirs.expunged[3]
        self.sync()
        self.assertEqual(9, len(self.ours.messages))
        self.assertSettled()

    def test_tardy(self) -> None:
        """
        Flags that are told too late are not passed over for good.
        """
        self.both(3)
        self.remote.tardy, self.remote.chunk = True, 50
        self.theirs.flag(2, "\\Seen")
        self.assertEqual([], troubles(self.sync()))
        self.assertEqual(SEEN, self.ours.messages[2].flags)
        self.assertSettled()

    def test_tardyAndGone(self) -> None:
        """
        Nor where an expunge is told in time, which might have been all.
        """
        self.both(3)
        self.remote.tardy, self.remote.chunk = True, 50
        self.theirs.flag(2, "\\Seen")
        self.theirs.expunge(3)
        self.assertEqual([], troubles(self.sync()))
        self.assertEqual(SEEN, self.ours.messages[2].flags)
        self.assertSettled()

    def test_meanwhile(self) -> None:
        """
        What happens while they are waited for is no reason to ask for all flags.
        """
        acts: list[Callable[[], object]] = [
            lambda: self.theirs.expunge(1),
            lambda: self.theirs.add(mail("new")),
            lambda: self.theirs.flag(1, "\\Seen"),
        ]
        for act in acts:
            self.begin()
            self.both(3)
            self.theirs.expunge(3)
            self.remote.before["NOOP"] = act
            self.sync()
            self.assertEqual({}, self.remote.before)
            self.assertEqual(0, self.remote.count("FETCH 1:*"))
            self.sync()
            self.assertEqualNow()

    def test_tardyArrival(self) -> None:
        """
        Nor are new messages.
        """
        self.both(3)
        self.remote.tardy = True
        self.theirs.add(mail("new"), NOTHING)
        self.sync()
        self.assertEqual(4, len(self.ours.messages))
        self.assertEqualNow()

    def test_limitedSelect(self) -> None:
        """
        If what has changed is told only in part, as the server says, all is asked for.
        """
        self.both(3)
        self.theirs.codes.append("MESSAGELIMIT 1 3")
        self.theirs.flag(1, "\\Seen")
        self.sync()
        self.assertEqual(1, self.remote.count("FETCH 1:*"))
        self.assertEqualNow()


class GoneTests(SynchronousTestCase):
    """
    Messages that are gone on one side.
    """

    def begin(self) -> FarWorld:
        """
        Both sides have three.
        """
        world = FarWorld(self.mktemp())
        world.fill(*map(mail, range(3)))
        world.sync()
        world.trips = 0
        return world

    def assertGone(self, world: FarWorld, *left: int) -> None:
        """
        Sync.

        @param left: the messages that both sides have then.
        """
        world.sync()
        for account in world.accounts.values():
            self.assertEqual([*left], [*account.inbox.messages])
        self.assertTrue(world.equal)

    def test_trips(self) -> None:
        """
        Where a server that has told so may have more to tell, it is asked again in the
        same moment: flags, of which it tells all at once, take as long.
        """
        world = self.begin()
        world.remote.inbox.expunge(2)
        self.assertGone(world, 1, 3)
        expunged = world.trips
        world = self.begin()
        world.remote.inbox.expunge(2)
        world.remote.inbox.flag(3, "\\Seen")
        self.assertGone(world, 1, 3)
        self.assertEqual(expunged, world.trips)

    def test_more(self) -> None:
        """
        If it has more to tell, it is asked once more.
        """
        world = self.begin()
        world.remote.inbox.expunge(2)
        world.remote.before["NOOP"] = lambda: world.remote.inbox.expunge(3)
        self.assertGone(world, 1)
        self.assertEqual(2, world.remote.count("SEARCH"))

    def test_there(self) -> None:
        """
        One that is there, when it is asked again, is not removed.
        """
        world = self.begin()
        there = world.remote.inbox.messages[2]
        world.remote.inbox.expunge(2)
        back = {2: there}
        world.remote.before["NOOP"] = lambda: world.remote.inbox.messages.update(back)
        world.sync()
        self.assertIn(2, world.local.inbox.messages)
