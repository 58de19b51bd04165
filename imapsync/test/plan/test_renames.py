"""
Tests for L{imapsync.plan.renames}.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Act, Known, Listed, Mark, Name, Side, Status
from imapsync.names import Naming
from imapsync.plan.account import Account
from imapsync.plan.identity import Places
from imapsync.plan.mailboxes import Subscribe, Unsubscribe
from imapsync.plan.outlook import Delete, Outlook
from imapsync.plan.renames import plan
from imapsync.plan.selection import Patterns, Selection

LOCAL, REMOTE = Side
EVERYTHING = Selection(subscribed=False)
TEMPORARY = "imapsync-temporary-1"


class OutlookTests(SynchronousTestCase):
    """
    A, B and C are known, by the numbers 1, 2 and 3.
    """

    names: Sequence[Name] = "ABC"

    def outlook(
        self,
        local: str,
        remote: str,
        subscribed: str = "",
        readOnly: Iterable[Side] = (),
        selection: Selection = EVERYTHING,
        others: str = "",
        parted: Iterable[tuple[Side, int]] = (),
        **changes: bool,
    ) -> Outlook:
        """
        What is to be done when they are there, on each side by such names: a
        C{-} says that it is gone.

        @param subscribed: names that are subscribed on both sides.
        @param others: more mailboxes on the remote side.
        """
        known = [self.known(n, name) for n, name in enumerate(self.names, 1)]
        told = {LOCAL: local.split(), REMOTE: remote.split()}
        accounts, places = {}, {}
        for side, names in told.items():
            found = {n: x for n, x in enumerate(names, 1) if x != "-"}
            more = others.split() if side is REMOTE else []
            boxes = [self.box(name, subscribed) for name in (*found.values(), *more)]
            ghosts = set(subscribed.split()) - {box.name for box in boxes}
            boxes += [self.box(name, subscribed, "\\nonexistent") for name in ghosts]
            accounts[side] = Account.of(
                Naming(), boxes, () if side in readOnly else tuple(Act)
            )
            places[side] = Places(found, frozenset(), {}, **changes)
        return plan(accounts, known, selection, places, parted={*parted})

    def known(self, number: int, name: Name) -> Known:
        """
        One that is known.
        """
        marks = dict.fromkeys(Side, Mark(number, 1, 1))
        return Known(number, name, marks, {}, True, 1, False)

    def box(self, name: Name, subscribed: str, *attributes: str) -> Listed:
        """
        One that is listed.
        """
        more = ["\\subscribed"] if name in subscribed.split() else []
        return Listed(name, "/", frozenset([*attributes, *more]), Status(1, 1, 1, 1))

    def renames(self, outlook: Outlook) -> list[str]:
        """
        The renames, in short; there must be no trouble.
        """
        self.assertEqual([], outlook.troubles + outlook.waiting)
        return [f"{one.side}: {one.old} > {one.new}" for one in outlook.renames]

    def test_nothing(self) -> None:
        """
        Nothing is to be done where nothing happened.
        """
        self.assertEqual(vars(Outlook()), vars(self.outlook("A B C", "A B C")))

    def test_oneSide(self) -> None:
        """
        A rename is followed on the other side.
        """
        self.assertEqual(
            ["remote: A > D"], self.renames(self.outlook("D B C", "A B C"))
        )
        self.assertEqual(["local: B > D"], self.renames(self.outlook("A B C", "A D C")))

    def test_bothSides(self) -> None:
        """
        The remote's name counts, which is said; but for a side that cannot be
        renamed.
        """
        outlook = self.outlook("D B C", "E B C")
        self.assertEqual(["local: D > E"], self.renames(outlook))
        self.assertEqual(1, len(outlook.remarks))
        outlook = self.outlook("D B C", "E B C", readOnly=[LOCAL])
        self.assertEqual(["remote: E > D"], self.renames(outlook))

    def test_bothAlike(self) -> None:
        """
        If it has the same name on both sides, only subscriptions are to follow,
        and then the database.
        """
        outlook = self.outlook("D B C", "D B C", subscribed="A B C")
        self.assertEqual([], self.renames(outlook))
        expected = [
            step
            for side in Side
            for step in (Subscribe(side, "D"), Unsubscribe(side, "A"))
        ]
        self.assertEqual(expected, outlook.steps)
        self.assertEqual({1: ("D", True)}, outlook.agreed)
        outlook = self.outlook("D B C", "D B C", subscribed="D B C")
        self.assertEqual([], outlook.steps)

    def test_temporary(self) -> None:
        """
        A side that has our temporary name has no say.
        """
        outlook = self.outlook("B A C", f"{TEMPORARY} A C")
        self.assertEqual([f"remote: {TEMPORARY} > B"], self.renames(outlook))
        outlook = self.outlook("A B C", f"{TEMPORARY} B C")
        self.assertEqual([f"remote: {TEMPORARY} > A"], self.renames(outlook))
        outlook = self.outlook("- B C", f"{TEMPORARY} B C")
        self.assertEqual([f"remote: {TEMPORARY} > A"], self.renames(outlook))
        self.assertEqual([], outlook.deletions)

    def test_leftOver(self) -> None:
        """
        One whose temporary name belongs to nobody is told.
        """
        [trouble] = self.outlook("A B C", "A B C", others=TEMPORARY).troubles
        self.assertEqual(TEMPORARY, trouble.mailbox)

    def test_taken(self) -> None:
        """
        One whose new name another mailbox has is not renamed, but parted from
        what it was on the other side.
        """
        outlook = self.outlook("D B C", "A B C", others="D")
        self.assertEqual([], outlook.renames)
        self.assertEqual({(REMOTE, 1)}, outlook.parted)
        self.assertEqual([], outlook.troubles)

    def test_parted(self) -> None:
        """
        Then what is on the other side is deleted, even if the account looks like
        another one: it is known where the mailbox went.
        """
        for anchored in True, False:
            outlook = self.outlook(
                "D B C", "A B C", others="D", parted=[(REMOTE, 1)], anchored=anchored
            )
            self.assertEqual([Delete(REMOTE, "A")], outlook.deletions)
            self.assertEqual(set(), outlook.parted)

    def test_waits(self) -> None:
        """
        The name of one that is to be deleted will be free.
        """
        outlook = self.outlook("B - A", "A B C")
        self.assertEqual(["A", "C"], sorted(one.mailbox for one in outlook.waiting))
        self.assertEqual([Delete(REMOTE, "B")], outlook.deletions)
        self.assertEqual({"A", "B", "C"}, outlook.held)
        self.assertEqual([], outlook.troubles)

    def test_deleted(self) -> None:
        """
        One that is gone from one side is deleted on the other, children first.
        """
        self.names = ("A", "A/b", "A/b/c")
        outlook = self.outlook("- - -", "A A/b A/b/c")
        names = [one.name for one in outlook.deletions]
        self.assertEqual(["A/b/c", "A/b", "A"], names)

    def test_notBelieved(self) -> None:
        """
        Not if the side that lost it looks like another account, or the other
        may not be written, where it then stays.
        """
        outlook = self.outlook("- B C", "A B C", anchored=False)
        self.assertEqual([], outlook.deletions)
        self.assertEqual([(1, LOCAL)], [(one.id, side) for one, side in outlook.lost])
        outlook = self.outlook("- B C", "A B C", readOnly=[REMOTE])
        self.assertEqual([], outlook.deletions + outlook.lost + outlook.troubles)
        self.assertEqual([(1, REMOTE)], [(one.id, s) for one, s in outlook.kept])

    def test_goneAndRenamed(self) -> None:
        """
        One that is gone here and was renamed there is made again.
        """
        outlook = self.outlook("- B C", "D B C", subscribed="A")
        self.assertEqual([], outlook.deletions)
        self.assertEqual([1], [one.id for one in outlook.forgotten])
        self.assertIn(Subscribe(REMOTE, "D"), outlook.steps)

    def test_goneFromBoth(self) -> None:
        """
        One that is gone from both is forgotten, and so is its name.
        """
        outlook = self.outlook("- B C", "- B C", subscribed="A")
        self.assertEqual([1], [one.id for one in outlook.forgotten])
        self.assertEqual([Unsubscribe(s, "A") for s in Side], outlook.steps)

    def test_scope(self) -> None:
        """
        A rename counts where either name is chosen; one that is not chosen goes
        along with its parent, and is then known by its new name.
        """
        self.names = ("A", "A/b", "C")
        chosen = Selection(Patterns(["A"]), subscribed=False)
        outlook = self.outlook("D D/b E", "A A/b C", selection=chosen)
        self.assertEqual(["remote: A > D"], self.renames(outlook))
        outlook = self.outlook("D D/b -", "D D/b C", selection=chosen)
        self.assertEqual({1: ("D", True), 2: ("D/b", True)}, outlook.agreed)
        self.assertEqual([], outlook.deletions)

    def test_readOnly(self) -> None:
        """
        On a side that is read-only it stays what it is, and the other has another
        one; two that are renamed are two.
        """
        outlook = self.outlook("D B C", "A B C", readOnly=[REMOTE])
        self.assertEqual([], outlook.renames + outlook.troubles)
        self.assertEqual([(1, REMOTE)], [(one.id, s) for one, s in outlook.kept])
        outlook = self.outlook("D B C", "E B C", readOnly=Side)
        self.assertEqual([1], [one.id for one in outlook.forgotten])
        self.assertEqual([], outlook.renames + outlook.kept)
