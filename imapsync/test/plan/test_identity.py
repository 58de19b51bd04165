"""
Tests for L{imapsync.plan.identity}.
"""

from __future__ import annotations

from collections.abc import Mapping

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Known, Listed, Mark, Name, Side, Status
from imapsync.names import Naming
from imapsync.plan.account import Account
from imapsync.plan.identity import Answer, Places, places, questions, twins

LOCAL, REMOTE = Side


def known(number: int, name: Name, uidvalidity: int, pairs: int = 3) -> Known:
    """
    A mailbox that is known on both sides.
    """
    marks = dict.fromkeys(Side, Mark(uidvalidity, 5, 50))
    return Known(number, name, marks, {}, True, pairs, False)


def box(name: Name, uidvalidity: int, uidnext: int = 5, *attributes: str) -> Listed:
    """
    A mailbox that LIST tells; one with a C{uidvalidity} of 0 without STATUS.
    """
    status = Status(3, uidnext, uidvalidity, 50) if uidvalidity else None
    return Listed(name, "/", frozenset(attributes), status)


class LineageCase(SynchronousTestCase):
    """
    A, B and C, with UIDVALIDITYs 1, 2 and 3, and INBOX, with 9.
    """

    inbox = box("INBOX", 9)

    def setUp(self) -> None:
        """
        Know them.
        """
        names = {1: "A", 2: "B", 3: "C", 9: "INBOX"}
        self.database = [known(number, name, number) for number, name in names.items()]

    def asked(self, *boxes: Listed, doubted: int = 0) -> dict[Name, tuple[Name, ...]]:
        """
        Which names are asked about, by the name that is known.
        """
        account = Account.of(Naming(), [self.inbox, *boxes])
        found = questions(LOCAL, account, self.database, {doubted})
        return {one.known.name: one.names for one in found}

    def found(
        self,
        *boxes: Listed,
        answers: Mapping[int, Answer] | None = None,
        doubted: int = 0,
    ) -> Places:
        """
        Where mailboxes are.
        """
        account = Account.of(Naming(), boxes)
        return places(LOCAL, account, self.database, {doubted}, answers or {})


class QuestionTests(LineageCase):
    """
    Tests for L{questions}.
    """

    def test_home(self) -> None:
        """
        Nothing is asked while all are at home, changed or not, and whatever is
        new.
        """
        boxes = [box("A", 1, 7), box("B", 2), box("C", 3), box("D", 4)]
        self.assertEqual({}, self.asked(*boxes))

    def test_gone(self) -> None:
        """
        Nor if one is gone, or was made anew, and none can be it.
        """
        self.assertEqual({}, self.asked(box("A", 4), box("B", 2), box("D", 5)))

    def test_renamed(self) -> None:
        """
        One that has the UIDVALIDITY of one that is not at home may be that; not
        one that had fewer messages ever, nor INBOX, nor a mere name.
        """
        boxes = [box("B", 2), box("D", 1), box("E", 1), box("F", 1, 2)]
        boxes.append(box("G", 1, 9, "\\noselect"))
        self.assertEqual({"A": ("D", "E")}, self.asked(*boxes))
        self.inbox = box("INBOX", 1)
        self.assertEqual({}, self.asked(box("B", 2), box("C", 3)))

    def test_swapped(self) -> None:
        """
        One may be where another was.
        """
        self.assertEqual(
            {"A": ("B",), "B": ("A",)}, self.asked(box("A", 2), box("B", 1))
        )

    def test_doubted(self) -> None:
        """
        A UIDVALIDITY that proves nothing does not even prove that one is at
        home.
        """
        boxes = [box("A", 1), box("B", 2), box("D", 1)]
        self.assertEqual({"A": ("A", "D")}, self.asked(*boxes, doubted=1))

    def test_twins(self) -> None:
        """
        It proves nothing where two have the same mark, and messages in them.
        """
        self.assertEqual(set(), twins(self.database, LOCAL))
        self.assertEqual({1}, twins([*self.database, known(4, "D", 1)], LOCAL))
        self.assertEqual(set(), twins([*self.database, known(4, "D", 1, 0)], LOCAL))


class PlacesTests(LineageCase):
    """
    Tests for L{places}.
    """

    def test_answered(self) -> None:
        """
        One is where it was found; one that was not found is gone; one whose name
        another mailbox has got was made anew.
        """
        answers = {1: Answer(frozenset(["D"]))}
        found = self.found(self.inbox, box("D", 1), box("C", 7), answers=answers)
        self.assertEqual(Places({1: "D", 3: "C"}, frozenset([3]), {}), found)

    def test_nameTaken(self) -> None:
        """
        One is gone, and not made anew, if its name is that of another one now.
        """
        answers = {1: Answer(frozenset(["B"]))}
        found = self.found(self.inbox, box("B", 1), answers=answers)
        self.assertEqual(Places({1: "B"}, frozenset(), {}), found)

    def test_unsure(self) -> None:
        """
        Where the answer is not clear, it may be anywhere.
        """
        both, one = frozenset(["D", "E"]), frozenset(["D"])
        for answers in (
            {1: Answer(both)},
            {1: Answer(one), 2: Answer(one)},
            {1: Answer(frozenset(), unsure=True)},
        ):
            found = self.found(self.inbox, box("D", 1), answers=answers)
            self.assertIn(1, found.astray)
            self.assertNotIn(1, found.names)

    def test_hidden(self) -> None:
        """
        So it may where there is a mailbox of which nothing is told, or one that
        has no name to compare.
        """
        for other in (box("D", 0), box("a//b", 1), box("bad\x01", 1)):
            self.assertIn(1, self.found(self.inbox, other).astray)
        for other in (box("a//b", 7), box("a//b", 1, 2)):
            self.assertEqual({}, self.found(self.inbox, other).astray)

    def test_anchored(self) -> None:
        """
        That mailboxes were deleted is believed if INBOX is what it was, and if
        not all others are gone.
        """
        self.assertTrue(self.found(self.inbox, box("A", 1)).anchored)
        self.assertFalse(self.found(self.inbox).anchored)
        self.assertFalse(self.found(self.inbox, box("A", 7)).anchored)
        for inbox in (box("INBOX", 8), box("INBOX", 9, 2), box("INBOX", 0)):
            self.assertFalse(self.found(inbox, box("A", 1)).anchored)
        self.database = [known(1, "A", 1), known(2, "B", 2)]
        self.assertTrue(self.found(box("INBOX", 8), box("A", 1)).anchored)
        self.assertFalse(self.found(box("INBOX", 8)).anchored)
