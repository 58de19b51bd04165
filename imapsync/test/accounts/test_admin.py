"""
Tests for L{imapsync.accounts.admin}: what users have done to mailboxes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from imapsync.config.request import Admin, Request
from imapsync.model import Act, Side
from imapsync.service import Outcome
from imapsync.state.store import Store
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import Account, mail

LOCAL, REMOTE = Side
NOBODY: frozenset[Side] = frozenset()


class OrderCase(ServiceCase):
    """
    Two accounts in step.
    """

    rename = False

    def setUp(self) -> None:
        """
        Make some mailboxes, one below the other.
        """
        super().setUp()
        self.world.accounts[REMOTE] = self.remote = Account(".")
        self.remote.capabilities |= {"AUTH=PLAIN", "SASL-IR"}
        for number, name in enumerate(("Work", "Work/Deep", "Work/Deep/er", "Worker")):
            self.local.make(name, subscribed=number != 1).add(mail(name))
        self.sync()

    def sync(self) -> None:
        """
        Sync everything.
        """
        outcome = self.serve(changes={"listSelectOpts": ()})
        self.assertEqual(Outcome(0), outcome, self.logged)

    def assertIdle(self) -> None:
        """
        Both sides are equal, and known to be.
        """
        self.assertTrue(self.world.equal)
        for account in (self.local, self.remote):
            account.heard.clear()
        self.sync()
        for account in (self.local, self.remote):
            self.assertEqual(0, account.count("SELECT", "CREATE", "APPEND", "SUBSC"))

    def order(self, *names: str, **options: Any) -> Outcome:
        """
        Have something done.
        """
        changes = options.pop("changes", {})
        request = Request(admin=Admin(names, self.rename, **options))
        return self.serve(request, changes=changes)

    def assertRefused(self, code: int, text: str, *names: str, **options: Any) -> None:
        """
        It is refused with a text in which C{text} occurs, and nothing is done.
        """
        before = self.local.content, self.remote.content, self.known
        outcome = self.order(*names, **options)
        self.assertIn(text, outcome.text)
        self.assertEqual(code, outcome.code)
        self.assertEqual(before, (self.local.content, self.remote.content, self.known))

    @property
    def known(self) -> set[str]:
        """
        What the database knows.
        """
        state = Store.open(self.world.database)
        try:
            return {known.name for known in state.mailboxes()}
        finally:
            state.close()

    def assertNames(self, account: Account, names: Iterable[str]) -> None:
        """
        An account has these mailboxes, and subscriptions to no others.
        """
        self.assertEqual({*names, "INBOX"}, {*account.content})
        self.assertEqual(set(), account.ghosts)


class DeleteTests(OrderCase):
    """
    Tests for C{--delete}.
    """

    def test_deleted(self) -> None:
        """
        A mailbox is deleted and unsubscribed on both servers, and forgotten;
        what is below it stays, and nothing is left to sync.
        """
        self.assertEqual(Outcome(0), self.order("Work"))
        left = {"Work/Deep", "Work/Deep/er", "Worker"}
        for account in (self.local, self.remote):
            self.assertNames(account, left)
        self.assertEqual(left | {"INBOX"}, self.known)
        self.assertEqual(
            "info: Work: deleted on local, deleted on remote, unsubscribed on local,"
            " unsubscribed on remote, forgotten in the database",
            self.logged[0],
        )
        self.assertNotIn("Total", "".join(self.logged))
        self.assertIdle()

    def test_several(self) -> None:
        """
        Several, the lower ones first, each once.
        """
        self.order("Work", "Work/Deep", "Work/Deep/er", "Work")
        deletes = [line for line in self.remote.heard if line.startswith("DELETE")]
        self.assertEqual(
            ["DELETE Work.Deep.er", "DELETE Work.Deep", "DELETE Work"], deletes
        )

    def test_targets(self) -> None:
        """
        Only where it is wanted; nobody else is connected to.
        """
        self.order("Work", sides=frozenset([REMOTE]), database=False)
        self.assertIn("Work", self.local.folders)
        self.assertNotIn("Work", self.remote.folders)
        self.assertIn("Work", self.known)
        links = len(self.world.links)
        self.order("Work", sides=NOBODY)
        self.assertNotIn("Work", self.known)
        self.assertEqual(links, len(self.world.links))

    def test_oneSided(self) -> None:
        """
        What is on one side only is deleted there; so is a mere subscription.
        """
        self.local.make("Mine")
        self.assertEqual(Outcome(0), self.order("Mine"))
        self.remote.ghosts.add("Ghost")
        self.assertEqual(Outcome(0), self.order("Ghost"))
        self.assertNames(self.remote, {*self.local.folders} - {"INBOX"})

    def test_missing(self) -> None:
        """
        One that nobody has ends it before anything is done.
        """
        text = (
            'there is no mailbox "No/where", "x" on local or on remote or'
            " in the database: check the spelling; nothing was done"
        )
        self.assertRefused(66, text, "Work", "No/where", "x")
        self.local.make("Mine")
        self.assertRefused(
            66, '"Mine" on remote:', "Mine", sides=frozenset([REMOTE]), database=False
        )

    def test_inbox(self) -> None:
        """
        INBOX is not deleted, however it is named.
        """
        servers = dict(self.world.settings().servers)
        servers[LOCAL] = servers[LOCAL]._replace(listReference="Work/")
        self.local.make("Work/INBOX")
        self.assertRefused(64, "INBOX", "Work/INBOX", changes={"servers": servers})

    def test_readOnly(self) -> None:
        """
        A side that is read-only is not written, and it is said how to do it on
        the other alone.
        """
        some = {REMOTE: (Act.APPEND, Act.RENAME)}
        told = "remote does not allow delete: say by --target"
        self.assertRefused(64, told, "Work", changes={"allow": some})
        changes = {"readOnly": [REMOTE]}
        self.assertRefused(64, "--target", "Work", changes=changes)
        self.order("Work", sides=frozenset([LOCAL]), changes=changes)
        self.assertNotIn("Work", self.local.folders)
        self.assertIn("Work", self.remote.folders)

    def test_allow(self) -> None:
        """
        Messages go only where they may be expunged, and subscriptions where they may
        be ended; an empty mailbox has nothing to lose.
        """
        changes = {"allow": {REMOTE: (Act.DELETE,)}}
        told = 'messages in "Worker" on remote, which does not allow expunge'
        self.assertRefused(64, told, "Work", "Worker", changes=changes)
        for account, name in ((self.local, "Work"), (self.remote, "Work")):
            account.folders[name].expunge(*[*account.folders[name].messages])
        self.assertEqual(Outcome(0), self.order("Work", changes=changes))
        self.assertEqual({"Work"}, self.remote.ghosts)
        self.assertEqual(set(), self.local.ghosts)

    def test_refused(self) -> None:
        """
        What a server refuses is told; the others go on, and the database keeps
        what is not gone.
        """
        self.remote.answers["DELETE"] = "NO [HASCHILDREN] there are others below"
        outcome = self.order("Work", "Worker")
        self.assertEqual(1, outcome.code)
        self.assertIn("error: Work: remote: DELETE was refused: NO", self.logged[1])
        self.assertNotIn("Worker", self.local.folders)
        self.assertIn("Worker", self.known)

    def test_lost(self) -> None:
        """
        A connection that goes is made again, and nothing is missing then.
        """
        for account in (self.local, self.remote):
            account.make("Twice")

            def cut(account: Account = account) -> None:
                account.remove(account.folders["Twice"])
                account.downLeft = 1

            account.before["DELETE"] = cut
        self.assertEqual(Outcome(0), self.order("Twice"))
        self.assertIn("Twice: deleted on", self.logged[-2])
        for account in (self.local, self.remote):
            self.assertNames(account, self.known - {"INBOX"})


class RenameTests(OrderCase):
    """
    Tests for C{--rename}.
    """

    rename = True

    def test_renamed(self) -> None:
        """
        A mailbox gets another name on both servers and in the database, with
        all below it and their subscriptions; and nothing is left to sync.
        """
        self.assertEqual(Outcome(0), self.order("Work", "Old/Work \u00e9"))
        names = {"Old/Work \u00e9", "Old/Work \u00e9/Deep", "Old/Work \u00e9/Deep/er"}
        for account in (self.local, self.remote):
            self.assertNames(account, names | {"Worker"})
        self.assertEqual(names | {"Worker", "INBOX"}, self.known)
        self.assertFalse(self.remote.folders["Old.Work \u00e9.Deep"].subscribed)
        self.assertIdle()

    def test_separator(self) -> None:
        """
        Names are typed with the first server's separator, or a slash.
        """
        only = {"sides": frozenset([REMOTE]), "database": False}
        self.assertEqual(Outcome(0), self.order("Work.Deep", "Deep.x", **only))
        self.assertEqual(Outcome(0), self.order("Deep/x", "Work/Deep", **only))
        self.assertIdle()

    def test_allow(self) -> None:
        """
        Subscriptions stay where they may not be changed.
        """
        changes = {"allow": {REMOTE: (Act.RENAME,)}}
        self.assertEqual(Outcome(0), self.order("Worker", "New", changes=changes))
        self.assertEqual({"Worker"}, self.remote.ghosts)
        self.assertFalse(self.remote.folders["New"].subscribed)
        self.assertTrue(self.local.folders["New"].subscribed)

    def test_taken(self) -> None:
        """
        What would meet another mailbox is refused before anything is done, and
        both are named.
        """
        self.remote.make("New.x")
        for new in ("New", "New/x", "Worker"):
            text = f'"Work" cannot become "{new}": there is something of that name'
            self.assertRefused(1, text, "Work", new)
        self.order("Worker", "Other", sides=frozenset(Side), database=False)
        self.assertRefused(1, "(the database)", "Work", "Worker", sides=NOBODY)

    def test_wrong(self) -> None:
        """
        Names that cannot be meant, or cannot be.
        """
        self.assertRefused(64, "lies within", "Work", "Work/x")
        self.assertRefused(64, "lies within", "Work", "Work")
        self.assertRefused(64, "INBOX", "Work", "inbox")
        self.assertRefused(66, "no mailbox", "work", "x")
        self.assertRefused(66, "empty", "Work", "x//y")
        self.assertRefused(1, 'holds a "."', "Work", "v1.0")

    def test_refused(self) -> None:
        """
        If one server does it and the other does not, it is told what was done,
        and the database stays.
        """
        self.remote.answers["RENAME"] = "NO [NOPERM] no"
        self.assertEqual(1, self.order("Work", "New").code)
        self.assertIn("[NOPERM]", self.logged[0])
        self.assertIn('"New" on local now, but only there', self.logged[1])
        self.assertIn("New/Deep", self.local.folders)
        self.assertIn("Work/Deep", self.known)
        self.remote.answers.clear()
        again = {"sides": frozenset([REMOTE])}
        self.assertEqual(Outcome(0), self.order("Work", "New", **again))
        self.assertIdle()

    def test_subscriptionRefused(self) -> None:
        """
        A subscription that is refused is told.
        """
        self.remote.answers["SUBSCRIBE"] = "NO no"
        self.assertEqual(1, self.order("Work", "New").code)
        self.assertIn("New", self.remote.folders)
        self.assertIn("New", self.known)

    def test_lost(self) -> None:
        """
        A connection that goes before it is told what was done.
        """

        def cut() -> None:
            self.remote.rename("Work", "New")
            self.remote.downLeft = 1

        self.remote.before["RENAME"] = cut
        self.assertEqual(Outcome(0), self.order("Work", "New"))
        self.assertIdle()

    def test_database(self) -> None:
        """
        The database alone needs no server.
        """
        for account in (self.local, self.remote):
            account.rename("Work", "New")
            account.ghosts.clear()
            for name in ("New", "New/Deep/er"):
                account.folders[name.replace("/", account.separator)].subscribed = True
        links = len(self.world.links)
        self.assertEqual(Outcome(0), self.order("Work", "New", sides=NOBODY))
        self.assertEqual(links, len(self.world.links))
        self.assertIdle()

    def test_specialUse(self) -> None:
        """
        Where mailboxes are matched by use, each is renamed that is meant.
        """
        self.local.make("Sent").use = "\\Sent"
        self.remote.make("Sent Items").use = "\\Sent"
        changes = {"mapSpecialUse": True}
        self.order("Sent", "Posted", changes=changes)
        self.assertIn("Posted", self.local.folders)
        self.assertIn("Posted", self.remote.folders)
        self.assertNotIn("Sent Items", self.remote.folders)
