"""
Run imapsync and its peers in turn, and tell what each took.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.cases import CASES, Case
from benchmarks.goals import AIMED, reached, spent, titled
from benchmarks.latency import live
from benchmarks.programs import PROGRAMS, Failed
from benchmarks.python import Python
from benchmarks.run import Run
from benchmarks.storage import DISK, MEMORY, STORAGES, Storage, disk, memory
from benchmarks.table import Sheet, compared, updated

#: Where the pages have what was measured, and what had been aimed at.
DOC = Path(__file__).parents[1] / "doc"
PAGE, LIVELY = DOC / "benchmarks.inc", DOC / "live.inc"
GOALS, SPENT = DOC / "goals.inc", DOC / "seconds.inc"

#: The case that measures live mode.
LIVE = "live"

#: How often it makes each change.
_CHANGES = 50


class Bench:
    """
    What is the same for all cases.

    @param storages: where servers can keep their mail, by what that is called.
    """

    def __init__(
        self,
        python: Python,
        scale: float,
        rounds: int,
        storages: Mapping[str, Storage],
    ) -> None:
        self._python = python
        self._scale = scale
        self._rounds = rounds
        self._storages = storages

    def sheets(self, cases: Sequence[tuple[Case, str]]) -> Iterator[Sheet]:
        """
        What each case takes where the servers keep their mail as named.
        """
        with ExitStack() as stack:
            kinds = dict.fromkeys((name, case.capability) for case, name in cases)
            servers = {
                (name, capability): stack.enter_context(
                    self._storages[name].servers(capability)
                )
                for name, capability in kinds
            }
            for case, name in cases:
                pair = servers[name, case.capability]
                with pair.by(case.roundTrip, case.rate) as near:
                    reached = near.within() if case.secure else near
                    run = Run(
                        *(case, self._scale, self._rounds, reached),
                        self._python.imapsync,
                    )
                    run.measure()
                kind = self._storages[name].kind
                scale = "" if self._scale == 1 else f" {self._scale:g} of it all."
                note = f"{self._python.title}; the mail is on {kind}.{scale}"
                notes = [note, *run.notes]
                title = titled(case.name, name)
                yield compared(title, run.results, run.starts, notes)

    def live(self) -> Sheet:
        """
        How soon changes show in live mode.
        """
        count = max(1, round(_CHANGES * self._scale))
        return live(self._python.imapsync, count, self._python.title)


def fraction(text: str) -> float:
    scale = float(text)
    if not 0 < scale < math.inf:
        raise ValueError
    return scale


def number(text: str) -> int:
    rounds = int(text)
    if rounds < 1:
        raise ValueError
    return rounds


def understood() -> argparse.Namespace:
    """
    The command line.
    """
    parser = argparse.ArgumentParser(
        prog="script/bench",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
        epilog=_cases(),
    )
    parser.add_argument(
        "case",
        nargs="*",
        choices=[[], LIVE, *CASES],
        metavar="CASE",
        help="what to measure; by default all that is not marked with *",
    )
    parser.add_argument(
        "--scale", type=fraction, default=1.0, help="how much mail: 0.1 is a tenth"
    )
    parser.add_argument(
        "--rounds", type=number, default=3, help="how often each program runs (3)"
    )
    parser.add_argument(
        "--mail",
        choices=["tmpfs", "disk", "both"],
        help="where the servers keep their mail; by default in both for the cases"
        " that doc/benchmarks.rst has goals for, and on disk for the others",
    )
    parser.add_argument(
        "--python",
        default=sys.executable,
        metavar="FILE",
        help="an interpreter to install imapsync for, as users do, and to measure it"
        " with (/usr/bin/python3, where it is there and new enough)",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="put the tables into doc/, too, and short ones made of them",
    )
    return parser.parse_args()


def _cases() -> str:
    titles = {name: case.title for name, case in CASES.items()}
    titles[LIVE] = "How soon changes show in live mode"
    stars = {LIVE, *(name for name, case in CASES.items() if case.huge)}
    lines = [f"  {name + '*' * (name in stars):24}{titles[name]}" for name in titles]
    return "\n".join(["cases (* only if named):", *lines])


def chosen(
    names: Sequence[str], mail: str | None, storages: Mapping[str, Storage]
) -> list[tuple[Case, str]]:
    """
    The cases to measure, and where the servers keep their mail.

    @param names: those asked for.
    @param mail: where, if that was asked for.
    @raise Failed: if that cannot be.
    """
    if mail == "tmpfs" and MEMORY not in storages:
        raise Failed("there is no tmpfs in /dev/shm, or too little room in it")
    asked = {"tmpfs": [MEMORY], "disk": [DISK], "both": [MEMORY, DISK], None: []}[mail]
    cases = [CASES[name] for name in names if name != LIVE]
    if not names:
        cases = [case for case in CASES.values() if not case.huge]
    return [
        (case, storage)
        for case in cases
        for storage in asked or (STORAGES if case.name in AIMED else [DISK])
        if storage in storages
    ]


def main() -> None:
    """
    Understand the command line, measure and print.
    """
    request = understood()
    storages = {each.title: each for each in (memory(), disk()) if each is not None}
    bench = Bench(Python(request.python), request.scale, request.rounds, storages)
    cases = chosen(request.case, request.mail, storages)
    head = "".join(
        f"{program.name} {program.lacks}.\n"
        for program in PROGRAMS
        if program.there and program.lacks
    )
    print(head)
    order = [titled(case, storage) for case in CASES for storage in STORAGES]
    for sheet in bench.sheets(cases):
        print(sheet.markdown(), flush=True)
        if request.write:
            _write(PAGE, updated(_read(PAGE), head, sheet, order))
    if LIVE in request.case:
        sheet = bench.live()
        print(sheet.markdown())
        if request.write:
            _write(LIVELY, sheet.restructured() + "\n")


def _write(page: Path, text: str) -> None:
    """
    Write a page, and those that tell the same in short.
    """
    page.write_text(text)
    measured = f"{_read(PAGE)}\n{_read(LIVELY)}"
    GOALS.write_text(reached(measured).restructured() + "\n")
    SPENT.write_text(spent(measured).restructured() + "\n")


def _read(page: Path) -> str:
    return page.read_text() if page.exists() else ""


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"script/bench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
