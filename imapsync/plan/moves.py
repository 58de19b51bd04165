"""
Recognising what was moved: messages that are gone from one mailbox, and new
ones in another that are equal to them.

It only decides; nothing here talks to a server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from imapsync.model import Known, Listed, Name, Pair, Side
from imapsync.names import shown
from imapsync.plan.mailboxes import removable
from imapsync.uidset import UidSet

#: What a message is recognised by: a stamp or a content key.
Sign = int | bytes


class Suspect(NamedTuple):
    """
    A mailbox from which, or to which, messages may have been moved.

    @ivar lost: the sides that may have lost known messages.
    @ivar gained: the sides that may have new ones.
    """

    name: Name
    lost: frozenset[Side]
    gained: frozenset[Side]


def suspected(known: Known, listed: Mapping[Side, Listed]) -> Suspect:
    """
    What STATUS alone says of one mailbox.
    """
    return Suspect(
        known.name,
        frozenset(side for side, box in listed.items() if _lost(known, side, box)),
        frozenset(side for side, box in listed.items() if _gained(known, side, box)),
    )


def between(suspects: Iterable[Suspect], side: Side) -> tuple[list[Name], list[Name]]:
    """
    Between which mailboxes of C{side} messages may have been moved: from any of
    the first to any of the second.
    """
    found = list(suspects)
    lost = [one.name for one in found if side in one.lost]
    gained = [
        one.name
        for one in found
        if side in one.gained and any(name != one.name for name in lost)
    ]
    return (lost if gained else []), gained


def _lost(known: Known, side: Side, box: Listed) -> bool:
    mark, status = known.marks.get(side), box.status
    if mark is None or status is None:
        return False
    if mark.modseq and mark.modseq == status.modseq:
        return False
    # Messages that are on one side only make up for lost ones.
    return removable(known, side, status) > 0 or (known.retries and known.pairs > 0)


def _gained(known: Known, side: Side, box: Listed) -> bool:
    mark, status = known.marks.get(side), box.status
    if status is None or not status.messages:
        return False
    return mark is None or mark.uidnext < status.uidnext


class Transfer(NamedTuple):
    """
    What a server is to do by itself, as it was done on the other side.

    @ivar side: where to do it.
    @ivar source: the mailbox that the messages are in.
    @ivar target: the mailbox that they are to be in.
    @ivar twins: the known pair that a new message in C{target} on the other
        side is equal to, by that message's UID.
    @ivar gone: whether they are no more in C{source} on the other side.
    @ivar dates: of new messages whose content does not single them out: the
        instant of INTERNALDATE that their twins must have as well.
    @ivar identities: of new messages that are like several others: what their server
        must tell of their twins as well.
    """

    side: Side
    source: Name
    target: Name
    twins: Mapping[int, Pair]
    gone: bool
    dates: Mapping[int, int] = MappingProxyType({})
    identities: Mapping[int, str] = MappingProxyType({})

    def lines(self) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        uids = UidSet.of(pair.uid(self.side) for pair in self.twins.values())
        verb = "move" if self.gone else "copy"
        source, target = shown(self.source), shown(self.target)
        yield source, f"{verb} UID {uids} to {target} on {self.side}"


class Missing:
    """
    Known messages that are gone from one side, and are looked for in its other
    mailboxes: by their stamps, or by their content keys if they have none.

    @ivar side: the other side, on which they still are.
    """

    def __init__(self, side: Side) -> None:
        self.side = side
        self._gone: dict[Sign, list[tuple[Name, Pair]]] = {}
        self._found: dict[Sign, list[tuple[Name, int]]] = {}
        self._dates: dict[tuple[Name, int], int] = {}
        self._there: set[tuple[Name, bytes]] = set()
        self._sizes: set[int] = set()

    def add(self, source: Name, pairs: Iterable[Pair]) -> None:
        """
        These were in C{source}.
        """
        for pair in pairs:
            # What has a stamp is known by nothing else: a message that differs
            # in its date is another one, though its content be the same.
            sign = pair.stamp or pair.key
            if sign:
                self._gone.setdefault(sign, []).append((source, pair))
            if not pair.stamp:
                self._sizes.add(pair.size)

    def likely(self, size: int) -> bool:
        """
        Whether a message of that size can be one of them.
        """
        return size in self._sizes or 0 in self._sizes

    def __contains__(self, sign: Sign) -> bool:
        return sign in self._gone

    def found(self, target: Name, uid: int, sign: Sign, date: int = 0) -> None:
        """
        A new message in C{target} has the stamp or key of a missing one.

        @param date: see L{Transfer.dates}; 0 if C{sign} is enough.
        """
        if date:
            self._dates[target, uid] = date
        self._found.setdefault(sign, []).append((target, uid))

    def present(self, target: Name, sign: Sign) -> None:
        """
        So has a new one on the other side: it is equal to the one to be found
        here, as after a copy that was made and not committed.
        """
        self._there.update((target, pair.key) for _, pair in self._gone[sign])

    def transfers(self) -> list[Transfer]:
        """
        What is to be done about those that were found.

        Where several have the same sign, what is in them may yet differ: those
        are left alone.
        """
        twins: dict[tuple[Name, Name], dict[int, Pair]] = {}
        taken: set[tuple[Name, int]] = set()
        for sign, found in self._found.items():
            if len(found) != 1 or len(self._gone[sign]) != 1:
                continue
            [(source, pair)], [(target, uid)] = self._gone[sign], found
            known = (source, pair.local)
            if source == target or known in taken or (target, pair.key) in self._there:
                continue
            taken.add(known)
            twins.setdefault((source, target), {})[uid] = pair
        return [
            Transfer(self.side, source, target, some, True, self._dated(target, some))
            for (source, target), some in twins.items()
        ]

    def elsewhere(self, targets: Collection[Name]) -> Iterator[tuple[Name, Pair]]:
        """
        Those that are in one of these mailboxes, whichever of them it may be: they were
        not thrown away.
        """
        for sign, found in self._found.items():
            if any(at[0] in targets and at not in self._dates for at in found):
                yield from self._gone[sign]

    def _dated(self, target: Name, uids: Iterable[int]) -> Mapping[int, int]:
        dates = self._dates
        return {uid: dates[target, uid] for uid in uids if (target, uid) in dates}
