"""
What a sync has to make of mailboxes, whatever becomes of their names: the part
of the model that is about mailboxes as a whole.

It shares nothing with imapsync but the names of the sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from imapsync.model import Side
from imapsync.test.integration.accounts import Message

#: What a mailbox holds, by UID.
Box = Mapping[int, Message]


@dataclass(frozen=True)
class Lineage:
    """
    A mailbox, or two that are one to a sync.

    @ivar origin: what it was called when both sides last agreed; C{None} if it
        is new.
    @ivar names: what each side calls it that has it.
    @ivar boxes: what it holds on each side, or held when it was deleted.
    @ivar agreed: what it held when both sides last agreed.
    """

    origin: str | None
    names: Mapping[Side, str]
    boxes: Mapping[Side, Box]
    agreed: Mapping[Side, Box]

    @property
    def isNew(self) -> bool:
        """
        Whether no sync has seen it.
        """
        return self.origin is None

    @property
    def deletedOn(self) -> list[Side]:
        """
        Where it was once.
        """
        return [] if self.isNew else [side for side in Side if side not in self.names]

    @property
    def final(self) -> str | None:
        """
        What both sides are to call it; C{None} if it is to be gone.
        """
        if len(self.names) == 2:
            ours, theirs = self.names[Side.LOCAL], self.names[Side.REMOTE]
            return ours if theirs == self.origin else theirs
        for side, name in self.names.items():
            if name != self.origin or self.news(side):
                return name
        return None

    @property
    def called(self) -> frozenset[str]:
        """
        All names that have to do with it.
        """
        names = {self.origin, *self.names.values()} - {None}
        return frozenset(name for name in names if name is not None)

    def news(self, side: Side) -> Counter[str]:
        """
        What came into it on C{side}, by digest.
        """
        box, known = self.boxes.get(side, {}), self.agreed.get(side, {})
        return Counter(box[uid].digest for uid in box.keys() - known.keys())

    @property
    def isStill(self) -> bool:
        """
        Whether it was neither renamed nor deleted.
        """
        return len(self.called) == 1 and not self.deletedOn

    def isLost(self, side: Side) -> bool:
        """
        Whether nobody can tell on C{side}, by what it holds, that it was renamed.
        """
        if self.isNew or self.names.get(side, self.origin) == self.origin:
            return False
        return not self.boxes[side].keys() & self.agreed[side].keys()


def within(name: str, top: str) -> bool:
    """
    Whether a mailbox is C{top}, or below it.
    """
    return f"{name}/".startswith(f"{top}/")


def loose(
    lineages: Collection[Lineage],
    levels: Mapping[Side, Collection[str]],
    nameless: Collection[Side] = (),
    renumbers: bool = False,
) -> frozenset[str]:
    """
    The names of which the rules do not say what becomes of them: so long as no
    message is lost, several answers will do.

    @param levels: names that are no mailboxes on a side.  Some servers have
        nothing be renamed to such a one: then messages are moved.
    @param nameless: where mailboxes are known by what they hold alone.
    @param renumbers: whether those that are renamed get another UIDVALIDITY.
    """
    found = {name for names in _open(lineages) for name in names}
    found.update(*(one.called for one in lineages if any(map(one.isLost, nameless))))
    for lineage in lineages:
        if any(
            name != lineage.final and lineage.final in levels[side]
            for side, name in lineage.names.items()
        ):
            found |= lineage.called
    if renumbers:
        # What is done to them at the same time may be undone.
        known = (one for one in lineages if not one.isNew)
        found.update(*(one.called for one in known if not one.isStill))
    groups = [lineage.called for lineage in lineages]
    before = -1
    while len(found) > before:
        before = len(found)
        found.update(*(group for group in groups if group & found))
    return frozenset(found)


def _open(lineages: Collection[Lineage]) -> Iterator[Collection[str]]:
    """
    The questions that are open: names, each time.
    """
    finals = Counter(lineage.final for lineage in lineages)
    origins = {lineage.origin: lineage for lineage in lineages}
    for lineage in lineages:
        if lineage.final is not None and finals[lineage.final] > 1:
            yield lineage.called
        if lineage.isNew:
            # Deleted and made again, it can be taken for the same.
            for side, name in lineage.names.items():
                if name in origins and side in origins[name].deletedOn:
                    yield [name]
        if _undecided(lineage):
            yield lineage.called
        yield from _strays(lineage, lineages)


def _undecided(lineage: Lineage) -> bool:
    """
    Whether a mailbox was perhaps only taken along by one above it, while
    something else happened to it on the other side.
    """
    origin = lineage.origin
    if origin is None or len({lineage.names.get(side) for side in Side} - {origin}) < 2:
        return False
    return any(_carried(origin, name) for name in lineage.names.values())


def _carried(old: str, new: str) -> bool:
    above, _, own = old.rpartition("/")
    target, _, same = new.rpartition("/")
    return above != target and own == same and bool(above and target)


def _strays(
    lineage: Lineage, lineages: Collection[Lineage]
) -> Iterator[Collection[str]]:
    """
    Mailboxes that somebody put below one that is renamed on the other side:
    they may go along with it, or not.
    """
    for side, name in lineage.names.items():
        if lineage.final in (name, None):
            continue
        for other in lineages:
            below = other.names.get(side, "")
            if below.startswith(f"{name}/") and below != other.origin:
                yield [*other.called, f"{lineage.final}{below[len(name) :]}"]
