"""
Tests for L{imapsync.run.listeners}: further connections of live mode, on servers in
memory.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionLost

from imapsync.test.run.test_live import FollowingCase
from imapsync.testing.accounts import mail


class ListenersTests(FollowingCase):
    """
    Two connections to a server that tells of one mailbox on each.
    """

    def setUp(self) -> None:
        """
        Have two mailboxes besides INBOX.
        """
        super().setUp()
        self.remote.capabilities.remove("NOTIFY")
        self.work = self.remote.make("Work")
        self.home = self.remote.make("Home")

    def begin(self, connections: int = 2, **arguments: Any) -> None:
        """
        Follow both.
        """
        request = arguments.pop("request", {"watch": 600})
        changes = {"connections": connections}
        self.follow(request=request, changes=changes, **arguments)

    @property
    def open(self) -> list[Any]:
        """
        The connections to the server.
        """
        return [
            link
            for link in self.world.links
            if link.open and link.account is self.remote
        ]

    def busy(self) -> None:
        """
        Have most happen in one.
        """
        for n in range(3):
            self.work.add(mail(("work", n)))
            self.wait(601)
        self.assertTrue(self.world.equal)

    def test_two(self) -> None:
        """
        What happens in INBOX and in the busiest mailbox is told at once, there and
        back; the other server, which tells of all, has one connection.
        """
        self.begin()
        self.busy()
        for n in range(3):
            self.work.add(mail(("at once", n)))
            self.remote.inbox.add(mail(("here", n)))
            self.world.pump()
            self.assertTrue(self.world.equal)
        self.work.flag(1, "\\Flagged")
        self.world.pump()
        self.assertTrue(self.world.equal)
        self.local.inbox.expunge(1)
        self.world.pump()
        self.assertTrue(self.world.equal)
        self.assertEqual(2, len(self.open))
        self.assertEqual(3, sum(link.open for link in self.world.links))

    def test_one(self) -> None:
        """
        There is one connection, unless more are allowed.
        """
        self.begin(connections=1)
        self.assertEqual(1, len(self.open))

    def test_lasting(self) -> None:
        """
        IDLE does not last for longer than servers bear, nor is all sent again at each
        look.
        """
        self.begin()
        self.forget()
        self.wait(3700)
        self.assertLessEqual(3, self.remote.count("IDLE"))
        self.assertGreaterEqual(12, self.remote.count("IDLE"))

    def test_lost(self) -> None:
        """
        One that goes is no trouble, and is made again; not for ever, which is said.
        """
        self.begin()
        for lost in range(5):
            further = self.open[1:]
            self.assertEqual(1 if lost < 3 else 0, len(further))
            for one in further:
                one.end(ConnectionLost())
            self.wait(601)
            said = [line for line in self.said("info") if "fewer mailboxes" in line]
            self.assertEqual(lost >= 2, bool(said))
        self.assertEqual(1, len(said))
        self.remote.inbox.add(mail("still"))
        self.world.pump()
        self.assertTrue(self.world.equal)
        self.assertEqual([], self.said("warn"))

    def test_refused(self) -> None:
        """
        A server that lets in no more is left alone; it is said once.
        """

        def refuse() -> None:
            self.remote.answers["AUTHENTICATE"] = "NO [LIMIT] too many connections"

        self.remote.greeting = "OK"
        self.remote.before["LIST"] = refuse
        self.begin(connections=3)
        self.wait(1900)
        self.assertEqual(1, len(self.open))
        [said] = [line for line in self.logged if "too many connections" in line]
        self.assertTrue(said.endswith("fewer mailboxes are attended to at once."), said)
        self.remote.inbox.add(mail("still"))
        self.world.pump()
        self.assertTrue(self.world.equal)

    def test_late(self) -> None:
        """
        That a connection takes its time keeps nothing up, and it is not begun anew each
        time that something happens.
        """
        made = len(self.world.links)

        def hold() -> None:
            self.world.links[-1].pauseProducing()

        self.remote.greeting = "OK"
        self.remote.before["LIST"] = lambda: self.remote.before.update(
            {"AUTHENTICATE": hold}
        )
        self.begin()
        for n in range(5):
            self.remote.inbox.add(mail(("here", n)))
            self.world.pump()
            self.assertTrue(self.world.equal)
        self.assertEqual(made + 3, len(self.world.links))
        self.world.links[-1].resumeProducing()
        self.world.pump()
        self.home.add(mail("there"))
        self.world.pump()
        self.assertTrue(self.world.equal)

    def test_needed(self) -> None:
        """
        Bulk work takes their places, no more than are allowed.
        """
        self.begin()
        for n in range(40):
            self.remote.make(f"Box {n}").add(mail(("box", n)))
        most = 0

        def look() -> None:
            nonlocal most
            most = max(most, len(self.open))
            self.remote.before["SELECT"] = look

        self.remote.before["SELECT"] = look
        self.wait(601)
        self.assertTrue(self.world.equal)
        self.assertEqual(2, most)
        self.wait(601)
        self.assertEqual(2, len(self.open))

    def test_cut(self) -> None:
        """
        One that goes while it selects a mailbox is no trouble, either.
        """
        self.begin()
        made = len(self.world.links)

        def cut() -> None:
            for one in self.open[1:]:
                one.end(ConnectionLost())

        self.wait(1100)
        self.remote.before["EXAMINE"] = cut
        self.wait(700)
        self.assertEqual([], self.said("warn"))
        self.assertEqual(made + 1, len(self.world.links))
        self.remote.inbox.add(mail("still"))
        self.world.pump()
        self.assertTrue(self.world.equal)

    def test_stopped(self) -> None:
        """
        One that is being made does not outlive the others.
        """
        self.remote.greeting = "OK"

        def hold() -> None:
            self.world.links[-1].pauseProducing()

        self.remote.before["LIST"] = lambda: self.remote.before.update(
            {"AUTHENTICATE": hold}
        )
        self.begin()
        self.assertEqual(2, len(self.open))
        self.stop()

    def test_silent(self) -> None:
        """
        One that says nothing any more keeps nobody from asking, and is made again.
        """
        self.begin(request={"watch": 60})
        made = len(self.world.links)
        self.open[1].pauseProducing()
        for n in range(30):
            self.home.add(mail(("home", n)))
            self.wait(62)
            self.assertTrue(self.world.equal)
        self.assertEqual(made + 1, len(self.world.links))
        self.assertEqual([], self.said("warn"))

    def test_seldom(self) -> None:
        """
        Nor does it last for too long where it is seldom looked.
        """
        self.begin(request={"watch": 100_000})
        before = self.remote.count("EXAMINE")
        self.wait(1700)
        self.assertLess(before, self.remote.count("EXAMINE"))
