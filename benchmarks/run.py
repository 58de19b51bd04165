"""
One case, measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.cases import Case
from benchmarks.place import Place, Servers
from benchmarks.programs import IMAPSYNC, MANY, REPAIR, Failed, Program, Result

RAW = "raw limit"


class Run:
    """
    One case, for all programs in turn.

    @ivar results: of each program.
    @ivar starts: what each takes to start.
    @ivar notes: sentences about them.
    """

    def __init__(
        self, case: Case, scale: float, rounds: int, servers: Servers, imapsync: str
    ) -> None:
        """
        @param imapsync: the command that users type.
        """
        self._case = case
        self._scale = scale
        self._rounds = rounds
        self._servers = servers
        self._imapsync = imapsync
        near = not (case.roundTrip or case.rate or case.secure)
        self._programs = [
            program
            for program in case.programs
            if program.there
            and program.name not in case.without
            and (case.spread or program is not MANY)
            and case.repairs == (program is REPAIR)
            and (program.connects or near)
            and (not program.cases or case.name in program.cases)
        ]
        self.results: dict[str, list[Result]] = {}
        self.starts: dict[str, list[Result]] = {}
        self.notes: list[str] = []
        self._places: dict[str, Place] = {}

    def measure(self) -> None:
        """
        Run it.

        @raise Failed: if imapsync does; the others then just do not count.
        """
        case = self._case
        with ExitStack() as stack:
            base = Place(self._servers, self._imapsync, case.compress)
            case.fill(self._place(stack, base), self._scale)
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
            self.notes.append(f"Raw limit: {case.limit}.")

    @contextmanager
    def _excused(self, program: Program) -> Iterator[None]:
        try:
            yield
        except Failed as failure:
            if program.name == IMAPSYNC.name or program is REPAIR:
                raise
            self.notes.append(f"Does not count: {failure}.")
            for them in self.results, self.starts, self._places:
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
            if not self._case.primed:
                place = self._copied(stack, place)
            elif self._case.change is not None:
                # In an account of another name, imapsync would have to make sure first
                # that it is the one that it knows: that is no part of the load.
                kept = self._copied(stack, place)
                stack.callback(place.copy, kept)
            result = program.run(place)
            self._check(program, place)
        self.starts.setdefault(program.name, []).append(start)
        self.results.setdefault(program.name, []).append(result)

    def _raw(self) -> None:
        if self._case.raw is not None:
            with ExitStack() as stack:
                place = self._copied(stack, self._places[IMAPSYNC.name])
                result = self._case.raw(place, self._scale)
            self.results.setdefault(RAW, []).append(result)

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
