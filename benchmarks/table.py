"""
What was measured, for people.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.programs import IMAPSYNC, Result

_HEAD = (
    "program",
    "seconds",
    "net of start-up",
    "CPU seconds",
    "peak MiB",
    "times imapsync's",
    "the same, net",
)


@dataclass(frozen=True)
class Table:
    """
    The results of one case.

    @ivar results: of each program.
    @ivar starts: what each takes to start.
    @ivar notes: sentences about them.
    """

    title: str
    results: dict[str, list[Result]]
    starts: dict[str, list[Result]]
    notes: list[str]

    def rows(self) -> Iterator[tuple[str, ...]]:
        """
        The medians, a program a row.
        """
        ours, ourNet = self._seconds(IMAPSYNC.name)
        for name, results in self.results.items():
            seconds, net = self._seconds(name)
            measured = name in self.starts
            yield (
                name,
                f"{seconds:.3f}",
                f"{net:.3f}",
                f"{statistics.median(r.cpu for r in results):.2f}" if measured else "",
                f"{max(r.memory for r in results):.0f}" if measured else "",
                f"{seconds / ours:.2f}",
                f"{net / ourNet:.2f}",
            )

    def _seconds(self, name: str) -> tuple[float, float]:
        seconds = statistics.median(each.seconds for each in self.results[name])
        starts = [each.seconds for each in self.starts.get(name, [])]
        return seconds, max(0.001, seconds - (statistics.median(starts or [0])))


def markdown(table: Table) -> str:
    """
    As a table of Markdown.
    """
    lines = [_HEAD, ("---",) * len(_HEAD), *table.rows()]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = "".join(f"\n{note}\n" for note in table.notes)
    return f"{table.title}:\n\n{text}\n{notes}"


def restructured(table: Table) -> str:
    """
    As one of the pages.
    """
    lines = [f".. csv-table:: {table.title}", "   :header-rows: 1", ""]
    lines += [
        "   " + ", ".join(f'"{cell}"' for cell in line)
        for line in (_HEAD, *table.rows())
    ]
    for note in table.notes:
        lines += ["", note]
    return "\n".join(lines)


def updated(page: str, head: str, table: Table) -> str:
    """
    A page with this table in the place of the one with its title, if there is one.
    """
    _, *parts = re.split(r"^(?=\.\. csv-table:: )", page, flags=re.MULTILINE)
    texts = {part.splitlines()[0]: part.strip() for part in parts}
    text = restructured(table)
    texts[text.splitlines()[0]] = text
    return "\n\n".join([head.strip(), *texts.values()]) + "\n"
