"""
Tests for L{imapsync.plan.late}.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Doubt, Flags, Given, Side
from imapsync.plan.late import Late, Sent, Sight, Withdraw, withdrawals
from imapsync.plan.messages import News, Policy, planned

NONE: Flags = frozenset()
SEEN: Flags = frozenset(["\\Seen"])
DELETED: Flags = frozenset(["\\Deleted"])

GIVEN = Given(NONE, 100)


def sent(number: int, **changes: Any) -> Sent:
    """
    A message that is there already, as UID 1 with the content C{x}.
    """
    copy = Sight(1, NONE, 100, b"x")
    return Sent(Doubt(number, 7, GIVEN), NONE, copy)._replace(**changes)


class WithdrawalTests(SynchronousTestCase):
    """
    What is ours of what came late.
    """

    def ours(self, sents: list[Sent], *new: Sight) -> dict[int, int]:
        """
        The UIDs, by the number of the doubt.
        """
        found = [*withdrawals({Side.LOCAL: Late(sents, new)})]
        return dict(found[0].copies) if found else {}

    def test_alike(self) -> None:
        """
        What is the same in content, flags and date; a keyword may be in any case.
        """
        same = Sight(5, NONE, 100, b"x")
        self.assertEqual({1: 5}, self.ours([sent(1)], same))
        for other in (
            same._replace(digest=b"y"),
            same._replace(flags=SEEN),
            same._replace(date=101),
            same._replace(date=0),
        ):
            self.assertEqual({}, self.ours([sent(1)], other))
        given = sent(1, doubt=Doubt(1, 7, Given(frozenset(["Work"]), 100)))
        other = same._replace(flags=frozenset(["WORK"]))
        self.assertEqual({1: 5}, self.ours([given], other))

    def test_asOften(self) -> None:
        """
        One for each APPEND in doubt, and no more.
        """
        new = [Sight(uid, NONE, 100, b"x") for uid in (5, 6, 9)]
        self.assertEqual({1: 5}, self.ours([sent(1)], *new))
        self.assertEqual({1: 5, 2: 6}, self.ours([sent(1), sent(2)], *new))

    def test_givenUnknown(self) -> None:
        """
        If it is not known what it was given, it is what both sides agree on.
        """
        one = sent(1, doubt=Doubt(1, 7), flags=SEEN)
        self.assertEqual({}, self.ours([one], Sight(5, NONE, 100, b"x")))
        self.assertEqual({1: 5}, self.ours([one], Sight(5, SEEN, 100, b"x")))

    def test_dates(self) -> None:
        """
        A server that did not keep the date of the other copy is not asked for it.
        """
        one = sent(1, copy=Sight(1, NONE, 999, b"x"))
        self.assertEqual({1: 5}, self.ours([one], Sight(5, NONE, 1234, b"x")))
        # That other may be somebody's own.
        one = one._replace(doubt=Doubt(1, 7))
        self.assertEqual({}, self.ours([one], Sight(5, NONE, 1234, b"x")))

    def test_undated(self) -> None:
        """
        If it was given no date, what came may have any: it was given one, or none, and
        then at another time.
        """
        one = sent(1, doubt=Doubt(1, 7, Given(NONE, 0)))
        self.assertEqual({1: 5}, self.ours([one], Sight(5, NONE, 1234, b"x")))
        self.assertEqual({1: 5}, self.ours([one], Sight(5, NONE, 100, b"x")))

    def test_begun(self) -> None:
        """
        What was about to be removed is, though it is marked as deleted by now.
        """
        new = [Sight(5, NONE, 100, b"x"), Sight(6, DELETED, 100, b"x")]
        one = sent(1, doubt=Doubt(1, 7, GIVEN, copy=6))
        self.assertEqual({1: 6}, self.ours([one], new[1]))
        self.assertEqual({2: 5, 1: 6}, self.ours([one, sent(2)], *new[::-1]))
        self.assertEqual({}, self.ours([sent(1)], new[1]))

    def test_planned(self) -> None:
        """
        It is said with the side that it is about.
        """
        late = Late([sent(1)], [Sight(5, NONE, 100, b"x")])
        [operation] = planned(News(late={Side.REMOTE: late}), Policy())
        self.assertEqual(Withdraw(Side.REMOTE, {1: 5}), operation)
        [(name, text)] = operation.lines("INBOX")
        self.assertEqual("INBOX", name)
        self.assertIn("remote: expunge UID 5: ", text)
