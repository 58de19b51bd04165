"""
What was aimed at, and what was reached: read from the tables of what was measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.cases import CASES
from benchmarks.latency import MEDIAN, TITLE
from benchmarks.programs import IMAPSYNC
from benchmarks.storage import STORAGES
from benchmarks.table import CPU, NET, PEAK, SECONDS, TIMES, Sheet, rows, span

_HEAD = ("load", "before", "goal", *(f"now, mail {storage}" for storage in STORAGES))


_SPENT = ("load", "seconds", "starting", "computing", "waiting")


class Goal(NamedTuple):
    """
    How many times imapsync's time another program is to take.

    @ivar load: what there is to do, for people.
    @ivar case: the name of that.
    @ivar before: how many times it was before.
    """

    load: str
    case: str
    before: str
    goal: str
    program: str = "interimap"


GOALS = (
    Goal("A. First sync of mixed mail", "first-mixed", "1.14", "1.4"),
    Goal("A, with TLS to the remote server", "first-mixed-tls", "", "1.1"),
    Goal("B. First sync of 50 000 small messages", "first-small", "2.3", "2.6"),
    Goal("C. First sync of 2 000, 40 ms away", "first-few-far", "2.6", "3.5"),
    Goal("D. 10 000 flag changes in 50 000", "flags", "0.95", "1.4"),
    Goal("E. 5 000 removals in 50 000", "expunges", "0.95", "1.1"),
    Goal("E, beside mbsync", "expunges", "0.54", "0.8", "mbsync"),
    Goal("F. Nothing to do in one mailbox", "idle-1", "0.39", "1.2"),
    Goal("F, in 100 mailboxes", "idle-100", "0.35", "1.2"),
    Goal("F, in 500 mailboxes", "idle-500", "0.67", "1.2"),
    Goal("G. Nothing to do in 100, 40 ms away", "idle-100-far", "0.85", "1.1"),
)

#: The cases that are about a goal.
AIMED = frozenset(goal.case for goal in GOALS)


def titled(case: str, storage: str) -> str:
    """
    The title of a case's table, by where the servers keep their mail.
    """
    return f"{CASES[case].title}, mail {storage}"


def reached(page: str) -> Sheet:
    """
    All goals, beside what a page says was measured.
    """

    def now(case: str, program: str, column: str) -> list[str]:
        return [
            rows(page, titled(case, storage)).get(program, {}).get(column, "")
            for storage in STORAGES
        ]

    def lines() -> Iterator[Sequence[str]]:
        for goal in GOALS:
            ratios = now(goal.case, goal.program, TIMES)
            yield (goal.load, goal.before, goal.goal, *ratios)
        seconds = now("first-million", IMAPSYNC.name, SECONDS)
        yield ("Seconds for the first sync of a million", "83", "69", *seconds)
        found = [now(case, IMAPSYNC.name, PEAK) for case in sorted(AIMED)]
        peaks = [span(peaks) for peaks in zip(*found, strict=True)]
        yield ("Peak MiB, A to G", "41 to 48", "no more", *peaks)
        waits = span([row[MEDIAN] for row in rows(page, TITLE).values()])
        rest = [""] * (len(STORAGES) - 1)
        yield ("Milliseconds until a change shows", "8", "no more", waits, *rest)

    return Sheet("How many times imapsync's time interimap takes", _HEAD, [*lines()])


def spent(page: str) -> Sheet:
    """
    Where imapsync's seconds go, by what a page says was measured.
    """

    def lines() -> Iterator[Sequence[str]]:
        for goal in GOALS:
            for storage in STORAGES if goal.program == GOALS[0].program else ():
                found = rows(page, titled(goal.case, storage)).get(IMAPSYNC.name)
                if found:
                    total, cpu, net = (float(found[k]) for k in (SECONDS, CPU, NET))
                    start = total - net
                    parts = start, max(0, cpu - start), max(0, total - max(cpu, start))
                    cells = [f"{part:.2f}" for part in (total, *parts)]
                    yield (f"{goal.load}, mail {storage}", *cells)

    return Sheet("Where the seconds of imapsync go", _SPENT, [*lines()])
