"""
Tests for L{imapsync.plan.takeover}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Flags, Mark, Pair, Side
from imapsync.plan.takeover import (
    Adopted,
    Evidence,
    Seen,
    adopted,
    doubt,
    isChanged,
    start,
)

_MARK = Mark(3, 40, 500)
_A: Flags = frozenset("a")
_AB: Flags = frozenset("ab")
_BC: Flags = frozenset("bc")


class AdoptedTests(SynchronousTestCase):
    """
    What was agreed on a pair.
    """

    def one(self, here: Seen | None, there: Seen | None) -> list[Adopted]:
        """
        What is taken over of a pair that shows so.
        """
        local = {} if here is None else {7: here}
        remote = {} if there is None else {9: there}
        return [*adopted([(7, 9)], local, remote)]

    def agreed(self, here: Seen, there: Seen) -> Flags:
        """
        On which flags.
        """
        [one] = self.one(here, there)
        self.assertEqual((7, 9), (one.pair.local, one.pair.remote))
        self.assertEqual((None, False, False), one[1:])
        return one.pair.flags

    def test_unchanged(self) -> None:
        """
        What has not changed on one side, was agreed.
        """
        self.assertEqual(_A, self.agreed(Seen(_A, False), Seen(_A, False)))
        self.assertEqual(_A, self.agreed(Seen(_A, False), Seen(_AB, True)))
        self.assertEqual(_AB, self.agreed(Seen(_A, True), Seen(_AB, False)))

    def test_changed(self) -> None:
        """
        What has changed on both sides, was agreed as far as both show it.
        """
        agreed = self.agreed(Seen(_AB, True), Seen(_BC, True))
        self.assertEqual(frozenset("b"), agreed)

    def test_hidden(self) -> None:
        """
        What differs and did not change is to be found all the same.
        """
        expected = Adopted(Pair(7, 9, frozenset("b")), hidden=True)
        found = self.one(Seen(_AB, False), Seen(_BC, False))
        self.assertEqual([expected], found)
        upper = frozenset("AB")
        self.assertFalse(self.one(Seen(_AB, False), Seen(upper, False))[0].hidden)

    def test_gone(self) -> None:
        """
        What is gone on one side is taken over, so that it goes on the other.
        """
        ours = [Adopted(Pair(7, 9, _A), gone=Side.REMOTE)]
        self.assertEqual(ours, self.one(Seen(_A, True), None))
        theirs = [Adopted(Pair(7, 9, _A), gone=Side.LOCAL)]
        self.assertEqual(theirs, self.one(None, Seen(_A, False)))
        self.assertEqual([], self.one(None, None))

    def test_unlike(self) -> None:
        """
        Two messages of different sizes or dates are no pair.
        """
        one = Seen(_A, False, 500, 1_000_000)
        for other, unlike in (
            (one, False),
            (one._replace(size=501), True),
            (one._replace(date=1_000_001), True),
        ):
            [found] = self.one(one, other._replace(flags=_AB))
            self.assertEqual((unlike, not unlike), (found.unlike, found.hidden))


class EvidenceTests(SynchronousTestCase):
    """
    Whether it is the mailbox that is known.
    """

    pair = Pair(7, 9, _A)
    like = Adopted(pair)
    unlike = Adopted(pair, unlike=True)
    alone = Adopted(pair, gone=Side.LOCAL)

    def test_counts(self) -> None:
        """
        Pairs are counted.
        """
        evidence = Evidence().plus([self.like, self.alone]).plus([self.unlike])
        self.assertEqual((1, 1, 1), evidence)

    def test_refutes(self) -> None:
        """
        It is another one if most messages are others.
        """
        self.assertFalse(Evidence().refutes)
        self.assertFalse(Evidence().plus([self.like, self.unlike]).refutes)
        self.assertTrue(Evidence().plus([self.unlike]).refutes)

    def test_missing(self) -> None:
        """
        Where messages would be removed, one that is equal must say that it is not.
        """
        self.assertFalse(Evidence().isMissing)
        self.assertTrue(Evidence().plus([self.alone]).isMissing)
        self.assertFalse(Evidence().plus([self.alone, self.like]).isMissing)


class MarkTests(SynchronousTestCase):
    """
    Where the other program ended.
    """

    def test_changed(self) -> None:
        """
        What has a higher mod-sequence may have changed since, and what was not there
        then; and what has none.
        """
        self.assertFalse(isChanged(39, 500, _MARK))
        self.assertTrue(isChanged(39, 501, _MARK))
        self.assertTrue(isChanged(40, 500, _MARK))
        self.assertTrue(isChanged(39, 0, _MARK))

    def test_start(self) -> None:
        """
        The next sync begins there, unless all is to be looked at.
        """
        self.assertEqual(_MARK, start(_MARK, whole=False))
        whole = Mark(3, 1, 0)
        self.assertEqual(whole, start(_MARK, whole=True))
        self.assertEqual(whole, start(Mark(3, 0, 500), whole=False))
        self.assertEqual(whole, start(Mark(3, 40, 0), whole=False))

    def test_doubt(self) -> None:
        """
        Another UIDVALIDITY, or a lower UIDNEXT, means other messages.
        """
        self.assertEqual("", doubt(_MARK, Mark(3, 40, 2)))
        self.assertEqual("", doubt(_MARK, Mark(3, 0, 2)))  # not told
        self.assertIn("UIDVALIDITY", doubt(_MARK, Mark(4, 90, 900)))
        self.assertIn("begin anew", doubt(_MARK, Mark(3, 39, 900)))
