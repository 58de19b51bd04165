"""
Tests for L{imapsync.mailbox.entries}: what is read of messages that have an entry.
"""

from __future__ import annotations

from imapsync.imap.commands.mailbox import Heard
from imapsync.mailbox.entries import Entries, Suspects
from imapsync.mailbox.fetching import Source
from imapsync.mailbox.mending import Mending
from imapsync.mailbox.suspects import Place
from imapsync.mailbox.suspects import Suspects as Breaks
from imapsync.model import Pair, Side
from imapsync.plan.repair import Kind
from imapsync.state.store import Store
from imapsync.test.accounts.test_repair import RepairCase, crosswise
from imapsync.testing.accounts import NOTHING
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side
ALL = UidSet(((1, 99),))


class EntriesTests(RepairCase):
    """
    The entries of INBOX, which is selected.
    """

    def compare(self, uids: UidSet = ALL, proven: bool = False) -> Entries:
        """
        Compare those of some local messages.
        """
        self.told: list[tuple[Kind, int]] = []
        state = Store.open(self.world.database)
        self.addCleanup(state.close)
        known = state.mailbox("INBOX")
        assert known is not None
        validities = {side: mark.uidvalidity for side, mark in known.marks.items()}
        mending = Mending(
            *(known, state, validities),
            lambda one: self.told.append((one.kind, one.local)),
        )
        clients = {side: self.world.connect(side) for side in Side}
        sources = {}
        for side, client in clients.items():
            self.world.accounts[side].heard.clear()
            self.world.run(client.open("INBOX", None, Heard(), writable=False))
            place = Place(known.id, side, validities[side])
            sources[side] = Source(client, Breaks(), place)
        entries = Entries(mending, clients, sources)
        self.world.run(entries.compare(uids, proven))
        return entries

    def test_suspects(self) -> None:
        """
        Entries of two messages are kept, however large their UIDs are.
        """
        suspects = Suspects()
        suspects.add(Pair(7, 2**32 - 1, NOTHING), altered=True)
        suspects.add(Pair(2, 1, NOTHING), altered=False)
        self.assertEqual([(7, 2**32 - 1, True), (2, 1, False)], [*suspects])
        self.assertEqual("2,7", str(suspects.uids(LOCAL)))

    def test_unequal(self) -> None:
        """
        They are not judged otherwise: it is not known whose flags are whose.
        """
        self.damage(*crosswise(1, 2))
        entries = self.compare()
        self.assertEqual([1, 2], [local for local, _, _ in entries.suspects])
        self.assertEqual([], self.told)

    def test_some(self) -> None:
        """
        Only those are read that are asked for.
        """
        self.local.inbox.flag(2)
        self.local.inbox.flag(5, "Work")
        entries = self.compare(UidSet.parse("5:6"))
        self.assertEqual([(Kind.FLAGS, 5)], self.told)
        self.assertEqual("5", str(entries.differing(LOCAL)))
        self.assertEqual(1, len(entries.differing(REMOTE)))

    def test_proven(self) -> None:
        """
        Where contents are proven, no octet of a message is read.
        """
        self.local.inbox.flag(5, "Work")
        self.damage("UPDATE pair SET key = NULL")
        self.compare(proven=True)
        self.assertEqual([(Kind.FLAGS, 5)], self.told)
        self.assertFalse([line for line in self.local.heard if "BODY" in line])

    def test_amended(self) -> None:
        """
        What is amended is not found again.
        """
        self.damage(
            "UPDATE pair SET key = NULL, flags = (SELECT max(id) FROM flags)"
            " WHERE local < 3"
        )
        self.compare()
        self.assertIn((Kind.KEY, 1), self.told)
        self.assertIn(Kind.AGREED, {kind for kind, _ in self.told})
        self.doCleanups()
        self.compare()
        self.assertEqual([], self.told)

    def test_gone(self) -> None:
        """
        Of what has gone meanwhile nothing is said.
        """
        self.local.inbox.expunge(4)
        self.assertEqual([], [*self.compare().suspects])
        self.assertEqual([], self.told)
