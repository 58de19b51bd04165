"""
Tests for servers that do not tell what has changed, or not all of it: mailboxes are
compared with what is known.
"""

from __future__ import annotations

from imapsync.model import Side
from imapsync.test.fakes.far import FarWorld
from imapsync.test.fakes.world import troubles
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import SEEN, Account, mail

LOCAL, REMOTE = Side

#: What each way of following a server does without.
WAYS = {
    "QRESYNC": set[str](),
    "CONDSTORE": {"QRESYNC", "NOTIFY"},
    "comparing": {"QRESYNC", "NOTIFY", "CONDSTORE"},
    "bare": {"QRESYNC", "NOTIFY", "CONDSTORE", "UNSELECT", "ESEARCH", "IDLE"},
}


class WaysCase(MailboxCase):
    """
    Two accounts, each followed in its way.
    """

    def make(self, local: str, remote: str) -> None:
        """
        Make them anew.
        """
        self.begin()
        self.local.capabilities -= WAYS[local]
        self.remote.capabilities -= WAYS[remote]

    def assertSettled(self) -> None:
        """
        Both sides are equal, and another run does nothing but look.
        """
        self.assertEqualNow()
        report = self.sync()
        self.assertEqual(0, report.changes)
        self.assertEqual({}, report.troubles)
        for account in (self.local, self.remote):
            self.assertEqual(0, account.count("SELECT", "STORE", "APPEND"))


class ComparingTests(WaysCase):
    """
    All messages are compared where nothing else tells.
    """

    def test_allWays(self) -> None:
        """
        New messages, flags and removals are carried over both ways, whatever both
        servers can do.
        """
        for local in WAYS:
            for remote in WAYS:
                self.make(local, remote)
                self.both(6)
                self.assertSettled()
                self.ours.flag(1, "\\Seen")
                self.theirs.flag(2, "\\Flagged", "work")
                self.sync()
                self.assertEqual(SEEN, self.theirs.messages[1].flags)
                self.assertSettled()
                self.ours.expunge(3)
                self.theirs.expunge(4, 5)
                self.ours.add(mail("a"), SEEN)
                self.theirs.add(mail("b"))
                report = self.sync()
                self.assertEqual({}, report.troubles)
                self.assertEqual(5, len(self.ours.messages))
                self.assertSettled()

    def test_noFlagsInStatus(self) -> None:
        """
        One \\Seen more and one less: STATUS tells the same as before, and it is found.
        """
        self.make("QRESYNC", "comparing")
        self.ours.add(mail(1), SEEN)
        self.ours.add(mail(2))
        self.sync()
        self.theirs.flag(1)
        self.theirs.flag(2, "\\Seen")
        self.sync()
        self.assertEqual(SEEN, self.ours.messages[2].flags)
        self.assertSettled()

    def test_noModseq(self) -> None:
        """
        One mailbox has no mod-sequences (NOMODSEQ): it is compared, by itself.
        """
        for way in "QRESYNC", "CONDSTORE":
            self.make(way, way)
            self.theirs.noModseq = True
            self.local.make("Other").add(mail("other"))
            self.both(3)
            self.theirs.flag(1, "\\Seen")
            self.theirs.expunge(2)
            report = self.sync()
            self.assertEqual([], troubles(report))
            self.assertEqual(SEEN, self.ours.messages[1].flags)
            self.assertEqual(0, self.local.count("SELECT Other", "EXAMINE Other"))
            self.assertSettled()

    def test_becomesBetter(self) -> None:
        """
        Where mod-sequences are told one day, or no more, it is followed as it can be.
        """
        self.make("QRESYNC", "comparing")
        self.both(4)
        for gained in True, False, True:
            if gained:
                self.remote.capabilities.add("CONDSTORE")
            else:
                self.remote.capabilities.remove("CONDSTORE")
            self.theirs.flag(1, "\\Flagged", *["x"] * gained)
            self.theirs.expunge(max(self.theirs.messages))
            self.assertEqual({}, self.sync().troubles)
            self.assertEqualNow()
            self.sync()
            self.assertEqualNow()
        self.sync()
        self.assertEqual(0, self.remote.count("SELECT", "EXAMINE", "UID FETCH"))

    def test_noUidnext(self) -> None:
        """
        SELECT tells no UIDNEXT: STATUS does, and nothing is taken for renumbered.
        """
        for way in "CONDSTORE", "comparing", "bare":
            self.make(way, "QRESYNC")
            self.local.reticent = True
            self.both(3)
            self.assertSettled()
            self.ours.add(mail("new"))
            self.ours.expunge(1)
            report = self.sync()
            self.assertEqual({}, report.paired)
            self.assertEqual(3, len(self.theirs.messages))
            self.assertSettled()

    def test_unnumbered(self) -> None:
        """
        A server says that it has CONDSTORE, and tells no MODSEQ: what it tells may be
        anything, so that all is compared.
        """
        self.make("QRESYNC", "CONDSTORE")
        self.both(5)
        self.remote.unnumbered = True
        self.theirs.flag(1, "\\Seen")
        self.theirs.messages[2].flags = SEEN  # it forgets to count that
        self.assertEqual({}, self.sync().troubles)
        self.assertEqualNow()

    def test_refusesSince(self) -> None:
        """
        Or it takes no CHANGEDSINCE.
        """
        self.make("QRESYNC", "CONDSTORE")
        self.both(5)
        self.theirs.flag(1, "\\Seen")
        self.remote.refusal = lambda line: "BAD what" if "CHANGEDSINCE" in line else ""
        self.assertEqual({}, self.sync().troubles)
        self.assertEqualNow()

    def test_newUntold(self) -> None:
        """
        What is new is told by its UID, if not as a change: where it makes up for one
        that is gone, the number of messages tells nothing.
        """
        self.make("QRESYNC", "CONDSTORE")
        self.both(5)
        uid = self.theirs.add(mail("new"))
        self.theirs.messages[uid].modseq = 0
        self.theirs.expunge(2)
        self.sync()
        self.assertEqual([1, 3, 4, 5, 6], [*self.ours.messages])
        self.assertEqualNow()

    def test_refusedAndGone(self) -> None:
        """
        A message that the other side refuses does not hide that another is gone.
        """
        for way in "CONDSTORE", "comparing":
            self.make(way, "QRESYNC")
            self.both(5)
            self.remote.objection = lambda offer: "NO [TOOBIG]" * (offer.size > 500)
            self.ours.add(mail("big", 1000))
            self.sync()
            self.ours.expunge(2)
            self.sync()
            self.assertEqual([1, 3, 4, 5], [*self.theirs.messages])

    def test_partlyShown(self) -> None:
        """
        Fewer messages are listed than there are: none of the others counts as gone.
        """
        self.make("QRESYNC", "comparing")
        self.both(6)
        self.remote.shows = self.remote.finds = 3
        self.sync()
        self.assertEqual(6, len(self.ours.messages))

    def test_cut(self) -> None:
        """
        All of a sudden, just the newest thousand are there: the mailbox is left alone,
        until the user says that the others are gone.
        """
        for way in "CONDSTORE", "comparing":
            self.make("QRESYNC", way)
            self.both(1010)
            self.theirs.expunge(*range(1, 11), 500)
            self.theirs.add(mail("new"))
            report = self.sync()
            self.assertIn("out of sight", " ".join(t for _, t in troubles(report)))
            self.assertEqual(1010, len(self.ours.messages))

    def test_goneMeanwhile(self) -> None:
        """
        A message goes while all are told: the next look sees it.
        """
        self.make("QRESYNC", "comparing")
        self.both(5)
        self.remote.before["FETCH"] = lambda: self.theirs.expunge(3)
        self.sync()
        self.assertEqualNow()
        self.assertSettled()

    def test_mayNotCopy(self) -> None:
        """
        Messages that stay on one side, since nothing may be copied, are known there,
        and do not hide others that go.
        """
        self.make("comparing", "QRESYNC")
        self.both(3)
        allow = {REMOTE: tuple(act for act in _acts() if str(act) != "append")}
        self.ours.add(mail("ours"))
        self.sync(allow=allow)
        self.ours.expunge(1)
        self.sync(allow=allow)
        self.assertEqual([2, 3], [*self.theirs.messages])
        self.sync(allow=allow)
        self.assertEqual(0, self.local.count("SELECT"))


def _acts() -> tuple[object, ...]:
    from imapsync.model import Act

    return tuple(Act)


class GlanceTests(WaysCase):
    """
    Mailboxes in which nothing has changed are looked over, one right behind another.
    """

    def fill(self, account: Account, number: int) -> None:
        """
        Many mailboxes.
        """
        for n in range(number):
            account.make(f"M{n}").add(mail(n))

    def test_noPass(self) -> None:
        """
        They are examined, and no more is done.
        """
        for way in "comparing", "bare":
            self.make("QRESYNC", way)
            self.fill(self.local, 30)
            self.sync()
            self.sync()
            self.assertEqual(31, self.remote.count("EXAMINE"))
            self.assertEqual(31, self.remote.count("FETCH 1:*"))
            self.assertEqual(0, self.remote.count("SELECT"))
            self.assertEqual(0, self.local.count("SELECT", "EXAMINE"))

    def test_changed(self) -> None:
        """
        Only those in which something has changed are opened.
        """
        self.make("QRESYNC", "bare")
        self.fill(self.local, 30)
        self.sync()
        self.remote.folders["M7"].flag(1, "\\Seen")
        self.sync()
        self.assertEqual(1, self.local.count("SELECT"))
        self.assertSettled()

    def test_refused(self) -> None:
        """
        One that cannot be opened is named; the others are looked over all the same.
        """
        self.make("QRESYNC", "bare")
        self.fill(self.local, 5)
        self.sync()
        self.remote.folders["M4"].flag(1, "\\Seen")
        no = "NO [NOPERM] no"
        self.remote.refusal = lambda line: no if line.endswith(" M2") else ""
        self.assertEqual(["M2"], [name for name, _ in troubles(self.sync())])
        self.assertEqual(SEEN, self.local.folders["M4"].messages[1].flags)

    def test_far(self) -> None:
        """
        Two hundred mailboxes take a few round trips, not two each.
        """
        self.make("QRESYNC", "bare")
        world = FarWorld(self.mktemp(), self.local, self.remote)
        self.world = world
        self.fill(self.local, 200)
        self.sync()
        world.trips = 0
        report = self.sync()
        self.assertEqual(0, report.changes)
        self.assertEqual(201, self.remote.count("EXAMINE"))
        self.assertLess(world.trips, 25)
