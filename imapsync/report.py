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
    @ivar steps: how many mailboxes were made, subscribed, unsubscribed.
    """

    troubles: dict[tuple[Name, str], None] = field(default_factory=dict)
    copied: Counter[tuple[Name, Side]] = field(default_factory=Counter)
    flagged: Counter[tuple[Name, Side]] = field(default_factory=Counter)
    expunged: Counter[tuple[Name, Side]] = field(default_factory=Counter)
    paired: Counter[Name] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)

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
        return sum(map(Counter.total, counters)) + self.steps.total()

    def lines(self) -> Iterator[str]:
        """
        The summary: a line for each mailbox that changed, then the totals.
        """
        names = {name for name, _ in [*self.copied, *self.flagged, *self.expunged]}
        for name in sorted(names | set(self.paired)):
            yield f"{name}: " + (", ".join(self._mailbox(name)) or "nothing")
        for step, count in sorted(self.steps.items()):
            yield f"{step}: {_mailboxes(count)}"
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


def _mailboxes(count: int) -> str:
    return "1 mailbox" if count == 1 else f"{count} mailboxes"
