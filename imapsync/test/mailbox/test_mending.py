"""
Tests for L{imapsync.mailbox.mending}.
"""

from __future__ import annotations

from imapsync.mailbox.mending import Mending
from imapsync.model import Mark, Pair, Side
from imapsync.plan.repair import Anomaly, Kind
from imapsync.test.fakes.databases import NONE, StateTestCase
from imapsync.uidset import UidSet

START = {Side.LOCAL: Mark(7, 1, 0), Side.REMOTE: Mark(8, 1, 0)}


class MendingTests(StateTestCase):
    """
    Changes of what is known of one mailbox.
    """

    def setUp(self) -> None:
        """
        Have one that is known.
        """
        super().setUp()
        self.state, self.mailbox = self.filled(Pair(1, 2, NONE), Pair(3, 4, NONE))
        with self.state.transaction():
            self.state.setMark(self.mailbox, Side.LOCAL, Mark(7, 9, 11))
            self.state.setCopying(self.mailbox, Side.LOCAL, UidSet.parse("5"))
        self.told: list[Anomaly] = []
        [known] = self.state.mailboxes()
        validities = {Side.LOCAL: 7, Side.REMOTE: 8}
        self.mending = Mending(known, self.state, validities, self.told.append)

    def test_found(self) -> None:
        """
        Each anomaly is told, and counted.
        """
        self.mending.found(Kind.DANGLING, "odd", 1, 2)
        self.mending.foundOn(Side.REMOTE, Kind.ALONE, "odd", 3)
        self.assertEqual(
            ["INBOX: local UID 1, remote UID 2: odd", "INBOX: remote UID 3: odd"],
            [str(one) for one in self.told],
        )
        self.assertEqual(2, self.mending.anomalies)
        self.assertEqual(Mark(7, 9, 11), self.state.mailboxes()[0].marks[Side.LOCAL])

    def test_change(self) -> None:
        """
        With the first change, everything is to be read anew; that lasts with it, or
        not at all.
        """

        def fail() -> None:
            with self.mending.change():
                raise ZeroDivisionError

        before = self.state.mailboxes()
        self.assertRaises(ZeroDivisionError, fail)
        self.assertEqual(before, self.state.mailboxes())

    def test_once(self) -> None:
        """
        Marks that passes have set since are left alone.
        """
        with self.mending.change():
            self.state.removePairs(self.mailbox, Side.LOCAL, UidSet.parse("1"))
        [known] = self.state.mailboxes()
        self.assertEqual((START, 1), (known.marks, known.pairs))
        self.assertFalse(self.state.copying(self.mailbox, Side.LOCAL))
        with self.state.transaction():
            self.state.setMark(self.mailbox, Side.REMOTE, Mark(8, 9, 11))
        self.mending.readAnew()
        marks = {**START, Side.REMOTE: Mark(8, 9, 11)}
        self.assertEqual(marks, self.state.mailboxes()[0].marks)
