"""
What a run did and what it could not do, for the summary at its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from imapsync.errors import MailboxError, Refused
from imapsync.log import Log
from imapsync.mailbox.course import Course
from imapsync.mailbox.summary import DEEDS, Deed, total
from imapsync.model import Name, Side, Trouble
from imapsync.names import shown


class Report:
    """
    The account of one run.  Who does something says so here; nobody else logs a
    trouble.

    @param told: troubles that accounts before this one have told of.
    @ivar troubles: what could not be synced, each once.
    @ivar paired: messages that were paired by content, by mailbox.
    @ivar steps: what was done to a mailbox as a whole, such as
        C{"created on local"}.
    @ivar unsound: whether something was found that was only to be told.
    @ivar course: how far the run has come.
    """

    log = Log()

    def __init__(self, told: frozenset[Trouble] = frozenset()) -> None:
        self.troubles: dict[Trouble, None] = {}
        self.paired: Counter[Name] = Counter()
        self.steps: dict[Name, list[str]] = {}
        self._done: dict[Deed, Counter[tuple[Name, Side]]] = {
            deed: Counter() for deed in DEEDS
        }
        self._told = told
        self.unsound = False
        self.course = Course()

    # What happened

    def did(self, deed: Deed, name: Name, side: Side, count: int) -> None:
        """
        So many messages of a mailbox on C{side} were.
        """
        self._done[deed][name, side] += count

    def joined(self, name: Name, count: int) -> None:
        """
        So many messages were on both sides, and are known to be now.
        """
        self.paired[name] += count

    def took(self, name: Name, step: str) -> None:
        """
        A step was taken with a mailbox as a whole.  What must be done more than
        once, because a server does not show it at once, is told once.
        """
        steps = self.steps.setdefault(name, [])
        if step not in steps:
            steps.append(step)

    def trouble(self, trouble: Trouble) -> None:
        """
        Something could not be synced.  It is logged if it is news.
        """
        if trouble not in self.troubles and trouble not in self._told:
            self.log.error("{name}: {text}", name=trouble.mailbox, text=str(trouble))
        self.troubles[trouble] = None

    def failed(
        self, name: Name, error: MailboxError | Refused, side: Side | None = None
    ) -> None:
        """
        A mailbox could not be synced.

        @param side: whose doing that is, unless the error knows.
        """
        text = str(error)
        if isinstance(error, MailboxError):
            text, side = error.text, error.side or side
        self.trouble(Trouble(name, text, side, code=error.responseCode))

    def retract(self, names: Collection[Name]) -> None:
        """
        These mailboxes are tried once more: whether they can be synced, will show.
        """
        again = frozenset(one for one in self.troubles if one.mailbox in names)
        self._told |= again
        for one in again:
            del self.troubles[one]

    # Over several runs

    def successor(self) -> Report:
        """
        The account of a run that follows in the same process: what was told is no
        news.
        """
        return Report(self.known)

    @property
    def known(self) -> frozenset[Trouble]:
        """
        All troubles, those of the runs before as well.
        """
        return self._told.union(self.troubles)

    def isTroubled(self, name: Name) -> bool:
        """
        Whether a trouble with this mailbox is known.
        """
        return any(trouble.mailbox == name for trouble in self.known)

    def mended(self, remaining: Collection[Name]) -> frozenset[Name]:
        """
        The mailboxes that were in trouble and no longer are.  Should they be
        again, that is news.

        @param remaining: those in which nothing was tried, because it would be
            in vain.
        """
        before = {trouble.mailbox for trouble in self._told}
        now = {trouble.mailbox for trouble in self.troubles}
        mended = frozenset(before.difference(remaining, now))
        self._told = frozenset(one for one in self._told if one.mailbox not in mended)
        return mended

    # The summary

    def done(self, deed: Deed) -> Counter[tuple[Name, Side]]:
        """
        How many messages were, by mailbox and side.
        """
        return +self._done[deed]

    def carried(self, side: Side) -> Iterator[Name]:
        """
        The mailboxes from whose C{side} something was carried over.
        """
        for done in self._done.values():
            yield from (name for name, target in +done if target is not side)

    @property
    def changes(self) -> int:
        """
        How much was changed on the servers.
        """
        steps = sum(map(len, self.steps.values()))
        return sum(map(Counter.total, self._done.values())) + steps

    def lines(self, totals: bool = True) -> Iterator[str]:
        """
        The summary: a line for each mailbox that changed, then the totals.
        """
        counted = {name for done in self._done.values() for name, _ in +done}
        for name in sorted(counted.union(+self.paired, self.steps)):
            yield f"{shown(name)}: " + ", ".join(self._mailbox(name))
        if totals:
            yield total({deed: done.total() for deed, done in self._done.items()})

    def _mailbox(self, name: Name) -> Iterator[str]:
        yield from self.steps.get(name, ())
        for deed, done in self._done.items():
            for side in Side:
                if count := done[name, side]:
                    yield f"{count} {deed} {_direction(deed, side)}"
        if count := self.paired[name]:
            yield f"{count} paired by content"


def _direction(deed: Deed, side: Side) -> str:
    return f"{side.other} to {side}" if deed == "copied" else f"on {side}"
