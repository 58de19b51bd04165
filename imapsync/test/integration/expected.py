"""
What a sync has to make of two accounts: a model of them, in plain Python.

It shares nothing with imapsync but the names of the sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, combinations, permutations, product
from typing import TypeVar

from imapsync.model import Side
from imapsync.test.integration.accounts import Message, Snapshot
from imapsync.test.integration.lineages import Lineage, loose, within

#: The messages of one content, sorted.
Alike = tuple[Message, ...]

_T = TypeVar("_T")


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
    @ivar subscribed: what is subscribed on each side now, even if there is no
        such mailbox.
    @ivar levels: names on each side that are no mailboxes.  Some servers have
        nothing be renamed to such a one: then messages are moved.
    @ivar nameless: where no server tells which mailbox is which.
    @ivar renumbers: whether one gives a mailbox that is renamed another UIDVALIDITY.
    """

    nameless: Collection[Side] = ()
    renumbers = False

    def __init__(self, merge: bool) -> None:
        self._merge = merge
        self.boxes: dict[Side, dict[str, dict[int, Message]]] = {
            side: {"INBOX": {}} for side in Side
        }
        self.subscribed: dict[Side, set[str]] = {side: set() for side in Side}
        self.forget()

    def forget(self) -> None:
        """
        The database is lost.
        """
        self._agreed: dict[str, dict[Side, dict[int, Message]]] = {}
        self._agreedSubscribed: frozenset[str] = frozenset()
        self._renumbered: set[str] = set()
        self.levels: dict[Side, set[str]] = {side: set() for side in Side}
        #: What each mailbox was called when both sides agreed on it.
        self._origins: dict[Side, dict[str, str]] = {side: {} for side in Side}
        #: What was in those that were deleted, by what they were called then.
        self._deleted: dict[Side, dict[str, dict[int, Message]]] = {
            side: {} for side in Side
        }

    # What happens

    def create(self, side: Side, name: str) -> None:
        """
        There is a new mailbox.
        """
        self.boxes[side][name] = {}

    def rename(self, side: Side, old: str, new: str) -> None:
        """
        A mailbox, and all below it, has another name.
        """
        self.boxes[side] = _renamed(self.boxes[side], old, new)
        self._origins[side] = _renamed(self._origins[side], old, new)

    def delete(self, side: Side, name: str) -> None:
        """
        A mailbox is gone, those below it are not.
        """
        box = self.boxes[side].pop(name)
        if origin := self._origins[side].pop(name, None):
            self._deleted[side][origin] = box

    def renumber(self, name: str) -> None:
        """
        The mailbox has another UIDVALIDITY.
        """
        self._agreed[name] = {side: {} for side in Side}
        self._renumbered.add(name)

    def agree(
        self,
        boxes: dict[Side, dict[str, dict[int, Message]]],
        subscribed: dict[Side, set[str]],
    ) -> None:
        """
        This is what the sync has made.
        """
        self.forget()
        self.boxes = boxes
        self.subscribed = subscribed
        self._agreedSubscribed = frozenset(set.intersection(*subscribed.values()))
        names = boxes[Side.LOCAL]
        self._origins = {side: {name: name for name in names} for side in Side}
        self._agreed = {
            name: {side: dict(boxes[side][name]) for side in Side} for name in names
        }

    def still(self) -> frozenset[str]:
        """
        The mailboxes that keep their names, and have had no others.
        """
        lineages = self._lineages()
        names = Counter(chain.from_iterable(lineage.called for lineage in lineages))
        found = (lineage.called for lineage in lineages if lineage.isStill)
        plain = {name for called in found for name in called if names[name] == 1}
        return frozenset(plain - self._loose(lineages))

    def synced(self) -> list[str]:
        """
        Those of them that both sides agreed on; not INBOX, if anything was
        deleted: a server of which INBOX is another one as well has lost all.
        """
        found = self.still() & self._agreed.keys()
        return sorted(found - {"INBOX"} if any(self._deleted.values()) else found)

    # What is to come of it

    def complaints(self, found: Snapshot) -> Iterator[str]:
        """
        What is wrong with what both sides hold now.
        """
        lineages = self._lineages()
        unclear = self._loose(lineages)
        clear = {
            lineage.final: lineage
            for lineage in lineages
            if lineage.final is not None and not lineage.called & unclear
        }
        names = found.mailboxes.keys() - unclear
        if names != clear.keys():
            yield f"mailboxes: {sorted(names)}, not {sorted(clear)}"
            return
        for name, lineage in clear.items():
            wanted = self._subscription(lineage)
            if wanted is not None and wanted != (name in found.subscribed):
                yield f"{name} is {'not ' * wanted}subscribed"
            yield from _unlike(name, self._expected(lineage), found)
        rest = [lineage for lineage in lineages if lineage.called & unclear]
        yield from self._lost(rest, found, unclear)

    def _loose(self, lineages: Collection[Lineage]) -> frozenset[str]:
        return loose(lineages, self.levels, self.nameless, self.renumbers)

    def _lineages(self) -> list[Lineage]:
        known = [self._lineage(origin) for origin in self._agreed]
        new: dict[str, dict[Side, str]] = {}
        for side in Side:
            for name in self.boxes[side].keys() - self._origins[side].keys():
                new.setdefault(name, {})[side] = name
        return known + [
            Lineage(None, names, {side: self.boxes[side][name] for side in names}, {})
            for name, names in sorted(new.items())
        ]

    def _lineage(self, origin: str) -> Lineage:
        names = {
            side: name
            for side in Side
            for name, was in self._origins[side].items()
            if was == origin
        }
        boxes = {
            side: self.boxes[side][names[side]]
            if side in names
            else self._deleted[side][origin]
            for side in Side
        }
        return Lineage(origin, names, boxes, self._agreed[origin])

    def _subscription(self, lineage: Lineage) -> bool | None:
        """
        Whether a mailbox is to be subscribed: what changed on a side since the
        last sync counts.

        @return: C{None} if the rules leave it open: a renamed mailbox whose
            subscription was left behind, one that is made again, or one whose
            new name has been subscribed for long; and one with a new
            UIDVALIDITY, as a server has that lost everything.
        """
        told = [name in self.subscribed[side] for side, name in lineage.names.items()]
        if lineage.isNew and any(lineage.final in some for some in self._left(lineage)):
            return all(told) or None
        if lineage.deletedOn or (lineage.origin in self._renumbered and any(told)):
            return all(told) or None
        if not (lineage.isNew or lineage.isStill):
            return told[0] if self._isPlain(lineage) else None
        return all(told) if lineage.origin in self._agreedSubscribed else any(told)

    def _left(self, lineage: Lineage) -> Iterator[set[str]]:
        """
        What is subscribed where there is no such mailbox yet: LIST does not tell
        that its name is.
        """
        return (self.subscribed[side] for side in Side if side not in lineage.names)

    def _isPlain(self, lineage: Lineage) -> bool:
        """
        Whether all that has to do with a renamed mailbox's subscription is as
        the agreed one was.
        """
        base = lineage.origin in self._agreedSubscribed
        return all(
            (lineage.names[side] in self.subscribed[side]) == base
            and (
                lineage.names[side] == lineage.final
                or lineage.final not in self.subscribed[side]
            )
            for side in Side
        )

    def _expected(self, lineage: Lineage) -> dict[str, set[Alike]]:
        """
        For each content, by its digest, the messages that both sides may
        hold.
        """
        if lineage.deletedOn:
            return _remade(lineage)
        sides = [_sorted(lineage, side) for side in Side]
        expected: dict[str, set[Alike]] = {}
        for known in sides[0].keys() | sides[1].keys():
            digest, base = known
            ours, theirs = (side.get(known, []) for side in sides)
            these = self._outcomes(base, ours, theirs)
            _extend(expected, digest, these)
        return expected

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

    def _lost(
        self, lineages: Collection[Lineage], found: Snapshot, names: Collection[str]
    ) -> Iterator[str]:
        """
        What must not be, whatever becomes of the mailboxes with these names.
        """
        least: Counter[str] = Counter()
        most: Counter[str] = Counter()
        for lineage in lineages:
            few, many = self._bounds(lineage)
            least |= few
            most += many
        total: Counter[str] = Counter()
        for name in found.mailboxes.keys() & names:
            held = Counter(one.digest for one in found.mailboxes[name].elements())
            total += held
            if held - most:
                yield f"{name} has too many of {_short(held - most)}"
        if least - total:
            yield f"{sorted(names)} have too few of {_short(least - total)}"

    def _bounds(self, lineage: Lineage) -> tuple[Counter[str], Counter[str]]:
        """
        How many messages of each content, at the least and at the most.
        """
        most, least = Counter[str](), Counter[str]()
        for box in lineage.boxes.values():
            most |= Counter(one.digest for one in box.values())
        if lineage.deletedOn:
            for side in lineage.names:
                least |= lineage.news(side)
            return least, most
        for digest, any_ in self._expected(lineage).items():
            least[digest] = min(map(len, any_))
            most[digest] = max(most[digest], *map(len, any_))
        return least, most


def _renamed(names: dict[str, _T], old: str, new: str) -> dict[str, _T]:
    return {
        f"{new}{name[len(old) :]}" if within(name, old) else name: what
        for name, what in names.items()
    }


def _unlike(
    name: str, expected: Mapping[str, set[Alike]], found: Snapshot
) -> Iterator[str]:
    """
    What is wrong with the messages of a mailbox.
    """
    held = [*found.mailboxes[name].elements()]
    for digest in expected.keys() | {one.digest for one in held}:
        these = alike(one for one in held if one.digest == digest)
        any_ = expected.get(digest, {()})
        if these not in any_:
            wanted = " or ".join(map(_told, any_))
            yield f"{name} has {_told(these)}, not {wanted}"


def _remade(lineage: Lineage) -> dict[str, set[Alike]]:
    """
    What may be in a mailbox that was deleted on one side and is made again, as
    the other has it: all, but perhaps for what had been removed on the one side
    before.
    """
    [side], [gone] = lineage.names, lineage.deletedOn
    before = _sorted(lineage, gone)
    expected: dict[str, set[Alike]] = {}
    for known, held in _sorted(lineage, side).items():
        there = [one for one in held if one is not None]
        removed = before.get(known, []).count(None)
        these = {
            alike(some)
            for size in range(max(0, len(there) - removed), len(there) + 1)
            for some in combinations(there, size)
        }
        _extend(expected, known[0], these)
    return expected


def _extend(expected: dict[str, set[Alike]], digest: str, these: set[Alike]) -> None:
    """
    There may be any of C{these} as well.
    """
    both = product(expected.get(digest, {()}), these)
    expected[digest] = {alike([*one, *other]) for one, other in both}


def _sorted(
    lineage: Lineage, side: Side
) -> dict[tuple[str, Message | None], list[Message | None]]:
    """
    A mailbox's messages, C{None} for one that is gone, by content and by how
    they were last agreed on, C{None} for one that never was.
    """
    agreed = lineage.agreed.get(side, {})
    now = lineage.boxes.get(side, {})
    found: dict[tuple[str, Message | None], list[Message | None]] = {}
    for uid, base in agreed.items():
        found.setdefault((base.digest, base), []).append(now.get(uid))
    for uid in now.keys() - agreed.keys():
        found.setdefault((now[uid].digest, None), []).append(now[uid])
    return found


def _differ(base: Message, ours: Message, theirs: Message) -> bool:
    """
    Whether each side did something that the other did not.  A sync that ends
    in the middle has done half of what one side did on the other: that must
    not look like a change that contradicts it.
    """
    here, there = base.flags ^ ours.flags, base.flags ^ theirs.flags
    return bool(here - there and there - here)


def _told(messages: Alike) -> str:
    return "[" + ", ".join(map(str, messages)) + "]"


def _short(digests: Iterable[str]) -> str:
    return ", ".join(sorted(digest[:12] for digest in digests))
