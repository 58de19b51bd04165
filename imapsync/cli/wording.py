"""
What people are told of the progress of a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from imapsync.display import quantity, shown
from imapsync.model import Side
from imapsync.run.progress import Pace, Progress
from imapsync.run.status import SyncState

#: What there is to say of a state in which no mailbox is worked on.
_STATES = {
    SyncState.NEW: "Beginning",
    SyncState.QUEUED: "Waiting for its turn",
    SyncState.CROWDED: "Waiting for a place at the host",
    SyncState.CONNECTING: "Connecting",
    SyncState.BACKING_OFF: "Waiting before the next attempt",
}


#: So many messages tell how large the others may be.
SAMPLE = 50


class Seen(NamedTuple):
    """
    An account at work.

    @ivar name: empty if it is the only one.
    @ivar seconds: for how long it has been seen.
    """

    name: str
    state: SyncState
    progress: Progress
    pace: Pace
    seconds: float


def doing(one: Seen) -> tuple[str, str]:
    """
    What is being done, and with which mailbox, if with any.
    """
    if one.state in _STATES:
        return _STATES[one.state], ""
    going = one.progress.mailboxes
    if not going:
        return "Looking for changes", ""
    name, verb = going[-1]
    others = f" and {len(going) - 1} more" if len(going) > 1 else ""
    return verb.capitalize(), shown(name) + others


def mailboxes(progress: Progress) -> str:
    """
    How many of them are done with.
    """
    whole = progress.over + progress.ahead
    if not whole:
        return ""
    return f"{progress.over:,} of {whole:,} mailbox{'es' if whole > 1 else ''}"


class Told(NamedTuple):
    """
    One direction.

    @ivar messages: how many of how many.
    @ivar unit: what they are.
    @ivar all: about how many octets it will be in the end; empty, if nobody can tell.
    """

    where: str
    messages: str
    unit: str
    octets: str
    all: str = ""


def flows(progress: Progress) -> Iterator[Told]:
    """
    Each direction in which there is something.
    """
    for side in reversed(Side):
        done, octets, left = progress.flow(side)
        if not (done or left):
            continue
        whole = done + left
        most = "at most " if progress.vague else ""
        yield Told(
            f"{'on' if progress.reading else 'to'} {side}",
            f"{done:,} of {most}{whole:,}",
            "messages" if whole > 1 else "message",
            quantity(octets) if octets else "",
            _all(done, octets, left),
        )


def _all(done: int, octets: int, left: int) -> str:
    """
    Those that are done are a sample of all.
    """
    if not (octets and left) or done < SAMPLE:
        return ""
    return f"of about {quantity(octets + left * octets // done)}"


def rates(pace: Pace) -> Sequence[str]:
    """
    How fast it goes.
    """
    told = []
    if pace.messages:
        few = pace.messages < 10
        told.append(f"{pace.messages:,.{1 if few else 0}f} messages/s")
    if pace.octets:
        told.append(f"{quantity(round(pace.octets))}/s")
    return told


def left(pace: Pace) -> str:
    """
    How long it may still take; nothing, if nobody can tell.
    """
    return "" if pace.left is None else f"about {duration(pace.left)} left"


def duration(seconds: float) -> str:
    """
    A time, not finer than anybody wants to know it.
    """
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours} h"


def sentence(one: Seen) -> str:
    """
    All of it, in one line of a log.
    """
    what, mailbox = doing(one)
    done = [mailboxes(one.progress)]
    for told in flows(one.progress):
        some = " ".join(filter(None, [told.octets, told.all]))
        octets = f" ({some})" if some else ""
        done.append(f"{told.messages} {told.unit}{octets} {told.where}")
    parts = [", ".join(filter(None, done)), ", ".join(rates(one.pace)), left(one.pace)]
    head = f"{what} {mailbox}" if mailbox else what
    tail = "; ".join(filter(None, parts))
    return f"{head}: {tail}." if tail else f"{head}."
