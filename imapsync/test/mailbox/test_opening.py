"""
Tests for L{imapsync.mailbox.opening}: mailboxes that were made a moment ago are filled
before their servers have told that they are empty.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Lost
from imapsync.mailbox.report import Report
from imapsync.model import Side
from imapsync.plan.fresh import MOMENT
from imapsync.test.accounts.test_session import Killed, MortalState
from imapsync.test.fakes.far import FarWorld
from imapsync.test.fakes.world import World, troubles
from imapsync.testing.accounts import SEEN, Account, mail

LOCAL, REMOTE = Side

NAMES = ("a", "b", "c", "d")


class FreshCase(SynchronousTestCase):
    """
    Mailboxes that only one side has.
    """

    world: World

    def setUp(self) -> None:
        """
        Make them.
        """
        self.begin(World(self.mktemp()))

    def begin(
        self, world: World, names: tuple[str, ...] = NAMES, side: Side = LOCAL
    ) -> None:
        """
        Make them anew.

        @param side: which has them.
        """
        self.world = world
        self.local, self.remote = world.local, world.remote
        account = world.accounts[side]
        account.inbox.add(mail(0))
        for name in names:
            folder = account.make(name)
            folder.add(mail(f"{name} 1"), SEEN)
            folder.add(mail(f"{name} 2"))

    def assertSettled(self) -> None:
        """
        Both sides are equal, each message is there once, and another run has nothing
        to do.
        """
        self.assertEqual(self.local.content, self.remote.content)
        for folder in self.local.folders.values():
            bodies = [message.body for message in folder.messages.values()]
            self.assertEqual(len(bodies), len({*bodies}))
        report = self.sync()
        self.assertEqual((0, []), (report.changes, troubles(report)))
        for account in (self.local, self.remote):
            self.assertEqual(0, account.count("SELECT", "EXAMINE", "APPEND"))

    def meanwhile(
        self, account: Account, name: str, happens: Callable[[], object]
    ) -> None:
        """
        Something happens right before C{account} selects a mailbox.
        """
        hooks = [happens]
        self.addCleanup(self.assertEqual, [], hooks)

        def hear(line: str) -> str:
            if line.startswith(f"SELECT {name}") and hooks:
                hooks.pop()()
            return ""

        account.refusal = hear

    def sync(self) -> Report:
        """
        Sync.
        """
        return self.world.sync()


class FreshTests(FreshCase):
    """
    They are filled at once, if nothing else happens.
    """

    def trips(self, *names: str, side: Side = LOCAL) -> int:
        """
        How many round trips to the remote server it takes to make and fill these.

        @param side: which has them.
        """
        self.begin(world := FarWorld(self.mktemp()), names, side)
        self.sync()
        self.assertSettled()
        return world.trips

    def test_trips(self) -> None:
        """
        More of them take no more round trips to the server that is to have them.
        """
        self.assertEqual(self.trips("a"), self.trips(*NAMES))

    def test_longAgo(self) -> None:
        """
        A while after they were made, it is looked first what is in them.
        """
        self.begin(world := FarWorld(self.mktemp()))

        def wait() -> None:
            world.clock.advance(MOMENT + 1)
            self.remote.folders["b"].add(mail("b 1"), SEEN)

        self.meanwhile(self.remote, "INBOX", wait)
        self.sync()
        self.assertSettled()

    def test_empty(self) -> None:
        """
        One that is to stay empty is no news.
        """
        self.local.make("e")
        self.sync()
        self.assertSettled()

    def test_toTheLocalSide(self) -> None:
        """
        So it is on the other side.
        """
        for name in NAMES:
            self.remote.make(f"their {name}").add(mail(f"their {name}"))
        self.sync()
        self.assertSettled()

    def test_farSource(self) -> None:
        """
        From a far server, each takes two: one tells which messages are in it, and with
        the other they come.
        """
        one, all_ = (self.trips(*names, side=REMOTE) for names in ("a", NAMES))
        self.assertEqual(2 * (len(NAMES) - 1), all_ - one)

    def test_sparse(self) -> None:
        """
        Where the answer might be too long, it is not asked for before it is known how
        many messages there are.
        """
        self.begin(world := FarWorld(self.mktemp()), ("a",), REMOTE)
        self.remote.folders["a"].uidnext = 1_000_000
        self.sync()
        self.assertSettled()
        self.assertEqual(self.trips("a", side=REMOTE) + 1, world.trips)

    def test_another(self) -> None:
        """
        What comes to one before it is opened is carried over.
        """
        self.meanwhile(
            self.remote, "b", lambda: self.remote.folders["b"].add(mail("new"))
        )
        self.sync()
        self.assertEqual(3, len(self.local.folders["b"].messages))
        self.assertSettled()

    def test_onBoth(self) -> None:
        """
        What comes to both sides before it is opened is not copied.
        """

        def arrive() -> None:
            for account in (self.local, self.remote):
                account.folders["b"].add(mail("new"))

        self.meanwhile(self.local, "b", arrive)
        self.sync()
        self.assertEqual(3, len(self.local.folders["b"].messages))
        self.assertSettled()

    def test_gone(self) -> None:
        """
        One that is gone before it is opened is made again.
        """
        self.meanwhile(self.remote, "b", lambda: self.remote.delete("b"))
        self.sync()
        self.assertSettled()

    def test_anew(self) -> None:
        """
        So is what is in one that another has made in its place.
        """

        def renew() -> None:
            self.remote.delete("b")
            self.remote.make("b").add(mail("new"))

        self.meanwhile(self.remote, "b", renew)
        self.sync()
        self.assertEqual(3, len(self.local.folders["b"].messages))
        self.assertSettled()

    def test_shut(self) -> None:
        """
        One that cannot be opened is left to the next look.
        """
        self.remote.refusal = lambda line: "NO later" * (line == "SELECT b")
        report = self.sync()
        self.assertIn("b", {one.mailbox for one in report.troubles})
        self.remote.refusal = lambda _: ""
        self.sync()
        self.assertSettled()

    def test_refused(self) -> None:
        """
        A message that is refused in one of them costs no other.
        """
        self.remote.objection = lambda offer: "NO no" * (mail("b 1") == offer.body)
        report = self.sync()
        self.assertEqual(["b"], [one.mailbox for one in report.troubles])
        for name in "acd":
            self.assertEqual(2, len(self.remote.folders[name].messages))
        self.assertEqual(1, len(self.remote.folders["b"].messages))


class InterruptedTests(FreshCase):
    """
    Runs that end while many of them are being filled: the next makes both sides equal,
    without one message more or less.
    """

    def tearDown(self) -> None:
        """
        Have errors that nobody took told now.
        """
        gc.collect()

    def test_killed(self) -> None:
        """
        Killed before or after any commit.
        """
        deaths = 0
        for steps in range(1, 200):
            self.begin(World(self.mktemp()))
            MortalState.left = steps
            try:
                self.world.sync(open=MortalState.open)
            except Killed:
                deaths += 1
            else:
                break
            self.sync()
            self.assertSettled()
        self.assertGreater(deaths, 30)

    def test_cut(self) -> None:
        """
        Cut at any octet, either way.
        """
        for way, step in ("down", 397), ("up", 211):
            octets = 400
            while self.isCut(f"{way}Left", octets):
                octets += step
            self.assertGreater(octets, 1500)

    def isCut(self, way: str, octets: int) -> bool:
        """
        Cut the connection to the side that is filled.

        @return: whether it has come so far.
        """
        self.begin(World(self.mktemp()))
        setattr(self.remote, way, octets)
        cut = False
        try:
            self.sync()
        except Lost:
            cut = True
        setattr(self.remote, way, None)
        self.sync()
        self.assertSettled()
        return cut

    def test_slow(self) -> None:
        """
        Cut while none of them is answered for.
        """
        for stop in range(3, 60):
            self.begin(world := FarWorld(self.mktemp()))
            world.most = stop
            try:
                self.sync()
            except Lost:
                world.most = None
            else:
                self.assertGreater(stop, 6)
                break
            self.sync()
            self.assertSettled()
