"""
Faults in the midst of runs, on private Dovecots, and what the next runs make of that.

usage: python -m benchmarks.trials [OPTION ...] [KIND ...]

Each trial copies two accounts that were equal once and have been changed on both
sides since; runs a program, and strikes while it runs; runs it once more, when all has
to be as it should be; and again, when there has to be nothing left to do.  Others get
three runs.  Printed are the trials that went wrong, and a table; the exit code is 1 if
imapsync lost or doubled a message.

With --results=FILE, each trial is a line of JSON in that file, and none that is in
there already is made again: whatever ended the trials, the same command goes on with
them.  With --write, doc/ gets the table of all that is in FILE.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from benchmarks.programs import mbsync
from benchmarks.soak import configuration
from imapsync.model import Side
from imapsync.test import children
from imapsync.test.integration.presets import PRESETS
from imapsync.test.integration.scene import Run, Scene
from imapsync.test.integration.strikes import KINDS, Kind, each, tried
from imapsync.test.integration.trial import Imapsync, Laboratory, Offer, Program

#: Where the pages have what came of it.
PAGE = Path(__file__).parents[2] / "doc" / "reliability.inc"

#: So many of those go on at a time that mostly wait.
_WAITING = 40

_HEAD = (
    "fault",
    "program",
    "trials",
    "equal after one more run",
    "messages lost",
    "doubled",
    "came back",
    "otherwise wrong in the end",
    "wrong exit codes",
)


class Peer:
    """
    Another program.  It knows nothing of renamed and deleted mailboxes, and servers
    are reached without TLS and compression.
    """

    whole = False

    def __init__(self, name: str) -> None:
        self.name = name

    def configure(self, scene: Scene, ports: Mapping[Side, int], offer: Offer) -> None:
        """
        In its own file.
        """
        user, directory = scene.user, scene.directory / "own"
        directory.mkdir(exist_ok=True)
        if self.name == "mbsync":
            mbsync(directory, user, [*ports.values()], False, 20)
        else:
            servers = [_Port(port) for port in ports.values()]
            configuration(directory, servers, user)

    def begin(self, scene: Scene, log: Path) -> Any:
        """
        As a user does.
        """
        own = scene.directory / "own"
        commands = {
            "mbsync": ["mbsync", "-q", "-c", f"{own}/mbsyncrc", "both"],
            "interimap": ["interimap", f"--config={own}/config"],
        }
        with log.open("wb") as output:
            return children.begun(
                commands[self.name],
                stdin=children.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=scene.directory,
            )

    def joined(self, process: Any, patience: float) -> int:
        """
        As one of which nothing is known.
        """
        return children.ended(process, patience)

    def busy(self, scene: Scene, run: Run) -> list[str]:
        """
        They do not tell.
        """
        return []


@dataclass(frozen=True)
class _Port:
    port: int
    host: str = "127.0.0.1"


PROGRAMS: Mapping[str, Program] = {
    "imapsync": Imapsync(),
    "interimap": Peer("interimap"),
    "mbsync": Peer("mbsync"),
}


@dataclass(frozen=True)
class Result:
    """
    What came of a trial, as it is kept.

    @ivar number: which of its kind; a seed.
    @ivar struck: whether there was a fault; else it does not count.
    @ivar equal: whether all was as it should be after one more run.
    @ivar lost: names of messages, as in C{doubled} and C{back}.
    @ivar other: what else is wrong in the end.
    @ivar codes: exit codes that should not have been.
    @ivar story: what was done, if not all went well.
    """

    kind: str
    program: str
    number: int
    struck: bool
    equal: bool
    lost: Sequence[str] = ()
    doubled: Sequence[str] = ()
    back: Sequence[str] = ()
    other: Sequence[str] = ()
    codes: Sequence[str] = ()
    story: Sequence[str] = ()

    @property
    def wrong(self) -> Mapping[str, Sequence[str]]:
        """
        All that is.
        """
        names = ("lost", "doubled", "back", "other", "codes")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


class Results:
    """
    All that there are.

    @param path: the file in which they are kept, if they are.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._all: dict[tuple[str, str, int], Result] = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                self._take(Result(**json.loads(line)))

    def add(self, result: Result) -> None:
        """
        There is one more.
        """
        self._take(result)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps(vars(result)) + "\n")

    def of(self, kind: str, program: str, number: int) -> Result | None:
        """
        One of them, if it is there.
        """
        return self._all.get((kind, program, number))

    def __iter__(self) -> Iterator[Result]:
        return iter(self._all.values())

    def _take(self, result: Result) -> None:
        self._all[result.kind, result.program, result.number] = result

    def rows(self) -> Iterator[tuple[str, ...]]:
        """
        A table.
        """
        for name, kind in KINDS.items():
            for program in PROGRAMS:
                found = [
                    result
                    for result in self
                    if (result.kind, result.program) == (name, program)
                    and result.struck
                ]
                if found:
                    yield (kind.title, program, *map(str, _sums(found)))


def _sums(found: Sequence[Result]) -> Iterator[int]:
    yield len(found)
    yield sum(result.equal for result in found)
    for name in "lost", "doubled", "back":
        yield sum(len(getattr(result, name)) for result in found)
    yield sum(bool(result.other) for result in found)
    yield sum(bool(result.codes) for result in found)


class Trials:
    """
    All of one kind, with one program.

    @param logs: a directory for the files of trials that went wrong.
    """

    def __init__(
        self, laboratory: Laboratory, name: str, results: Results, logs: Path | None
    ) -> None:
        self._laboratory = laboratory
        self._name = name
        self._kind: Kind = KINDS[name]
        self._results = results
        self._logs = logs
        self._over = False
        self._wanted = 0
        self._tally: Counter[str] = Counter()

    async def make(self, begin: int, wanted: int, workers: int) -> None:
        """
        Make them, until so many were struck.

        @param begin: the number of the first.
        @param wanted: 0, until one is not.
        """
        self._wanted = wanted
        # Some never are.
        numbers = iter(range(begin, begin + 2 * wanted)) if wanted else count(begin)
        await each(self._going(numbers), workers, self._make)
        print(f"{self._title}: {dict(self._tally)}", flush=True)

    @property
    def _title(self) -> str:
        return f"{self._name}, {self._laboratory.program.name}"

    def _going(self, numbers: Iterator[int]) -> Iterator[int]:
        for number in numbers:
            if self._over:
                return
            yield number

    async def _make(self, number: int) -> None:
        result = self._results.of(self._name, self._laboratory.program.name, number)
        if result is None:
            result = await self._tried(number)
            self._results.add(result)
        self._note(result)
        if self._wanted:
            self._over |= self._tally["struck"] >= self._wanted
        else:
            self._over |= not result.struck

    def _note(self, result: Result) -> None:
        self._tally["struck" if result.struck else "not struck"] += 1
        self._tally["not equal at once"] += result.struck and not result.equal
        for name, found in result.wrong.items():
            self._tally[name] += len(found)
        if (self._tally["struck"] + self._tally["not struck"]) % 100 == 0:
            print(f"  {self._title}: {dict(self._tally)}", flush=True)

    async def _tried(self, number: int) -> Result:
        program = self._laboratory.program.name
        began = time.monotonic()
        try:
            outcome = await tried(
                self._laboratory, self._kind, self._name, number, self._logs
            )
        except Exception as error:  # noqa: BLE001 (the others go on)
            print(f"{self._title}, {number}: {error!r}", flush=True)
            other = [f"no trial: {error!r}"]
            return Result(self._name, program, number, True, False, other=other)
        verdict = outcome.verdict
        result = Result(
            self._name,
            program,
            number,
            outcome.struck,
            outcome.equal,
            verdict.lost,
            verdict.doubled,
            verdict.back,
            verdict.other,
            outcome.codes,
            [] if outcome.isGood else outcome.story,
        )
        if result.wrong:
            seconds = time.monotonic() - began
            wrong = "; ".join(
                f"{key}: {value}"[:200] for key, value in result.wrong.items()
            )
            print(f"{self._title}, {number} ({seconds:.1f} s): {wrong}", flush=True)
        return result


async def make(reactor: Any, request: argparse.Namespace, results: Results) -> None:
    """
    Make all trials that are asked for.
    """
    reactor.suggestThreadPoolSize(2 * _WAITING)
    for name in request.program or PROGRAMS:
        laboratory = Laboratory(reactor, PROGRAMS[name], ways=tuple(request.ways))
        try:
            for key in request.kind or KINDS:
                kind = KINDS[key]
                if not kind.possible() or (name != "imapsync" and not kind.anyone):
                    continue
                trials = Trials(laboratory, key, results, request.logs)
                wanted = (request.count or kind.count) if kind.count else 0
                begin = request.seed if kind.count else 1
                workers = _WAITING if kind.slow else request.workers
                await trials.make(begin, wanted, workers)
        finally:
            laboratory.close()


def page(rows: Sequence[tuple[str, ...]]) -> str:
    """
    A table as one of the pages has it.
    """
    lines = [".. csv-table::", "   :header-rows: 1", "   :widths: 30 12 8 10 8 8 8 8 8"]
    cells = (", ".join(f'"{cell}"' for cell in row) for row in (_HEAD, *rows))
    return "\n".join([*lines, "", *(f"   {line}" for line in cells), ""])


def main() -> int:
    """
    Understand the command line, try and print.

    @return: the exit code.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.trials",
        description="Kinds: "
        + "; ".join(f"{name}: {kind.title}" for name, kind in KINDS.items()),
    )
    parser.add_argument("kind", nargs="*", choices=[[], *KINDS], metavar="KIND")
    parser.add_argument("--program", action="append", choices=[*PROGRAMS])
    parser.add_argument("--count", type=int, help="of each kind; 0: only the table")
    parser.add_argument("--seed", type=int, default=1, help="number of the first")
    parser.add_argument("--workers", type=int, default=2, help="trials at a time")
    parser.add_argument(
        "--ways",
        nargs=2,
        default=["QRESYNC", "QRESYNC"],
        metavar=("LOCAL", "REMOTE"),
        help=f"what servers are without: {', '.join(PRESETS)}",
    )
    parser.add_argument("--results", type=Path, metavar="FILE")
    parser.add_argument("--logs", type=Path, metavar="DIRECTORY")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    request = parser.parse_args()
    if Path("/dev/shm").is_dir():
        tempfile.tempdir = "/dev/shm"
    results = Results(request.results)

    def begin(reactor: Any) -> Deferred[None]:
        work: Coroutine[Any, Any, None] = make(reactor, request, results)
        return Deferred.fromCoroutine(work)

    try:
        if request.count != 0:
            react(begin)
    except SystemExit as end:
        if end.code:
            return 2
    rows = [*results.rows()]
    for row in (_HEAD, ("---",) * len(_HEAD), *rows):
        print(f"| {' | '.join(row)} |")
    if request.write:
        PAGE.write_text(page(rows))
    return any(
        result.lost or (result.doubled and not KINDS[result.kind].known)
        for result in results
        if result.program == "imapsync"
    )


if __name__ == "__main__":
    sys.exit(main())
