"""
In which order mailboxes of one server are renamed, so that no name is taken
when it is needed: the other ones go first, and those that go round in a circle
make room by a temporary name.

It only decides; nothing here talks to a server.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from imapsync.model import Name
from imapsync.names import isWithin

_TEMPORARY = re.compile(r"imapsync-temporary-\d+(?:/|\Z)")


def isTemporary(name: Name) -> bool:
    """
    Whether a mailbox was given this name by us, to make room, or lies below
    one that was.
    """
    return _TEMPORARY.match(name) is not None


def temporary(number: int, taken: Collection[Name]) -> Name:
    """
    A name that makes room, and is not C{taken}.

    @param number: of the mailbox that is to have it.
    """
    while (name := f"imapsync-temporary-{number}") in taken:
        number += 1
    return name


def below(name: Name, parent: Name) -> bool:
    """
    Whether C{name} is on a level below C{parent}.
    """
    return name.startswith(f"{parent}/")


class Renaming(NamedTuple):
    """
    One RENAME, which takes along all that is below.

    @ivar mailbox: for whose sake.
    """

    mailbox: int
    old: Name
    new: Name


class Route(NamedTuple):
    """
    How to get there.

    @ivar stuck: the mailboxes that cannot be renamed, each with the mailbox
        that is in its way; C{None}, if that is not one of ours.
    """

    renamings: tuple[Renaming, ...]
    stuck: Mapping[int, int | None]

    def culprit(self, one: int) -> int | None:
        """
        Who in the end keeps C{one} from its name, where one waits for another:
        one of ours that is not stuck, or one of those that wait in a circle;
        C{None}, if it is not one of ours.
        """
        met = {one}
        blocker = self.stuck[one]
        while blocker is not None and blocker in self.stuck.keys() - met:
            met.add(blocker)
            blocker = self.stuck[blocker]
        return blocker


def route(
    places: Mapping[int, Name], wishes: Mapping[int, Name], others: Iterable[Name]
) -> Route:
    """
    Find an order.

    @param places: what our mailboxes are called now.
    @param wishes: what some of them are to be called; those that are not to be
        renamed may be taken along, and then find back.
    @param others: the names that all other mailboxes have.
    """
    shelf = _Shelf(places, others)
    stuck: dict[int, int | None] = {}
    while pending := _pending(shelf, wishes, stuck):
        blockers = {one: shelf.blocker(one, wishes[one], pending) for one in pending}
        ready = next((one for one in pending if not blockers[one]), None)
        if ready is not None:
            shelf.rename(ready, wishes[ready])
        elif found := _blocked(blockers, wishes.keys() - stuck.keys()):
            stuck.update(found)
        else:
            shelf.makeRoom(_obstacle(blockers))
        if len(shelf.renamings) > 4 * len(wishes):
            # No order of names is known that leads here; it must have an end.
            never = _pending(_Shelf(places, others), wishes, {})
            return Route((), dict.fromkeys(never))
    return Route(tuple(shelf.renamings), stuck)


#: Who is in the way: nobody, one of ours, or somebody else.
_Blocker = tuple[()] | tuple[int | None]


class _Shelf:
    """
    The names on a server while mailboxes are renamed, one after another.
    """

    def __init__(self, places: Mapping[int, Name], others: Iterable[Name]) -> None:
        self.places = dict(places)
        self.renamings: list[Renaming] = []
        self._others = set(others)

    def blocker(self, one: int, wish: Name, pending: Collection[int]) -> _Blocker:
        """
        Who must go before C{one} can have the name C{wish}.
        """
        old = self.places[one]
        for other in pending:
            if below(wish, self.places[other]):
                return (other,)  # it would be taken along from there
        # A child can come to lie where another mailbox is, as well.
        wanted = {
            _renamed(name, old, wish) for name in self._all() if isWithin(name, old)
        }
        taken = {name for name in wanted & self._others if not isWithin(name, old)}
        if any(not self._leaves(name, pending) for name in taken):
            return (None,)
        for other, name in self.places.items():
            if name in wanted and not isWithin(name, old):
                return (other,)
        return (None,) if taken else ()

    def _leaves(self, name: Name, pending: Collection[int]) -> bool:
        """
        Whether one of C{pending} will take it along.
        """
        return any(below(name, self.places[one]) for one in pending)

    def rename(self, one: int, new: Name) -> None:
        """
        Rename one, and all below it.
        """
        old = self.places[one]
        self.renamings.append(Renaming(one, old, new))
        self.places = {
            other: _renamed(name, old, new) for other, name in self.places.items()
        }
        self._others = {_renamed(name, old, new) for name in self._others}

    def makeRoom(self, one: int) -> None:
        """
        Get one out of the way.
        """
        self.rename(one, temporary(one, set(self._all())))

    def _all(self) -> Iterator[Name]:
        yield from self.places.values()
        yield from self._others


def _pending(
    shelf: _Shelf, wishes: Mapping[int, Name], stuck: Mapping[int, object]
) -> list[int]:
    """
    Those that are not where they are to be, parents first: a parent's RENAME
    may bring its children there as well.
    """
    pending = [
        one
        for one, wish in wishes.items()
        if one not in stuck and shelf.places[one] != wish
    ]
    return sorted(pending, key=lambda one: (wishes[one].split("/"), one))


def _blocked(
    blockers: Mapping[int, _Blocker], movable: Collection[int]
) -> dict[int, int | None]:
    """
    Those that are blocked by somebody who will not go.
    """
    return {
        one: blocker[0]
        for one, blocker in blockers.items()
        if blocker and blocker[0] not in movable
    }


def _obstacle(blockers: Mapping[int, _Blocker]) -> int:
    """
    One of those that wait for each other, or one that is where it is to be but
    in the way for now.
    """
    one = next(iter(blockers))
    met: set[int] = set()
    while one in blockers and one not in met:
        met.add(one)
        for blocker in blockers[one]:
            if blocker is not None:
                one = blocker
    return one


def _renamed(name: Name, old: Name, new: Name) -> Name:
    return new + name[len(old) :] if isWithin(name, old) else name
