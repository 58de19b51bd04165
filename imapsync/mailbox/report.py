"""
What a run did and what it could not do, for the summary at its end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from imapsync.mailbox.suspects import Suspects
from imapsync.model import Name, Side
from imapsync.uidset import UidSet


def _none() -> defaultdict[tuple[Name, Side], UidSet]:
    return defaultdict(UidSet)


@dataclass
class Report:
    """
    The account of one run.

    @ivar troubles: what could not be synced: mailbox and reason, each once.
    @ivar copied: messages copied, by mailbox and the side they went to.
    @ivar flagged: messages whose flags were set, likewise.
    @ivar expunged: messages expunged, likewise.
    @ivar trashed: messages moved to the trash, likewise.
    @ivar moved: messages that the server of a side moved to a mailbox there.
    @ivar duplicated: messages that it copied by itself, likewise.
    @ivar paired: messages that were paired by content, by mailbox.
    @ivar steps: what was done to a mailbox as a whole, such as
        C{"created on local"}.
    @ivar suspects: messages over which connections were lost.
    @ivar unproven: mailboxes in which a server took messages without telling
        their UIDs.
    @ivar renumbered: mailboxes that were paired anew.
    @ivar recognised: new messages that the other side's server was asked to move
        or copy by itself, which is tried once; by their mailbox and side.
    @ivar followed: those of them for which it did.
    @ivar told: troubles that accounts before this one have told of.
    @ivar superseded: messages that it could only copy to where they were moved on
        the other side: they are to be expunged, not to be moved to the trash; by
        their mailbox and side.
    """

    troubles: dict[tuple[Name, str], None] = field(default_factory=dict)
    copied: Counter[tuple[Name, Side]] = field(default_factory=Counter)
    flagged: Counter[tuple[Name, Side]] = field(default_factory=Counter)
    expunged: Counter[tuple[Name, Side]] = field(default_factory=Counter)
    trashed: Counter[tuple[Name, Side]] = field(default_factory=Counter)
    moved: Counter[tuple[Name, Side]] = field(default_factory=Counter)
    duplicated: Counter[tuple[Name, Side]] = field(default_factory=Counter)
    paired: Counter[Name] = field(default_factory=Counter)
    steps: dict[Name, list[str]] = field(default_factory=dict)
    suspects: Suspects = field(default_factory=Suspects)
    unproven: set[Name] = field(default_factory=set)
    renumbered: set[Name] = field(default_factory=set)
    recognised: defaultdict[tuple[Name, Side], UidSet] = field(default_factory=_none)
    followed: defaultdict[tuple[Name, Side], UidSet] = field(default_factory=_none)
    superseded: defaultdict[tuple[Name, Side], UidSet] = field(default_factory=_none)
    told: frozenset[tuple[Name, str]] = frozenset()

    def trouble(self, mailbox: Name, text: str) -> bool:
        """
        Something could not be synced.

        @return: whether that is news.
        """
        known = (mailbox, text) in self.troubles or (mailbox, text) in self.told
        self.troubles[mailbox, text] = None
        return not known

    def successor(self) -> Report:
        """
        The account of a run that follows in the same process: what would
        otherwise happen again and again is not forgotten.
        """
        told = self.told.union(self.troubles)
        return Report(suspects=self.suspects, unproven=self.unproven, told=told)

    def mended(self, remaining: Collection[Name]) -> frozenset[Name]:
        """
        The mailboxes that were in trouble and no longer are.  Should they be
        again, that is news.

        @param remaining: those in which nothing was tried, because it would be
            in vain.
        """
        before = {name for name, _ in self.told}
        mended = before.difference(remaining, (name for name, _ in self.troubles))
        self.told = frozenset(one for one in self.told if one[0] not in mended)
        return frozenset(mended)

    @property
    def _counters(self) -> Mapping[str, Counter[tuple[Name, Side]]]:
        return {
            "copied": self.copied,
            "moved": self.moved,
            "duplicated": self.duplicated,
            "flagged": self.flagged,
            "expunged": self.expunged,
            "moved to the trash": self.trashed,
        }

    def carried(self, side: Side) -> Iterator[Name]:
        """
        The mailboxes from whose C{side} something was carried over.
        """
        for counter in self._counters.values():
            yield from (name for name, target in +counter if target is not side)

    @property
    def changes(self) -> int:
        """
        How much was changed on the servers.
        """
        counters = self._counters.values()
        return sum(map(Counter.total, counters)) + sum(map(len, self.steps.values()))

    def lines(self, totals: bool = True) -> Iterator[str]:
        """
        The summary: a line for each mailbox that changed, then the totals.
        """
        counted = {name for counter in self._counters.values() for name, _ in +counter}
        names = counted.union(+self.paired, self.steps)
        for name in sorted(names):
            yield f"{name}: " + ", ".join(self._mailbox(name))
        if not totals:
            return
        sums = (
            f"{counter.total()} {what}"
            for what, counter in self._counters.items()
            if counter.total() or counter is not self.trashed
        )
        yield "Total: " + ", ".join(sums)

    def _mailbox(self, name: Name) -> Iterator[str]:
        yield from self.steps.get(name, ())
        for what, counter in self._counters.items():
            for side in Side:
                if count := counter[name, side]:
                    yield f"{count} {what} {_direction(what, side)}"
        if count := self.paired[name]:
            yield f"{count} paired by content"


def _direction(what: str, side: Side) -> str:
    return f"{side.other} to {side}" if what == "copied" else f"on {side}"
