"""
The model of what a sync has to make of two accounts, without any server.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Side
from imapsync.test.integration.accounts import Message, Snapshot
from imapsync.test.integration.expected import Model

_L, _R = Side.LOCAL, Side.REMOTE


def message(digest: str, *flags: str) -> Message:
    """
    A message with this content.
    """
    return Message(digest, frozenset(flags), datetime(2024, 1, 1, tzinfo=timezone.utc))


def snapshot(subscribed: str = "", **mailboxes: str) -> Snapshot:
    """
    Accounts that hold these messages, a letter each.
    """
    return Snapshot(
        {
            name.replace("_", "/"): Counter(map(message, letters))
            for name, letters in {"INBOX": "", **mailboxes}.items()
        },
        frozenset(subscribed.split()),
    )


class ModelCase(SynchronousTestCase):
    """
    Both sides agree on the mailboxes a, b and a/c, which have two messages each.
    """

    def setUp(self) -> None:
        self.model = Model(merge=False)
        boxes = {"INBOX": "", "a": "12", "a/c": "34", "b": "56"}
        self.model.agree(
            {
                side: {
                    name: dict(enumerate(map(message, letters), 1))
                    for name, letters in boxes.items()
                }
                for side in Side
            },
            {side: {"a"} for side in Side},
        )

    def add(self, side: Side, name: str, letter: str) -> None:
        """
        A message comes in.
        """
        box = self.model.boxes[side][name]
        box[max(box, default=0) + 9] = message(letter)

    def becomes(self, subscribed: str = "a", **mailboxes: str) -> None:
        """
        That may come of it.
        """
        found = snapshot(subscribed, **mailboxes)
        self.assertEqual([], [*self.model.complaints(found)])

    def becomesNot(self, subscribed: str = "a", **mailboxes: str) -> None:
        """
        It may not.
        """
        found = snapshot(subscribed, **mailboxes)
        self.assertNotEqual([], [*self.model.complaints(found)])


class NameTests(ModelCase):
    """
    Tests for mailboxes to which something happens.
    """

    def test_nothing(self) -> None:
        """
        Everything stays as it is.
        """
        self.becomes(a="12", a_c="34", b="56")
        self.becomesNot(a="12", a_c="3", b="56")
        self.becomesNot(a="12", a_c="34", b="566")
        self.becomesNot(a="12", a_c="34")
        self.becomesNot(a="12", a_c="34", b="56", d="")

    def test_renamed(self) -> None:
        """
        A mailbox is renamed on both sides, with those below it and what came in
        meanwhile; the old name can be used again.
        """
        self.model.rename(_L, "a", "d")
        self.model.create(_L, "a")
        self.add(_L, "a", "7")
        self.add(_R, "a/c", "8")
        self.becomes(a="7", d="12", d_c="348", b="56")
        self.becomesNot(a="127", d="12", d_c="348", b="56")

    def test_renamedOnBoth(self) -> None:
        """
        The remote's name wins.
        """
        self.model.rename(_L, "b", "d")
        self.model.rename(_R, "b", "e")
        self.becomes(a="12", a_c="34", e="56")
        self.becomesNot(a="12", a_c="34", d="56")

    def test_swapped(self) -> None:
        """
        Names can change places.
        """
        for old, new in (("a/c", "t"), ("b", "a/c"), ("t", "b")):
            self.model.rename(_R, old, new)
        self.becomes(a="12", a_c="56", b="34")

    def test_deleted(self) -> None:
        """
        A mailbox is deleted on both sides, whatever happened to its messages; those
        below it are not.
        """
        self.model.delete(_L, "a")
        self.model.boxes[_R]["a"][1] = message("1", "\\seen")
        self.becomes(a_c="34", b="56")
        self.becomesNot(a="12", a_c="34", b="56")

    def test_deletedWithNews(self) -> None:
        """
        If it got new messages, it is made again with all that it has; what the
        other side had removed before may be gone.
        """
        del self.model.boxes[_L]["b"][1]
        self.model.delete(_L, "b")
        self.add(_R, "b", "7")
        self.becomes(a="12", a_c="34", b="567")
        self.becomes(a="12", a_c="34", b="67")
        self.becomesNot(a="12", a_c="34", b="57")
        self.becomesNot(a="12", a_c="34", b="56")
        self.becomesNot(a="12", a_c="34")

    def test_deletedAndRenamed(self) -> None:
        """
        If it was renamed, it is made again under its new name.
        """
        self.model.delete(_R, "b")
        self.model.rename(_L, "b", "d")
        self.becomes(a="12", a_c="34", d="56")
        self.becomesNot(a="12", a_c="34")

    def test_deletedOnBoth(self) -> None:
        """
        What both deleted is gone.
        """
        for side in Side:
            self.model.delete(side, "b")
        self.becomes(a="12", a_c="34")

    def test_replaced(self) -> None:
        """
        A mailbox can take the place of one that was deleted.
        """
        self.model.delete(_L, "b")
        self.model.rename(_L, "a/c", "b")
        self.becomes(a="12", b="34")
        self.becomesNot(a="12", b="3456")

    def test_messageMoved(self) -> None:
        """
        A message that was moved out of a deleted mailbox is where it was moved.
        """
        self.model.boxes[_L]["a"][99] = self.model.boxes[_L]["b"].pop(1)
        self.model.delete(_L, "b")
        self.becomes(a="125", a_c="34")
        self.becomesNot(a="12", a_c="34")


class FreedomTests(ModelCase):
    """
    Tests for what the rules leave open: nothing may be lost or doubled.
    """

    def test_madeAgain(self) -> None:
        """
        A mailbox that was deleted and made again has what is new, and perhaps what
        it had.
        """
        self.model.delete(_L, "b")
        self.model.create(_L, "b")
        self.add(_L, "b", "7")
        self.becomes(a="12", a_c="34", b="7")
        self.becomes(a="12", a_c="34", b="567")
        self.becomesNot(a="12", a_c="34", b="56")
        self.becomesNot(a="12", a_c="34", b="77")
        self.becomesNot(a="12", a_c="3", b="7")

    def test_collision(self) -> None:
        """
        Two mailboxes that are to have the same name may be made one, or not.
        """
        self.model.rename(_L, "b", "d")
        self.model.create(_R, "d")
        self.add(_R, "d", "7")
        self.becomes(a="12", a_c="34", d="567")
        self.becomes(a="12", a_c="34", d="7", b="56")
        self.becomesNot(a="12", a_c="34", d="57")
        self.becomesNot(a="12", a_c="34", d="5567")
        self.becomesNot(a="12", a_c="34", d="56789")

    def test_stray(self) -> None:
        """
        A new mailbox below one that the other side renames goes along, or not.
        """
        self.model.rename(_L, "a", "d")
        self.model.create(_R, "a/x")
        self.add(_R, "a/x", "7")
        self.becomes("", d="12", d_c="34", b="56", a_x="7")
        self.becomes("", d="12", d_c="34", b="56", d_x="7")
        self.becomesNot("", d="12", d_c="34", b="56")

    def test_carried(self) -> None:
        """
        A mailbox that was only taken along need not keep the new name, or live.
        """
        self.model.rename(_R, "a", "d")
        self.model.delete(_L, "a/c")
        self.becomes("", d="12", d_c="34", b="56")
        self.becomes("", d="12", b="56")

    def test_still(self) -> None:
        """
        It is known which mailboxes stay where they are.
        """
        self.model.rename(_L, "a/c", "d")
        self.model.create(_R, "e")
        self.assertEqual({"INBOX", "a", "b", "e"}, self.model.still())
        self.assertEqual(["INBOX", "a", "b"], self.model.synced())


class SubscriptionTests(ModelCase):
    """
    Tests for subscriptions.
    """

    def test_changed(self) -> None:
        """
        A change is followed, in either direction.
        """
        self.model.subscribed[_L].add("b")
        self.model.subscribed[_R].discard("a")
        self.becomes("b", a="12", a_c="34", b="56")
        self.becomesNot("a", a="12", a_c="34", b="56")

    def test_renamed(self) -> None:
        """
        They go along with a mailbox, if whoever renamed it saw to them.
        """
        self.model.rename(_L, "a", "d")
        self.becomes("", d="12", d_c="34", b="56")
        self.becomes("d", d="12", d_c="34", b="56")
        self.model.subscribed[_L] = {"d"}
        self.becomesNot("", d="12", d_c="34", b="56")
        self.becomes("d", d="12", d_c="34", b="56")
