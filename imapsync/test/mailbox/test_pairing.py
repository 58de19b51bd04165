"""
Tests for L{imapsync.mailbox.pairing}: what is fetched, and what it leads to.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.trial.unittest import SynchronousTestCase

from imapsync.content.digest import instant, stamp
from imapsync.content.matcher import Matcher
from imapsync.errors import Lost
from imapsync.mailbox.fetching import Source
from imapsync.mailbox.pairing import matched
from imapsync.mailbox.suspects import Place, Suspects
from imapsync.model import Side
from imapsync.test.fakes.talking import Listener
from imapsync.test.fakes.world import World
from imapsync.testing.accounts import BODY_FIRST, DATE, SEEN, mail
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side


class PairingTests(SynchronousTestCase):
    """
    Equal messages are found with little effort.
    """

    def setUp(self) -> None:
        """
        Make two accounts.
        """
        self.world = World("")
        self.local, self.remote = self.world.local, self.world.remote

    def tearDown(self) -> None:
        """
        Close all connections.
        """
        for link in self.world.links:
            link.end(ConnectionLost())

    def start(self) -> Deferred[Matcher]:
        """
        Begin to compare all that is in both INBOXes.
        """
        clients = {side: self.world.connect(side) for side in Side}
        for client in clients.values():
            self.world.run(client.open("INBOX", None, Listener(), writable=False))
        new = {
            side: UidSet.of(self.world.accounts[side].inbox.messages) for side in Side
        }
        sources = {
            side: Source(client, Suspects(), Place(1, side, 7))
            for side, client in clients.items()
        }
        return self.world.start(matched(sources, new))

    def match(self) -> list[tuple[int, int]]:
        """
        The pairs of UIDs that are found.
        """
        matcher = self.world.run(self.start())
        self.addCleanup(matcher.close)
        self.left = {side: str(matcher.unmatched(side)) for side in Side}
        return [(pair.local, pair.remote) for pair, _ in matcher.matches()]

    def fetched(self, what: str) -> list[str]:
        """
        What of the messages was fetched from each side: their UIDs.
        """
        return [
            ",".join(line.split()[2] for line in account.heard if what in line)
            for account in self.world.accounts.values()
        ]

    def test_sizes(self) -> None:
        """
        Messages of different sizes are different: no header is fetched.
        """
        self.world.fill(mail(1, 10), mail(2, 20))
        self.remote.inbox.add(mail(3, 30))
        self.assertEqual([], self.match())
        self.assertEqual({LOCAL: "1:2", REMOTE: "1"}, self.left)
        self.assertEqual(["", ""], self.fetched("HEADER"))
        self.assertEqual(["", ""], self.fetched("BODY.PEEK[]"))

    def test_headers(self) -> None:
        """
        Headers with a Message-ID decide about messages of equal size.
        """
        self.world.fill(mail(1), mail(2), mail(3, 99))
        self.remote.inbox.add(mail(2))
        self.remote.inbox.add(mail(5))
        self.assertEqual([(2, 1)], self.match())
        self.assertEqual({LOCAL: "1,3", REMOTE: "2"}, self.left)
        self.assertEqual(["1:2", "1:2"], self.fetched("HEADER"))
        self.assertEqual(["", ""], self.fetched("BODY.PEEK[]"))

    def test_bodies(self) -> None:
        """
        Where headers leave a doubt the whole messages decide.
        """
        plain = b"Subject: x\r\n\r\n%s\r\n"
        self.world.fill(plain % b"a", plain % b"b", mail(1))
        self.remote.inbox.add(plain % b"b")
        self.remote.inbox.add(plain % b"c")
        self.assertEqual([(2, 1)], self.match())
        self.assertEqual(["1:2", "1:2"], self.fetched("BODY.PEEK[]"))

    def test_sameIdOtherBody(self) -> None:
        """
        Of several messages with the same header, the equal ones are paired.
        """
        head = mail(1)
        self.world.fill(head + b"a", head + b"b", head + b"c")
        self.remote.inbox.add(head + b"c")
        self.remote.inbox.add(head + b"a")
        self.assertEqual([(1, 2), (3, 1)], self.match())
        self.assertEqual({LOCAL: "2", REMOTE: ""}, self.left)

    def test_attributesLast(self) -> None:
        """
        Nor does it matter whether a server tells the UID after the message.
        """
        self.local.order = BODY_FIRST
        plain = b"Subject: x\r\n\r\n%s\r\n"
        self.world.fill(mail(1), plain % b"a", plain % b"b")
        for body in (mail(1), plain % b"b", plain % b"a"):
            self.remote.inbox.add(body)
        self.assertEqual([(1, 1), (2, 3), (3, 2)], self.match())

    def test_flags(self) -> None:
        """
        A match has the flags of both sides, and what the message is known by.
        """
        self.local.inbox.add(mail(1), SEEN)
        self.remote.inbox.add(mail(1), frozenset(["work"]))
        matcher = self.world.run(self.start())
        [(pair, theirs)] = matcher.matches()
        matcher.close()
        self.assertEqual((SEEN, frozenset(["work"])), (pair.flags, theirs))
        self.assertEqual(16, len(pair.key))
        self.assertEqual(len(mail(1)), pair.size)
        self.assertEqual(stamp(len(mail(1)), instant(DATE), b"<1@example>"), pair.stamp)

    def test_gone(self) -> None:
        """
        A message that goes meanwhile pairs with none.
        """
        self.world.fill(mail(1), mail(2))
        self.remote.inbox.add(mail(1))
        self.remote.inbox.add(mail(2))
        started = self.start()
        self.remote.before["FETCH"] = lambda: self.remote.inbox.expunge(1)
        matcher = self.world.run(started)
        self.addCleanup(matcher.close)
        self.assertEqual([2], [pair.remote for pair, _ in matcher.matches()])

    def test_lost(self) -> None:
        """
        When a connection goes, so does what was found.
        """
        self.world.fill(mail(1))
        self.remote.inbox.add(mail(1))
        started = self.start()
        self.remote.before["FETCH"] = lambda: setattr(self.remote, "downLeft", 3)
        with self.assertRaises(Lost):
            self.world.run(started)
