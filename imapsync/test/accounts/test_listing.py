"""
Tests for L{imapsync.accounts.listing}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts.listing import Listing
from imapsync.errors import ConfigError, MissingCapability, Refused
from imapsync.imap.hosts import named
from imapsync.model import Side
from imapsync.plan.account import Account
from imapsync.test.fakes.world import World
from imapsync.testing.accounts import Account as Server

LOCAL, REMOTE = Side


class ListingTests(SynchronousTestCase):
    """
    Tests for L{Listing}.
    """

    def setUp(self) -> None:
        """
        Connect to two accounts.
        """
        self.world = World(self.mktemp())
        self.local, self.remote = self.world.local, self.world.remote
        self.clients = {side: self.world.connect(side) for side in reversed(Side)}

    def tearDown(self) -> None:
        """
        Close the connections.
        """
        for link in self.world.links:
            link.end(ConnectionDone())

    def listing(self, *sides: Side, **changes: Any) -> Listing:
        """
        A listing of some sides, or of both.
        """
        clients = {side: self.clients[side] for side in sides or self.clients}
        return Listing(self.world.settings(**changes), clients)

    def look(self, *sides: Side, **changes: Any) -> Mapping[Side, Account]:
        """
        Look at them.
        """
        return self.world.run(self.listing(*sides, **changes).look())

    def test_sides(self) -> None:
        """
        Each side that is connected is looked at, by its own separator.
        """
        self.remote.separator = "."
        self.remote.make("A.B")
        accounts = self.look()
        self.assertEqual([*Side], [*accounts])
        self.assertTrue(accounts[REMOTE].has("A/B"))
        self.assertEqual([LOCAL], [*self.look(LOCAL)])

    def test_sameMailboxes(self) -> None:
        """
        Two references that turn out to be one are refused.
        """
        servers = dict(self.world.settings().servers)
        for side, reference in ((LOCAL, "A/"), (REMOTE, "A/B")):
            servers[side] = servers[side]._replace(listReference=reference, port=1)
        error = self.assertRaises(ConfigError, self.look, servers=servers)
        self.assertIn('below "A/" and "A/B/"', str(error))

    def test_chosen(self) -> None:
        """
        Of what any server lists under an option, what lies above is chosen too,
        if that is wanted.
        """
        self.local.make("A/B/C")
        self.remote.make("D")
        listing = self.listing()
        accounts = self.world.run(listing.look())
        for options, more in (
            (["SUBSCRIBED"], set()),
            (["SUBSCRIBED", "RECURSIVEMATCH"], {"A", "A/B"}),
        ):
            chosen = self.world.run(listing.chosen(options, accounts))
            self.assertEqual({"INBOX", "A/B/C", "D"} | more, chosen)
            self.assertIn("LIST ['SUBSCRIBED']  *", self.local.heard[-1])

    def test_notThere(self) -> None:
        """
        An option that a server does not have is refused.
        """
        listing = self.listing()
        accounts = self.world.run(listing.look())
        chosen = listing.chosen(["SPECIAL-USE"], accounts)
        self.assertRaises(MissingCapability, self.world.run, chosen)

    def test_noSpecialUse(self) -> None:
        """
        A server without SPECIAL-USE is not asked for it, and that is told.
        """
        with capturedLogs() as events:
            self.look(mapSpecialUse=True)
        self.assertEqual(2, sum("SPECIAL-USE" in formatEvent(e) for e in events))
        self.assertFalse(any("SPECIAL-USE" in line for line in self.local.heard))

    def test_withoutStatus(self) -> None:
        """
        What is listed without its status is asked for it; one that cannot be
        read is a mailbox.
        """
        self.remote.make("A")
        self.remote.silent.add("A")
        status = self.look()[REMOTE].listed["A"].status
        assert status is not None
        self.assertEqual(1, status.uidnext)
        self.remote.answers["STATUS"] = "NO System I/O error"
        account = self.look()[REMOTE]
        self.assertTrue(account.has("A"))
        self.assertEqual("", account.leftAlone("A"))

    def test_gone(self) -> None:
        """
        What was listed, does not exist, and is not listed any more is a mere
        name.
        """
        self.remote.make("A")
        self.remote.silent.add("A")
        self.remote.before["STATUS"] = lambda: self.remote.delete("A")
        account = self.look()[REMOTE]
        self.assertFalse(account.has("A"))
        self.assertEqual("", account.leftAlone("A"))

    def test_shut(self) -> None:
        """
        What is still listed is left alone, whatever says that it does not exist.
        """
        self.remote.make("A").subscribed = False
        self.remote.make("A/B").subscribed = False
        self.remote.shut |= {"A", "A/B"}
        for answer in ("", "NO [NONEXISTENT] no", "NO Mailbox doesn't exist: A"):
            self.remote.refusal = lambda line, answer=answer: (  # type: ignore[misc]
                answer if line.startswith("STATUS A") else ""
            )
            account = self.look()[REMOTE]
            for name in ("A", "A/B"):
                self.assertTrue(account.has(name))
                self.assertIn("left alone", account.leftAlone(name))
            self.assertEqual("", account.leftAlone("INBOX"))

    def test_askedInVain(self) -> None:
        """
        So it is if the server does not say it again.
        """
        self.remote.phantoms.add("A")
        self.remote.make("A/B")
        self.remote.refusal = lambda line: (
            "NO [SERVERBUG] no" if "RECURSIVEMATCH" in line else ""
        )
        self.assertIn("left alone", self.look()[REMOTE].leftAlone("A"))


class BareTests(ListingTests):
    """
    The same, and more, of servers that have neither LIST-EXTENDED nor LIST-STATUS.
    """

    def setUp(self) -> None:
        """
        Have the remote server be one.
        """
        super().setUp()
        self.bare(self.remote)

    def bare(self, account: Server, *more: str) -> None:
        """
        Take these extensions from it.
        """
        account.capabilities -= {"LIST-EXTENDED", "LIST-STATUS", *more}
        side = next(s for s in Side if self.world.accounts[s] is account)
        self.clients[side] = self.world.connect(side)

    def test_notThere(self) -> None:
        """
        A selection option that is not there is refused; what is of special use can be
        seen without.
        """
        self.local.capabilities.add("SPECIAL-USE")
        self.remote.capabilities.add("SPECIAL-USE")
        for side in Side:
            self.clients[side] = self.world.connect(side)
        self.remote.make("Sent").use = "\\Sent"
        self.remote.make("Drafts", subscribed=False).use = "\\Drafts"
        listing = self.listing(REMOTE)
        accounts = self.world.run(listing.look())
        for options, names in (
            (["SPECIAL-USE"], {"Sent", "Drafts"}),
            (["SPECIAL-USE", "SUBSCRIBED"], {"Sent"}),
        ):
            chosen = self.world.run(listing.chosen(options, accounts))
            self.assertEqual(names, chosen)
        error = self.assertRaises(
            MissingCapability,
            self.world.run,
            listing.chosen(["REMOTE", "SUBSCRIBED"], accounts),
        )
        self.assertIn("no LIST-EXTENDED: take REMOTE out of", str(error))

    def test_turns(self) -> None:
        """
        LIST and LSUB are asked for at once, the STATUS of each mailbox behind them;
        from the second look on, all in one turn.
        """
        for number in range(250):
            self.remote.make(f"A{number}", subscribed=number % 2 == 0)
        listing = self.listing(REMOTE)
        for _ in range(2):
            self.remote.heard.clear()
            account = self.world.run(listing.look())[REMOTE]
            self.assertEqual(251, self.remote.count("STATUS"))
            verbs = [line.split()[0] for line in self.remote.heard[:2]]
            self.assertEqual(["LIST", "LSUB"], verbs)
            self.assertEqual(1, self.remote.count("LIST"))
            self.assertEqual(1, self.remote.count("LSUB"))
            self.assertTrue(account.subscribed("A0"))
            self.assertFalse(account.subscribed("A1"))
            self.assertTrue(all(box.status for box in account.listed.values()))

    def test_status(self) -> None:
        """
        Where there are no mod-sequences, none are asked for.
        """
        self.bare(self.remote, "CONDSTORE", "QRESYNC")
        self.remote.make("A")
        status = self.look(REMOTE)[REMOTE].listed["A"].status
        assert status is not None
        self.assertEqual((1, 0), (status.uidnext, status.modseq))
        items = ["MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN"]
        self.assertIn(f"STATUS A {items}", self.remote.heard)

    def test_extendedOnly(self) -> None:
        """
        LIST-EXTENDED tells what is subscribed.
        """
        self.remote.capabilities.add("LIST-EXTENDED")
        self.remote.make("A")
        self.remote.make("B", subscribed=False)
        self.clients[REMOTE] = self.world.connect(REMOTE)
        account = self.look(REMOTE)[REMOTE]
        self.assertTrue(account.subscribed("A"))
        self.assertFalse(account.subscribed("B"))
        self.assertEqual(0, self.remote.count("LSUB"))
        self.assertEqual(3, self.remote.count("STATUS"))

    def test_levels(self) -> None:
        """
        What LSUB tells of mere levels is no subscription.
        """
        self.remote.levels.add("A")
        self.remote.make("A/B")
        account = self.look(REMOTE)[REMOTE]
        self.assertFalse(account.subscribed("A"))
        self.assertTrue(account.subscribed("A/B"))

    def test_ghosts(self) -> None:
        """
        What is subscribed without a mailbox is told to who asks for it.
        """
        self.remote.ghosts.add("Gone")
        listing = self.listing(REMOTE)
        accounts = self.world.run(listing.look())
        self.assertFalse(accounts[REMOTE].subscribed("Gone"))
        accounts = self.world.run(listing.completed(accounts))
        self.assertTrue(accounts[REMOTE].subscribed("Gone"))
        self.assertFalse(accounts[REMOTE].has("Gone"))

    def test_refusedLater(self) -> None:
        """
        A mailbox that is deleted between two looks is gone.
        """
        self.remote.make("A")
        listing = self.listing(REMOTE)
        self.assertTrue(self.world.run(listing.look())[REMOTE].has("A"))
        self.remote.delete("A")
        self.assertFalse(self.world.run(listing.look())[REMOTE].has("A"))

    def test_noLsub(self) -> None:
        """
        Where LSUB is refused, nobody knows what is subscribed: that is no reason to
        believe that nothing is.
        """
        self.remote.answers["LSUB"] = "NO not now"
        error = self.assertRaises(Refused, self.look, REMOTE)
        self.assertIn("LSUB was refused: NO not now", str(error))


class ViewTests(ListingTests):
    """
    Mailboxes that only show what is in others.
    """

    def test_views(self) -> None:
        """
        They are known where the kind of server is known for them.
        """
        for account in (self.local, self.remote):
            account.make("[Gmail]/All Mail").use = "\\All"
            account.make("[Gmail]/Sent Mail").use = "\\Sent"
            account.make("[Gmail]/Starred").use = "\\Flagged"
        self.clients[REMOTE].host = named("imap.gmail.com")
        self.remote.make("Mine").use = "\\Important"
        listing = self.listing()
        views = listing.views(self.world.run(listing.look()))
        self.assertEqual({"[Gmail]/All Mail", "[Gmail]/Starred", "Mine"}, views)
