"""
What a comparison of both accounts (C{--verify}) tells people and machines: L{Verifier}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imapsync.accounts.verification import Holding, Verdict, Verification, inOrder
from imapsync.config.request import Depth
from imapsync.content.comparison import Difference, Found
from imapsync.display import keyword, shown
from imapsync.document import timestamp
from imapsync.mailbox.course import Course
from imapsync.mailbox.suspects import Suspects
from imapsync.model import Side
from imapsync.run.job import Job

#: The columns of the table; names come last, since nobody knows how wide they are.
_ROW = "{:>10} {:>10} {:>15} {:>15} {:>11}  {}"
_HEAD = _ROW.format(
    *("local", "remote", "octets local", "octets remote", "differences", "mailbox")
)


class Verifier(Verification):
    """
    A verification of which people are told as it goes, and machines in the end.
    """

    def __init__(
        self, job: Job, depth: Depth, suspects: Suspects, course: Course
    ) -> None:
        super().__init__(
            *(job.config, job.request.mailboxes, depth, job.reactor, suspects),
            *(course, self._tell),
        )
        self._job = job

    def summarise(self) -> None:
        """
        Say what came of all.
        """
        if self._job.request.json:
            return
        found = self.differences
        every = _counted(len(self.verdicts), "mailbox", "mailboxes")
        if found:
            where = sum(1 for one in self.verdicts.values() if one.differences)
            differences = _counted(found, "difference", "differences")
            told = f"{differences}, in {where} of {every}."
        else:
            messages = self._messages[str(Side.LOCAL)]
            told = f"Equal: {_counted(messages, 'message', 'messages')} in {every}."
        if found or self._job.verbose:
            self._job.say(told)

    def document(self) -> Mapping[str, object]:
        """
        All of it, for machines.
        """
        return {
            "depth": self._job.request.verify and self._job.request.verify.value,
            "mailboxes": map(self._mailbox, inOrder(self.verdicts)),
            "totals": {
                "mailboxes": len(self.verdicts),
                "messages": self._messages,
                "octets": self._octets,
                "differences": self.differences,
            },
        }

    @property
    def _messages(self) -> Mapping[str, int]:
        return {
            str(side): sum(one.messages or 0 for one in self._held(side))
            for side in Side
        }

    @property
    def _octets(self) -> Mapping[str, int]:
        return {
            str(side): sum(one.tally.octets for one in self._held(side) if one.tally)
            for side in Side
        }

    def _held(self, side: Side) -> Iterator[Holding]:
        for verdict in self.verdicts.values():
            if side in verdict.sides:
                yield verdict.sides[side]

    def _tell(self, verdict: Verdict) -> None:
        job = self._job
        if job.request.json:
            return
        if job.verbose:
            if len(self.verdicts) == 1:
                job.say(_HEAD)
            job.say(_row(verdict))
        name = shown(verdict.name)
        for told in _aboutMailbox(verdict):
            job.say(f"{name}: {told}")
        if verdict.messages:
            for difference in self.comparison.differences(verdict.box):
                job.say(f"{name}: {_aboutMessage(difference)}")

    def _mailbox(self, verdict: Verdict) -> Mapping[str, object]:
        some = verdict.messages > 0
        found = self.comparison.differences(verdict.box) if some else iter(())
        return {
            "name": verdict.name,
            **{str(side): _holding(verdict.sides.get(side)) for side in Side},
            "problems": verdict.problems,
            "differences": verdict.differences,
            "messages": map(_message, found),
        }


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _row(verdict: Verdict) -> str:
    sides = [verdict.sides.get(side) for side in Side]
    counts = ["-" if one is None else one.messages for one in sides]
    octets = [one.tally.octets if one and one.tally else "-" for one in sides]
    told = ("?" if one is None else one for one in (*counts, *octets))
    return _ROW.format(*told, verdict.differences, shown(verdict.name))


def _aboutMailbox(verdict: Verdict) -> Iterator[str]:
    if verdict.missing:
        there = verdict.sides[verdict.missing.other].messages
        holds = "" if there is None else _counted(there, "message", "messages")
        told = f"there is no such mailbox on {verdict.missing}"
        yield f"{told}; on {verdict.missing.other} it holds {holds}" if holds else told
    if verdict.subscriptions:
        [side] = [side for side, one in verdict.sides.items() if one.subscribed]
        yield f"subscribed only on {side}"
    yield from verdict.problems
    for side, one in verdict.sides.items():
        if one.unread:
            yield f"{side}: UID {one.unread}: cannot be read"


def _aboutMessage(difference: Difference) -> str:
    ours, theirs = difference.local, difference.remote
    if ours is None or theirs is None:
        [(side, one)] = [(s, x) for s in Side if (x := difference.on(s)) is not None]
        date = _date(one) or "no date"
        return f"only on {side}: UID {one.uid} ({one.size} octets, {date})"
    values = {
        "flags": (_flags(ours), _flags(theirs)),
        "date": (_date(ours), _date(theirs)),
        "size": (ours.size, theirs.size),
    }
    told = [
        f"{what} {values[what][0]} and {values[what][1]}" if what in values else what
        for what in difference.differs
    ]
    return f"UID {ours.uid} on local, {theirs.uid} on remote: {'; '.join(told)}"


def _flags(found: Found) -> str:
    return f"({' '.join(map(keyword, sorted(found.flags)))})"


def _date(found: Found) -> str:
    """
    An empty string if it has none that can be read.
    """
    return timestamp(found.date) if found.date else ""


def _holding(one: Holding | None) -> Mapping[str, object] | None:
    if one is None:
        return None
    return {
        "name": one.name,
        "subscribed": one.subscribed,
        "messages": one.messages,
        "octets": one.tally and one.tally.octets,
        "digest": one.tally and one.tally.digest,
        "unread": str(one.unread) or None,
    }


def _message(difference: Difference) -> Mapping[str, object]:
    return {
        "differs": difference.differs,
        **{str(side): _told(difference.on(side)) for side in Side},
    }


def _told(found: Found | None) -> Mapping[str, object] | None:
    if found is None:
        return None
    return {
        "uid": found.uid,
        "size": found.size,
        "date": _date(found) or None,
        "flags": sorted(found.flags),
    }
