"""
Tests for L{imapsync.state.leftovers}.
"""

from __future__ import annotations

from twisted.internet.task import Clock

from imapsync.model import Flags, Refusal, Side, Trouble
from imapsync.state.store import Store
from imapsync.state.survey import survey
from imapsync.test.fakes.databases import ALL, NONE, SEEN, StateTestCase
from imapsync.uidset import UidSet


class LeftoverTests(StateTestCase):
    """
    What is left to the next run.
    """

    def test_postponed(self) -> None:
        """
        What is postponed, on one side of one mailbox, stays so until it is
        settled.
        """
        state, mailbox = self.filled()
        with state.transaction():
            state.addMailbox("Other", True)
            state.postpone(mailbox, Side.LOCAL, UidSet.parse("2:4,9"))
            state.postpone(mailbox, Side.LOCAL, UidSet.parse("4:5"))
        self.assertEqual("2:5,9", str(state.postponed(mailbox, Side.LOCAL)))
        self.assertFalse(state.postponed(mailbox, Side.REMOTE))
        self.assertEqual([True, False], [known.retries for known in state.mailboxes()])
        with state.transaction():
            state.settle(mailbox, Side.REMOTE, ALL)
            state.settle(mailbox, Side.LOCAL, UidSet.parse("1:2,4,6:8,10"))
            state.settle(mailbox, Side.LOCAL, UidSet())
        self.assertEqual("3,5,9", str(state.postponed(mailbox, Side.LOCAL)))
        with state.transaction():
            state.settle(mailbox, Side.LOCAL, ALL)
        self.assertFalse(state.mailboxes()[0].retries)

    def test_refusals(self) -> None:
        """
        Why, since when, how often and until when is kept of each, with those
        together that are alike; each further time it is later, up to the last pause.
        """
        clock = Clock()
        self.patch(Store, "clock", staticmethod(clock.seconds))
        clock.advance(1000)
        state, mailbox = self.filled()

        def refuse(uids: str, reason: str = "NO", code: str = "") -> None:
            with state.transaction():
                some = UidSet.parse(uids)
                state.postpone(mailbox, Side.LOCAL, some, reason, code, (0, 5, 60))

        refuse("2:4,9")
        refuse("7", "NO [TOOBIG]", "TOOBIG")
        told = Refusal(Side.LOCAL, UidSet.parse("2:4,9"), "NO", "", 1000, 1, 1000)
        other = Refusal(
            Side.LOCAL, UidSet.of([7]), "NO [TOOBIG]", "TOOBIG", 1000, 1, 1000
        )
        self.assertEqual([told, other], state.refusals(mailbox))
        for tries, pause in (2, 5), (3, 60), (4, 60):
            self.assertEqual("2:4,9", str(state.due(mailbox, Side.LOCAL) - other.uids))
            clock.advance(10)
            refuse("2:4,9", "BAD", "LIMIT")
            now = int(clock.seconds())
            told = told._replace(
                reason="BAD", code="LIMIT", tries=tries, due=now + pause
            )
            self.assertEqual([told, other], state.refusals(mailbox))
            self.assertEqual("7", str(state.due(mailbox, Side.LOCAL)))
            clock.advance(pause - 1)
            self.assertEqual("7", str(state.due(mailbox, Side.LOCAL)))
            clock.advance(1)
        self.assertEqual({mailbox}, state.mailboxesDue())
        self.assertFalse(state.due(mailbox, Side.REMOTE))

    def test_hastened(self) -> None:
        """
        The time of all comes when it is asked for, in one mailbox or in each; and
        when the clock was set back, since nobody knows by how much.
        """
        clock = Clock()
        self.patch(Store, "clock", staticmethod(clock.seconds))
        clock.advance(1000)
        state, mailbox = self.filled()

        def refuse() -> None:
            with state.transaction():
                for each in mailbox, other:
                    state.postpone(each, Side.REMOTE, UidSet.of([2]), pauses=(60,))
            self.assertFalse(state.mailboxesDue())

        with state.transaction():
            other = state.addMailbox("Other", True).id
        refuse()
        with state.transaction():
            state.hasten(other)
        self.assertEqual({other}, state.mailboxesDue())
        refuse()
        with state.transaction():
            state.hasten()
        self.assertEqual({mailbox, other}, state.mailboxesDue())
        refuse()
        self.patch(Store, "clock", staticmethod(lambda: 10))
        self.assertEqual({mailbox, other}, state.mailboxesDue())

    def test_troubles(self) -> None:
        """
        What is wrong with mailboxes is kept as long as it is, with when that began;
        what is said of some does not touch others.  What is not news is not written.
        """
        clock = Clock()
        self.patch(Store, "clock", staticmethod(clock.seconds))
        state, _ = self.filled()
        one = Trouble("A", "NO way", Side.LOCAL, code="CANNOT")
        two, three = Trouble("B", "odd"), Trouble("B", "even")
        for troubles, names in (
            ([one, two], None),
            ([one, three], None),
            ([three], ["B", "C"]),
            ([two], ["B"]),
            ([two], None),
        ):
            clock.advance(10)
            for _ in range(2):
                before = state._database.total_changes
                with state.transaction():
                    state.noteTroubles(troubles, names)
            self.assertEqual(before, state._database.total_changes)
            told = survey(str(self.path)).mailboxes
            self.assertEqual(
                {(one.name, one.refusals[0].reason) for one in told if one.refusals},
                {
                    (trouble.mailbox, trouble.text)
                    for trouble in ({one, *troubles} if names else troubles)
                },
            )
        self.assertEqual(40, told[0].refusals[0].since)

    def test_foretold(self) -> None:
        """
        What is foretold of messages stays until it is forgotten, or UIDs mean
        other ones.
        """
        state, mailbox = self.filled()
        told: dict[int, Flags | None] = {1: SEEN, 2: NONE, 3: None}
        for renumbered in False, True:
            with state.transaction():
                state.foretell(mailbox, Side.LOCAL, {1: NONE})
                state.foretell(mailbox, Side.LOCAL, told)
            self.assertEqual(told, state.foretold(mailbox, Side.LOCAL))
            self.assertEqual({}, state.foretold(mailbox, Side.REMOTE))
            with state.transaction():
                if renumbered:
                    state.forgetPairs(mailbox)
                else:
                    state.forgetForetold(mailbox, Side.LOCAL)
            self.assertEqual({}, state.foretold(mailbox, Side.LOCAL))

    def test_copying(self) -> None:
        """
        Which messages are being copied stays until others are, or UIDs mean other
        ones.
        """
        state, mailbox = self.filled()
        for uids in UidSet.parse("1:3,7"), UidSet.of([2]), UidSet():
            with state.transaction():
                state.setCopying(mailbox, Side.LOCAL, UidSet.parse("1:9"))
                state.setCopying(mailbox, Side.LOCAL, uids)
            self.assertEqual(uids, state.copying(mailbox, Side.LOCAL))
            self.assertFalse(state.copying(mailbox, Side.REMOTE))
        for more, both in ("3:5", "3:5"), ("3:4,9", "3:5,9"), ("1:3", "1:5,9"):
            with state.transaction():
                state.addCopying(mailbox, Side.LOCAL, UidSet.parse(more))
            self.assertEqual(both, str(state.copying(mailbox, Side.LOCAL)))
        with state.transaction():
            state.setCopying(mailbox, Side.LOCAL, UidSet.parse("1:9"))
            state.forgetPairs(mailbox)
        self.assertFalse(state.copying(mailbox, Side.LOCAL))
