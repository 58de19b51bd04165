"""
What a sync has to make of two accounts: a model of them, in plain Python.

It shares nothing with imapsync but the names of the sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import permutations, product

from imapsync.model import Side
from imapsync.test.integration.accounts import Message

#: What a mailbox holds, by UID.
Box = dict[int, Message]
#: The messages of one content, sorted.
Alike = tuple[Message, ...]


def alike(found: Iterable[Message | None]) -> Alike:
    """
    Those that there are.
    """
    return tuple(sorted((one for one in found if one is not None), key=str))


class Model:
    """
    What two accounts hold, and what a sync is to make of it.

    Which of several equal messages here is which there is nobody's business.
    So the model does not say what must come out, but all that may.

    @ivar boxes: what is in each mailbox of each side now.
    @ivar subscribed: what is subscribed on each side now.
    """

    def __init__(self, merge: bool) -> None:
        self._merge = merge
        self.boxes: dict[Side, dict[str, Box]] = {side: {"INBOX": {}} for side in Side}
        self.subscribed: dict[Side, set[str]] = {side: set() for side in Side}
        self.forget()

    def forget(self) -> None:
        """
        The database is lost.
        """
        self._agreed: dict[str, dict[Side, Box]] = {}
        self._agreedSubscribed: frozenset[str] = frozenset()

    def renumber(self, name: str) -> None:
        """
        The mailbox has another UIDVALIDITY.
        """
        self._agreed.pop(name, None)

    @property
    def agreed(self) -> list[str]:
        """
        The mailboxes that were synced.
        """
        return sorted(self._agreed)

    def agree(
        self, boxes: dict[Side, dict[str, Box]], subscribed: frozenset[str]
    ) -> None:
        """
        This is what the sync has made.
        """
        self.boxes = boxes
        self.subscribed = {side: set(subscribed) for side in Side}
        self._agreedSubscribed = subscribed
        self._agreed = {
            name: {side: dict(boxes[side][name]) for side in Side}
            for name in boxes[Side.LOCAL]
        }

    def expectedNames(self) -> set[str]:
        """
        The mailboxes that are to exist on both sides.
        """
        return {name for boxes in self.boxes.values() for name in boxes}

    def expectedSubscribed(self) -> set[str]:
        """
        The mailboxes that are to be subscribed on both sides: what changed on
        a side since the last sync counts.
        """
        ours, theirs = self.subscribed.values()
        both = ours & theirs
        return both | ((ours | theirs) - self._agreedSubscribed)

    def expected(self, name: str) -> dict[str, set[Alike]]:
        """
        For each content, by its digest, the messages that both sides may
        hold.
        """
        sides = [self._sorted(name, side) for side in Side]
        expected: dict[str, set[Alike]] = {}
        for known in sides[0].keys() | sides[1].keys():
            digest, base = known
            ours, theirs = (side.get(known, []) for side in sides)
            these = self._outcomes(base, ours, theirs)
            expected[digest] = {
                alike([*one, *other])
                for one, other in product(expected.get(digest, {()}), these)
            }
        return expected

    def _sorted(
        self, name: str, side: Side
    ) -> dict[tuple[str, Message | None], list[Message | None]]:
        """
        A mailbox's messages, C{None} for one that is gone, by content and by
        how they were last agreed on, C{None} for one that never was.
        """
        agreed = self._agreed.get(name, {}).get(side, {})
        now = self.boxes[side].get(name, {})
        found: dict[tuple[str, Message | None], list[Message | None]] = {}
        for uid, base in agreed.items():
            found.setdefault((base.digest, base), []).append(now.get(uid))
        for uid in now.keys() - agreed.keys():
            found.setdefault((now[uid].digest, None), []).append(now[uid])
        return found

    def _outcomes(
        self,
        base: Message | None,
        ours: list[Message | None],
        theirs: list[Message | None],
    ) -> set[Alike]:
        """
        What may become of messages that cannot be told apart.
        """
        size = max(len(ours), len(theirs))
        ours = ours + [None] * (size - len(ours))
        theirs = theirs + [None] * (size - len(theirs))
        return {
            alike(
                map(self._united if base is None else self._settler(base), ours, some)
            )
            for some in permutations(theirs)
        }

    def _united(self, ours: Message | None, theirs: Message | None) -> Message | None:
        """
        What becomes of messages that nobody knew before.
        """
        if ours is None or theirs is None:
            return ours or theirs
        return replace(ours, flags=ours.flags | theirs.flags)

    def _settler(
        self, base: Message
    ) -> Callable[[Message | None, Message | None], Message | None]:
        """
        What becomes of a message on which both sides agreed.
        """

        def settled(ours: Message | None, theirs: Message | None) -> Message | None:
            if ours is None or theirs is None:
                return None
            both = ours.flags & theirs.flags
            either = ours.flags | theirs.flags
            flags = both | (either - base.flags)
            if not self._merge and _differ(base, ours, theirs):
                flags = either
            return replace(base, flags=flags)

        return settled


def _differ(base: Message, ours: Message, theirs: Message) -> bool:
    """
    Whether each side did something that the other did not.  A sync that ends
    in the middle has done half of what one side did on the other: that must
    not look like a change that contradicts it.
    """
    here, there = base.flags ^ ours.flags, base.flags ^ theirs.flags
    return bool(here - there and there - here)
