"""
Run imapsync and its peers in turn, and tell what each took.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.cases import CASES, Case
from benchmarks.place import Place, Servers
from benchmarks.programs import (
    IMAPSYNC,
    MANY,
    PROGRAMS,
    REPAIR,
    Failed,
    Program,
    Result,
)
from benchmarks.table import Table, markdown, updated
from imapsync.test.integration.dovecot import Dovecot, Settings

#: Where the pages have what was measured.
PAGE = Path(__file__).parents[1] / "doc" / "benchmarks.inc"
RAW = "raw limit"


class Run:
    """
    One case, for all programs in turn.
    """

    def __init__(self, case: Case, scale: float, rounds: int, servers: Servers) -> None:
        self._case = case
        self._scale = scale
        self._rounds = rounds
        self._servers = servers
        self._programs = [
            program
            for program in case.programs
            if program.there
            and program.name not in case.without
            and (case.spread or program is not MANY)
            and case.repairs == (program is REPAIR)
            and (program.far or not (case.roundTrip or case.rate))
        ]

        self._results: dict[str, list[Result]] = {}
        self._starts: dict[str, list[Result]] = {}
        self._places: dict[str, Place] = {}
        self._notes: list[str] = []

    def measure(self) -> Table:
        """
        Run it.

        @raise Failed: if imapsync does; the others then just do not count.
        """
        case = self._case
        with ExitStack() as stack:
            base = self._place(stack, Place(self._servers, case.compress))
            case.fill(base, self._scale)
            for program in self._programs:
                with self._excused(program):
                    place = self._copied(stack, base)
                    self._prepare(program, place)
                    self._places[program.name] = place
            for _ in range(self._rounds):
                for program in self._programs:
                    if program.name in self._places:
                        with self._excused(program):
                            self._once(program)
                self._raw()
        if case.limit:
            self._notes.append(f"Raw limit: {case.limit}.")
        return Table(case.title, self._results, self._starts, self._notes)

    @contextmanager
    def _excused(self, program: Program) -> Iterator[None]:
        try:
            yield
        except Failed as failure:
            if program.name == IMAPSYNC.name or program is REPAIR:
                raise
            self._notes.append(f"Does not count: {failure}.")
            for them in self._results, self._starts, self._places:
                them.pop(program.name, None)

    def _prepare(self, program: Program, place: Place) -> None:
        """
        Make a place as it is before the run that counts.
        """
        if self._case.primed:
            first = IMAPSYNC if program is REPAIR else program
            first.run(place)
            self._check(program, place)
            # Some need a second run to find that there is nothing more.
            first.run(place)
        if self._case.change is not None:
            self._case.change(place, self._scale)

    def _once(self, program: Program) -> None:
        place = self._places[program.name]
        start = program.start(place)
        with ExitStack() as stack:
            if not self._case.primed or self._case.change is not None:
                place = self._copied(stack, place)
            result = program.run(place)
            self._check(program, place)
        self._starts.setdefault(program.name, []).append(start)
        self._results.setdefault(program.name, []).append(result)

    def _raw(self) -> None:
        if self._case.raw is not None:
            with ExitStack() as stack:
                place = self._copied(stack, self._places[IMAPSYNC.name])
                result = self._case.raw(place, self._scale)
            self._results.setdefault(RAW, []).append(result)

    def _copied(self, stack: ExitStack, place: Place) -> Place:
        copy = self._place(stack, place.another())
        copy.copy(place)
        return copy

    def _place(self, stack: ExitStack, place: Place) -> Place:
        stack.callback(place.remove)
        return place

    def _check(self, program: Program, place: Place) -> None:
        if self._case.huge:
            differences = place.miscounted(self._case.boxes(self._scale))
        else:
            differences = place.differences(program.exact)
        if differences:
            raise Failed(f"{program.name} left a difference: {differences[0]}")


def measured(cases: list[Case], scale: float, rounds: int) -> Iterator[Table]:
    """
    The results of all cases.
    """
    local, remote = Dovecot(Settings()), Dovecot(Settings())
    try:
        servers = Servers(local, remote, remote.port)
        for case in cases:
            with servers.by(case.roundTrip, case.rate) as reached:
                yield Run(case, scale, rounds, reached).measure()
    finally:
        local.close()
        remote.close()


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


def main() -> None:
    """
    Understand the command line, measure and print.
    """
    parser = argparse.ArgumentParser(
        prog="script/bench", description="Cases: " + ", ".join(CASES)
    )
    parser.add_argument("case", nargs="*", choices=[[], *CASES], metavar="CASE")
    parser.add_argument("--scale", type=fraction, default=1.0, help="1 is everything")
    parser.add_argument("--rounds", type=number, default=3)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    request = parser.parse_args()
    cases = [CASES[name] for name in request.case]
    cases = cases or [case for case in CASES.values() if not case.huge]
    head = "".join(
        f"{program.name} {program.lacks}.\n"
        for program in PROGRAMS
        if program.there and program.lacks
    )
    print(head)
    for table in measured(cases, request.scale, request.rounds):
        print(markdown(table), flush=True)
        if request.write:
            before = PAGE.read_text() if PAGE.exists() else ""
            PAGE.write_text(updated(before, head, table))


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"script/bench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
