"""
What was measured, for people.
"""

from __future__ import annotations

import csv
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.programs import IMAPSYNC, Result

#: Of each table of programs.
TIMES, SECONDS, CPU = "times imapsync's", "seconds", "CPU seconds"
PEAK, NET = "peak MiB", "net of start-up"
_HEAD = ("program", TIMES, SECONDS, CPU, PEAK, NET, "times, net")

#: So many seconds net are more than chance.
_CLEAR = 0.01


@dataclass(frozen=True)
class Sheet:
    """
    A table.

    @ivar notes: sentences about it.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """
        As Markdown.
        """
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        notes = "".join(f"\n{note}\n" for note in self.notes)
        return f"{self.title}:\n\n{text}\n{notes}"

    def restructured(self) -> str:
        """
        As one of the pages.
        """
        lines = [f".. csv-table:: {self.title}", "   :header-rows: 1", ""]
        lines += [
            "   " + ", ".join(f'"{cell}"' for cell in line)
            for line in (self.head, *self.rows)
        ]
        for note in self.notes:
            lines += ["", note]
        return "\n".join(lines)


def compared(
    title: str,
    results: Mapping[str, Sequence[Result]],
    starts: Mapping[str, Sequence[Result]],
    notes: Sequence[str],
) -> Sheet:
    """
    The medians of each program's results, a program a row.

    @param starts: what each takes to start.
    """

    def seconds(name: str) -> tuple[float, float]:
        total = statistics.median(each.seconds for each in results[name])
        start = [each.seconds for each in starts.get(name, [])]
        return total, max(0.001, total - (statistics.median(start or [0])))

    def rows() -> Iterator[Sequence[str]]:
        ours, ourNet = seconds(IMAPSYNC.name)
        for name, found in results.items():
            total, net = seconds(name)
            measured = name in starts
            yield (
                name,
                f"{total / ours:.2f}",
                f"{total:.3f}",
                f"{statistics.median(r.cpu for r in found):.2f}" if measured else "",
                f"{max(r.memory for r in found):.0f}" if measured else "",
                f"{net:.3f}",
                f"{net / ourNet:.2f}" if ourNet >= _CLEAR else "",
            )

    return Sheet(title, _HEAD, [*rows()], notes)


def updated(page: str, head: str, sheet: Sheet, order: Sequence[str]) -> str:
    """
    A page with this table in the place of the one with its title, if there is one.

    @param order: of the titles.
    """
    texts = {_title(part): part.strip() for part in _parts(page)}
    texts[sheet.title] = sheet.restructured()
    ranks = {title: rank for rank, title in enumerate(order)}
    titles = sorted(texts, key=lambda title: ranks.get(title, len(ranks)))
    return "\n\n".join([head.strip(), *(texts[title] for title in titles)]) + "\n"


def rows(page: str, title: str) -> dict[str, dict[str, str]]:
    """
    What a page's table with this title says: of each row, by its first cell, the
    cells by the table's head.
    """
    for part in _parts(page):
        if _title(part) == title:
            lines = [line.strip() for line in part.splitlines()]
            cells = csv.reader(
                [line for line in lines if line.startswith('"')], skipinitialspace=True
            )
            head = next(cells)
            return {row[0]: dict(zip(head, row, strict=True)) for row in cells}
    return {}


def span(cells: Sequence[str]) -> str:
    """
    The least and the greatest number in some cells.
    """
    numbers = sorted(re.findall(r"\d+(?:\.\d+)?", " ".join(cells)), key=float)
    return " to ".join(dict.fromkeys([*numbers[:1], *numbers[-1:]]))


def _parts(page: str) -> Sequence[str]:
    _, *parts = re.split(r"^(?=\.\. csv-table:: )", page, flags=re.MULTILINE)
    return parts


def _title(part: str) -> str:
    return part.splitlines()[0].removeprefix(".. csv-table:: ")
