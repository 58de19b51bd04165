"""
What a run did, as a table for a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from imapsync.display import cells, shown
from imapsync.mailbox.report import Report
from imapsync.mailbox.summary import DEEDS, Deed
from imapsync.model import Name, Side

#: What there was done to messages: two lines of the head, and how many by mailbox.
_Column = tuple[str, str, Mapping[Name, int]]

#: A name that is longer shifts what is behind it.
_WIDEST = 40

#: Deeds whose names are too wide.
_SHORT: Mapping[Deed, str] = {"moved to the trash": "trashed"}


def table(report: Report) -> Sequence[str]:
    """
    A row for each mailbox that changed, and one for all; nothing if none did.
    """
    columns = [*_columns(report)]
    counted = {name for *_, counts in columns for name in counts}
    names = sorted(counted.union(report.steps))
    if not names:
        return ()
    count = len(names)
    rows = [
        *zip(*(column[:2] for column in columns), strict=True),
        *(tuple(str(c.get(name, 0)) for *_, c in columns) for name in names),
        tuple(str(sum(counts.values())) for *_, counts in columns),
    ]
    last = [
        *(("", "mailbox") if columns else ()),
        *(_named(name, report) for name in names),
        f"{count} mailbox{'es' if count > 1 else ''}",
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join((*map(str.rjust, cells, widths), end)).rstrip()
        for cells, end in zip(rows, last, strict=True)
    ]


def plan(said: Sequence[tuple[str, str]]) -> Sequence[str]:
    """
    What a dry run says, each mailbox once in front of all that is about it.

    @param said: mailboxes, as they are shown, and what is said of each.
    """
    if not said:
        return ()
    rows, before = [("mailbox", "what would be done")], ""
    for name, text in said:
        rows.append(("" if name == before else name, text))
        before = name
    width = min(_WIDEST, max(cells(name) for name, _ in rows))
    return [f"{name}{' ' * (width - cells(name))}  {text}" for name, text in rows]


def _columns(report: Report) -> Iterator[_Column]:
    for deed in DEEDS:
        done = report.done(deed)
        for side in reversed(Side):
            counts = {name: n for (name, where), n in done.items() if where is side}
            if counts:
                way = "to" if deed == "copied" else "on"
                yield _SHORT.get(deed, deed), f"{way} {side}", counts
    if +report.paired:
        yield "paired by", "content", +report.paired


def _named(name: Name, report: Report) -> str:
    steps = ", ".join(report.steps.get(name, ()))
    return f"{shown(name)}  ({steps})" if steps else shown(name)
