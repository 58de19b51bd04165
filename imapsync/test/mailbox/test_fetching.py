"""
Tests for L{imapsync.mailbox.fetching}: servers that cannot read a message of theirs,
in whole runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from itertools import product

from imapsync.config.request import Request
from imapsync.mailbox.suspects import MOST
from imapsync.model import Side
from imapsync.service import Outcome
from imapsync.test.run.test_live import FollowingCase
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import Account, Message, mail

LOCAL, REMOTE = Side

#: How a server answers for a message that it cannot read.
WAYS = ("BYE", "NO broken")


def unreadable(way: str, *bodies: bytes) -> Callable[[bytes], str]:
    """
    What a server does that cannot read these.
    """
    return lambda body: way if body in bodies else ""


class UnreadableTests(ServiceCase):
    """
    It costs the message, whatever is fetched of it, and not the others.
    """

    def assertLeftOut(self, *uids: int, code: int = 1) -> None:
        """
        A run leaves these remote messages out, and names each.
        """
        self.assertEqual(code, self.serve().code, self.logged)
        text = "\n".join(self.logged)
        said = re.findall(r"INBOX: remote: UID (\S+): not copied", text)
        named = {int(uid) for some in said for uid in some.split(",")}
        self.assertEqual(set(uids), named, self.logged)

    def holds(self, account: Account, *numbers: int) -> None:
        """
        Its INBOX has these messages.
        """
        bodies = [message.body for message in account.inbox.messages.values()]
        self.assertEqual(sorted(map(mail, numbers)), sorted(bodies))

    def add(self, account: Account, numbers: Collection[int]) -> None:
        """
        Messages arrive, each at another time.
        """
        for number in numbers:
            date = f"01-Feb-2020 03:04:{number:02} +0000"
            account.inbox.add(mail(number), date=date)

    def test_copied(self) -> None:
        """
        Several in the first run, and again in those that follow, in which others
        are new: each is found out.
        """
        for way in WAYS:
            self.setUp()
            self.add(self.remote, range(1, 7))
            self.remote.chokes = unreadable(way, mail(2), mail(5))
            self.assertLeftOut(2, 5)
            self.holds(self.local, 1, 3, 4, 6)
            self.add(self.remote, [7, 8])
            self.assertLeftOut(2, 5)
            self.holds(self.local, 1, 3, 4, 6, 7, 8)
            self.remote.chokes = unreadable("")
            self.assertLeftOut(code=0)
            self.assertTrue(self.world.equal)

    def test_paired(self) -> None:
        """
        Both sides hold all, and the database is lost: the others are paired, and
        nothing is doubled.
        """
        for way in WAYS:
            for account in self.world.accounts:
                self.setUp()
                self.add(self.local, range(1, 7))
                self.add(self.remote, range(1, 7))
                broken = self.world.accounts[account]
                broken.chokes = unreadable(way, mail(2), mail(5))
                self.assertEqual(1, self.serve().code, self.logged)
                self.holds(self.local, *range(1, 7))
                self.holds(self.remote, *range(1, 7))
                broken.chokes = unreadable("")
                self.assertEqual(Outcome(0), self.serve(), self.logged)
                self.holds(self.local, *range(1, 7))
                self.holds(self.remote, *range(1, 7))

    def test_readableLater(self) -> None:
        """
        So it is where a server can read them again before the others are copied.
        """
        for side, times in product(Side, range(1, 7)):
            self.setUp()
            self.add(self.local, range(1, 5))
            self.add(self.remote, range(1, 5))
            left = [times]

            def choke(body: bytes, left: list[int] = left) -> str:
                if body != mail(2) or not left[0]:
                    return ""
                left[0] -= 1
                return "NO [SERVERBUG] busy"

            self.world.accounts[side].chokes = choke
            self.serve(Request(patience=0))
            left[0] = 0
            self.assertEqual(Outcome(0), self.serve(), self.logged)
            self.holds(self.local, *range(1, 5))
            self.holds(self.remote, *range(1, 5))

    def test_moved(self) -> None:
        """
        One arrives where something was moved to, and another is what was moved:
        the rest is moved by the server.
        """
        for way in WAYS:
            self.setUp()
            for account in self.local, self.remote:
                account.make("Work")
            self.add(self.local, range(1, 5))
            self.assertEqual(Outcome(0), self.serve())
            for number in 1, 2, 3:
                self.remote.inbox.expunge(number)
                self.remote.folders["Work"].add(
                    mail(number), date=f"01-Feb-2020 03:04:{number:02} +0000"
                )
            self.remote.folders["Work"].add(mail(9))
            self.remote.chokes = unreadable(way, mail(2), mail(9))
            self.assertEqual(1, self.serve().code, self.logged)
            self.assertEqual([mail(4)], [m.body for m in self.ours()])
            self.assertEqual(
                [mail(1), mail(3)], [m.body for m in self.ours("Work")], self.logged
            )
            self.remote.chokes = unreadable("")
            self.assertEqual(Outcome(0), self.serve(), self.logged)
            self.assertTrue(self.world.equal)

    def ours(self, name: str = "INBOX") -> list[Message]:
        """
        The local messages of a mailbox.
        """
        return list(self.local.folders[name].messages.values())

    def test_identified(self) -> None:
        """
        A mailbox was renamed, and is recognised by its messages although one of
        them cannot be read.
        """
        for way in WAYS:
            self.setUp()
            for account in self.local, self.remote:
                account.make("Work")
            for number in range(3):
                self.local.folders["Work"].add(mail(number))
            self.assertEqual(Outcome(0), self.serve())
            self.remote.rename("Work", "Play")
            self.remote.folders["Play"].subscribed = True
            self.remote.chokes = unreadable(way, mail(1))
            self.assertEqual(Outcome(0), self.serve(), self.logged)
            self.assertEqual({"INBOX", "Play"}, set(self.local.folders))

    def test_allOfThem(self) -> None:
        """
        Where it breaks over message after message, the mailbox is given up, and
        named; others go on.
        """
        self.add(self.remote, range(1, 60))
        self.add(self.remote, range(1, 60))
        self.remote.chokes = lambda body: "BYE" if b"odd" not in body else ""
        self.remote.make("Work").add(mail("odd"))
        finished = self.start()
        for _ in range(2 * MOST * 6 + 60):
            self.reactor.advance(1)
            self.world.pump()
        outcome = self.successResultOf(finished)
        self.assertEqual(1, outcome.code)
        self.assertEqual(1, len(self.local.folders["Work"].messages))
        self.assertLess(len(self.world.links), 2 * (2 * MOST + 5))


class LiveTests(FollowingCase):
    """
    Live mode with such a server.
    """

    def test_goesOn(self) -> None:
        """
        It comes to rest with the others copied, and goes on to follow.
        """
        bad = [mail(f"bad {number}") for number in range(3)]
        self.remote.chokes = unreadable("BYE", *bad)
        for body in bad:
            self.remote.inbox.add(body, date="05-May-2021 05:05:05 +0000")
        self.remote.inbox.add(mail("good"))
        self.follow()
        self.wait(60)
        self.assertEqual(4, len(self.local.inbox.messages))
        self.remote.inbox.add(mail("better"))
        self.wait(5)
        self.assertEqual(5, len(self.local.inbox.messages))
        named = [line for line in self.said("error") if "not copied" in line]
        self.assertIn("remote: UID 2:4: not copied", named[-1])
