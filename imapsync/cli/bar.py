"""
The progress of all accounts at the foot of a terminal: L{Bar}.  It is drawn with
C{rich}, which is imported with this module.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from operator import add

from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from imapsync.cli.screen import Screen, columns
from imapsync.cli.wording import Seen, doing, duration, flows, left, mailboxes, rates
from imapsync.mailbox.course import Flow
from imapsync.run.progress import Pace, Progress

#: So wide is a bar at the most, and at the least.
_WIDEST, _LEAST = 60, 10

#: So many accounts are shown by name at the most.
_ACCOUNTS = 10


class Bar:
    """
    Shows it: L{imapsync.cli.progress.Way}.
    """

    interval = 0.5

    def __init__(self) -> None:
        self._errors = sys.stderr
        self._screen = Screen(lambda: columns(self._errors))
        self._console = Console(
            file=self._errors, highlight=False, markup=False, emoji=False
        )

    def show(self, accounts: Sequence[Seen]) -> None:
        """
        So it is now.
        """
        if not accounts:
            self._screen.clear()
            return
        # The last column is left empty: some terminals begin a new line behind it.
        width = max(1, columns(self._errors) - 1)
        lines = [self._rendered(one, width) for one in pictured(accounts, width)]
        texts, widths = zip(*lines, strict=True)
        self._screen.draw(texts, widths)

    def end(self) -> None:
        """
        Show nothing more.
        """
        self._screen.close()

    def _rendered(self, picture: RenderableType, width: int) -> tuple[str, int]:
        console = self._console
        with console.capture() as capture:
            console.print(picture, width=width, no_wrap=True, crop=True, end="")
        first, *_ = capture.get().split("\n")
        return first.rstrip(), width


def pictured(accounts: Sequence[Seen], width: int) -> Iterator[RenderableType]:
    """
    The lines.
    """
    if len(accounts) == 1:
        [one] = accounts
        yield from _whole(one, width)
        return
    for one in accounts[:_ACCOUNTS]:
        yield _brief(one, width)
    if (more := len(accounts) - _ACCOUNTS) > 0:
        yield Text(f"and {more:,} more accounts", "dim")
    every = _sum(accounts)
    yield from _directions(every.progress, width)
    yield _barred(every, width)


def _sum(accounts: Sequence[Seen]) -> Seen:
    """
    All accounts as if they were one.
    """
    progress, pace = Progress(), Pace()
    for one in accounts:
        more = one.progress
        progress = progress._replace(
            over=progress.over + more.over,
            ahead=progress.ahead + more.ahead,
            local=Flow(*map(add, progress.local, more.local)),
            remote=Flow(*map(add, progress.remote, more.remote)),
            vague=progress.vague or more.vague,
            reading=more.reading,
        )
        messages, octets = pace.messages + one.pace.messages, one.pace.octets
        pace = Pace(messages, pace.octets + octets)
    times = [one.pace.left for one in accounts]
    known = [seconds for seconds in times if seconds is not None]
    if len(known) == len(times):
        pace = pace._replace(left=max(known))
    first = accounts[0]
    return first._replace(
        progress=progress, pace=pace, seconds=max(one.seconds for one in accounts)
    )


def _whole(one: Seen, width: int) -> Iterator[RenderableType]:
    what, mailbox = doing(one)
    count = mailboxes(one.progress)
    room = width - len(what) - 1
    if mailbox and room - len(count) - 2 < min(12, cell_len(mailbox)):
        count = ""
    room -= len(count) + 2 if count else 0
    head = Text(f"{what} ")
    head.append(_cut(mailbox, room), "bold")
    if count:
        head.append(" " * max(2, width - head.cell_len - len(count)))
        head.append(count, "dim")
    yield head
    yield from _directions(one.progress, width)
    yield _barred(one, width)


def _directions(progress: Progress, width: int) -> Iterator[RenderableType]:
    for told in flows(progress):
        parts = [f"{told.where:<9}", told.messages]
        if told.octets:
            parts.append(told.octets)
        yield Text("  ".join(_fitting(parts, width)))


def _brief(one: Seen, width: int) -> RenderableType:
    """
    One account of several.
    """
    what, mailbox = doing(one)
    share = one.progress.share
    tail = [f"{int(share * 100):3} %"] if share is not None else []
    tail += filter(None, [left(one.pace)])
    tail = _fitting(tail, width // 2)
    end = "  ".join(tail)
    text = Text(_cut(one.name, max(8, width // 3)), "bold")
    text.append(f" {what} {mailbox}".rstrip(), "not bold")
    text.truncate(max(1, width - len(end) - 2), overflow="ellipsis")
    text.append(" " * max(2, width - text.cell_len - len(end)))
    text.append(end, "not bold")
    return text


def _barred(one: Seen, width: int) -> RenderableType:
    """
    The line with the bar.
    """
    share = one.progress.share
    ahead = left(one.pace) or f"{duration(one.seconds)} so far"
    parts = [ahead, *rates(one.pace)[::-1]]
    if share is None:
        return Text("  ".join(_fitting(parts, width)))
    percent = f"{int(share * 100):3} %"
    parts = _fitting([percent, *parts], width - _LEAST - 2)
    texts = "  ".join(parts)
    grid = Table.grid(padding=(0, 2, 0, 0))
    size = min(_WIDEST, width - len(texts) - 2)
    bar = ProgressBar(total=1.0, completed=share, width=max(_LEAST, size))
    grid.add_row(bar, Text(texts))
    return grid


def _fitting(parts: Sequence[str], width: int) -> list[str]:
    """
    As many of the first as there is room for.
    """
    some = [*parts]
    while len(some) > 1 and len("  ".join(some)) > width:
        some.pop()
    return some


def _cut(text: str, width: int) -> str:
    """
    The end of a name says more than its beginning.
    """
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > max(0, width - 3):
        text = text[1:]
    return f"...{text}" if width > 3 else set_cell_size(text, max(0, width))
