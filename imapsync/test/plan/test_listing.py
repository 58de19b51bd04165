"""
Tests for L{imapsync.plan.listing}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Known, Side
from imapsync.names import Naming
from imapsync.plan.account import Account
from imapsync.plan.listing import isTacit, leftOut, respelled
from imapsync.plan.selection import Patterns, Selection
from imapsync.test.plan.test_mailboxes import account, box, known

LOCAL, REMOTE = Side


class TacitTests(SynchronousTestCase):
    """
    Tests for L{isTacit}.
    """

    def test_most(self) -> None:
        """
        More than half of what was subscribed, and is there.
        """
        before = [known(name, subscribed=True) for name in "abcd"]
        self.assertTrue(isTacit(account("a", "b", "c", "d +"), before))
        self.assertTrue(isTacit(account("a"), before))
        for listed in (("a", "b", "c +", "d +"), ("a +",), ()):
            self.assertFalse(isTacit(account(*listed), before))
        self.assertFalse(isTacit(account("a", "b"), [known("a"), known("b")]))

    def test_first(self) -> None:
        """
        At first, none at all, if there are more than INBOX.
        """
        self.assertTrue(isTacit(account("INBOX", "a"), []))
        for listed in ("INBOX",), ("INBOX", "a +", "b"):
            self.assertFalse(isTacit(account(*listed), []))


class LeftOutTests(SynchronousTestCase):
    """
    Tests for L{leftOut}.
    """

    def test_selected(self) -> None:
        """
        Only what would be in scope is named; nothing is, where the user chose a
        part of the account.
        """
        boxes = [*map(box, ("a +", "x/a +", "x/b", "x/c +", "x \\noselect"))]
        naming = Naming(foreign=("x/",))
        ours = Account.of(naming, boxes)
        self.assertEqual(["x/a", "x/c"], leftOut(ours, Selection()))
        some = Selection(Patterns(["*a"]), subscribed=False)
        self.assertEqual(["x/a"], leftOut(ours, some))
        part = Account.of(naming._replace(reference="a/"), boxes)
        self.assertEqual([], leftOut(part, Selection()))


class RespelledTests(SynchronousTestCase):
    """
    Tests for L{respelled}.
    """

    def found(self, local: str, remote: str, *before: Known) -> list[tuple[str, str]]:
        """
        What was made on the remote side by another name, and by which.
        """
        accounts = {
            side: account(*(name.replace("_", "\xa0") for name in listed.split(",")))
            for side, listed in ((LOCAL, local), (REMOTE, remote))
        }
        database = {one.name: one for one in before}
        told = respelled(accounts, database)
        return [(one.name, name) for one, side, name in told if side is REMOTE]

    def test_one(self) -> None:
        """
        One that was to be made, and is there under nearly the same name.
        """
        made = known("Work\xa0", sides=[])
        self.assertEqual([("Work\xa0", "work")], self.found("Work_", "work", made))

    def test_others(self) -> None:
        """
        Not one that was there before, that is known, on both sides or one of two;
        nor another name, or a mere one.
        """
        made = known("Work\xa0", sides=[])
        self.assertEqual([], self.found("Work_", "work", known("Work\xa0")))
        self.assertEqual([], self.found("Work_", "work", made, known("work")))
        self.assertEqual([], self.found("Work_,work", "work", made))
        self.assertEqual([], self.found("Work_", "work,WORK", made))
        self.assertEqual([], self.found("Work_", "Word", made))
        self.assertEqual([], self.found("Work_", "work \\noselect", made))
        self.assertEqual([], self.found("Work_", "work,Work_", made))
