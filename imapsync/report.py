"""
What a run did and what it could not do, for the summary at its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from imapsync.model import Name, Side


@dataclass
class Report:
    """
    The account of one run.

    @ivar troubles: what could not be synced: mailbox and reason, each once.
    @ivar copied: messages copied, by mailbox and the side they went to.
    @ivar flagged: messages whose flags were set, likewise.
    @ivar expunged: messages expunged, likewise.
    @ivar paired: messages that were paired by content, by mailbox.
    @ivar steps: what was done to a mailbox as a whole, such as
        C{"created on local"}.
    @ivar broken: how often the connection was lost over a message: its mailbox,
        side and UID.
    @ivar unproven: mailboxes in which a server took messages without telling
        their UIDs.
    @ivar renumbered: mailboxes that were paired anew.
    """

    troubles: dict[tuple[Name, str], None] = field(default_factory=dict)
    copied: Counter[tuple[Name, Side]] = field(default_factory=Counter)
    flagged: Counter[tuple[Name, Side]] = field(default_factory=Counter)
    expunged: Counter[tuple[Name, Side]] = field(default_factory=Counter)
    paired: Counter[Name] = field(default_factory=Counter)
    steps: dict[Name, list[str]] = field(default_factory=dict)
    broken: Counter[tuple[Name, Side, int]] = field(default_factory=Counter)
    unproven: set[Name] = field(default_factory=set)
    renumbered: set[Name] = field(default_factory=set)

    def trouble(self, mailbox: Name, text: str) -> bool:
        """
        Something could not be synced.

        @return: whether that is news.
        """
        known = (mailbox, text) in self.troubles
        self.troubles[mailbox, text] = None
        return not known

    @property
    def changes(self) -> int:
        """
        How much was changed on the servers.
        """
        counters = (self.copied, self.flagged, self.expunged)
        return sum(map(Counter.total, counters)) + sum(map(len, self.steps.values()))

    def lines(self) -> Iterator[str]:
        """
        The summary: a line for each mailbox that changed, then the totals.
        """
        counted = self.copied + self.flagged + self.expunged
        names = {name for name, _ in counted}.union(+self.paired, self.steps)
        for name in sorted(names):
            yield f"{name}: " + ", ".join(self._mailbox(name))
        totals = (
            f"{sum(counter.values())} {what}"
            for what, counter in (
                ("copied", self.copied),
                ("flagged", self.flagged),
                ("expunged", self.expunged),
            )
        )
        yield "Total: " + ", ".join(totals)

    def _mailbox(self, name: Name) -> Iterator[str]:
        yield from self.steps.get(name, ())
        for what, counter in (
            ("copied", self.copied),
            ("flagged", self.flagged),
            ("expunged", self.expunged),
        ):
            for side in Side:
                if count := counter[name, side]:
                    yield f"{count} {what} {_direction(what, side)}"
        if count := self.paired[name]:
            yield f"{count} paired by content"


def _direction(what: str, side: Side) -> str:
    return f"{side.other} to {side}" if what == "copied" else f"on {side}"
