"""
Tests for L{imapsync.plan.concluded}.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Known, Name, Side
from imapsync.plan.concluded import Concluded, arrivals, concluded, subscriptions
from imapsync.plan.identity import Places
from imapsync.plan.mailboxes import Subscribe, Unsubscribe
from imapsync.plan.outlook import Rename
from imapsync.test.plan.test_mailboxes import account

LOCAL, REMOTE = Side


def known(number: int, name: Name) -> Known:
    """
    A mailbox.
    """
    return Known(number, name, {}, {}, True, 0, False)


class ArrivalTests(SynchronousTestCase):
    """
    What mailboxes are to be called.
    """

    def test_names(self) -> None:
        """
        Those that are renamed, with what is taken along; not those that only make
        room, nor those that come back.
        """
        renames = [
            Rename(LOCAL, 1, "A", "A", "imapsync-temporary-1"),
            Rename(LOCAL, 2, "B", "B", "A"),
            Rename(LOCAL, 1, "A", "imapsync-temporary-1", "B"),
            Rename(LOCAL, 4, "C", "C", "imapsync-temporary-4"),
        ]
        places = {1: "A", 2: "B", 3: "B/x", 4: "C", 5: "D"}
        self.assertEqual({1: "B", 2: "A", 3: "A/x"}, arrivals(renames, places))
        self.assertEqual({}, arrivals([*renames[:1]], {1: "A"}))


class ConcludedTests(SynchronousTestCase):
    """
    Which of them were done.
    """

    def found(
        self,
        local: Mapping[int, Name],
        remote: Mapping[int, Name],
        *more: Known,
        asked: Name = "New",
        remade: frozenset[int] = frozenset(),
        astray: Mapping[int, str] = MappingProxyType({}),
    ) -> Concluded:
        """
        What is known when the remote side was asked to rename mailbox 1 to New.
        """
        places = {
            LOCAL: Places(local, frozenset(), {}),
            REMOTE: Places(remote, remade, astray),
        }
        boxes = [known(1, "Old"), *more]
        return concluded(boxes, places, {LOCAL: {}, REMOTE: {1: asked}})

    def test_done(self) -> None:
        """
        It has the name there: so both sides had, wherever it is on the other now.
        """
        for local in {}, {1: "Newer"}, {1: "Old"}:
            found = self.found(local, {1: "New"})
            self.assertEqual(({1: "New"}, {LOCAL: [], REMOTE: []}), found)

    def test_agreed(self) -> None:
        """
        If both sides have it, nothing was cut off.
        """
        found = self.found({1: "New"}, {1: "New"})
        self.assertEqual(({}, {LOCAL: [], REMOTE: []}), found)

    def test_notDone(self) -> None:
        """
        If not, or if another mailbox has that name now, it is over.
        """
        for remote in {}, {1: "Old"}, {1: "Other"}:
            self.assertEqual([1], [*self.found({}, remote).over[REMOTE]])
        found = self.found({}, {1: "New"}, remade=frozenset([1]))
        self.assertEqual(({}, {LOCAL: [], REMOTE: [1]}), found)

    def test_astray(self) -> None:
        """
        If it cannot be told where it is, it stays open.
        """
        found = self.found({}, {}, astray={1: "why"})
        self.assertEqual(({}, {LOCAL: [], REMOTE: []}), found)

    def test_known(self) -> None:
        """
        If the database has that already, it is over.
        """
        self.assertEqual([1], [*self.found({}, {1: "Old"}, asked="Old").over[REMOTE]])

    def test_taken(self) -> None:
        """
        No other mailbox is forgotten for that.
        """
        found = self.found({}, {1: "New"}, known(2, "New"))
        self.assertEqual({}, found.names)

    def test_aside(self) -> None:
        """
        What was set aside is not looked at here.
        """
        found = self.found({}, {}, asked="imapsync-temporary-1")
        self.assertEqual(({}, {LOCAL: [], REMOTE: []}), found)


class SubscriptionTests(SynchronousTestCase):
    """
    What is left to be done about subscriptions.
    """

    def test_followed(self) -> None:
        """
        Only the server that was asked is to have the new name subscribed, if the
        mailbox was; nobody is to have the old one, where there is no mailbox.
        """
        boxes = [known(1, "Old"), known(2, "Other")]
        accounts = {
            LOCAL: account("Old + \\nonexistent"),
            REMOTE: account("New", "Old +"),
        }
        asked = {LOCAL: {}, REMOTE: {1: "New"}}
        steps = [Unsubscribe(LOCAL, "Old"), Subscribe(REMOTE, "New")]
        self.assertEqual(steps, [*subscriptions(boxes, {1: "New"}, asked, accounts)])
        self.assertEqual([], [*subscriptions(boxes, {}, asked, accounts)])
        unwanted = [boxes[0]._replace(subscribed=False)]
        found = subscriptions(unwanted, {1: "New"}, asked, accounts)
        self.assertEqual(steps[:1], [*found])
        readOnly = {side: one._replace(allowed=()) for side, one in accounts.items()}
        self.assertEqual([], [*subscriptions(boxes, {1: "New"}, asked, readOnly)])
        accounts[REMOTE] = account("New +")
        found = subscriptions(boxes, {1: "New"}, asked, accounts)
        self.assertEqual(steps[:1], [*found])
